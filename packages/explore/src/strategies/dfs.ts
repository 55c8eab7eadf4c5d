/**
 * Plain enumeration: every interleaving, depth first, without any reduction. It is the yardstick that the
 * reduced search is measured against, and useful for tiny programs only.
 *
 * A task that called `cond_resched()` is not run again before another one, if another one can run: the
 * enumeration of a polling loop would not end otherwise. Whenever that mattered,
 * {@link DfsStrategy.exhaustive} says so.
 */
import type { Execution } from '@fsport/core';
import type { Strategy } from './strategy.js';

/** A decision, and what is left of it. */
interface Branch {
  /** Tasks, or the numbers of alternatives, still to be explored here; the first is the one in progress. */
  readonly left: number[];
  /** How many there were. */
  readonly width: number;
}

/** Enumerates every interleaving. */
export class DfsStrategy implements Strategy {
  readonly #branches: Branch[] = [];
  #complete = true;
  #at = 0;
  #started = false;

  /** Having run out means that every interleaving was seen, unless a task had to let others go first. */
  get exhaustive(): boolean {
    return this.#complete;
  }

  /** The share of leaves up to the last one, in a tree in which all children of a node have equally many. */
  get share(): number {
    let share = 0;
    let rest = 1;
    for (const { left, width } of this.#branches) {
      share += (rest * (width - left.length)) / width;
      rest /= width;
    }
    return share + rest;
  }

  /** Go to the next leaf of the tree of decisions. */
  newExecution(): boolean {
    this.#at = 0;
    if (!this.#started) {
      this.#started = true;
      return true;
    }
    while (this.#branches.length > 0) {
      const { left } = this.#branches.at(-1) as Branch;
      left.shift();
      if (left.length > 0) return true;
      this.#branches.pop();
    }
    return false;
  }

  /** Follow the path to the leaf, then the first task of each new decision. */
  nextTask(execution: Execution): number {
    const known = this.#branches[this.#at];
    if (known === undefined) {
      const left = fairlyRunnable(execution);
      if (left.length < execution.runnable.length) this.#complete = false;
      this.#branches.push({ left, width: left.length });
    }
    return (this.#branches[this.#at++] as Branch).left[0] as number;
  }

  /** Follow the path to the leaf, then the first alternative of each new decision. */
  nextChoice(_execution: Execution, count: number): number {
    const known = this.#branches[this.#at];
    if (known === undefined) {
      this.#branches.push({ left: Array.from({ length: count }, (_, n) => n), width: count });
    }
    return (this.#branches[this.#at++] as Branch).left[0] as number;
  }

  /** Nothing to learn. */
  executed(): void {}
}

/**
 * The tasks that can run, without those that let others go first if there are others.
 *
 * @param execution - The execution.
 * @returns Indices of tasks, never empty; a fresh array.
 */
export function fairlyRunnable(execution: Execution): number[] {
  const { runnable, tasks } = execution;
  const fair = runnable.filter((index) => tasks[index]?.yielded !== true);
  return fair.length > 0 ? fair : [...runnable];
}
