/**
 * Wakeup sequences: what to run from a state to reverse a race, and not just who begins it.
 *
 * They only ever say which way to go first. What has to be explored from a state is decided by source sets, so a
 * step that turns out to be impossible, or asleep, is left out, and with it what follows.
 *
 * @see Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction (POPL 2014)
 */

/** Every alternative of a step, known or not. */
export const EVERY = -1;

/** A planned step. */
export interface Wakeup {
  /** Index of the task. */
  readonly task: number;
  /** The alternative it picks, `-1` for all of them. */
  readonly choice: number;
  /** What to do after it; `null`: whatever comes. */
  readonly next: Wakeup | null;
}
