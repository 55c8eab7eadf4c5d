/** Uniform random walk: at each step every task that can run is equally likely. */
import type { Execution } from '@fsport/core';
import { fairlyRunnable } from './dfs.js';
import { Prng } from './prng.js';
import type { Strategy } from './strategy.js';

/** Samples executions step by step. */
export class RandomStrategy implements Strategy {
  /** A sample proves nothing. */
  readonly exhaustive = false;
  readonly #random: Prng;

  /** @param seed - Same seed, same executions. */
  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  /** There is always another one. */
  newExecution(): boolean {
    return true;
  }

  /** Any of the runnable tasks. */
  nextTask(execution: Execution): number {
    const tasks = fairlyRunnable(execution);
    return tasks[this.#random.below(tasks.length)] as number;
  }

  /** Any of the alternatives. */
  nextChoice(_execution: Execution, count: number): number {
    return this.#random.below(count);
  }

  /** Nothing to learn. */
  executed(): void {}
}
