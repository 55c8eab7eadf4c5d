/** Explains a broken contract: which locks the task held, and what it had looked at that others changed. */
import { AWAIT, type Execution, READ, type Step, type TaskStruct, WRITE } from '@fsport/core';
import { named, since } from './words.js';

/** Codes that are about locks alone: whatever else others did has no part in them. */
const ABOUT_LOCKS: ReadonlySet<string> = new Set([
  'LOCK_LEAK',
  'LOCK_NOT_HELD',
  'LOCK_MODE',
  'COPY_UNDER_LOCK',
  'NOWAIT_SLEEPS',
  'ATOMIC_SLEEPS',
  'PAGE_NOT_LOCKED',
]);

/**
 * Why a task broke a contract.
 *
 * @param execution - The execution that ended with it.
 * @param task - The task.
 * @param code - The contract.
 */
export function becauseOfContract(execution: Execution, task: TaskStruct, code: string): readonly string[] {
  const locks = task.held.map(
    (held) => `${named(task)} holds ${held.lock.name} (${held.mode})${since(execution, task, held)}`,
  );
  if (ABOUT_LOCKS.has(code)) return locks.length > 0 ? locks : [`${named(task)} holds no lock`];
  return [...locks, ...changed(execution, task)];
}

/** What the task had looked at before another task stored to it, object by object. */
function changed({ events, tasks }: Execution, task: TaskStruct): readonly string[] {
  const looked = new Map<number, number>();
  const lines: string[] = [];
  const verb = (event: number): string =>
    `${(events.step[event] as Step<unknown>).verb}() in step ${event + 1}`;
  for (let event = 0; event < events.count; event++) {
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      const [id, access] = [events.object[at] as number, events.access[at]];
      const own = events.task[event] === task.index;
      if (own && (access === READ || access === AWAIT)) looked.set(id, event);
      const before = looked.get(id);
      if (own || access !== WRITE || before === undefined) continue;
      looked.delete(id);
      // What only joined a step is known by its number alone.
      const { name } =
        [before, event]
          .map((one) => (events.step[one] as Step<unknown>).object)
          .find((one) => one?.id === id) ?? {};
      if (name === undefined) continue;
      const other = tasks[events.task[event] as number] as TaskStruct;
      lines.push(
        `${named(task)} looked at ${name} in ${verb(before)}, before ${named(other)} ${verb(event)}`,
      );
    }
  }
  return lines;
}
