// Shows that a mutex and a spinlock have one holder, who alone may release them; and that who holds a spinlock is
// refused whatever could sleep, whether or not it would have to wait, and nothing else.

import {
  Completion,
  choose,
  condResched,
  downRead,
  downReadTrylock,
  downWrite,
  ExclusiveLock,
  heldMode,
  lockPage,
  Mutex,
  mutexLock,
  mutexTrylock,
  mutexUnlock,
  Page,
  pgoff,
  Rwsem,
  Spinlock,
  spinLock,
  spinTrylock,
  spinUnlock,
  syscall,
  type Task,
  upRead,
  waitForCompletion,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, nothing, Toy, thrown } from '../toy.js';
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
          yield* choose('inside', 1);
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

describe('under a spinlock', () => {
  const [mutex, other] = ['mutex', 'other'] as const;
  const SLEEPS: readonly (readonly [string, (toy: Toy) => Task<unknown>])[] = [
    [`mutex_lock(${mutex})`, () => mutexLock(new Mutex(mutex))],
    ['down_read(sem)', () => downRead(new Rwsem('sem'))],
    ['down_write(sem)', () => downWrite(new Rwsem('sem'))],
    ['lock_page(PG_locked[0])', () => lockPage(new Page(pgoff(0), false))],
    ['wait_for_completion(done)', () => waitForCompletion(new Completion('done'))],
    ['cond_resched()', () => condResched()],
  ];
  const within = function* (lock: Spinlock, body: () => Task<unknown>): Task<string> {
    yield* spinLock(lock);
    yield* body();
    yield* spinUnlock(lock);
    return 'ended';
  };

  test.each(SLEEPS)('%s is refused', (step, body) => {
    const toy = new Toy();
    const refused = thrown(() => toy.drive(within(new Spinlock('lock'), () => body(toy))));
    expect(refused).toMatchObject({ code: 'ATOMIC_SLEEPS', step });
  });

  test('what only tries, and another spinlock, are not', () => {
    const toy = new Toy();
    const body = function* (): Task<void> {
      const [inner, sem] = [new Spinlock(other), new Rwsem('sem')];
      yield* spinLock(inner);
      yield* spinUnlock(inner);
      expect(yield* downReadTrylock(sem)).toBe(true);
      yield* upRead(sem);
    };
    expect(toy.drive(within(new Spinlock('lock'), body))).toBe('ended');
  });

  test('an inner one released, the outer one is still held', () => {
    const toy = new Toy();
    const body = function* (): Task<void> {
      const inner = new Spinlock(other);
      if (yield* spinTrylock(inner)) yield* spinUnlock(inner);
      yield* mutexLock(new Mutex(mutex));
    };
    const refused = thrown(() => toy.drive(within(new Spinlock('lock'), body)));
    expect(refused).toMatchObject({ code: 'ATOMIC_SLEEPS', step: 'mutex_lock(mutex)' });
  });

  test('released, the task may sleep again', () => {
    const toy = new Toy();
    const body = function* (): Task<boolean> {
      yield* within(new Spinlock('lock'), nothing);
      const lock = new Mutex(mutex);
      yield* mutexLock(lock);
      return lock.isLocked;
    };
    expect(toy.drive(body())).toBe(true);
  });

  test('a call that must not wait may take one: it is waited for on the processor', () => {
    const toy = new Toy();
    expect(toy.drive(syscall('pread', within(new Spinlock('lock'), nothing), true))).toBe('ended');
  });
});
