/**
 * Readahead: fill pages of the cache before anybody waits for them.
 *
 * {@link pageCacheSyncReadahead} is for a page that is missing, {@link pageCacheAsyncReadahead} for one that is
 * cached and carries the marker, {@link forcePageCacheReadahead} for advice. All end in
 * {@link pageCacheRaUnbounded}, which inserts locked pages and hands them to the filesystem; the I/O goes on
 * after it returned. Since v5.15 it holds invalidate_lock shared from the first insertion to the last block look-up,
 * so that no page is filled from a block that is being freed.
 *
 * @departs No congestion: it only makes the kernel read less ahead.
 * @departs No largest request of the device (`io_pages`): a request is not cut.
 * @see mm/readahead.c (v5.14, v5.15)
 */
import { callReadahead, callReadpage, callReadpages } from '../contracts.js';
import { FMODE_RANDOM } from '../include/flags.js';
import {
  type AddressSpace,
  type File,
  type FileRaState,
  iSizeWithin,
  isPage,
  pageIndex,
} from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type ReadaheadControl, readaheadPage } from '../include/pagemap.js';
import { type Pgoff, pgoff } from '../include/units.js';
import { current } from '../sched/current.js';
import type { Task } from '../sched/task.js';
import {
  filemapInvalidateLockShared,
  filemapInvalidateUnlockShared,
  takesInvalidateLock,
} from './filemap/invalidate-lock.js';
import { addToPageCacheLru, pageCacheAlloc, putPage, unlockPage } from './filemap/page-cache.js';
import {
  contextWindow,
  followingWindow,
  initialWindow,
  mergeNext,
  type RaWindow,
  windowAfterGap,
} from './readahead/window.js';

/** Forced readahead is cut into pieces of this many bytes. */
const CHUNK_BYTES = 2 * 1024 * 1024;

function request(mapping: AddressSpace, file: File | null, index: Pgoff): ReadaheadControl {
  return { file, mapping, index, pages: [] };
}

/**
 * Change the readahead state of a file as part of the step in progress. A file without readahead keeps none.
 *
 * @param change - Fields to replace.
 * @departs The kernel's fields are changed one by one and without a lock; here they join the step before. They only
 *   steer how much is read ahead.
 */
export function updateFileRa(file: File, change: Partial<FileRaState>): void {
  const ra = file.fRa.load();
  if (ra.raPages > 0) file.fRa.store({ ...ra, ...change });
}

/**
 * Read a page that is missing, and more if that is promising.
 *
 * @param file - Whose readahead state is used.
 * @param index - First page wanted.
 * @param reqCount - Pages wanted.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15). Does not wait for the I/O.
 * @see `page_cache_sync_ra()` [RS] (v5.15)
 */
export function* pageCacheSyncReadahead(
  mapping: AddressSpace,
  file: File,
  index: Pgoff,
  reqCount: number,
): Task<void> {
  if (file.fRa.load().raPages === 0) {
    // Even without readahead the page that is wanted is read this way.
    yield* forcePageCacheReadahead(mapping, file, index, 1);
  } else if ((file.fMode & FMODE_RANDOM) !== 0) {
    yield* forcePageCacheReadahead(mapping, file, index, reqCount);
  } else {
    yield* ondemandReadahead(request(mapping, file, index), file, false, reqCount);
  }
}

/**
 * A reader has met the marker: read the next window.
 *
 * @param file - Whose readahead state is used.
 * @param page - Page with the marker; cleared here.
 * @param index - Its index.
 * @param reqCount - Pages wanted from there.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15). Does not wait for the I/O.
 * @departs The look at PG_writeback joins the clearing of the marker. The kernel uses one bit for the marker and for
 *   "reclaim after writeback" and looks in order not to clear the latter, which the model does not have.
 * @see `page_cache_async_ra()` [RA] (v5.15)
 */
export function* pageCacheAsyncReadahead(
  mapping: AddressSpace,
  file: File,
  page: Page,
  index: Pgoff,
  reqCount: number,
): Task<void> {
  if (file.fRa.load().raPages === 0) return;
  const mayRead = yield* page.readahead.section('page_cache_async_ra', () => {
    if (page.writeback.load()) return false;
    page.readahead.store(false);
    return true;
  });
  if (mayRead) yield* ondemandReadahead(request(mapping, file, index), file, true, reqCount);
}

