/** Counts preemptions: switches away from a task that could have gone on. */
import type { Execution, Scheduler } from '@fsport/core';

/** Wraps a scheduler and counts the preemptions in what it decides. */
export class PreemptionCounter implements Scheduler {
  /** Events right after which the preemptions so far happened. */
  readonly after = new Set<number>();
  readonly #inner: Scheduler;

  /** @param inner - Who decides. */
  constructor(inner: Scheduler) {
    this.#inner = inner;
  }

  /** Preemptions so far. */
  get count(): number {
    return this.after.size;
  }

  /** As the inner scheduler says. */
  newExecution(): boolean {
    this.after.clear();
    return this.#inner.newExecution();
  }

  /** As the inner scheduler says; counted. */
  nextTask(execution: Execution): number {
    const task = this.#inner.nextTask(execution);
    const { events } = execution;
    const running = events.count === 0 ? -1 : (events.task[events.count - 1] as number);
    if (task >= 0 && task !== running && couldGoOn(execution, running)) this.after.add(events.count - 1);
    return task;
  }

  /** As the inner scheduler says. */
  nextChoice(execution: Execution, count: number): number {
    return this.#inner.nextChoice(execution, count);
  }

  /** As the inner scheduler says. */
  retries(execution: Execution): boolean {
    return this.#inner.retries?.(execution) ?? true;
  }
}

/**
 * Can the task that ran last go on, and has it not just let others go first?
 *
 * @param execution - The execution, at a point where a task is to be picked.
 * @param running - Index of the task that ran last, `-1` if none did.
 */
export function couldGoOn(execution: Execution, running: number): boolean {
  if (running < 0 || execution.tasks[running]?.yielded === true) return false;
  return execution.runnable.includes(running);
}
