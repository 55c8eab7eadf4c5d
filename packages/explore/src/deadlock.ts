/** Explains a deadlock: who waits for what, who holds it, and the cycle if there is one. */
import {
  DOWN_READ,
  DOWN_WRITE,
  type Execution,
  type HeldLock,
  type Step,
  stepName,
  type TaskStruct,
} from '@fsport/core';
import type { Violation } from './scenario.js';
import { named, since } from './words.js';

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
  if (cycle.length > 1) because.push(`cycle: ${[...cycle, cycle[0] as TaskStruct].map(named).join(' -> ')}`);
  for (const task of execution.tasks) {
    if (task.pending !== null) continue;
    for (const held of task.held)
      because.push(
        `${named(task)} has ended and still holds ${held.lock.name}${since(execution, task, held)}`,
      );
  }
  const who = waiting.map(named).join(', ');
  return {
    property: 'deadlock',
    message: waiting.length === 1 ? `${who} waits for ever` : `${who} wait for ever`,
    because,
  };
}

function waits(execution: Execution, task: TaskStruct): string {
  const step = task.pending;
  if (step === null) return `${named(task)} has ended`;
  const who = (other: TaskStruct): string => (other === task ? 'itself' : named(other));
  const before = queued(execution, step).map((writer) => `, behind ${who(writer)} in its queue`);
  const by = holders(execution, step).map(
    ({ holder, held }) => `${who(holder)} (${held.mode})${since(execution, holder, held)}`,
  );
  return `${named(task)} waits in ${stepName(step)}${before.join('')}${by.length === 0 ? '' : `, held by ${by.join(', ')}`}`;
}

interface Holder {
  readonly holder: TaskStruct;
  readonly held: HeldLock;
}

function holders({ tasks }: Execution, { object }: Step<unknown>): readonly Holder[] {
  return tasks.flatMap((holder) =>
    holder.held.filter(({ lock }) => lock === object).map((held) => ({ holder, held })),
  );
}

/** Writers that a reader waits behind: nobody who holds the lock shared keeps it out. */
function queued(execution: Execution, step: Step<unknown>): readonly TaskStruct[] {
  const { object, access } = step;
  if (access !== DOWN_READ || holders(execution, step).some(({ held }) => held.mode === 'X')) return [];
  return execution.tasks.filter(
    ({ pending }) => pending?.object === object && pending?.access === DOWN_WRITE,
  );
}

/** Whom a task waits for: those who hold what it wants, or are before it in the queue. */
function waitsFor(execution: Execution, { pending }: TaskStruct): readonly TaskStruct[] {
  if (pending === null || pending.object === null) return [];
  const writers = queued(execution, pending);
  return writers.length > 0 ? writers : holders(execution, pending).map(({ holder }) => holder);
}

/** The first cycle of the waits-for graph, in task order; empty if there is none. */
function findCycle(execution: Execution, blocked: readonly TaskStruct[]): readonly TaskStruct[] {
  const visit = (path: readonly TaskStruct[]): readonly TaskStruct[] | null => {
    for (const holder of waitsFor(execution, path.at(-1) as TaskStruct)) {
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
