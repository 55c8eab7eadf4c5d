/**
 * Removing pages from the cache because what is behind them goes away: truncate, hole punch, invalidation.
 *
 * A truncation stores `i_size` first, drops the pages second, frees the blocks third. A hole punch has no size
 * to store, so since v5.15 whoever drops pages and then frees blocks holds invalidate_lock exclusive over both;
 * otherwise a page can come back in between. Each page is removed under its page lock, after its writeback, and
 * after it was unmapped there: nobody can map it again.
 *
 * @see mm/truncate.c (v5.14, v5.15)
 */
import { callInvalidatepage, callLaunderPage, callReleasepage, demandLocks } from '../contracts.js';
import { daxDeleteMappingEntry, daxInvalidateMappingEntrySync } from '../fs/dax/entry.js';
import { EBUSY, EIO } from '../include/errno.js';
import { type AddressSpace, daxMapping, type Inode, iSizeWrite, pageIndex } from '../include/fs.js';
import { zeroUserSegment } from '../include/highmem.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Loff, loff, type Pgoff, pgoff } from '../include/units.js';
import type { Task } from '../sched/task.js';
import {
  deleteFromPageCacheBatch,
  findGetEntries,
  findLockEntries,
  pagevecRelease,
} from './filemap/find-entries.js';
import {
  deleteFromPageCache,
  findLockPage,
  lockPage,
  putPage,
  removeFromSlot,
  unlockPage,
  waitOnPageWriteback,
} from './filemap/page-cache.js';
import { unmapMappingPage, unmapMappingPages, unmapMappingRange } from './memory.js';
import { cancelDirtyPage, setPageDirty } from './page-writeback.js';
import { pageMkclean } from './rmap.js';
import { __removeMapping } from './vmscan.js';

/** To the end of the file, as the last byte of a range. */
const END_OF_FILE = -1;

function roundUp(pos: number): number {
  return Math.ceil(pos / PAGE_SIZE) * PAGE_SIZE;
}

/**
 * Is the cache empty? Looks without a lock: a page may come right after.
 *
 * @departs The kernel also counts shadows; here they do not keep a walk going, which would clear them and do
 *   nothing else.
 * @see include/linux/fs.h `mapping_empty()` (v5.15)
 */
function mappingEmpty(mapping: AddressSpace): Task<boolean> {
  return mapping.iPages.at(0).readSection('mapping_empty', () => mapping.nrpages.load() === 0);
}

/** Wait for the writeback of a locked page: it cannot begin again, so there may be nothing to wait for. */
function* waitIfWriteback(page: Page): Task<void> {
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
}

/**
 * Take everything off a page that is about to leave the cache: mappings, buffers, dirty data.
 *
 * @see `truncate_cleanup_page()` [TCP] (v5.15)
 */
function* truncateCleanupPage(page: Page): Task<void> {
  // Under the page lock nobody can map it again; the range unmap before was only for speed.
  if (page.mapcount.load() > 0) yield* unmapMappingPage(page);
  if (page.hasPrivate()) yield* callInvalidatepage(page, 0, PAGE_SIZE);
  // Last: zapping a page-table entry, or dropping buffers, may have dirtied it.
  yield* cancelDirtyPage(page);
}

/**
 * Remove a page, with its data.
 *
 * @param page - Locked, with the caller's reference.
 * @returns `0`, or `-EIO` if it is not in this cache any more.
 * @context Sleeps. Page lock held. Takes i_mmap_rwsem exclusive if the page is mapped.
 * @see `truncate_inode_page()` (v5.15)
 */
export function* truncateInodePage(mapping: AddressSpace, page: Page): Task<number> {
  if (page.mapping.load() !== mapping) return -EIO;
  yield* truncateCleanupPage(page);
  yield* deleteFromPageCache(page);
  return 0;
}

/**
 * Remove a page whose memory is broken.
 *
 * @returns `0`, or `-EIO` if it is not in this cache any more.
 * @context Sleeps. Page lock held. Takes neither i_rwsem nor invalidate_lock.
 * @see `generic_error_remove_page()` (v5.15)
 */
export function genericErrorRemovePage(mapping: AddressSpace, page: Page): Task<number> {
  return truncateInodePage(mapping, page);
}

