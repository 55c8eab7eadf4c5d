// Shows that a mutex and a spinlock have one holder, who alone may release them.

import {
  condResched,
  ExclusiveLock,
  heldMode,
  Mutex,
  mutexLock,
  mutexTrylock,
  mutexUnlock,
  Spinlock,
  spinLock,
  spinTrylock,
  spinUnlock,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy, thrown } from '../toy.js';
import { auditEnabled } from './locks.js';

const KINDS = [
  ['mutex', () => new Mutex('lock'), mutexLock, mutexTrylock, mutexUnlock],
  ['spinlock', () => new Spinlock('lock'), spinLock, spinTrylock, spinUnlock],
] as const;

describe.each(KINDS)('%s', (_, create, take, tryTake, drop) => {
  function lockIn(toy: Toy): ExclusiveLock {
    expect(toy.inode).toBeDefined();
    return create();
  }

  test('has one holder at a time, and tells the search who could have run', () => {
    const total = { free: 0, blocked: 0 };
    everyInterleaving(
      () => {
        const toy = new Toy();
        const lock = lockIn(toy);
        const inside = { count: 0 };
        const body = function* (): Task<void> {
          yield* take(lock);
          if (++inside.count > 1) throw new Error('two holders');
          yield* condResched();
          inside.count--;
          yield* drop(lock);
        };
        return { toy, lock, found: auditEnabled(toy, lock), tasks: { A: body(), B: body(), C: body() } };
      },
      ({ lock, found }, ending) => {
        expect(ending).toEqual({ kind: 'done' });
        expect([lock.isLocked, lock.owner]).toEqual([false, null]);
        total.free += found.free;
        total.blocked += found.blocked;
      },
    );
    expect(Math.min(total.free, total.blocked)).toBeGreaterThan(0);
  });

  test('a try-lock takes it if it is free', () => {
    const toy = new Toy();
    const lock = lockIn(toy);
    const body = function* (): Task<unknown[]> {
      const first = yield* tryTake(lock);
      const second = yield* tryTake(lock);
      const mode = heldMode(lock);
      yield* drop(lock);
      return [first, second, mode, heldMode(lock), lock.isLocked];
    };
    expect(toy.drive(body())).toEqual([true, false, 'X', null, false]);
  });

  test('not recursive', () => {
    const toy = new Toy();
    const lock = lockIn(toy);
    const body = function* (): Task<void> {
      yield* take(lock);
      yield* take(lock);
    };
    expect(toy.race({ A: body() }, [])).toMatchObject({ kind: 'deadlock', blocked: [{ name: 'A' }] });
  });

  test('cannot be released if nobody holds it', () => {
    const toy = new Toy();
    const lock = lockIn(toy);
    expect(thrown(() => toy.drive(drop(lock)))).toMatchObject({ code: 'LOCK_NOT_HELD', lock: 'lock' });
  });

  test('cannot be released by another task', () => {
    const toy = new Toy();
    const lock = lockIn(toy);
    const ending = toy.race({ A: take(lock), B: drop(lock) }, [
      ['A', `${lock.constructor === Mutex ? 'mutex' : 'spin'}_lock`],
    ]);
    expect(ending).toMatchObject({ kind: 'threw', task: { name: 'B' }, error: { code: 'LOCK_NOT_HELD' } });
  });
});
