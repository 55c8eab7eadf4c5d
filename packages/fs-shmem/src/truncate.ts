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

  let left = unfalloc ? 0 : toTheEnd ? Number.POSITIVE_INFINITY : punchRestarts(inode);
  for (let times = 1; yield* undoRest(inode, start, end, unfalloc, left > 0); times++) {
    if (left-- === 0) return;
    machine.observer.startsOver?.({ loop: 'shmem_undo_range', times });
  }
}

/**
 * How often a hole punch may start over.
 *
 * @departs In v3.15 there is no end to it. A check that looks at no more than so many sweeps sees the punch end with one
 *   as in v5.15, which does not start over.
 */
function punchRestarts(inode: Inode): number {
  return profileOf(inode).punchRestarts ? machine.mostRestarts : 0;
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
 * @param again - There is another sweep if this one finds anything: in v3.15 it is left to that one to see what went to
 *   swap, or came from there, meanwhile.
 * @returns Whether it found anything.
 */
function* undoRest(
  inode: Inode,
  start: Pgoff,
  end: number,
  unfalloc: boolean,
  again: boolean,
): Task<boolean> {
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
    if (gone || (again && profileOf(inode).punchRestarts)) index = pgoff(index + 1);
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
