/**
 * The page lock: one bit and a wait queue. Exclusive, not recursive, and not owned: the I/O completion
 * unlocks a page that a task locked.
 *
 * @see mm/filemap.c `__lock_page()`, `unlock_page()` (v5.15)
 */
import { current } from '../sched/current.js';
import type { Task } from '../sched/task.js';
import { heldMode, type Lock } from './lockdep.js';
import {
  AwaitUnlockedStep,
  ExclusiveLock,
  KillableLockStep,
  LockStep,
  TestLockedStep,
  TrylockStep,
  UnlockStep,
} from './mutex.js';

/** Whose cache a page is in, as far as the order of page locks needs it: an `AddressSpace` is one. */
export interface PageCacheOf {
  /** The inode. */
  readonly host: {
    /** Its i_rwsem. */
    readonly iRwsem: Lock;
  };
}

/** A page, as far as its lock needs it. */
export interface CachedPage {
  /** Whose cache it is in. */
  readonly mapping: {
    /** Unseen by the search. */
    peek(): PageCacheOf | null;
  };
}

/** `PG_locked` with its waiters. */
export class PageLock extends ExclusiveLock {
  /** The page that it locks, which tells whose cache it is in; `null` if it locks no page of a cache. */
  declare readonly page: CachedPage | null;

  /**
   * @param index - Page index, for names and for the order of several page locks.
   * @param bornLocked - A page is locked before it becomes visible in the page cache.
   * @param page - The page that it locks, `null` if it locks no page of a cache.
   */
  constructor(index: number, bornLocked: boolean, page: CachedPage | null = null) {
    super('PG_locked', index, bornLocked);
    this.page = page;
  }

  /** Whose cache the page is in. */
  private get cache(): PageCacheOf | null {
    return this.page?.mapping.peek() ?? null;
  }

  /**
   * Whoever locks several pages of one cache goes by ascending index, as write_cache_pages() does. A page that has
   * left the cache keeps its place: it was found there. Whoever goes by another order, as f2fs does to copy blocks to a
   * lower place, or locks pages of two caches, as vfs_dedupe_file_range_compare() does, holds i_rwsem of them
   * exclusive: nobody else is at it.
   */
  override follows(held: Lock): boolean {
    if (!(held instanceof PageLock)) return false;
    const [before, own] = [held.cache, this.cache];
    if (before === null || own === null) return held.key < this.key;
    if (before === own && held.key < this.key) return true;
    return [before, own].every(({ host }) => heldMode(host.iRwsem) === 'X');
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
