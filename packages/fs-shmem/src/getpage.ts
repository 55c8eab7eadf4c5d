/**
 * Finding and making the pages of a tmpfs file: the page cache is the data, so that a page that is missing is a hole, or
 * is in swap.
 *
 * The page lock protects a page against removal; i_size is looked at before a page is inserted and again after, because a
 * truncation that sweeps in between would not see it.
 *
 * @departs No huge pages, no limits on size, no accounting, no userfaultfd. There is no swap cache: a page that comes out
 *   of swap is read before anybody sees it. Swap does not fail and is never full.
 * @see mm/shmem.c (v3.15, v5.15)
 */
import {
  type AddressSpace,
  AOP_WRITEPAGE_ACTIVATE,
  type Cells,
  cancelDirtyPage,
  deleteFromPageCache,
  EEXIST,
  EINVAL,
  ENOMEM,
  findGetEntry,
  type Inode,
  insertIntoSlot,
  iSizeRead,
  isPage,
  lockPage,
  PAGE_SIZE,
  type Page,
  type Pgoff,
  pageCacheAlloc,
  putPage,
  removeFromSlot,
  type SharedVar,
  type Slot,
  type SwapEntry,
  spinLock,
  spinUnlock,
  type Task,
  unlockPage,
  type WritebackControl,
  zeroCells,
} from '@fsport/core';
import { SHMEM_I } from './shmem.js';

/** What a page is wanted for. @see include/linux/shmem_fs.h `enum sgp_type` (v5.15) */
export type SgpType =
  /** Don't exceed i_size, don't allocate a page. */
  | 'SGP_READ'
  /** Don't exceed i_size, may allocate a page. */
  | 'SGP_CACHE'
  /** May exceed i_size, may allocate a page that is not uptodate. */
  | 'SGP_WRITE'
  /** As SGP_WRITE, and makes a page valid that was preallocated before. */
  | 'SGP_FALLOC';

/** Mark a page dirty: nothing will ever write it back for that. @see mm/page-writeback.c `__set_page_dirty_no_writeback()` (v5.15) */
export function __setPageDirtyNoWriteback(page: Page): Task<boolean> {
  return page.dirty.section('__set_page_dirty_no_writeback', () => {
    if (page.dirty.load()) return false;
    page.dirty.store(true);
    return true;
  });
}

/** Zero a locked page and declare it valid. */
function clearHighpage(page: Page): Task<void> {
  return page.uptodate.section('clear_highpage', () => {
    page.storeBytes(0, zeroCells(PAGE_SIZE));
    page.uptodate.store(true);
  });
}

/**
 * Insert a page where something is expected.
 *
 * @param expected - A swap entry, or `null` for nothing.
 * @returns `0`, or `-EEXIST` if something else is there.
 * @context May be preempted. One step under the lock of i_pages. The page is locked on success.
 * @see `shmem_add_to_page_cache()` (v5.15)
 */
function shmemAddToPageCache(page: Page, mapping: AddressSpace, expected: SwapEntry | null): Task<number> {
  const slot = mapping.iPages.at(page.index);
  return slot.section(
    'shmem_add_to_page_cache',
    () => {
      if (slot.load() !== expected) return -EEXIST;
      insertIntoSlot(page, mapping, slot);
      return 0;
    },
    (result) => (result === 0 ? '' : '-EEXIST'),
  );
}

/**
 * What is in a slot: a page, locked and with a reference; a swap entry; or nothing.
 *
 * @see mm/filemap.c `pagecache_get_page()` with FGP_ENTRY and FGP_LOCK (v5.15)
 */
function* findLockEntry(mapping: AddressSpace, index: Pgoff): Task<Page | SwapEntry | null> {
  for (;;) {
    const entry = yield* findGetEntry(mapping, index, 'pagecache_get_page');
    if (!isPage(entry)) return entry;
    yield* lockPage(entry);
    if (entry.mapping.load() === mapping) return entry;
    yield* unlockPage(entry);
    putPage(entry);
  }
}

/**
 * Bring a page back from swap.
 *
 * @returns The page, locked, dirty, with a reference; `-EEXIST` if the entry is not there any more; or `-ENOMEM`.
 * @see `shmem_swapin_page()` (v5.15)
 */
function* shmemSwapinPage(inode: Inode, index: Pgoff, entry: SwapEntry): Task<Page | number> {
  const page = yield* pageCacheAlloc(index);
  if (page === null) return -ENOMEM;
  for (const [block, cells] of entry.swap.entries()) (page.content[block] as SharedVar<Cells>).init(cells);
  page.uptodate.init(true);
  const error = yield* shmemAddToPageCache(page, inode.iMapping, entry);
  if (error !== 0) {
    putPage(page);
    return error;
  }
  // Its only copy is in memory again.
  yield* __setPageDirtyNoWriteback(page);
  return page;
}

