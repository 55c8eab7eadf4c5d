/**
 * Enumerates the executions with at most a given number of preemptions. The shrinker uses it to look for a
 * simpler failure of a kind that is known to exist; it is no way to prove that there is none.
 *
 * @see Musuvathi, Qadeer: Iterative context bounding for systematic testing (PLDI 2007)
 */
import type { Execution, Scheduler } from '@fsport/core';
import { couldGoOn } from './preemptions.js';
import { fairlyRunnable } from './strategies/dfs.js';

/** Depth first, the running task first. */
export class BoundedScheduler implements Scheduler {
  readonly #bound: number;
  readonly #branches: { readonly left: number[]; readonly spent: number; readonly free: number }[] = [];
  #at = 0;
  #spent = 0;
  #started = false;

  /** @param bound - Most preemptions in one execution. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** Go to the next leaf of the tree of decisions. */
  newExecution(): boolean {
    this.#at = 0;
    this.#spent = 0;
    if (!this.#started) {
      this.#started = true;
      return true;
    }
    while (this.#branches.length > 0) {
      const branch = this.#branches.at(-1) as { readonly left: number[] };
      branch.left.shift();
      if (branch.left.length > 0) return true;
      this.#branches.pop();
    }
    return false;
  }

  /** Follow the path to the leaf, then go on without preemptions. */
  nextTask(execution: Execution): number {
    let branch = this.#branches[this.#at];
    if (branch === undefined) {
      const { events } = execution;
      const running = events.count === 0 ? -1 : (events.task[events.count - 1] as number);
      const goesOn = couldGoOn(execution, running);
      const tasks = fairlyRunnable(execution);
      if (!goesOn) branch = { left: tasks, spent: this.#spent, free: -1 };
      else if (this.#spent >= this.#bound) branch = { left: [running], spent: this.#spent, free: running };
      else {
        const left = [running, ...tasks.filter((task) => task !== running)];
        branch = { left, spent: this.#spent, free: running };
      }
      this.#branches.push(branch);
    }
    this.#at++;
    const task = branch.left[0] as number;
    this.#spent = branch.spent + (branch.free >= 0 && task !== branch.free ? 1 : 0);
    return task;
  }

  /** Follow the path to the leaf, then the first alternative of each new decision. */
  nextChoice(_execution: Execution, count: number): number {
    let branch = this.#branches[this.#at];
    if (branch === undefined) {
      branch = { left: Array.from({ length: count }, (_, n) => n), spent: this.#spent, free: -1 };
      this.#branches.push(branch);
    }
    this.#at++;
    return branch.left[0] as number;
  }
}
