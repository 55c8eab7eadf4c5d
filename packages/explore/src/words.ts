/** Words that explanations share. */
import { type Execution, type HeldLock, type Step, type TaskStruct, takesLock } from '@fsport/core';

/** A task by title and name: `pread(2) (r)`. */
export function named({ title, name }: TaskStruct): string {
  return `${title} (${name})`;
}

/** Where a task took a lock that it holds: ` since down_read() in step 4`, empty if that was before the tasks ran. */
export function since({ events }: Execution, task: TaskStruct, { lock, at }: HeldLock): string {
  if (at < 0) return '';
  let event = at;
  // A page comes into being locked; what shows it to others is the next step of its task.
  if (!takes({ events }, event, lock.id))
    do event++;
    while (event < events.count && events.task[event] !== task.index);
  if (event >= events.count) return '';
  return ` since ${(events.step[event] as Step<unknown>).verb}() in step ${event + 1}`;
}

function takes({ events }: Pick<Execution, 'events'>, event: number, id: number): boolean {
  for (let i = events.first[event] as number; i < (events.first[event + 1] as number); i++)
    if (events.object[i] === id && takesLock(events.access[i] as number)) return true;
  return false;
}
