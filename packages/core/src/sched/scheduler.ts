/**
 * The three questions the engine asks while it runs an execution. Every strategy answers just these;
 * what it needs to know beyond them it reads from the {@link Execution}.
 */
import type { Execution } from './execution.js';

/** Returned by {@link Scheduler.nextTask} to give an execution up because it would repeat known ones. */
export const ABANDON = -1;

/** A strategy: decides which executions are run. */
export interface Scheduler {
  /**
   * Tasks of the first steps, if they are known in advance: they are performed without asking, which saves
   * finding out who else could run. {@link ABANDON} marks their end.
   */
  readonly prefix?: readonly number[];

  /**
   * Called before each execution.
   *
   * @returns `false` when there is nothing left to explore.
   */
  newExecution(): boolean;

  /**
   * Pick the task that performs its pending step now.
   *
   * @param execution - State so far; `execution.runnable` lists the tasks to pick from, never empty.
   * @returns The index of a runnable task, or {@link ABANDON}.
   */
  nextTask(execution: Execution): number;

  /**
   * Pick one of several alternatives for the task in progress.
   *
   * @param execution - State so far.
   * @param count - Number of alternatives.
   * @returns A number from `0` to `count - 1`.
   */
  nextChoice(execution: Execution, count: number): number;

  /**
   * May the task in progress, whose attempt has come to nothing, make another one? Without this it always may.
   *
   * @param execution - State so far.
   * @returns `false` to stop the task for good.
   */
  retries?(execution: Execution): boolean;
}
