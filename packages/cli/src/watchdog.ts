/**
 * Watches the heartbeat of a job from outside its thread: a model that runs without ever reaching a scheduling
 * point cannot be stopped from inside.
 *
 * Ticks are counted, not a clock, so that a machine that was suspended finds nothing.
 */

const TICK_MS = 1_000;
/** Ticks without a heartbeat after which a job is given up. One execution takes a fraction of one. */
const PATIENCE = 10;

interface Watched {
  readonly late: () => void;
  readonly alive: (executions: number, seconds: number) => void;
  last: number;
  silent: number;
  ticks: number;
}

/** Watches the job that a thread runs. */
export class Watchdog {
  readonly #beat: Int32Array;
  #watched: Watched | null = null;
  readonly #timer: NodeJS.Timeout;

  /** @param beat - Heartbeat of the job: 0 before it begins, then executions and one more. */
  constructor(beat: Int32Array) {
    this.#beat = beat;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /**
   * Watch a job.
   *
   * @param late - Called once if there is no heartbeat for too long.
   * @param alive - Called at every tick with its executions and seconds so far.
   */
  watch(late: () => void, alive: (executions: number, seconds: number) => void): void {
    this.#watched = { late, alive, last: 0, silent: 0, ticks: 0 };
  }

  /** The job has ended. */
  forget(): void {
    this.#watched = null;
  }

  /** Executions of the job so far. */
  get executions(): number {
    return Math.max(0, Atomics.load(this.#beat, 0) - 1);
  }

  /** No job runs any more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const watched = this.#watched;
    const beat = Atomics.load(this.#beat, 0);
    if (watched === null || beat === 0) return; // its thread is still loading
    watched.ticks++;
    watched.silent = beat === watched.last ? watched.silent + 1 : 0;
    watched.last = beat;
    if (watched.silent === PATIENCE) watched.late();
    else watched.alive(beat - 1, (watched.ticks * TICK_MS) / 1000);
  }
}

/** Seconds of silence after which a job is given up. */
export const PATIENCE_SECONDS = (PATIENCE * TICK_MS) / 1000;

/**
 * The failure of something that did not come to an end.
 *
 * @param what - What that is.
 * @param packageName - The package of the filesystem.
 */
export function neverYields(
  what: string,
  packageName: string,
): { readonly property: string; readonly message: string; readonly because: readonly string[] } {
  return {
    property: 'never-yields',
    message: `${what} ran for ${PATIENCE_SECONDS} s without coming to an end`,
    because: [
      `a task computes for ever without a scheduling point: look for a loop without "yield*" in ${packageName}`,
    ],
  };
}
