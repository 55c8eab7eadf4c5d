/**
 * Wakeup trees: what to run from a state to reverse races, and not just who begins it.
 *
 * They only ever say which way to go first. What has to be explored from a state is decided by source sets, so a
 * step that turns out to be impossible, or asleep, is left out, and with it what follows. But as long as a path keeps
 * to them, everything that was found to be missing beside a sleeping step lies on one of their branches: see
 * {@link Frame.loose}.
 *
 * @see Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction (POPL 2014)
 */
import type { TaskStruct } from '@fsport/core';
import { includes, type Label } from './label.js';

/** Every alternative of a step, known or not. */
export const EVERY = -1;

/** A step to be taken after others. */
export interface Wakeup {
  /** Key of the task, which may be spawned by a step before it. */
  readonly key: number;
  /** The alternative it picks. */
  readonly choice: number;
  /** What to do after it, one after the other; empty: whatever comes. */
  readonly next: Wakeup[];
}

/**
 * Somebody else who may turn out to begin a reversal. A step counts as the strongest thing it could do as long as it is
 * only planned; once it has been explored its outcome is known, and may commute with what the strongest does not.
 */
export interface Rival {
  /** Index of the task. */
  readonly task: number;
  /** The alternative that it picks in the reversal. */
  readonly choice: number;
  /** What the rest of the reversal does. If its step commutes with all of that, the task can begin it. */
  readonly rest: Label;
}

/** A step to be explored from a state. */
export interface Plan {
  /** Index of the task. */
  readonly task: number;
  /** The alternative it picks, `-1` for all of them. */
  readonly choice: number;
  /** What to do after it, one after the other; empty: whatever comes. */
  readonly next: Wakeup[];
  /** Who makes it unnecessary by sleeping when its turn comes; `null`: nobody. */
  readonly rival: Rival | null;
}

/**
 * Is a step explored at least whenever one with another rival would be? Then it does for both.
 *
 * @param plan - The step.
 * @param rival - Who makes the other one unnecessary; `null`: nobody.
 */
export function isKept(plan: Plan, rival: Rival | null): boolean {
  if (plan.rival === null) return true;
  if (rival === null || plan.rival.task !== rival.task || plan.rival.choice !== rival.choice) return false;
  return includes(plan.rival.rest, rival.rest);
}

/** The index of the task with a key, `-1` if there is none. */
export function indexOf(tasks: readonly TaskStruct[], key: number): number {
  for (let index = 0; index < tasks.length; index++) if (tasks[index]?.key === key) return index;
  return -1;
}
