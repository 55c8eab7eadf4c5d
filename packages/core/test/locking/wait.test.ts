// Shows that a completion is an event that stays, and that a wake-up between joining a wait queue and sleeping on it
// is not lost.

import {
  Completion,
  complete,
  condResched,
  finishWait,
  prepareToWait,
  SharedVar,
  schedule,
  type Task,
  WaitQueueEntry,
  WaitQueueHead,
  waitForCompletion,
  wakeUpAll,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy } from '../toy.js';

describe('a completion', () => {
  test('lets everybody go on who waits or comes later, and nobody before', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const done = new Completion('barrier');
        const log: string[] = [];
        const waiter = function* (name: string): Task<void> {
          yield* waitForCompletion(done);
          log.push(name);
        };
        const completer = function* (): Task<void> {
          log.push('work');
          yield* complete(done);
          yield* waitForCompletion(done);
        };
        return { toy, log, tasks: { A: waiter('A'), B: waiter('B'), C: completer() } };
      },
      ({ log }, ending) => {
        expect(ending.kind).toBe('done');
        expect(log[0]).toBe('work');
        expect([...log].sort()).toEqual(['A', 'B', 'work']);
      },
    );
  });

  test('that never happens is a deadlock', () => {
    const toy = new Toy();
    expect(toy.race({ A: waitForCompletion(new Completion('never')) }, []).kind).toBe('deadlock');
  });
});

describe('a wait queue', () => {
  /** Wait for a flag as the kernel does: join, look, sleep, look again. */
  function* waitFor(
    flag: SharedVar<boolean>,
    queue: WaitQueueHead,
    entry: WaitQueueEntry,
    joinFirst: boolean,
  ): Task<void> {
    for (;;) {
      if (joinFirst) yield* prepareToWait(queue, entry);
      if (yield* flag.read()) break;
      if (!joinFirst) yield* prepareToWait(queue, entry);
      yield* schedule(entry);
    }
    yield* finishWait(queue, entry);
  }

  function endings(joinFirst: boolean): Set<string> {
    const seen = new Set<string>();
    everyInterleaving(
      () => {
        const toy = new Toy();
        const flag = new SharedVar('flag', false);
        const queue = new WaitQueueHead('queue');
        const waker = function* (): Task<void> {
          yield* flag.write(true);
          yield* wakeUpAll(queue);
        };
        const wait = (title: string): Task<void> =>
          waitFor(flag, queue, new WaitQueueEntry(title), joinFirst);
        return { toy, queue, tasks: { A: wait('A'), B: wait('B'), C: waker() } };
      },
      ({ queue }, ending) => {
        seen.add(ending.kind);
        if (ending.kind === 'done') expect(queue.peek()).toEqual([]);
      },
    );
    return seen;
  }

  test('joined before looking: no wake-up is lost, and nobody stays on it', () => {
    expect([...endings(true)]).toEqual(['done']);
  });

  test('joined after looking: a wake-up can be lost', () => {
    expect(endings(false)).toContain('deadlock');
  });

  test('nobody wakes without a wake-up', () => {
    const toy = new Toy();
    const queue = new WaitQueueHead('queue');
    const entry = new WaitQueueEntry('A');
    const sleeper = function* (): Task<void> {
      yield* prepareToWait(queue, entry);
      yield* schedule(entry);
    };
    expect(toy.race({ A: sleeper(), B: condResched() }, []).kind).toBe('deadlock');
  });

  test('joining twice is joining once, and arms it again', () => {
    const toy = new Toy();
    const queue = new WaitQueueHead('queue');
    const entry = new WaitQueueEntry('A');
    const body = function* (): Task<void> {
      yield* prepareToWait(queue, entry);
      yield* prepareToWait(queue, entry);
    };
    toy.drive(body());
    expect([queue.peek(), entry.peek()]).toEqual([[entry], 'waiting']);
    toy.drive(wakeUpAll(queue));
    expect([queue.peek(), entry.peek()]).toEqual([[], 'woken']);
    toy.drive(prepareToWait(queue, entry));
    expect(entry.peek()).toBe('waiting');
  });
});
