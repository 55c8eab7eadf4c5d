// Shows that the page lock is one bit that nobody owns once it was handed to I/O: exclusive, not recursive, released
// by whoever completes the I/O; and that waiting for its release does not take it.

import {
  condResched,
  heldMode,
  lockPage,
  lockPageKillable,
  Page,
  pgoff,
  putAndWaitOnPageLocked,
  SharedVar,
  syscall,
  type Task,
  testPageLocked,
  trylockPage,
  unlockPage,
  waitOnPageLocked,
  waitOnPageLockedKillable,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy, thrown } from '../toy.js';
import { auditEnabled, spawnKillable } from './locks.js';

function locked(): { toy: Toy; page: Page } {
  const toy = new Toy();
  return { toy, page: new Page(pgoff(0), true) };
}

/** Everybody to the end, always the last task that can run. */
const LAST_FIRST = {
  newExecution: () => true,
  nextTask: ({ runnable }: { runnable: readonly number[] }) => runnable.at(-1) as number,
  nextChoice: () => 0,
};

describe('the page lock', () => {
  test('a page can be born locked; who it is handed to may unlock it', () => {
    const { toy, page } = locked();
    page.lock.handOff();
    const ending = toy.race({ A: lockPage(page), B: unlockPage(page) }, [['B', 'unlock_page']]);
    expect([ending.kind, page.lock.isLocked]).toEqual(['done', true]);
  });

  test('handing it off frees the holder of it: a system call may end', () => {
    const toy = new Toy();
    const page = new Page(pgoff(0), false);
    const call = function* (handOff: boolean): Task<void> {
      yield* lockPage(page);
      if (handOff) page.lock.handOff();
    };
    toy.drive(syscall('read', call(true)));
    expect([page.lock.isLocked, page.lock.owner]).toEqual([true, null]);
    toy.drive(unlockPage(page));
    expect(thrown(() => toy.drive(syscall('read', call(false))))).toMatchObject({
      code: 'LOCK_LEAK',
      call: 'read',
      locks: 'PG_locked[0]:X',
    });
  });

  test('one holder at a time, and the search is told who could have run', () => {
    const total = { free: 0, blocked: 0 };
    everyInterleaving(
      () => {
        const toy = new Toy();
        const page = new Page(pgoff(0), false);
        const inside = { count: 0 };
        const body = function* (): Task<void> {
          yield* lockPage(page);
          if (++inside.count > 1) throw new Error('two holders');
          yield* condResched();
          inside.count--;
          yield* unlockPage(page);
        };
        const found = auditEnabled(toy, page.lock);
        return { toy, page, found, tasks: { A: body(), B: body(), C: waitOnPageLocked(page) } };
      },
      ({ page, found }, ending) => {
        expect([ending, page.lock.isLocked]).toEqual([{ kind: 'done' }, false]);
        total.free += found.free;
        total.blocked += found.blocked;
      },
    );
    expect(Math.min(total.free, total.blocked)).toBeGreaterThan(0);
  });

  test('not recursive, and a try-lock fails while it is held, by whomever', () => {
    const toy = new Toy();
    const page = new Page(pgoff(0), false);
    const tries = function* (): Task<unknown[]> {
      const first = yield* trylockPage(page);
      const second = yield* trylockPage(page);
      const seen = yield* testPageLocked(page.lock);
      yield* unlockPage(page);
      return [first, second, seen, yield* testPageLocked(page.lock)];
    };
    expect(toy.drive(tries())).toEqual([true, false, true, false]);
    const twice = function* (): Task<void> {
      yield* lockPage(page);
      yield* lockPage(page);
    };
    expect(toy.race({ A: twice() }, []).kind).toBe('deadlock');
  });

  test('cannot be released if nobody holds it', () => {
    const toy = new Toy();
    const page = new Page(pgoff(3), false);
    expect(thrown(() => toy.drive(unlockPage(page)))).toMatchObject({
      code: 'LOCK_NOT_HELD',
      lock: 'PG_locked[3]',
    });
  });
});

describe('waiting for the page lock', () => {
  test('does not take it', () => {
    const toy = new Toy();
    const page = new Page(pgoff(0), false);
    const body = function* (): Task<unknown> {
      yield* waitOnPageLocked(page);
      return heldMode(page.lock);
    };
    expect([toy.drive(body()), page.lock.isLocked]).toEqual([null, false]);
  });

  test('put_and_wait_on_page_locked drops the reference before it waits', () => {
    const { toy, page } = locked();
    page.lock.handOff();
    page.refs.init(2);
    const seen: number[] = [];
    const unlock = function* (): Task<void> {
      seen.push(page.refs.peek());
      yield* unlockPage(page);
    };
    const wait = function* (): Task<void> {
      yield* putAndWaitOnPageLocked(page);
    };
    // B is created second; it has dropped the reference by the time A runs its first step.
    const later = function* (): Task<void> {
      yield* condResched();
      yield* unlock();
    };
    expect(toy.race({ A: later(), B: wait() }, [['A', 'cond_resched']]).kind).toBe('done');
    expect(seen).toEqual([1]);
  });

  test.each<[string, (page: Page) => Task<boolean>, string]>([
    ['lock_page_killable', lockPageKillable, 'lock_page_killable'],
    ['wait_on_page_locked_killable', waitOnPageLockedKillable, 'wait_on_page_locked_killable'],
    ['put_and_wait_on_page_locked', putAndWaitOnPageLocked, 'put_and_wait_on_page_locked'],
  ])('%s ends with false for a task that is killed, and without the lock', (_, wait, verb) => {
    const { toy, page } = locked();
    page.lock.handOff();
    page.refs.init(2);
    const signal = new SharedVar('signal', false);
    const results: unknown[] = [];
    toy.watch();
    toy.execution.spawn('A', signal.write(true, 'kill'), 'A');
    spawnKillable(toy, 'B', signal, function* (): Task<void> {
      results.push(yield* wait(page), heldMode(page.lock));
    });
    // B runs until it waits for the lock, and only the signal ends that.
    expect(toy.execution.run(LAST_FIRST).kind).toBe('done');
    expect(toy.steps.at(-1)).toBe(`${verb}(PG_locked[0])`);
    expect([results, page.lock.isLocked]).toEqual([[false, null], true]);
  });

  test('lock_page_killable takes a free lock though the task is killed', () => {
    const toy = new Toy();
    const page = new Page(pgoff(0), false);
    const signal = new SharedVar('signal', true);
    const results: unknown[] = [];
    spawnKillable(toy, 'A', signal, function* (): Task<void> {
      results.push(yield* lockPageKillable(page), heldMode(page.lock));
      yield* unlockPage(page);
    });
    expect(toy.execution.run(LAST_FIRST).kind).toBe('done');
    expect(results).toEqual([true, 'X']);
  });
});
