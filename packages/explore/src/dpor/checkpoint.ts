/**
 * A reduced search as plain data, between two executions: what is left of it, or a part of what is left. Object ids
 * in it mean something only together with the identities that handed them out.
 */
import { ABANDON, type IdentitySnapshot, type Scheduler } from '@fsport/core';
import type { Run } from '../run-one.js';
import type { Frame, FrameState } from './frame.js';
import { History, type HistoryState } from './history.js';
import type { Label } from './label.js';
import { EVERY, type Plan } from './wakeup.js';

/** Everything that is needed to go on in another process. */
export interface DporCheckpoint {
  /** Identities of the search. */
  readonly identity: IdentitySnapshot;
  /** Are attempts without effect left out? */
  readonly cutRetries: boolean;
  /** Most preemptions in one execution, `null` without a bound. */
  readonly preemptions: number | null;
  /** States on the path before this one belong to somebody else. */
  readonly root: number;
  /** Has an execution along this path been run? */
  readonly started: boolean;
  /** Is anything left out for fairness? */
  readonly complete: boolean;
  /** Did the last execution end with an error? */
  readonly fatal: boolean;
  /** Events that take part in races. */
  readonly racy: readonly number[];
  /** The events on the path. */
  readonly history: HistoryState;
  /** The states on the path. */
  readonly frames: readonly FrameState[];
  /** Number of steps planned in each state of somebody else, at first. */
  readonly planned: readonly number[];
}

/** What somebody who has explored a part of a search has to tell whom it was taken from. */
export interface DporReport {
  /** Depth of the state that the part begins in. */
  readonly depth: number;
  /** Steps to be explored from states that are not part of it. */
  readonly plans: readonly { readonly depth: number; readonly step: Plan }[];
  /** Was all of the part seen, but for that? */
  readonly complete: boolean;
}

/** What a step does in a state, found out by running it there. */
export interface Probe {
  /** Its label. */
  readonly label: Label;
  /** Number of its alternatives. */
  readonly choices: number;
}

/**
 * Run a path and one more step.
 *
 * @param run - Runs one execution.
 * @param path - The states before the step.
 * @param step - The step.
 */
export function probe(run: (scheduler: Scheduler) => Run, path: readonly Frame[], step: Plan): Probe {
  let choices = 1;
  const depth = path.length;
  const { execution, ending } = run({
    prefix: [...path.map(({ chosen }) => chosen), step.task, ABANDON],
    newExecution: () => true,
    nextTask: () => ABANDON,
    nextChoice(running, count): number {
      const at = running.events.count - 1;
      if (at < depth) return (path[at] as Frame).choice;
      choices = count;
      return Math.max(step.choice, 0);
    },
  });
  const history = new History();
  history.reserve(execution.tasks.length, depth + 2);
  const fatal = ending.kind === 'threw';
  for (let event = 0; event <= depth; event++) history.append(execution, fatal && event === depth);
  return { label: history.label(depth, fatal), choices };
}

/**
 * A part that begins with a step.
 *
 * @param whole - The search that it is taken from, as plain data.
 * @param depth - Depth of the state that the step is taken in.
 * @param frame - That state, with the step chosen.
 */
export function partOf(whole: DporCheckpoint, depth: number, frame: FrameState): DporCheckpoint {
  const frames = [...whole.frames.slice(0, depth), frame];
  return {
    ...whole,
    root: depth + 1,
    started: false,
    complete: true,
    fatal: false,
    racy: whole.racy.filter((event) => event < depth),
    frames,
    planned: frames.map(({ planned }) => planned.length),
  };
}

/**
 * The part that is in progress below a state.
 *
 * @param whole - The search that it is taken from, as plain data.
 * @param depth - Depth of the state.
 */
export function restOf(whole: DporCheckpoint, depth: number): DporCheckpoint {
  const planned = whole.frames.slice(0, depth + 1).map((frame) => frame.planned.length);
  return { ...whole, root: depth + 1, complete: true, planned };
}

/** A step for each alternative of one for all of them. */
export function alternatives(step: Plan, choices: number): readonly Plan[] {
  if (step.choice !== EVERY || choices === 1) return [step];
  return Array.from({ length: choices }, (_, choice) => ({ ...step, choice, next: [] }));
}
