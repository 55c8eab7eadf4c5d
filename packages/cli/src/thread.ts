/** Runs steps of jobs in a worker thread, and survives what they do. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { type CheckReport, unsearched } from '@fsport/conformance';
import { INTERNAL } from '@fsport/report';
import { Piscina } from 'piscina';
import type { Budgets } from './budgets.js';
import type { Ended } from './engine.js';
import type { Job } from './jobs.js';
import { thrownBy } from './thrown.js';
import { neverYields, Watchdog } from './watchdog.js';
import type { Work, WorkEnd } from './work.js';
import type { WorkerTask } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** The report of a job that was not run to its end. */
export function unfinished({ plugin, profile, check }: Job, reason: string): CheckReport {
  return unsearched(plugin.fs, profile, check, plugin.expected, { verdict: 'unknown', reason });
}

/** Time between two checkpoints of a check. Most checks take less. */
const CHECKPOINT_MS = 10_000;

/** A worker thread; it is replaced when it dies or has to. */
export class Thread {
  readonly #budgets: Budgets;
  readonly #searchOf: (work: Work) => string;
  readonly #piscina = new Piscina({ filename: WORKER, minThreads: 1, maxThreads: 1 });
  readonly #beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #watchdog = new Watchdog(this.#beat);

  /**
   * @param budgets - Strategy and budgets of every job.
   * @param searchOf - Path of the file in which a step is kept.
   */
  constructor(budgets: Budgets, searchOf: (work: Work) => string) {
    this.#budgets = budgets;
    this.#searchOf = searchOf;
  }

  /**
   * Run a step. The one before must have ended.
   *
   * @param work - The step.
   * @param running - Called now and then with its executions and seconds so far.
   * @param stops - Each of them stops it.
   * @returns How it ended, `null` if it was stopped.
   */
  async run(
    work: Work,
    running: (executions: number, seconds: number) => void,
    stops: readonly AbortSignal[],
  ): Promise<WorkEnd | null> {
    const stopped = (): boolean => stops.some(({ aborted }) => aborted);
    Atomics.store(this.#beat, 0, 0);
    const stuck = new AbortController();
    this.#watchdog.watch(() => stuck.abort(), running);
    try {
      const signal = AbortSignal.any([stuck.signal, ...stops]);
      const ended = (await this.#piscina.run(this.#taskOf(work), { signal })) as WorkEnd;
      return stopped() ? null : ended;
    } catch (error) {
      if (stopped()) return null;
      if (!stuck.signal.aborted) return broken(work.job, error);
      return stuckIn(work.job, work.step.what.spent + this.#watchdog.executions);
    } finally {
      this.#watchdog.forget();
    }
  }

  /** It runs nothing any more. */
  async close(): Promise<void> {
    this.#watchdog.stop();
    await this.#piscina.destroy();
  }

  #taskOf(work: Work): WorkerTask {
    const { plugin, profile, check } = work.job;
    const checkpoint = { path: this.#searchOf(work), every: CHECKPOINT_MS };
    const { module, folder, expectedPath } = plugin;
    const where = { module, folder, expected: expectedPath, profile, check: check.id, step: work.step };
    return { ...where, checkpoint, budgets: this.#budgets, beat: this.#beat };
  }
}

/**
 * Start threads.
 *
 * @param count - How many.
 * @param budgets - Strategy and budgets of every job.
 * @param searchOf - Path of the file in which a step is kept.
 */
export function startThreads(
  count: number,
  budgets: Budgets,
  searchOf: (work: Work) => string,
): readonly Thread[] {
  tuneV8(count);
  return Array.from({ length: count }, () => new Thread(budgets, searchOf));
}

/**
 * Leave the processors to the searches, before threads are started: each thread compiles on its own, and helpers of the
 * garbage collector are of use only to a processor that has nothing else to do. See
 * docs/decisions/0012-what-threads-share.md.
 */
function tuneV8(threads: number): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=300');
  if (threads >= availableParallelism()) setFlagsFromString('--no-parallel-scavenge');
}

function stuckIn({ plugin, profile, check }: Job, executions: number): Ended {
  const failure = neverYields(`execution ${executions + 1}`, plugin.packageName);
  const ended = { verdict: 'fail', reason: null, failure, executions } as const;
  const report = unsearched(plugin.fs, profile, check, plugin.expected, ended);
  return { report, trace: null, seconds: null, broken: null };
}

/** A worker that died: of something that the filesystem left behind, or of ours. */
function broken(job: Job, error: unknown): Ended {
  const { plugin, profile, check } = job;
  const failure = thrownBy(error, plugin.folder);
  if (failure !== null) {
    const ended = { verdict: 'fail', reason: null, failure } as const;
    const report = unsearched(plugin.fs, profile, check, plugin.expected, ended);
    return { report, trace: null, seconds: null, broken: null };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const report = unfinished(job, `${INTERNAL}: ${cause.message}`);
  return { report, trace: null, seconds: null, broken: cause };
}
