/**
 * The page lock: one bit and a wait queue. Exclusive, not recursive, and not owned: the I/O completion
 * unlocks a page that a task locked.
 *
 * @see mm/filemap.c `__lock_page()`, `unlock_page()` (v5.15)
 */
import { current } from '../sched/current.js';
import type { Task } from '../sched/task.js';
import type { Lock } from './lockdep.js';
import {
  AwaitUnlockedStep,
  ExclusiveLock,
  KillableLockStep,
  LockStep,
  TestLockedStep,
  TrylockStep,
  UnlockStep,
} from './mutex.js';

/** `PG_locked` with its waiters. */
export class PageLock extends ExclusiveLock {
  readonly #cache: () => unknown;

  /**
   * @param index - Page index, for names and for the order of several page locks.
   * @param bornLocked - A page is locked before it becomes visible in the page cache.
   * @param cache - Tells whose cache the page is in, `null` if it is in none.
   */
  constructor(index: number, bornLocked: boolean, cache: () => unknown = () => null) {
    super('PG_locked', index, bornLocked);
    this.#cache = cache;
  }

  /**
   * Whoever locks several pages of one cache goes by ascending index, as write_cache_pages() does. A page that has
   * left the cache keeps its place: it was found there.
   */
  override follows(held: Lock): boolean {
    if (!(held instanceof PageLock) || held.key >= this.key) return false;
    const [before, own] = [held.#cache(), this.#cache()];
    return before === null || own === null || before === own;
  }
}

/** Wait for it and take it. @context Sleeps. */
export function takePageLock(lock: PageLock, verb = 'lock_page'): Task<void> {
  return new LockStep(lock, verb);
}

/** Wait for it and take it. @returns `false` if a fatal signal came first. @context Sleeps. */
export function* takePageLockKillable(lock: PageLock, verb = 'lock_page_killable'): Task<boolean> {
  const task = current.task;
  if (task === null || task.signal === null) {
    yield* new LockStep(lock, verb);
    return true;
  }
  return yield* new KillableLockStep(lock, verb, task);
}

/** Take it if it is free. @returns Whether it was. */
export function tryPageLock(lock: PageLock, verb = 'trylock_page'): Task<boolean> {
  return new TrylockStep(lock, verb);
}

/** Release it, whoever took it. @throws ContractError `LOCK_NOT_HELD` if nobody holds it. */
export function dropPageLock(lock: PageLock, verb = 'unlock_page'): Task<void> {
  return new UnlockStep(lock, verb);
}

/** Wait until nobody holds it. @returns `false` if a fatal signal came first. @context Sleeps. */
export function awaitPageUnlocked(lock: PageLock, verb: string, killable = false): Task<boolean> {
  return new AwaitUnlockedStep(lock, verb, killable ? current.task : null);
}

/** Look whether it is held. */
export function testPageLocked(lock: PageLock): Task<boolean> {
  return new TestLockedStep(lock, 'PageLocked');
}