/**
 * Remove the pages of a byte range; zero the parts of the pages at its ends, in memory only.
 *
 * @param lstart - First byte.
 * @param lend - Last byte, inclusive; -1 for the end of the file.
 * @throws ContractError `CONTRACT` if invalidate_lock is not held in v5.15, except in tear-down.
 * @context Sleeps. i_rwsem exclusive, invalidate_lock exclusive (v5.15). Takes and releases page locks.
 * @see `truncate_inode_pages_range()` [TR] (v5.15)
 */
export function* truncateInodePagesRange(mapping: AddressSpace, lstart: Loff, lend: Loff): Task<void> {
  demandLocks('truncate_inode_pages_range', mapping);
  if (yield* mappingEmpty(mapping)) return;
  mapping.truncating.store(true);
  const toTheEnd = lend === END_OF_FILE;
  const start = pgoff(Math.ceil(lstart / PAGE_SIZE));
  const end = toTheEnd ? mapping.capacity : pageIndex(lend + 1);
  const partialStart = lstart % PAGE_SIZE;
  const partialEnd = toTheEnd ? 0 : (lend + 1) % PAGE_SIZE;
  const upto = Math.min(end, mapping.capacity);
  yield* truncateWhatIsFree(mapping, start, upto);

  let tail = partialEnd;
  if (partialStart > 0) {
    const onePage = start > end;
    const to = onePage ? partialEnd : PAGE_SIZE;
    const cached = yield* truncatePartialPage(mapping, pgoff(start - 1), partialStart, to);
    // As in the kernel, a page that was not cached is looked up again below, and then zeroed from its first
    // byte: safe only because nobody can fill it in between under invalidate_lock.
    if (onePage && cached) tail = 0;
  }
  if (tail > 0) yield* truncatePartialPage(mapping, pgoff(end), 0, tail);
  if (start < upto) yield* truncateRest(mapping, start, upto);
  mapping.truncating.store(false);
  if (mapping.truncatingAgain.load()) mapping.truncatingAgain.store(false);
}

/** First pass: remove what can be locked at once, so that the second pass has little to wait for. */
function* truncateWhatIsFree(mapping: AddressSpace, start: Pgoff, end: number): Task<void> {
  for (let index = start; index < end; ) {
    const { pages, daxEntries, next } = yield* findLockEntries(mapping, index, end);
    yield* truncateExceptional(mapping, daxEntries);
    for (const page of pages) yield* truncateCleanupPage(page);
    yield* deleteFromPageCacheBatch(mapping, pages);
    for (const page of pages) yield* unlockPage(page);
    pagevecRelease(pages);
    index = next;
  }
}

/** Remove DAX entries. @see `truncate_exceptional_pvec_entries()` (v5.15) */
function* truncateExceptional(mapping: AddressSpace, daxEntries: readonly Pgoff[]): Task<void> {
  for (const index of daxEntries) yield* daxDeleteMappingEntry(mapping, index);
}

/** Second pass: wait for each page that is left, and start over until a whole sweep finds none. */
function* truncateRest(mapping: AddressSpace, start: Pgoff, end: number): Task<void> {
  for (let index = start; ; ) {
    const { pages, daxEntries } = yield* findGetEntries(mapping, index, end);
    const last = Math.max(pages.at(-1)?.index ?? -1, daxEntries.at(-1) ?? -1);
    if (last < 0) {
      if (index === start) break;
      index = start;
      if (!mapping.truncatingAgain.load()) mapping.truncatingAgain.store(true);
      continue;
    }
    for (const page of pages) {
      yield* lockPage(page);
      yield* waitIfWriteback(page);
      yield* truncateInodePage(mapping, page);
      yield* unlockPage(page);
    }
    yield* truncateExceptional(mapping, daxEntries);
    pagevecRelease(pages);
    index = pgoff(last + 1);
  }
}

/**
 * Zero a part of a page that stays. A page that is not cached is the filesystem's to zero, on the disk.
 *
 * @returns Whether it was cached.
 */
function* truncatePartialPage(mapping: AddressSpace, index: Pgoff, from: number, to: number): Task<boolean> {
  const page = yield* findLockPage(mapping, index);
  if (page === null) return false;
  yield* waitIfWriteback(page);
  yield* zeroUserSegment(page, from, to);
  if (page.hasPrivate()) yield* callInvalidatepage(page, from, to - from);
  yield* unlockPage(page);
  putPage(page);
  return true;
}

/**
 * Remove all pages from a position on.
 *
 * @throws ContractError `CONTRACT` as truncateInodePagesRange().
 * @context Sleeps. i_rwsem exclusive, invalidate_lock exclusive (v5.15).
 * @see `truncate_inode_pages()` (v5.15)
 */
