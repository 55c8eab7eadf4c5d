/**
 * The page cache itself: look up, insert, remove, lock, reference.
 *
 * A look-up takes a reference without any lock; whoever holds only a reference must test `page.mapping` under
 * the page lock before relying on the page being in the cache. Insert and remove are one step each, under
 * the lock of `i_pages`. A page is removed only by who holds its page lock.
 *
 * @see mm/filemap.c (v5.14, v5.15)
 */
import { ContractError } from '../../errors.js';
import { EEXIST } from '../../include/errno.js';
import { FGP_CREAT, FGP_FOR_MMAP, FGP_LOCK, FGP_NOWAIT } from '../../include/flags.js';
import { type AddressSpace, isPage, type Slot } from '../../include/fs.js';
import { Page } from '../../include/mm-types.js';
import type { Pgoff } from '../../include/units.js';
import {
  awaitPageUnlocked,
  dropPageLock,
  takePageLock,
  takePageLockKillable,
  tryPageLock,
} from '../../locking/page-lock.js';
import { machine } from '../../machine.js';
import { beginAttempt, retry } from '../../sched/retry.js';
import type { Task } from '../../sched/task.js';
import { choose } from '../../sched/task.js';

/** Pages that a walk over the cache handles at a time. @see include/linux/pagevec.h `PAGEVEC_SIZE` (v5.15) */
export const PAGEVEC_SIZE = 15;

/** Take a reference as part of the step in progress; the caller knows the page is alive. @see `get_page()` */
export function getPage(page: Page): void {
  if (page.refs.add(1) <= 1) throw new ContractError('PAGE_REFCOUNT', { page: page.index, refs: 'revived' });
}

/**
 * Drop a reference as part of the step in progress. The last one frees the page.
 *
 * @throws ContractError `PAGE_REFCOUNT` if nobody held it, or if the page is still mapped or cached.
 * @see `put_page()`
 */
export function putPage(page: Page): void {
  const refs = page.refs.add(-1);
  if (refs > 0) return;
  const mapped = page.mapcount.peek();
  const cached = page.mapping.peek() !== null && !page.anon;
  if (refs < 0 || mapped > 0 || cached) {
    throw new ContractError('PAGE_REFCOUNT', { page: page.index, refs, mapped, cached });
  }
}

/** @context Sleeps. @see `lock_page()` */
export function lockPage(page: Page): Task<void> {
  return takePageLock(page.lock);
}

/** @returns `false` if a fatal signal came first. @context Sleeps. @see `lock_page_killable()` */
export function lockPageKillable(page: Page): Task<boolean> {
  return takePageLockKillable(page.lock);
}

/** @returns Whether it was free. @see `trylock_page()` */
export function trylockPage(page: Page): Task<boolean> {
  return tryPageLock(page.lock);
}

/** Release the page lock, whoever took it. @see `unlock_page()` */
export function unlockPage(page: Page): Task<void> {
  return dropPageLock(page.lock);
}

/** @context Sleeps. @see `wait_on_page_locked()` */
export function waitOnPageLocked(page: Page): Task<boolean> {
  return awaitPageUnlocked(page.lock, 'wait_on_page_locked');
}

/** @returns `false` if a fatal signal came first. @context Sleeps. @see `wait_on_page_locked_killable()` */
export function waitOnPageLockedKillable(page: Page): Task<boolean> {
  return awaitPageUnlocked(page.lock, 'wait_on_page_locked_killable', true);
}

/**
 * Drop the caller's reference, then wait for the unlock; the lock is not taken. The page must not be touched
 * afterwards.
 *
 * @returns `false` if a fatal signal came first.
 * @context Sleeps.
 * @see mm/filemap.c `put_and_wait_on_page_locked()` (v5.15)
 */
export function putAndWaitOnPageLocked(page: Page): Task<boolean> {
  putPage(page);
  return awaitPageUnlocked(page.lock, 'put_and_wait_on_page_locked', true);
}

/** @context Sleeps. @see `wait_on_page_writeback()` */
export function* waitOnPageWriteback(page: Page): Task<void> {
  yield* page.writeback.waitUntil((busy) => !busy, 'wait_on_page_writeback');
}

/**
 * Allocate a page, not yet known to anybody.
 *
 * @param index - Where it is meant to go.
 * @returns The page with one reference, unlocked; or `null` if the check lets allocations fail.
 * @see `page_cache_alloc()`
 */
export function* pageCacheAlloc(index: Pgoff): Task<Page | null> {
  if (machine.faults.allocPage && (yield* choose('alloc_page', 2)) === 1) return null;
  return new Page(index, false);
}

/**
 * Insert a fresh page: locked, not uptodate, with one reference for the cache.
 *
 * @returns `0`, or `-EEXIST` if there is a page; then the fresh page is untouched and unlocked.
 * @context May be preempted. One step under the lock of i_pages.
 * @see mm/filemap.c `add_to_page_cache_lru()` [AC] (v5.15)
 */
export function addToPageCacheLru(page: Page, mapping: AddressSpace, index: Pgoff): Task<number> {
  const slot = mapping.iPages.at(index);
  return slot.section(
    'add_to_page_cache_lru',
    () => {
      if (isPage(slot.load())) return -EEXIST;
      insertIntoSlot(page, mapping, slot);
      return 0;
    },
    (result) => (result === 0 ? '' : '-EEXIST'),
  );
}