/**
 * Free what is in swap for an index.
 *
 * @returns Whether it was still there.
 * @see `shmem_free_swap()` (v5.15)
 */
export function shmemFreeSwap(mapping: AddressSpace, index: Pgoff, entry: SwapEntry): Task<boolean> {
  return (mapping.iPages.at(index) as SharedVar<Slot>).compareAndSet(entry, null, 'shmem_free_swap');
}

/**
 * Get a page of a file.
 *
 * @returns The page, locked, with a reference; `null` for a hole (SGP_READ); `-EINVAL` beyond the end of the file;
 *   `-ENOMEM`.
 * @context Sleeps. Takes the page lock.
 * @departs A new page is zero before it is inserted, not right after: nobody looks at it without its lock.
 * @see `shmem_getpage_gfp()` (v5.15)
 */
export function* shmemGetpage(inode: Inode, index: Pgoff, sgp: SgpType): Task<Page | null | number> {
  const { iMapping: mapping } = inode;
  const bounded = sgp === 'SGP_READ' || sgp === 'SGP_CACHE';
  for (;;) {
    if (bounded && index * PAGE_SIZE >= (yield* iSizeRead(inode))) return -EINVAL;
    const found = yield* findLockEntry(mapping, index);
    if (found !== null && !isPage(found)) {
      const page = yield* shmemSwapinPage(inode, index, found);
      if (page === -EEXIST) continue;
      return page;
    }
    if (found?.uptodate.load() === true) return found;
    if (sgp === 'SGP_READ') {
      // A preallocated page reads as a hole.
      if (found !== null) yield* releasePage(found);
      return null;
    }
    const fresh = found === null ? yield* pageCacheAlloc(index) : null;
    // A writer fills it or clears what it does not fill; an undo recognizes a page by its not being valid.
    fresh?.uptodate.init(sgp === 'SGP_CACHE');
    const page = found ?? fresh;
    if (page === null) return -ENOMEM;
    if (fresh !== null && (yield* shmemAddToPageCache(fresh, mapping, null)) !== 0) {
      putPage(fresh);
      continue;
    }
    if (fresh === null && sgp !== 'SGP_WRITE') yield* clearHighpage(page);
    // Perhaps the file was truncated meanwhile, and the sweep has passed.
    if (!bounded || index * PAGE_SIZE < (yield* iSizeRead(inode))) return page;
    if (fresh !== null) {
      yield* cancelDirtyPage(page);
      yield* deleteFromPageCache(page);
    }
    yield* releasePage(page);
    return -EINVAL;
  }
}

function* releasePage(page: Page): Task<void> {
  yield* unlockPage(page);
  putPage(page);
}

/**
 * Move a page to swap. Only reclaim asks for that: there is no writeback.
 *
 * @returns `0`, the page unlocked and out of the cache; or AOP_WRITEPAGE_ACTIVATE, the page dirty again and still locked.
 * @context May be preempted. Page lock held, page clean and not mapped. Takes i_lock.
 * @departs The content is in swap at once, and the list of inodes that have something there is not kept.
 * @see `shmem_writepage()` (v5.15)
 */
export function* shmemWritepage(page: Page, _wbc: WritebackControl): Task<number> {
  const mapping = page.mapping.load() as AddressSpace;
  if (!page.uptodate.load()) {
    if (yield* isBeingAllocated(mapping.host, page.index)) {
      yield* __setPageDirtyNoWriteback(page);
      return AOP_WRITEPAGE_ACTIVATE;
    }
    yield* clearHighpage(page);
  }
  const slot = mapping.iPages.at(page.index);
  yield* slot.section('shmem_delete_from_page_cache', () => {
    const swap = page.content.map((block) => block.load());
    removeFromSlot(page, mapping, slot, { swap });
  });
  putPage(page);
  yield* unlockPage(page);
  return 0;
}

/** Is this page of a fallocate(2) that has not ended? Then swapping it out would only be undone. */
function* isBeingAllocated(inode: Inode, index: Pgoff): Task<boolean> {
  const { iPrivate, iLock } = SHMEM_I(inode);
  if ((yield* iPrivate.read('i_private')) === null) return false;
  yield* spinLock(iLock);
  const falloc = iPrivate.load();
  const allocating = falloc !== null && falloc.waitq === null;
  const inProgress = allocating && index >= falloc.start && index < falloc.next.load();
  if (inProgress) falloc.nrUnswapped.store(falloc.nrUnswapped.load() + 1);
  yield* spinUnlock(iLock);
  return inProgress;
}
