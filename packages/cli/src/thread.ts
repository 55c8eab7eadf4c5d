/** Runs steps of jobs in worker threads, and survives what they do. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { type CheckReport, unsearched } from '@fsport/conformance';
import { INTERNAL } from '@fsport/report';
import { Piscina } from 'piscina';
import { Agenda } from './agenda.js';
import type { Budgets } from './budgets.js';
import type { Ended, Engine } from './engine.js';
import type { Job } from './jobs.js';
import type { KeptLegFiles } from './kept-search.js';
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

/** How many threads there are. */
export interface Threads {
  /** From the beginning. */
  readonly least: number;
  /** When there is that much to do. */
  readonly most: number;
}

/** Worker threads. */
export class Pool {
  /**
   * How many steps it may be given at once: for each thread one to go on with while it is kept and told what came of the
   * last one.
   */
  readonly room: number;
  readonly #budgets: Budgets;
  readonly #searchOf: (work: Work) => string;
  readonly #piscina: Piscina;
  readonly #beats: Int32Array;
  readonly #watchdog: Watchdog;
  /** Heartbeats that no job uses. */
  readonly #free: number[];

  /**
   * @param threads - How many.
   * @param budgets - Strategy and budgets of every job.
   * @param searchOf - Path of the file in which a step is kept.
   */
  constructor({ least, most }: Threads, budgets: Budgets, searchOf: (work: Work) => string) {
    this.#budgets = budgets;
    this.#searchOf = searchOf;
    tuneV8(most);
    this.#piscina = new Piscina({ filename: WORKER, minThreads: least, maxThreads: most });
    this.room = 2 * most;
    this.#beats = new Int32Array(new SharedArrayBuffer(this.room * Int32Array.BYTES_PER_ELEMENT));
    this.#watchdog = new Watchdog(this.#beats);
    this.#free = [...this.#beats.keys()];
  }

  /**
   * Run a step.
   *
   * @param work - The step.
   * @param running - Called now and then with its executions and seconds so far.
   * @param stop - Stops it.
   * @returns How it ended, `null` if it was stopped.
   */
  async run(
    work: Work,
    running: (executions: number, seconds: number) => void,
    stop: AbortSignal,
  ): Promise<WorkEnd | null> {
    const beat = this.#free.shift() as number;
    Atomics.store(this.#beats, beat, 0);
    const stuck = new AbortController();
    this.#watchdog.watch(beat, () => stuck.abort(), running);
    try {
      const signal = AbortSignal.any([stuck.signal, stop]);
      const ended = (await this.#piscina.run(this.#taskOf(work, beat), { signal })) as WorkEnd;
      return stop.aborted ? null : ended;
    } catch (error) {
      if (stop.aborted) return null;
      if (!stuck.signal.aborted) return broken(work.job, error);
      return stuckIn(work.job, work.step.what.spent + this.#watchdog.executions(beat));
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

  #taskOf(work: Work, beat: number): WorkerTask {
    const { plugin, profile, check } = work.job;
    const checkpoint = { path: this.#searchOf(work), every: CHECKPOINT_MS };
    const { module, folder, expectedPath } = plugin;
    const where = { module, folder, expected: expectedPath, profile, check: check.id, step: work.step };
    return { ...where, checkpoint, budgets: this.#budgets, beats: this.#beats, beat };
  }
}

/**
 * The engine that runs jobs in threads of this process.
 *
 * @param threads - How many, at most.
 * @param budgets - Strategy and budgets of every job.
 * @param kept - Where searches are kept.
 */
export function threadsEngine(threads: number, budgets: Budgets, kept: KeptLegFiles): Engine {
  return async (jobs, order, listener, stop) => {
    const agenda = new Agenda(jobs, order, budgets.maxExecutions, kept, listener);
    const least = Math.min(threads, order.length);
    const pool = new Pool({ least, most: threads }, budgets, (work) => kept.searchOf(work));
    const running = new Set<Promise<void>>();
    const run = async (work: Work): Promise<void> => {
      const tell = (executions: number, seconds: number): void => agenda.running(work, executions, seconds);
      const ended = await pool.run(work, tell, AbortSignal.any([stop, agenda.uselessness(work)]));
      if (ended !== null) agenda.ended(work, ended);
    };
    try {
      while (!stop.aborted) {
        for (
          let work = agenda.next();
          work !== null;
          work = running.size < pool.room ? agenda.next() : null
        ) {
          const started: Promise<void> = run(work).finally(() => running.delete(started));
          running.add(started);
        }
        if (running.size === 0) break;
        await Promise.race(running);
      }
      await Promise.all(running);
    } finally {
      await pool.close();
    }
  };
}

/**
 * Leave the processors to the searches: each thread compiles on its own, and helpers of the garbage collector are of use
 * only to a processor that has nothing else to do. See docs/decisions/0012-what-threads-share.md.
 */
function tuneV8(threads: number): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=300');
  if (threads >= availableParallelism()) setFlagsFromString('--no-parallel-scavenge');
}

function stuckIn({ plugin, profile, check }: Job, executions: number): Ended {
  const failure = neverYields(`execution ${executions + 1}`, plugin.packageName);
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
  const report = unfinished(job, `${INTERNAL}: ${cause.message}`);
  return { report, seconds: null, broken: cause };
}
