/**
 * The running execution, as kernel code sees it: the analogue of `current`.
 *
 * Everything that lives in an execution (objects, steps, locks) is created while that execution is
 * running or being set up, so it finds it here instead of dragging a reference through every structure.
 * One JavaScript thread runs one execution at a time.
 */
import type { Execution } from './execution.js';

/** The execution that is being set up, run or probed. Reading it outside of one is a bug of the caller. */
// eslint-disable-next-line @fsport/no-hidden-nondeterminism -- set by each execution
export let current: Execution = undefined as unknown as Execution;

/**
 * Make an execution the running one.
 *
 * @param execution - The execution that starts or goes on.
 */
export function enter(execution: Execution): void {
  current = execution;
}