/** The part of an insertion under the lock of i_pages. @internal */
export function insertIntoSlot(page: Page, mapping: AddressSpace, slot: { store(value: Slot): void }): void {
  page.lock.take({ mode: 'X', trylock: true, subclass: 0 });
  page.mapping.store(mapping);
  getPage(page);
  slot.store(page);
  mapping.nrpages.add(1);
  if (machine.trace.active) {
    machine.trace.emit('mm_filemap_add_to_page_cache', { ino: mapping.host.iIno, index: page.index });
  }
}

/**
 * Remove a locked page; its content and index stay, its mapping becomes null.
 *
 * @param page - In the cache, locked by the caller.
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context May be preempted. One step under the lock of i_pages.
 * @departs The freepage operation and the put join the removal: nobody can find the page any more, and who still holds
 *   a reference looks at its mapping first.
 * @see mm/filemap.c `delete_from_page_cache()` [DC] (v5.15)
 */
export function* deleteFromPageCache(page: Page): Task<void> {
  const mapping = page.mapping.peek() as AddressSpace;
  const slot = mapping.iPages.at(page.index);
  yield* slot.section('delete_from_page_cache', () => removeFromSlot(page, mapping, slot, null));
  mapping.aOps.freepage?.(page);
  putPage(page);
}

/** The part of a removal under the lock of i_pages. @internal */
export function removeFromSlot(
  page: Page,
  mapping: AddressSpace,
  slot: { load(): Slot; store(value: Slot): void },
  leave: Slot,
): void {
  if (!page.lock.isLocked)
    throw new ContractError('PAGE_NOT_LOCKED', { page: page.index, in: 'delete_from_page_cache' });
  slot.load();
  slot.store(leave);
  page.mapping.store(null);
  mapping.nrpages.add(-1);
  if (machine.trace.active) {
    machine.trace.emit('mm_filemap_delete_from_page_cache', { ino: mapping.host.iIno, index: page.index });
  }
}

/**
 * Look a page up and take a reference. Shadows count as "no page".
 *
 * @param verb - Name of the look-up in traces.
 * @returns The page or `null`.
 * @context May be preempted. Takes no lock.
 * @departs The kernel takes a reference if there still is one to take, looks at the slot again, and starts over if it
 *   has changed. What it returns was in the slot at its second look, which is this step. The reference that it may
 *   hold for a moment to a page that has left only makes reclaim spare that page, as any other reader's does.
 * @see mm/filemap.c `find_get_page()` [FG] (v5.15)
 */
export function findGetPage(mapping: AddressSpace, index: Pgoff, verb = 'find_get_page'): Task<Page | null> {
  const slot = mapping.iPages.at(index);
  return slot.readSection(
    verb,
    () => {
      const page = slot.load();
      if (!isPage(page)) return null;
      getPage(page);
      return page;
    },
    (page) => (page === null ? 'none' : `page ${page.index}`),
  );
}

/**
 * Look a page up, reference and lock it; retries until the locked page is still in the cache.
 *
 * @returns The page locked, or `null`.
 * @context Sleeps.
 * @see mm/filemap.c `find_lock_page()` (v5.15)
 */
export function findLockPage(mapping: AddressSpace, index: Pgoff): Task<Page | null> {
  return pagecacheGetPage(mapping, index, FGP_LOCK);
}

/**
 * Look a page up, as the flags say: lock it, create it.
 *
 * @param fgpFlags - `FGP_*`. With FGP_FOR_MMAP the page is returned unlocked, also a created one.
 * @returns The page with a reference; `null` if there is none, it could not be created, or FGP_NOWAIT met a lock.
 * @context Sleeps if FGP_LOCK without FGP_NOWAIT.
 * @see mm/filemap.c `pagecache_get_page()` [PG] (v5.15)
 */
export function* pagecacheGetPage(mapping: AddressSpace, index: Pgoff, fgpFlags: number): Task<Page | null> {
  for (;;) {
    const attempt = beginAttempt(true);
    const page = yield* findGetPage(mapping, index, 'pagecache_get_page');
    if (page === null) {
      if ((fgpFlags & FGP_CREAT) === 0) return null;
      const fresh = yield* pageCacheAlloc(index);
      if (fresh === null) return null;
      if ((yield* addToPageCacheLru(fresh, mapping, index)) !== 0) {
        putPage(fresh);
        continue;
      }
      // The fault handler locks it by itself: there is a moment when it is cached, unlocked, not uptodate.
      if ((fgpFlags & FGP_FOR_MMAP) !== 0) yield* unlockPage(fresh);
      return fresh;
    }
    if ((fgpFlags & FGP_LOCK) === 0) return page;
    if ((fgpFlags & FGP_NOWAIT) !== 0) {
      if (!(yield* trylockPage(page))) {
        putPage(page);
        return null;
      }
    } else {
      yield* lockPage(page);
    }
    if ((yield* page.mapping.read('page_mapping')) === mapping) return page;
    yield* unlockPage(page);
    putPage(page);
    yield* retry(attempt);
  }
}

/**
 * Before a page is brought back that a truncation removed: wait until the truncation has ended.
 *
 * @param removed - The caller has seen its page go. Otherwise it waits only if the truncation has found pages that came back.
 * @context Sleeps. No page lock held, so that the truncation can end.
 * @departs The kernel does not wait here. A page that comes back is removed once more, and all is as before; or the truncation
 *   has passed it for the last time, and it could as well have come when that had ended. There the two can go on for ever.
 */
export function letTruncationEnd(mapping: AddressSpace, removed: boolean): Task<boolean> {
  const waitFor = removed ? mapping.truncating : mapping.truncatingAgain;
  return waitFor.waitUntil((underWay) => !underWay, 'truncation_end');
}
