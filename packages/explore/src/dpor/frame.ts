/**
 * What the search remembers about one state on the current path: who could run, who has been run, who is
 * to be run, and who need not be because all of that has been seen (the sleep set).
 */
import type { Label } from './label.js';

/** The task could run in this state. */
export const ENABLED = 1;
/** It is, was or will be explored from this state. */
export const PLANNED = 2;
/** Everything that begins with it has been explored from this state. */
export const DONE = 4;
/** Everything that begins with it has been explored from an earlier state. */
export const ASLEEP = 8;
/** Others have waited for their turn too long: the kernel's scheduler, which is fair, would not run it. */
export const HELD_BACK = 16;
/** It has just let others go first, with `cond_resched()`. */
export const YIELDED = 32;

/** A task that need not be run, and what it would do. */
export interface Sleeper {
  /** Index of the task. */
  readonly task: number;
  /** What it does if it runs now. */
  readonly label: Label;
}

/** One state on the path. Frames are reused: {@link reset} before use. */
export class Frame {
  /** The task that runs from here. */
  chosen = -1;
  /** Number of alternatives of the choice that the chosen task makes, `0` if it makes none. */
  choiceCount = 0;
  /** The alternative in progress. */
  choice = 0;
  /** Per task: how often others let others go first while it could have run, and did not. */
  readonly waited: number[] = [];
  /** What the chosen task did with the alternatives before the one in progress. */
  chosenLabel: Label | null = null;
  /** Tasks that need not be run: inherited ones first, then those explored from here. */
  readonly sleepers: Sleeper[] = [];
  /** Number of tasks that exist. */
  tasks = 0;
  /** One byte of flags per task. */
  status = new Uint8Array(8);

  /** Forget everything and make room for this many tasks. */
  reset(tasks: number): void {
    this.chosen = -1;
    this.choiceCount = 0;
    this.choice = 0;
    if (this.waited.length > 0) this.waited.length = 0;
    this.chosenLabel = null;
    while (this.sleepers.length > 0) this.sleepers.pop(); // a few; cheaper than a new length
    this.tasks = tasks;
    if (this.status.length < tasks) this.status = new Uint8Array(tasks * 2);
    else for (let task = 0; task < tasks; task++) this.status[task] = 0;
  }

  /** Does a task have one of these flags? */
  has(task: number, flags: number): boolean {
    return ((this.status[task] as number) & flags) !== 0;
  }

  /** May it be chosen here? */
  canRun(task: number): boolean {
    return ((this.status[task] as number) & (ENABLED | HELD_BACK)) === ENABLED;
  }

  /** Set flags of a task. */
  set(task: number, flags: number): void {
    this.status[task] = (this.status[task] as number) | flags;
  }

  /** What a task that is explored or asleep does if it runs now. */
  labelOf(task: number): Label | null {
    for (const sleeper of this.sleepers) if (sleeper.task === task) return sleeper.label;
    return null;
  }

  /** The first task that is planned and neither explored nor asleep, `-1` if there is none. */
  next(): number {
    for (let task = 0; task < this.tasks; task++) {
      if (((this.status[task] as number) & (PLANNED | DONE | ASLEEP)) === PLANNED) return task;
    }
    return -1;
  }
}
