/**
 * Faults in a model, applied from outside: a step of the unmodified program is left out, weakened, or moved. A mutant
 * names the check that must catch it, and the property that must fail; one that no check catches is a hole in the
 * suite.
 *
 * A fault says which steps it is about by what people read in a trace, `down_read(mapping.invalidate_lock)`, and by
 * the function they are performed in: the same step of another function stays as it is.
 */
import {
  current,
  downRead,
  type FileSystemType,
  type Lock,
  lockAcquired,
  lockReleased,
  type Rwsem,
  type SharedObject,
  type Step,
  type Task,
  upRead,
} from '@fsport/core';
import type { SearchOptions } from '@fsport/explore';
import { CHECKS, selectChecks } from './checks/registry.js';
import type { Expected } from './expected.js';
import { callers, inACheck, labelOf } from './place.js';
import { runCheck } from './run.js';
import type { Check, CheckReport } from './types.js';

/** What runs in place of a step. `step` is the step itself, to be driven once or not at all. */
export type Instead = (step: Task<unknown>, object: SharedObject) => Task<unknown>;

/** A fault. */
export interface StepFault {
  /**
   * Only inside this function of the model, however deep. It is a `function*`: one that only returns a task has returned
   * when the task runs.
   */
  readonly within: string;
  /**
   * What runs in place of which steps. A step is named by the operation and the label of what it is done to, as in
   * `up_read(mapping.invalidate_lock)`.
   */
  readonly steps: Readonly<Record<string, Instead>>;
}

/** A model with a fault, and the check that must catch it. */
export interface Mutant {
  /** What is wrong with it, as a fragment of a sentence. */
  readonly name: string;
  /** One of the profiles of its filesystem. */
  readonly profile: string;
  /** Makes the fault: anew for each execution, so that it may remember something. */
  readonly fault: () => StepFault;
  /** Id of the check. */
  readonly caughtBy: string;
  /** The property that must fail. */
  readonly property: string;
  /** Where the fault is described. */
  readonly see: string;
}

/** What a check says about a mutant. */
export interface MutantReport extends CheckReport {
  /** Was the fault met with in some execution? If not, it names a step or a function that is not there. */
  readonly applied: boolean;
}

/** Nothing is done; the code that asked for the step gets a result nevertheless. */
export function answered(result: unknown): Task<unknown> {
  return { [Symbol.iterator]: () => ({ next: () => ({ done: true, value: result }) }) };
}

/** The step is left out. */
export const leftOut: Instead = () => answered(undefined);

/**
 * A lock that is not taken.
 *
 * @param lock - Its label.
 * @param within - The function that took and released it.
 */
export function without(lock: string, within: string): StepFault {
  const verbs = ['down_read', 'up_read', 'rwsem_queue_writer', 'down_write', 'up_write'];
  return { within, steps: Object.fromEntries(verbs.map((verb) => [`${verb}(${lock})`, leftOut])) };
}

/**
 * A lock that keeps nobody out, while every assertion finds it held: the oracles have to notice.
 *
 * @param lock - Its label.
 * @param within - The function that takes and releases it.
 */
export function hollow(lock: string, within: string): StepFault {
  const acquired = (mode: 'S' | 'X'): Instead => {
    return (_, object) => answered(lockAcquired(object as Lock, { mode, trylock: false, subclass: 0 }));
  };
  const released = (mode: 'S' | 'X', verb: string): Instead => {
    return (_, object) => answered(lockReleased(current.task, object as Lock, mode, verb));
  };
  return {
    within,
    steps: {
      [`down_read(${lock})`]: acquired('S'),
      [`up_read(${lock})`]: released('S', 'up_read'),
      [`rwsem_queue_writer(${lock})`]: leftOut,
      [`down_write(${lock})`]: acquired('X'),
      [`up_write(${lock})`]: released('X', 'up_write'),
    },
  };
}

