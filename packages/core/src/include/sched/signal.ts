/** Fatal signals. @see include/linux/sched/signal.h (v5.15) */
import { current } from '../../sched/current.js';

/**
 * Has the task in progress been killed? Looks as part of the step in progress.
 *
 * @returns `true` only in scenarios in which somebody can kill this task.
 * @see `fatal_signal_pending()` (v5.15)
 */
export function fatalSignalPending(): boolean {
  return current.task?.signal?.load() === true;
}
