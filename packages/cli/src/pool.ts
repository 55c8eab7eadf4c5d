/** Runs jobs in worker threads, each in turn as a thread gets free, and survives what they do. */
import { fileURLToPath } from 'node:url';
import { type CheckReport, unsearched } from '@fsport/conformance';
import { Piscina } from 'piscina';
import type { Budgets } from './budgets.js';
import type { Job } from './jobs.js';
import { thrownBy } from './thrown.js';
import { PATIENCE_SECONDS, Watchdog } from './watchdog.js';
import type { WorkerResult, WorkerTask } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** How a job ended. */
export interface Ended {
  /** What is known about its check. */
  readonly report: CheckReport;
  /** Wall-clock time, `null` if it did not come to its end. */
  readonly seconds: number | null;
  /** Why its worker failed for a reason of its own, `null` if it did not. */
  readonly broken: Error | null;
}

/** Who is told how far the jobs are. */
export interface Listener {
  /** A job has ended. */
  ended(job: number, how: Ended): void;
  /** A job is running. */
  running(job: number, executions: number, seconds: number): void;
}

/** The report of a job that was not run to its end. */
export function unfinished({ plugin, profile, check }: Job, reason: string): CheckReport {
  return unsearched(plugin.fs, profile, check, plugin.expected, { verdict: 'unknown', reason });
}

/**
 * Run jobs.
 *
 * @param jobs - All jobs.
 * @param order - Indices of the jobs in the order in which they are started.
 * @param options - Number of threads, strategy and budgets.
 * @param listener - Told as it goes on.
 * @param stop - Ends the run: jobs that have not ended by then never do.
 */
export async function runJobs(
  jobs: readonly Job[],
  order: readonly number[],
  options: { readonly workers: number; readonly budgets: Budgets },
  listener: Listener,
  stop: AbortSignal,
): Promise<void> {
  const threads = Math.min(options.workers, jobs.length);
  const pool = new Piscina({ filename: WORKER, minThreads: threads, maxThreads: threads });
  const beats = new Int32Array(new SharedArrayBuffer(jobs.length * Int32Array.BYTES_PER_ELEMENT));
  const watchdog = new Watchdog(beats);
  const waiting = [...order];

  const runOne = async (index: number): Promise<void> => {
    const job = jobs[index] as Job;
    const stuck = new AbortController();
    watchdog.watch(
      index,
      () => stuck.abort(),
      (executions, seconds) => listener.running(index, executions, seconds),
    );
    const task = taskOf(job, options.budgets, beats, index);
    let ended: Ended;
    try {
      const signal = AbortSignal.any([stuck.signal, stop]);
      const { report, seconds } = (await pool.run(task, { signal })) as WorkerResult;
      ended = { report, seconds, broken: null };
    } catch (error) {
      if (stop.aborted) return;
      ended = stuck.signal.aborted ? neverYields(job, watchdog.executions(index)) : broken(job, error);
    } finally {
      watchdog.forget(index);
    }
    if (!stop.aborted) listener.ended(index, ended);
  };
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !stop.aborted; next = waiting.shift()) {
      await runOne(next);
    }
  };

  try {
    await Promise.all(Array.from({ length: threads }, lane));
  } finally {
    watchdog.stop();
    await pool.destroy();
  }
}

function taskOf(
  { plugin, profile, check }: Job,
  budgets: Budgets,
  beats: Int32Array,
  beat: number,
): WorkerTask {
  const { module, folder, expectedPath } = plugin;
  return { module, folder, expected: expectedPath, profile, check: check.id, budgets, beats, beat };
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