/**
 * Read a range, whatever the readahead state says: advice, and files opened for random access.
 *
 * @param file - For the filesystem.
 * @param index - First page.
 * @param nrToRead - Number of pages.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15), for each piece of 2 MiB anew. Does not
 *   wait for the I/O.
 * @see `force_page_cache_ra()` [RF] (v5.15)
 */
export function* forcePageCacheReadahead(
  mapping: AddressSpace,
  file: File,
  index: Pgoff,
  nrToRead: number,
): Task<void> {
  const chunk = CHUNK_BYTES / PAGE_SIZE;
  for (let done = 0; done < nrToRead; done += chunk) {
    const rac = request(mapping, file, pgoff(index + done));
    yield* doPageCacheRa(rac, Math.min(chunk, nrToRead - done), 0);
  }
}

/** Choose the window and read it. @see `ondemand_readahead()` [OD] (v5.15) */
function* ondemandReadahead(
  rac: ReadaheadControl,
  file: File,
  hitMarker: boolean,
  reqSize: number,
): Task<void> {
  const { index } = rac;
  const ra = file.fRa.load();
  const max = Math.max(ra.raPages, reqSize);
  const window = yield* chooseWindow(rac, ra, hitMarker, reqSize, max);
  if (window === 'nothing') return;
  if (window === 'as-is') {
    // A single random read: the file forgets it.
    yield* doPageCacheRa(rac, reqSize, 0);
    return;
  }
  const { start, size, asyncSize } = mergeNext(window, index, max);
  updateFileRa(file, { start, size, asyncSize });
  rac.index = pgoff(start);
  yield* doPageCacheRa(rac, size, asyncSize);
}

function* chooseWindow(
  { mapping, index }: ReadaheadControl,
  ra: FileRaState,
  hitMarker: boolean,
  reqSize: number,
  max: number,
): Task<RaWindow | 'nothing' | 'as-is'> {
  if (index === 0) return initialWindow(index, reqSize, max);
  const expected = ra.start + ra.size;
  if (index === expected || index === expected - ra.asyncSize) return followingWindow(ra, max);
  if (hitMarker) {
    const gap = yield* pageCacheNextMiss(mapping, pgoff(index + 1), max);
    return gap - index > max ? 'nothing' : windowAfterGap(index, gap, reqSize, max);
  }
  const distance = index - pageIndex(ra.prevPos);
  if (ra.prevPos >= 0 && (distance === 0 || distance === 1)) return initialWindow(index, reqSize, max);
  const history = yield* countHistoryPages(mapping, index, max);
  return contextWindow(index, history, reqSize, max) ?? 'as-is';
}

/**
 * The first page index from `start` on that is not cached.
 *
 * @returns The index; `start + max` if `max` pages are cached.
 * @context May be preempted. Takes no lock.
 * @departs One step for all slots: the kernel's walk is not a snapshot. It picks a window, and any window is right.
 * @see mm/filemap.c `page_cache_next_miss()` (v5.15)
 */
function pageCacheNextMiss(mapping: AddressSpace, start: Pgoff, max: number): Task<number> {
  return mapping.iPages.at(start).readSection('page_cache_next_miss', () => {
    let index = start;
    while (index < start + max && index < mapping.capacity && isPage(mapping.iPages.at(index).load())) {
      index = pgoff(index + 1);
    }
    return index;
  });
}

/**
 * How many pages right before this one are cached?
 *
 * @returns A number up to `max`.
 * @context May be preempted. Takes no lock.
 * @departs One step, as for pageCacheNextMiss().
 * @see mm/readahead.c `count_history_pages()` (v5.15)
 */
function countHistoryPages(mapping: AddressSpace, index: Pgoff, max: number): Task<number> {
  return mapping.iPages.at(index - 1).readSection('page_cache_prev_miss', () => {
    let count = 0;
    while (count < max && count < index && isPage(mapping.iPages.at(index - 1 - count).load())) count++;
    return count;
  });
}

