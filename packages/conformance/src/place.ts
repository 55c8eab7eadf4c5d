/** Where a step of a task is performed: in which functions of the model, and on what. For faults applied from outside. */
import { current, type SharedObject } from '@fsport/core';

/**
 * Names of the functions that the task in progress is in, innermost first: each a `function*`, from the one that performs
 * a step to the one that the task began with. To be called where {@link Execution.instead} is asked about that step.
 */
export function callers(): readonly string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: readonly (string | null)[] } = {};
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
  Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFunctionName());
  Error.captureStackTrace(holder);
  const names = holder.stack ?? [];
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  // Above are the step and who asks; below is the engine, and whoever spawned a task that comes to its first step.
  const own = names.slice(names.indexOf('[Symbol.iterator]') + 1, names.indexOf('#resume'));
  return own.filter((name) => name !== null && name !== 'next') as string[];
}

/** Is the task in progress one of a check, or spawned by one? Their names begin with a small letter. */
export function inACheck(): boolean {
  return current.task !== null && /^[a-z]/.test(current.task.name);
}

/** What an object is called among its siblings, which all have one name. */
export function labelOf({ label }: SharedObject): string {
  return label.replace(/\[.*/, '');
}
