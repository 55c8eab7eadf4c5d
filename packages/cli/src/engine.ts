/** What runs the jobs of a run: threads of this process, or workers on a queue. Results are the same. */
import type { CheckReport } from '@fsport/conformance';
import type { Job } from './jobs.js';

/** How a job ended. */
export interface Ended {
  /** What is known about its check. */
  readonly report: CheckReport;
  /** Text of its trace.json, `null` unless it failed by a schedule. */
  readonly trace: string | null;
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

/**
 * Runs jobs.
 *
 * @param jobs - All jobs.
 * @param order - Indices of those to run, the longest first.
 * @param listener - Told as it goes on.
 * @param stop - Ends the run: jobs that have not ended by then never do.
 */
export type Engine = (
  jobs: readonly Job[],
  order: readonly number[],
  listener: Listener,
  stop: AbortSignal,
) => Promise<void>;