/**
 * Read pages that are inside the file.
 *
 * `i_size` is read before invalidate_lock is taken: who waits for the lock behind a truncate then inserts pages
 * beyond the new end.
 *
 * @param rac - From where.
 * @param nrToRead - Number of pages.
 * @param lookaheadSize - The marker is this many pages before the end; 0 for none.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15). Does not wait for the I/O.
 * @see `do_page_cache_ra()` [RD] (v5.15)
 */
export function* doPageCacheRa(rac: ReadaheadControl, nrToRead: number, lookaheadSize: number): Task<void> {
  const start = rac.index * PAGE_SIZE;
  const isize = yield* iSizeWithin(rac.mapping.host, start, start + nrToRead * PAGE_SIZE);
  const inFile = Math.ceil(isize / PAGE_SIZE) - rac.index;
  if (inFile > 0) yield* pageCacheRaUnbounded(rac, Math.min(nrToRead, inFile), lookaheadSize);
}

/**
 * Insert the pages that are missing in a range, locked, and start reading them.
 *
 * It waits for invalidate_lock even for a caller that must not wait (`IOCB_NOWAIT` without `IOCB_NOIO`): the kernel
 * counts readahead as not waiting.
 *
 * @param rac - From where.
 * @param nrToRead - Number of pages.
 * @param lookaheadSize - The marker is this many pages before the end; 0 for none.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15). Does not wait for the I/O.
 * @departs The look-up before the allocation joins the insertion: a page that is there is met by one or the other, with
 *   the same consequence.
 * @departs The marker is set in the step of the insertion. Who looked in between would wait for the page without
 *   starting the next window, as somebody does whom another reader forestalled.
 * @see `page_cache_ra_unbounded()` [RU] (v5.15)
 */
export function* pageCacheRaUnbounded(
  rac: ReadaheadControl,
  nrToRead: number,
  lookaheadSize: number,
): Task<void> {
  const { mapping, index: start } = rac;
  const { task } = current;
  const nowait = task?.nowait === true;
  if (task !== null) task.nowait = false;
  if (takesInvalidateLock(mapping)) yield* filemapInvalidateLockShared(mapping);
  for (let i = 0; i < nrToRead; i++) {
    const index = pgoff(start + i);
    const page = yield* freshPage(mapping, index);
    if (page === 'no memory') break;
    if (page === 'cached') {
      yield* readPages(rac);
      rac.index = pgoff(index + 1);
      continue;
    }
    if (i === nrToRead - lookaheadSize) page.readahead.store(true);
    rac.pages.push(page);
  }
  yield* readPages(rac);
  // Pages may still be locked and being read. Whoever invalidates waits for each.
  if (takesInvalidateLock(mapping)) yield* filemapInvalidateUnlockShared(mapping);
  if (task !== null) task.nowait = nowait;
}

/**
 * A page for an index that has none, inserted. Filesystems with readpages insert it themselves, and find only then that
 * there is one.
 */
function* freshPage(mapping: AddressSpace, index: Pgoff): Task<Page | 'cached' | 'no memory'> {
  const page = yield* pageCacheAlloc(index);
  if (page === null) return 'no memory';
  if (mapping.aOps.readpages !== undefined) return page;
  if ((yield* addToPageCacheLru(page, mapping, index)) === 0) return page;
  putPage(page);
  return 'cached';
}

/** Hand the pages gathered so far to the filesystem. What it leaves is given up. @see `read_pages()` [RDP] (v5.15) */
function* readPages(rac: ReadaheadControl): Task<void> {
  if (rac.pages.length === 0) return;
  if (rac.mapping.aOps.readpages !== undefined) {
    yield* callReadpages(rac.file, rac.mapping, rac.pages);
    for (let page = readaheadPage(rac); page !== null; page = readaheadPage(rac)) putPage(page);
    return;
  }
  const hasReadahead = rac.mapping.aOps.readahead !== undefined;
  if (hasReadahead) yield* callReadahead(rac);
  for (let page = readaheadPage(rac); page !== null; page = readaheadPage(rac)) {
    // An error is nobody's: the page stays as it is, and who wants it tries again.
    if (hasReadahead) yield* unlockPage(page);
    else yield* callReadpage(rac.file, page);
    putPage(page);
  }
}
