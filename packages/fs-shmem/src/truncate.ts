/**
 * Removing a range: pages and what is in swap.
 *
 * A first sweep takes what can be locked at once, a second one waits. A truncation then starts over until a sweep finds
 * nothing; that ends, because i_size was stored before and nobody brings back what is beyond it. A hole punch has nothing
 * that keeps pages from coming back, so that it must not start over; in v3.15 it did.
 *
 * @departs One page at a time instead of fifteen. In the kernel those of a batch are locked together, without waiting.
 * @see mm/shmem.c `shmem_undo_range()` (v3.15, v5.15)
 */
import {
  findGetEntry,
  type Inode,
  isPage,
  type Loff,
  lockPage,
  machine,
  PAGE_SIZE,
  type Page,
  type Pgoff,
  pageIndex,
  pgoff,
  putPage,
  type Task,
  truncateInodePage,
  trylockPage,
  unlockPage,
  zeroUserSegment,
} from '@fsport/core';
import { __setPageDirtyNoWriteback, shmemFreeSwap, shmemGetpage } from './getpage.js';
import { profileOf } from './shmem.js';

/** To the end of the file, as the last byte of a range. */
export const END_OF_FILE = -1;

/**
 * Remove a range.
 *
 * @param lstart - First byte.
 * @param lend - Last byte, inclusive; {@link END_OF_FILE} for the end of the file.
 * @context Sleeps. i_rwsem exclusive. Takes and releases page locks.
 * @see `shmem_truncate_range()` (v5.15)
 */
export function shmemTruncateRange(inode: Inode, lstart: Loff, lend: number): Task<void> {
  return shmemUndoRange(inode, lstart, lend, false);
}

/**
 * Remove a range, or take back what an allocation has added to it.
 *
 * @param unfalloc - Remove only pages that are not valid yet, and leave what is in swap.
 * @context Sleeps. i_rwsem exclusive. Takes and releases page locks.
 * @see `shmem_undo_range()` (v3.15, v5.15)
 */
export function* shmemUndoRange(inode: Inode, lstart: Loff, lend: number, unfalloc: boolean): Task<void> {
  const { iMapping: mapping } = inode;
  const toTheEnd = lend === END_OF_FILE;
  const start = pgoff(Math.ceil(lstart / PAGE_SIZE));
  const end = toTheEnd ? mapping.capacity : pageIndex(lend + 1);
  yield* undoWhatIsFree(inode, start, end, unfalloc);

  const partialStart = lstart % PAGE_SIZE;
  let partialEnd = toTheEnd ? 0 : (lend + 1) % PAGE_SIZE;
  if (partialStart > 0) {
    const onePage = start > end;
    yield* zeroPartialPage(inode, pgoff(start - 1), partialStart, onePage ? partialEnd : PAGE_SIZE);
    if (onePage) partialEnd = 0;
  }
  if (partialEnd > 0) yield* zeroPartialPage(inode, pgoff(end), 0, partialEnd);

  const restarts = !unfalloc && (toTheEnd || profileOf(inode).punchRestarts);
  for (let times = 0; yield* undoRest(inode, start, end, unfalloc); ) {
    if (!restarts || times === machine.mostRestarts) return;
    machine.observer.startsOver?.({ loop: 'shmem_undo_range', times: ++times });
  }
}

/** First sweep: what is locked is passed over. */
function* undoWhatIsFree(inode: Inode, start: Pgoff, end: number, unfalloc: boolean): Task<void> {
  const { iMapping: mapping } = inode;
  for (let index = start; index < end; index = pgoff(index + 1)) {
    const entry = yield* findGetEntry(mapping, index, 'find_lock_entries');
    if (entry === null) continue;
    if (!isPage(entry)) {
      if (!unfalloc) yield* shmemFreeSwap(mapping, index, entry);
      continue;
    }
    if (yield* trylockPage(entry)) {
      yield* undoPage(inode, entry, unfalloc);
      yield* unlockPage(entry);
    }
    putPage(entry);
  }
}

/**
 * Second sweep: wait for what is locked.
 *
 * @returns Whether it found anything.
 */
function* undoRest(inode: Inode, start: Pgoff, end: number, unfalloc: boolean): Task<boolean> {
  const { iMapping: mapping } = inode;
  let found = false;
  for (let index = start; index < end; ) {
    const entry = yield* findGetEntry(mapping, index, 'find_get_entries');
    found ||= entry !== null;
    let gone = true;
    if (isPage(entry)) {
      yield* lockPage(entry);
      gone = yield* undoPage(inode, entry, unfalloc);
      yield* unlockPage(entry);
      putPage(entry);
    } else if (entry !== null && !unfalloc) {
      gone = yield* shmemFreeSwap(mapping, index, entry);
    }
    // A page that went to swap, or came from it, meanwhile: the same index once more. Who starts over sees it then.
    if (gone || profileOf(inode).punchRestarts) index = pgoff(index + 1);
  }
  return found;
}

/** Remove a locked page, unless it is to stay. @returns `false` if it is not in this cache any more. */
function* undoPage(inode: Inode, page: Page, unfalloc: boolean): Task<boolean> {
  if (unfalloc && page.uptodate.load()) return true;
  return (yield* truncateInodePage(inode.iMapping, page)) === 0;
}

/** Zero a part of a page that stays; a hole is zero anyway. The page is all there is, so it becomes dirty. */
function* zeroPartialPage(inode: Inode, index: Pgoff, from: number, to: number): Task<void> {
  const page = yield* shmemGetpage(inode, index, 'SGP_READ');
  if (page === null || typeof page === 'number') return;
  yield* zeroUserSegment(page, from, to);
  yield* __setPageDirtyNoWriteback(page);
  yield* unlockPage(page);
  putPage(page);
}
