// What tests of locks share: settings that last for one test, a task that can be killed, and an audit of what a lock
// tells the search.

import {
  type HistoryEntry,
  LockGraph,
  type SharedObject,
  type SharedVar,
  type Task,
  type TaskStruct,
  useLocking,
} from '@fsport/core';
import type { Toy } from '../toy.js';

/** Use a new order graph, with or without fair rwsems. @returns The graph. */
export function freshLocking(fair = false): LockGraph {
  const graph = new LockGraph();
  useLocking({ graph, fair: () => fair });
  return graph;
}

/** Create a task that somebody can kill. */
export function spawnKillable(
  toy: Toy,
  letter: string,
  signal: SharedVar<boolean>,
  body: () => Task<unknown>,
): TaskStruct {
  // A first step, so that the signal is there before anything is created that looks for it.
  const task = toy.execution.spawn(letter, after(signal, body), letter);
  task.signal = signal;
  return task;
}

function* after(signal: SharedVar<boolean>, body: () => Task<unknown>): Task<void> {
  yield* signal.read('signal_pending');
  yield* body();
}

/**
 * After each step, compare what an object would tell the search about the steps that wait for it (`enabledAfter`, worked
 * out from the accesses so far) with what is true (`ready`).
 *
 * @returns How many steps were found free and how many blocked; it grows while the execution runs.
 */
export function auditEnabled(toy: Toy, object: SharedObject): { free: number; blocked: number } {
  const found = { free: 0, blocked: 0 };
  const { execution } = toy;
  execution.recorder = {
    performed: (done) => {
      const { events, tasks } = execution;
      const history: HistoryEntry[] = [];
      for (let event = 0; event < events.count; event++) {
        for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
          if (events.object[at] !== object.id) continue;
          history.push({ access: events.access[at] as number, task: events.task[event] as number });
        }
      }
      for (const { pending } of tasks) {
        if (pending === null || pending === done || !pending.blocking || pending.object !== object) continue;
        const ready = pending.ready();
        if (object.enabledAfter(pending, history, undefined) !== ready) {
          throw new Error(
            `${pending.verb} is ${ready ? 'free' : 'blocked'} after ${JSON.stringify(history)}`,
          );
        }
        found[ready ? 'free' : 'blocked']++;
      }
    },
  };
  return found;
}
