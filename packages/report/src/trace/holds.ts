/** Who holds which lock from when to when, and who waited for whom. */
import type { CheckTrace, ShownLock, TracedStep } from '@fsport/conformance';

/** A lock held for a while. */
export interface Hold extends ShownLock {
  /** Name of the task. */
  readonly task: string;
  /** Index of the step after which it is held. */
  readonly from: number;
  /** Index of the step after which it is not held any more; the last one of the trace if it is held to the end. */
  readonly to: number;
}

/** The holds of a trace, in the order in which they begin. */
export function holdsOf({ steps }: Pick<CheckTrace, 'steps'>): readonly Hold[] {
  const holds: { -readonly [K in keyof Hold]: Hold[K] }[] = [];
  const open = new Map<string, (typeof holds)[number]>();
  for (const [i, { task, held }] of steps.entries()) {
    const keyOf = ({ lock, mode }: ShownLock): string => `${task} ${mode} ${lock}`;
    const now = new Set(held.map(keyOf));
    for (const [key, hold] of open) {
      if (hold.task !== task || now.has(key)) continue;
      hold.to = i;
      open.delete(key);
    }
    for (const one of held) {
      if (open.has(keyOf(one))) continue;
      const hold = { ...one, task, from: i, to: steps.length - 1 };
      holds.push(hold);
      open.set(keyOf(one), hold);
    }
  }
  return holds;
}

/** An order between steps of two tasks that one task waited for. */
export interface WakeUp {
  /** Index of the step that made it possible. */
  readonly from: number;
  /** Index of the step that it made possible. */
  readonly to: number;
}

const WAITS: ReadonlySet<string> = new Set(['lock', 'down_read', 'down_write', 'wait']);
const WAKES: ReadonlySet<string> = new Set(['unlock', 'up_read', 'up_write', 'downgrade_write', 'write']);

/** What each waiting step waited for: the last step of another task that gave its object free; and who spawned whom. */
export function wakeUpsOf({ steps, tasks }: Pick<CheckTrace, 'steps' | 'tasks'>): readonly WakeUp[] {
  const spawned = tasks.flatMap(({ name, spawnedAt }) => {
    const first = steps.findIndex(({ task }) => task === name);
    return spawnedAt < 0 || first < 0 ? [] : [{ from: spawnedAt, to: first }];
  });
  const woken = steps.flatMap(({ object, access, task }, to) => {
    if (object === null || !WAITS.has(access)) return [];
    const wakes = (one: TracedStep): boolean =>
      one.object === object && one.task !== task && WAKES.has(one.access);
    const from = steps.slice(0, to).findLastIndex(wakes);
    return from < 0 ? [] : [{ from, to }];
  });
  return [...spawned, ...woken].sort((a, b) => a.to - b.to || a.from - b.from);
}
