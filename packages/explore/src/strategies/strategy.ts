/** A scheduler that the search driver tells how each execution went. */
import type { Ending, Execution, Scheduler } from '@fsport/core';

/** A way to search: decides which executions are run, one after the other. */
export interface Strategy extends Scheduler {
  /** Does running out of executions mean that every trace was seen? */
  readonly exhaustive: boolean;
  /** Was something left out because of a bound? Then running out means that everything within it was seen. */
  readonly bounded?: boolean;
  /** Estimate of the share of its space that has been seen, from 0 to 1; absent if there is no such space. */
  readonly share?: number | undefined;
  /**
   * An execution has ended. Called before anybody judges or probes it.
   *
   * @param execution - The execution.
   * @param ending - How it ended.
   */
  executed(execution: Execution, ending: Ending): void;
}
