/**
 * Runs every schedule of another strategy twice and compares what happened. A difference means that the model
 * depends on something besides its schedule: a clock, a random number, state that survives an execution.
 */
import { ABANDON, ACCESS_NAMES, type Ending, type Execution, LOCAL, type Step, stepName } from '@fsport/core';
import type { Strategy } from './strategy.js';

/** Where two runs of one schedule differ. */
export interface Difference {
  /** Index of the first event that differs. */
  readonly event: number;
  /** What the first run did there. */
  readonly first: string;
  /** What the second run did there. */
  readonly second: string;
}

/** Runs every schedule twice. */
export class DeterminismStrategy implements Strategy {
  /** The first difference found, `null` if there is none so far. */
  difference: Difference | null = null;
  readonly #inner: Strategy;
  #repeating = false;
  #first: readonly string[] = [];
  readonly #tasks: number[] = [];
  readonly #choices: number[] = [];

  /** @param inner - Decides which schedules are run. */
  constructor(inner: Strategy) {
    this.#inner = inner;
  }

  /** As the inner strategy says, and nothing was found so far. */
  get exhaustive(): boolean {
    return this.#inner.exhaustive && this.difference === null;
  }

  /** The same schedule again, or the inner strategy's next one. */
  newExecution(): boolean {
    if (this.#repeating) return true;
    this.#tasks.length = 0;
    this.#choices.length = 0;
    return this.difference === null && this.#inner.newExecution();
  }

  /** As the inner strategy says; the second time as the first time. */
  nextTask(execution: Execution): number {
    const at = execution.events.count;
    if (!this.#repeating) {
      const task = this.#inner.nextTask(execution);
      this.#tasks.push(task);
      return task;
    }
    const task = this.#tasks[at] ?? ABANDON;
    if (task === ABANDON || execution.runnable.includes(task)) return task;
    this.#differ(at, execution, `task ${execution.tasks[task]?.name ?? task} cannot run`);
    return ABANDON;
  }

  /** As the inner strategy says; the second time as the first time. */
  nextChoice(execution: Execution, count: number): number {
    const at = execution.events.count - 1;
    if (!this.#repeating) {
      const choice = this.#inner.nextChoice(execution, count);
      this.#choices[at] = choice;
      return choice;
    }
    return Math.min(this.#choices[at] ?? 0, count - 1);
  }

  /** As the inner strategy says. */
  retries(execution: Execution): boolean {
    return this.#inner.retries?.(execution) ?? true;
  }

  /** Remember the first run, compare the second. */
  executed(execution: Execution, ending: Ending): void {
    const events = describeEvents(execution, ending);
    this.#repeating = !this.#repeating;
    if (this.#repeating) {
      this.#inner.executed(execution, ending);
      this.#first = events;
      return;
    }
    const length = Math.max(events.length, this.#first.length);
    for (let event = 0; event < length && this.difference === null; event++) {
      const first = this.#first[event] ?? 'nothing';
      const second = events[event] ?? 'nothing';
      if (first !== second) this.difference = { event, first, second };
    }
  }

  #differ(event: number, execution: Execution, second: string): void {
    const done = describeEvents(execution, { kind: 'abandoned' });
    for (let earlier = 0; earlier < event; earlier++) if (done[earlier] !== this.#first[earlier]) return;
    this.difference = { event, first: this.#first[event] ?? 'nothing', second };
  }
}

/** Every event in words, and how it ended. */
function describeEvents(execution: Execution, ending: Ending): readonly string[] {
  const { events, tasks } = execution;
  const lines: string[] = [];
  for (let event = 0; event < events.count; event++) {
    const step = events.step[event] as Step<unknown>;
    const local = step.object === null || step.access === LOCAL;
    const access = local ? LOCAL : (events.access[events.first[event] as number] as number);
    const choice = events.choice[event] as number;
    const picked = choice < 0 ? '' : ` = ${choice}`;
    const others: string[] = [];
    for (
      let at = (events.first[event] as number) + (local ? 0 : 1);
      at < (events.first[event + 1] as number);
      at++
    ) {
      others.push(`${events.object[at]} ${ACCESS_NAMES[events.access[at] as number]}`);
    }
    const joined = others.length === 0 ? '' : ` with objects ${others.join(', ')}`;
    const name = tasks[events.task[event] as number]?.name;
    lines.push(`${name}: ${stepName(step)} ${ACCESS_NAMES[access]}${picked}${joined}`);
  }
  lines.push(`ended: ${ending.kind}`);
  return lines;
}
