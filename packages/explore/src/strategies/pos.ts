/**
 * Partial-order sampling: every pending step has a random priority and the highest one runs; when a step has
 * run, the pending steps that race with it draw again. Traces come out far more evenly than from a random walk,
 * which prefers those with many interleavings.
 *
 * @see Yuan, Yang, Gu: Partial order aware concurrency sampling (CAV 2018)
 */
import { type Access, dependent, type Execution, type Step } from '@fsport/core';
import { fairlyRunnable } from './dfs.js';
import { Prng } from './prng.js';
import type { Strategy } from './strategy.js';

/** Samples executions by priorities. */
export class PosStrategy implements Strategy {
  /** A sample proves nothing. */
  readonly exhaustive = false;
  readonly #random: Prng;
  /** Per task: the priority of its pending step, `-1` if it has none yet. */
  readonly #priority: number[] = [];

  /** @param seed - Same seed, same executions. */
  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  /** There is always another one. */
  newExecution(): boolean {
    this.#priority.length = 0;
    return true;
  }

  /** The runnable task whose pending step has the highest priority. */
  nextTask(execution: Execution): number {
    const { events, tasks } = execution;
    while (this.#priority.length < tasks.length) this.#priority.push(-1);
    if (events.count > 0) this.#redraw(execution, events.count - 1);
    let best = -1;
    for (const task of fairlyRunnable(execution)) {
      if ((this.#priority[task] as number) < 0) this.#priority[task] = this.#random.next();
      if (best < 0 || (this.#priority[task] as number) > (this.#priority[best] as number)) best = task;
    }
    return best;
  }

  /** Any of the alternatives. */
  nextChoice(_execution: Execution, count: number): number {
    return this.#random.below(count);
  }

  /** Nothing to learn. */
  executed(): void {}

  /** The task that ran has a new pending step; those that raced with the old one draw again. */
  #redraw(execution: Execution, event: number): void {
    const { events, tasks } = execution;
    this.#priority[events.task[event] as number] = -1;
    for (const task of tasks) {
      const step = task.pending;
      if (step !== null && step.object !== null && races(execution, event, step))
        this.#priority[task.index] = -1;
    }
  }
}

function races(execution: Execution, event: number, step: Step<unknown>): boolean {
  const { events } = execution;
  const object = step.object?.id;
  const end = events.first[event + 1] as number;
  for (let at = events.first[event] as number; at < end; at++) {
    if (events.object[at] === object && dependent(events.access[at] as Access, step.access)) return true;
  }
  return false;
}