export function truncateInodePages(mapping: AddressSpace, lstart: Loff): Task<void> {
  return truncateInodePagesRange(mapping, lstart, loff(END_OF_FILE));
}

/**
 * Remove all pages because the inode goes away.
 *
 * @context Sleeps. Nobody else uses the inode: no lock is needed. Reclaim may still be at work on it.
 * @see `truncate_inode_pages_final()` (v5.15)
 */
export function* truncateInodePagesFinal(mapping: AddressSpace): Task<void> {
  // From here on reclaim leaves no shadow behind.
  yield* mapping.exiting.write(true, 'mapping_set_exiting');
  yield* truncateInodePages(mapping, loff(0));
}

/**
 * Unmap and remove what was truncated.
 *
 * @param newsize - Already stored in i_size; the blocks are not yet freed.
 * @throws ContractError `CONTRACT` as truncateInodePagesRange().
 * @context Sleeps. i_rwsem exclusive, invalidate_lock exclusive (v5.15).
 * @see `truncate_pagecache()` (v5.15)
 */
export function* truncatePagecache(inode: Inode, newsize: Loff): Task<void> {
  const mapping = inode.iMapping;
  const holebegin = roundUp(newsize);
  yield* unmapMappingRange(mapping, holebegin, 0, true);
  yield* truncateInodePages(mapping, newsize);
  // Private copies made since the first unmap outlive the pages they were made of.
  yield* unmapMappingRange(mapping, holebegin, 0, true);
}

/**
 * Unmap and remove a range that is about to become a hole. Private copies stay.
 *
 * @param lstart - First byte.
 * @param lend - Last byte, inclusive; -1 for the end of the file.
 * @throws ContractError `CONTRACT` as truncateInodePagesRange().
 * @context Sleeps. i_rwsem exclusive, invalidate_lock exclusive (v5.15).
 * @see `truncate_pagecache_range()` (v5.15)
 */
export function* truncatePagecacheRange(inode: Inode, lstart: Loff, lend: Loff): Task<void> {
  const mapping = inode.iMapping;
  const first = roundUp(lstart);
  if (lend === END_OF_FILE) {
    yield* unmapMappingRange(mapping, first, 0, false);
  } else {
    const end = pageIndex(lend + 1) * PAGE_SIZE;
    if (end > first) yield* unmapMappingRange(mapping, first, end - first, false);
  }
  yield* truncateInodePagesRange(mapping, lstart, lend);
}

/**
 * Store a new size and make the cache fit.
 *
 * @throws ContractError `CONTRACT` as truncateInodePagesRange().
 * @context Sleeps. i_rwsem exclusive, invalidate_lock exclusive (v5.15). Blocks are freed afterwards.
 * @see `truncate_setsize()` (v5.15)
 */
export function* truncateSetsize(inode: Inode, newsize: Loff): Task<void> {
  // Sizes change only under i_rwsem, which is held.
  const oldsize = loff(inode.iSize.load());
  // The size first: a fill that starts from now on samples it and reads zeroes beyond.
  yield* iSizeWrite(inode, newsize);
  if (newsize > oldsize) yield* pagecacheIsizeExtended(inode, oldsize, newsize);
  yield* truncatePagecache(inode, newsize);
}

/**
 * Write-protect the page that straddled the old end of the file, so that the next store to it asks the filesystem
 * for the blocks that are inside the file now.
 *
 * @param from - Old size.
 * @param to - New size, already stored.
 * @context Sleeps. i_rwsem exclusive. Takes and releases a page lock.
 * @see `pagecache_isize_extended()` (v5.15)
 */
export function* pagecacheIsizeExtended(inode: Inode, from: Loff, to: Loff): Task<void> {
  const blockSize = inode.iSb.sBlocksize;
  if (from >= to || blockSize === PAGE_SIZE) return;
  // Does a block begin in that page that was outside the file and is inside now?
  const nextBlock = Math.ceil(from / blockSize) * blockSize;
  if (to <= nextBlock || nextBlock % PAGE_SIZE === 0) return;
  const page = yield* findLockPage(inode.iMapping, pageIndex(from));
  if (page === null) return;
  if ((yield* pageMkclean(page)) > 0) yield* setPageDirty(page);
  yield* unlockPage(page);
  putPage(page);
}

