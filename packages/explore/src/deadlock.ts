/** Explains a deadlock: who waits for what, who holds it, and the cycle if there is one. */
import { type Execution, type SharedObject, stepName, type TaskStruct } from '@fsport/core';
import type { Violation } from './scenario.js';

/**
 * The violation that a deadlock is.
 *
 * @param execution - The execution.
 * @param blocked - The tasks that cannot go on.
 */
export function deadlockViolation(execution: Execution, blocked: readonly TaskStruct[]): Violation {
  // Tasks come in order of creation, which differs between equivalent executions; names do not.
  const waiting = blocked.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const because = waiting.map((task) => waits(execution, task));
  const cycle = findCycle(execution, waiting);
  if (cycle.length > 0) because.push(`cycle: ${[...cycle, cycle[0] as TaskStruct].map(named).join(' -> ')}`);
  for (const task of execution.tasks) {
    if (task.pending !== null || task.held.length === 0) continue;
    because.push(`${named(task)} has ended and still holds ${task.held.map((h) => h.lock.name).join(', ')}`);
  }
  const who = waiting.map(named).join(', ');
  return {
    property: 'deadlock',
    message: waiting.length === 1 ? `${who} waits for ever` : `${who} wait for ever`,
    because,
  };
}

function named(task: TaskStruct): string {
  return `${task.title} (${task.name})`;
}

function waits(execution: Execution, task: TaskStruct): string {
  const step = task.pending;
  if (step === null) return `${named(task)} has ended`;
  const by = holders(execution, step.object)
    .map(({ holder, mode }) => `${holder === task ? 'itself' : named(holder)} (${mode})`)
    .join(', ');
  return `${named(task)} waits in ${stepName(step)}${by === '' ? '' : `, held by ${by}`}`;
}

function holders(
  execution: Execution,
  lock: SharedObject | null,
): readonly { readonly holder: TaskStruct; readonly mode: string }[] {
  if (lock === null) return [];
  return execution.tasks.flatMap((holder) =>
    holder.held.filter((held) => held.lock === lock).map(({ mode }) => ({ holder, mode })),
  );
}

/** The first cycle of the waits-for graph, in task order; empty if there is none. */
function findCycle(execution: Execution, blocked: readonly TaskStruct[]): readonly TaskStruct[] {
  const visit = (path: readonly TaskStruct[]): readonly TaskStruct[] | null => {
    const task = path.at(-1) as TaskStruct;
    for (const { holder } of holders(execution, task.pending?.object ?? null)) {
      if (holder === path[0]) return path;
      if (!blocked.includes(holder) || path.includes(holder)) continue;
      const found = visit([...path, holder]);
      if (found !== null) return found;
    }
    return null;
  };
  for (const task of blocked) {
    const found = visit([task]);
    if (found !== null) return found;
  }
  return [];
}
