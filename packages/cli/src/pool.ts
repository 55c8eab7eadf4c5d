/** Runs jobs in worker threads, each in turn as a thread gets free, and survives what they do. */
import { fileURLToPath } from 'node:url';
import { type CheckReport, unsearched } from '@fsport/conformance';
import { Piscina } from 'piscina';
import type { Budgets } from './budgets.js';
import type { Ended, Engine } from './engine.js';
import type { Job } from './jobs.js';
import { thrownBy } from './thrown.js';
import { PATIENCE_SECONDS, Watchdog } from './watchdog.js';
import type { WorkerResult, WorkerTask } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** The report of a job that was not run to its end. */
export function unfinished({ plugin, profile, check }: Job, reason: string): CheckReport {
  return unsearched(plugin.fs, profile, check, plugin.expected, { verdict: 'unknown', reason });
}

/** Time between two checkpoints of a check. Most checks take less. */
const CHECKPOINT_MS = 10_000;

/** Worker threads. No more jobs may run at once than there are threads. */
export class Pool {
  readonly #budgets: Budgets;
  readonly #checkpointOf: (job: Job) => string;
  readonly #piscina: Piscina;
  readonly #beats: Int32Array;
  readonly #watchdog: Watchdog;
  /** Heartbeats that no job uses. */
  readonly #free: number[];

  /**
   * @param threads - How many.
   * @param budgets - Strategy and budgets of every job.
   * @param checkpointOf - Path of the file in which the search of a job is kept.
   */
  constructor(threads: number, budgets: Budgets, checkpointOf: (job: Job) => string) {
    this.#budgets = budgets;
    this.#checkpointOf = checkpointOf;
    this.#piscina = new Piscina({ filename: WORKER, minThreads: threads, maxThreads: threads });
    this.#beats = new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT));
    this.#watchdog = new Watchdog(this.#beats);
    this.#free = [...this.#beats.keys()];
  }

  /**
   * Run a job.
   *
   * @param job - The job.
   * @param running - Called now and then with its executions and seconds so far.
   * @param stop - Stops it.
   * @returns How it ended, `null` if it was stopped.
   */
  async run(
    job: Job,
    running: (executions: number, seconds: number) => void,
    stop: AbortSignal,
  ): Promise<Ended | null> {
    const beat = this.#free.shift() as number;
    Atomics.store(this.#beats, beat, 0);
    const stuck = new AbortController();
    this.#watchdog.watch(beat, () => stuck.abort(), running);
    try {
      const signal = AbortSignal.any([stuck.signal, stop]);
      const task = this.#taskOf(job, beat);
      const { report, seconds } = (await this.#piscina.run(task, { signal })) as WorkerResult;
      return stop.aborted ? null : { report, seconds, broken: null };
    } catch (error) {
      if (stop.aborted) return null;
      return stuck.signal.aborted ? neverYields(job, this.#watchdog.executions(beat)) : broken(job, error);
    } finally {
      this.#watchdog.forget(beat);
      this.#free.push(beat);
    }
  }

  /** No job runs any more. */
  async close(): Promise<void> {
    this.#watchdog.stop();
    await this.#piscina.destroy();
  }

  #taskOf(job: Job, beat: number): WorkerTask {
    const { plugin, profile, check } = job;
    const checkpoint = { path: this.#checkpointOf(job), every: CHECKPOINT_MS };
    const { module, folder, expectedPath } = plugin;
    const where = { module, folder, expected: expectedPath, profile, check: check.id };
    return { ...where, checkpoint, budgets: this.#budgets, beats: this.#beats, beat };
  }
}

/**
 * The engine that runs jobs in threads of this process.
 *
 * @param threads - How many, at most.
 * @param budgets - Strategy and budgets of every job.
 * @param checkpointOf - Path of the file in which the search of a job is kept.
 */
export function threadsEngine(threads: number, budgets: Budgets, checkpointOf: (job: Job) => string): Engine {
  return async (jobs, order, listener, stop) => {
    const lanes = Math.min(threads, order.length);
    const pool = new Pool(lanes, budgets, checkpointOf);
    const waiting = [...order];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined && !stop.aborted; next = waiting.shift()) {
        const index = next;
        const tell = (executions: number, seconds: number): void =>
          listener.running(index, executions, seconds);
        const ended = await pool.run(jobs[index] as Job, tell, stop);
        if (ended !== null) listener.ended(index, ended);
      }
    };
    try {
      await Promise.all(Array.from({ length: lanes }, lane));
    } finally {
      await pool.close();
    }
  };
}

function neverYields({ plugin, profile, check }: Job, executions: number): Ended {
  const failure = {
    property: 'never-yields',
    message: `execution ${executions + 1} ran for ${PATIENCE_SECONDS} s without coming to an end`,
    because: [
      'a task computes for ever without a scheduling point: look for a loop without "yield*" in ' +
        plugin.packageName,
    ],
  };
  const ended = { verdict: 'fail', reason: null, failure, executions } as const;
  const report = unsearched(plugin.fs, profile, check, plugin.expected, ended);
  return { report, seconds: null, broken: null };
}

/** A worker that died: of something that the filesystem left behind, or of ours. */
function broken(job: Job, error: unknown): Ended {
  const { plugin, profile, check } = job;
  const failure = thrownBy(error, plugin.folder);
  if (failure !== null) {
    const ended = { verdict: 'fail', reason: null, failure } as const;
    const report = unsearched(plugin.fs, profile, check, plugin.expected, ended);
    return { report, seconds: null, broken: null };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const report = unfinished(job, `internal error: ${cause.message}`);
  return { report, seconds: null, broken: cause };
}
