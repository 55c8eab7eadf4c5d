/**
 * A schedule: which task performs each step, and what each choice picks. Tasks are known by name, so that a
 * schedule means the same in an execution that has fewer tasks.
 */
import { ABANDON, type Execution, type Scheduler } from '@fsport/core';
import { couldGoOn } from './preemptions.js';
import { fairlyRunnable } from './strategies/dfs.js';

/** One step of a schedule. */
export interface ScheduleStep {
  /** Name of the task. */
  readonly task: string;
  /** The alternative picked, `-1` or `0` if there is nothing to pick. */
  readonly choice: number;
}

/**
 * The schedule of an execution.
 *
 * @param execution - A finished execution.
 */
export function scheduleOf(execution: Execution): readonly ScheduleStep[] {
  const { events, tasks } = execution;
  const steps: ScheduleStep[] = [];
  for (let event = 0; event < events.count; event++) {
    const task = tasks[events.task[event] as number]?.name as string;
    steps.push({ task, choice: events.choice[event] as number });
  }
  return steps;
}

/** Runs a schedule, and gives up at the first step that cannot be taken. */
export class ScheduleRunner implements Scheduler {
  /** Steps at which the scheduler was asked to pick an alternative. */
  readonly asked = new Set<number>();
  /** The first step that could not be taken, and why; `null` if all could. */
  obstacle: { readonly step: number; readonly why: string } | null = null;
  readonly #steps: readonly ScheduleStep[];
  readonly #then: Scheduler | null;

  /**
   * @param steps - The schedule.
   * @param then - Who decides after its last step; by default nobody.
   */
  constructor(steps: readonly ScheduleStep[], then: Scheduler | null = null) {
    this.#steps = steps;
    this.#then = then;
  }

  /** There is one. */
  newExecution(): boolean {
    return true;
  }

  /** The task that the schedule names. */
  nextTask(execution: Execution): number {
    const at = execution.events.count;
    const step = this.#steps[at];
    if (step === undefined) {
      if (this.#then !== null) return this.#then.nextTask(execution);
      return this.#giveUp(at, 'the schedule is over, the execution is not');
    }
    const { runnable, tasks } = execution;
    const picked = runnable.find((index) => tasks[index]?.name === step.task);
    if (picked !== undefined) return picked;
    return this.#giveUp(at, whyNot(execution, step.task));
  }

  /** The alternative that the schedule names. */
  nextChoice(execution: Execution, count: number): number {
    const at = execution.events.count - 1;
    this.asked.add(at);
    const step = this.#steps[at];
    if (step === undefined && this.#then !== null) return this.#then.nextChoice(execution, count);
    const choice = step?.choice ?? -1;
    if (choice >= 0 && choice < count) return choice;
    if (this.obstacle === null) {
      const named = choice < 0 ? 'the schedule names none' : `the schedule names ${choice}`;
      this.obstacle = { step: at, why: `there are ${count} alternatives, ${named}` };
    }
    return 0;
  }

  /** A task that the schedule does not name again has been stopped there. */
  retries(execution: Execution): boolean {
    const at = execution.events.count;
    const name = execution.task?.name;
    const open = this.#then !== null && at >= this.#steps.length;
    return open || this.#steps.some((step, i) => i >= at && step.task === name);
  }

  #giveUp(step: number, why: string): number {
    if (this.obstacle === null) this.obstacle = { step, why };
    return ABANDON;
  }
}

function whyNot(execution: Execution, name: string): string {
  const task = execution.tasks.find((other) => other.name === name);
  if (task === undefined) return `there is no task ${name}`;
  if (task.pending === null) return `task ${name} has ended`;
  return `task ${name} is blocked`;
}

/** Runs each task as long as it goes, then the first one that can run. */
export const WITHOUT_PREEMPTIONS: Scheduler = {
  newExecution: () => true,
  nextTask(execution: Execution): number {
    const { events } = execution;
    const running = events.count === 0 ? -1 : (events.task[events.count - 1] as number);
    return couldGoOn(execution, running) ? running : (fairlyRunnable(execution)[0] as number);
  },
  nextChoice: () => 0,
};
