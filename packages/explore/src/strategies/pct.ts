/**
 * Probabilistic concurrency testing: every task has a random priority and the highest one runs; at a few random
 * steps the running task falls below all others. Finds a bug that needs `d` ordered steps with a probability
 * that has a known lower bound, `1 / (n * k ** (d - 1))` for `n` tasks and `k` steps.
 *
 * @see Burckhardt, Kothari, Musuvathi, Nagarakatte: A randomized scheduler with probabilistic guarantees of
 *   finding bugs (ASPLOS 2010)
 */
import type { Execution } from '@fsport/core';
import { fairlyRunnable } from './dfs.js';
import { Prng } from './prng.js';
import type { Strategy } from './strategy.js';

/** Samples executions by task priorities. */
export class PctStrategy implements Strategy {
  /** A sample proves nothing. */
  readonly exhaustive = false;
  readonly #random: Prng;
  readonly #depth: number;
  /** Per task: its priority, above the depth at first. */
  readonly #priority: number[] = [];
  /** Steps at which the running task falls, one for each priority below the depth. */
  readonly #changes: number[] = [];
  /** Number of steps of the longest execution so far. */
  #steps = 1;

  /**
   * @param seed - Same seed, same executions.
   * @param depth - Number of ordered steps that a bug may need, at least 1.
   */
  constructor(seed: number, depth: number) {
    this.#random = new Prng(seed);
    this.#depth = depth;
  }

  /** There is always another one. */
  newExecution(): boolean {
    this.#priority.length = 0;
    this.#changes.length = 0;
    for (let i = 1; i < this.#depth; i++) this.#changes.push(this.#random.below(this.#steps));
    return true;
  }

  /** The runnable task with the highest priority, after the changes that are due. */
  nextTask(execution: Execution): number {
    const { events, tasks } = execution;
    while (this.#priority.length < tasks.length) this.#priority.push(this.#depth + this.#random.next());
    let best = this.#highest(execution);
    for (let change = 0; change < this.#changes.length; change++) {
      if (this.#changes[change] !== events.count) continue;
      this.#priority[best] = change;
      best = this.#highest(execution);
    }
    return best;
  }

  /** Any of the alternatives. */
  nextChoice(_execution: Execution, count: number): number {
    return this.#random.below(count);
  }

  /** How long executions are. */
  executed(execution: Execution): void {
    this.#steps = Math.max(this.#steps, execution.events.count);
  }

  #highest(execution: Execution): number {
    const priority = this.#priority;
    return fairlyRunnable(execution).reduce((best, task) =>
      (priority[task] as number) > (priority[best] as number) ? task : best,
    );
  }
}