/**
 * Remove clean pages that nobody uses. It never waits.
 *
 * @param start - First page.
 * @param end - Last page, inclusive.
 * @returns How many pages were removed.
 * @context Does not sleep. Takes and releases page locks. Needs no lock: it discards nothing that is not on the
 *   disk, and changes no blocks.
 * @departs Shadows that are cleared are not counted; callers only want to know whether pages were left.
 * @see `invalidate_mapping_pages()` (v5.15)
 */
export function* invalidateMappingPages(mapping: AddressSpace, start: Pgoff, end: Pgoff): Task<number> {
  const upto = Math.min(end + 1, mapping.capacity);
  let count = 0;
  for (let index = start; index < upto; ) {
    const { pages, next } = yield* findLockEntries(mapping, index, upto);
    for (const page of pages) {
      if (yield* invalidateInodePage(page)) count++;
      yield* unlockPage(page);
    }
    pagevecRelease(pages);
    index = next;
  }
  return count;
}

/**
 * Remove a page if it is clean, not mapped, and used by nobody but the caller.
 *
 * @param page - Locked, with the caller's reference.
 * @returns Whether it was removed.
 * @context Page lock held.
 * @see `invalidate_inode_page()` (v5.15)
 */
export function* invalidateInodePage(page: Page): Task<boolean> {
  const mapping = page.mapping.load();
  if (mapping === null || page.dirty.load() || page.writeback.load() || page.mapcount.load() > 0)
    return false;
  if (page.hasPrivate() && !(yield* callReleasepage(page))) return false;
  return yield* __removeMapping(mapping, page, false);
}

/**
 * Remove the pages of a range, mapped or in use or not, so that the next read goes to the disk. Data that could
 * not be written stays.
 *
 * @param start - First page.
 * @param end - Last page, inclusive.
 * @returns `0`; `-EBUSY` if a dirty page or its buffers could not be dropped; or an error of launder_page.
 * @context Sleeps. Takes and releases page locks. Needs no invalidate_lock only because no blocks change.
 * @see `invalidate_inode_pages2_range()` [I2] (v5.15)
 */
export function* invalidateInodePages2Range(mapping: AddressSpace, start: Pgoff, end: Pgoff): Task<number> {
  if (yield* mappingEmpty(mapping)) return 0;
  const upto = Math.min(end + 1, mapping.capacity);
  let unmapped = false;
  let result = 0;
  for (let index = start; index < upto; ) {
    const { pages, daxEntries, next } = yield* findGetEntries(mapping, index, upto);
    for (const entry of daxEntries)
      if (!(yield* daxInvalidateMappingEntrySync(mapping, entry))) result = -EBUSY;
    for (const page of pages) {
      if (!unmapped && page.mapcount.load() > 0) {
        // The rest of the range at once, before any page lock is taken.
        yield* unmapMappingPages(mapping, page.index, upto - page.index, false);
        unmapped = true;
      }
      const error = yield* invalidatePage2(mapping, page);
      if (error < 0) result = error;
    }
    pagevecRelease(pages);
    index = next;
  }
  // DAX entries are unmapped last: a fault that comes in between finds none, and makes its own.
  if (daxMapping(mapping)) yield* unmapMappingPages(mapping, start, upto - start, false);
  return result;
}

function* invalidatePage2(mapping: AddressSpace, page: Page): Task<number> {
  yield* lockPage(page);
  let error = 0;
  if (page.mapping.load() === mapping) {
    yield* waitIfWriteback(page);
    if (page.mapcount.load() > 0) yield* unmapMappingPage(page);
    if (page.dirty.load() && mapping.aOps.launderPage !== undefined) error = yield* callLaunderPage(page);
    if (error === 0 && !(yield* invalidateCompletePage2(mapping, page))) error = -EBUSY;
  }
  yield* unlockPage(page);
  return error;
}

/** Remove a page whoever has references to it, unless it is dirty. */
function* invalidateCompletePage2(mapping: AddressSpace, page: Page): Task<boolean> {
  if (page.mapping.load() !== mapping) return false;
  if (page.hasPrivate() && !(yield* callReleasepage(page))) return false;
  const slot = mapping.iPages.at(page.index);
  const removed = yield* slot.section('invalidate_complete_page2', () => {
    if (page.dirty.load()) return false;
    removeFromSlot(page, mapping, slot, null);
    return true;
  });
  if (!removed) return false;
  mapping.aOps.freepage?.(page);
  putPage(page);
  return true;
}