/**
 * A lock that is taken shared instead of exclusive.
 *
 * @param lock - Its label.
 * @param within - The function that takes and releases it.
 */
export function weakened(lock: string, within: string): StepFault {
  return {
    within,
    steps: {
      [`rwsem_queue_writer(${lock})`]: leftOut,
      [`down_write(${lock})`]: (_, object) => downRead(object as Rwsem),
      [`up_write(${lock})`]: (_, object) => upRead(object as Rwsem),
    },
  };
}

/** Runs what a fault puts in place of a step. Its own steps are as they are; {@link callers} shows it. */
function* inPlace(task: Task<unknown>): Task<unknown> {
  return yield* task;
}

/** A step as faults name it. */
function nameOf({ verb, object }: Step<unknown>): string {
  return `${verb}(${object === null ? '' : labelOf(object)})`;
}

/**
 * A filesystem with a fault: the model is the same, but some steps of the tasks of a check run otherwise. Set-up and
 * probes run as they are.
 *
 * @param fs - The filesystem, which knows nothing of it.
 * @param fault - Makes the fault, anew for each execution.
 * @param met - Called whenever the fault comes into play.
 */
export function mutate(fs: FileSystemType, fault: () => StepFault, met: () => void): FileSystemType {
  return {
    ...fs,
    mount(bdev, options) {
      const { within, steps } = fault();
      current.instead = (step) => {
        const instead = steps[nameOf(step)];
        if (instead === undefined || !inACheck()) return null;
        const running = callers();
        if (!running.includes(within) || running.includes(inPlace.name)) return null;
        met();
        // Another way to start the step: not by its own iterator, which would lead here again.
        return inPlace(instead({ [Symbol.iterator]: () => step }, step.object as SharedObject));
      };
      return fs.mount(bdev, options);
    },
  };
}

/**
 * Run the check that must catch a mutant.
 *
 * @param fs - The filesystem, which knows nothing of it.
 * @param mutant - The mutant.
 * @param options - Strategy and budgets.
 * @throws UsageError `UNKNOWN_CHECK`.
 */
export function runMutant(fs: FileSystemType, mutant: Mutant, options: SearchOptions = {}): MutantReport {
  const [check] = selectChecks(CHECKS, mutant.caughtBy) as readonly [Check];
  let applied = false;
  const mutated = mutate(fs, mutant.fault, () => {
    applied = true;
  });
  return { ...runCheck(mutated, mutant.profile, check, null, options), applied };
}

/**
 * Is a mutant not caught as it says?
 *
 * @param fs - The filesystem, which knows nothing of it.
 * @param mutant - The mutant.
 * @param expected - What the package declares: the check must pass without the fault.
 * @returns Why, and what to do about it; `null` if it is caught.
 * @throws UsageError `UNKNOWN_CHECK`.
 */
export function survivalOf(fs: FileSystemType, mutant: Mutant, expected: Expected): string | null {
  const { name, profile, caughtBy, property } = mutant;
  const who = `mutant/${name} (${fs.name} ${profile})`;
  if (!fs.follows.includes(profile)) return `${who}: ${fs.name} follows ${fs.follows.join(', ')} only.`;
  const declared = expected.of(caughtBy, profile)?.verdict ?? 'pass';
  if (declared !== 'pass') {
    return `${who}: ${caughtBy} is declared to ${declared} without the fault, so it can catch nothing. Name another.`;
  }
  const { result, applied } = runMutant(fs, mutant, { shrink: false });
  if (!applied) {
    return `${who}: the fault never comes into play. Does ${caughtBy} perform that step, inside a function* of that name?`;
  }
  if (result.verdict === 'fail' && result.property === property) return null;
  const found = [result.verdict, result.property ?? ''].join(' ').trimEnd();
  return `${who} survives ${caughtBy}: ${found}, not fail ${property}. A fault that nothing catches is a hole in the suite.`;
}
