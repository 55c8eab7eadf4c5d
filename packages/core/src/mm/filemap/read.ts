/**
 * Reading through the page cache.
 *
 * {@link filemapRead} gathers cached pages, fills what is missing or not uptodate, then copies to the user without
 * any lock: a page may leave the cache, or be zeroed in part, while it is copied. Fills hold invalidate_lock
 * shared from the insertion of the page to the end of the I/O (v5.15); v5.14 has nothing in its place.
 *
 * What a caller that must not wait meets:
 * - IOCB_NOWAIT: no waiting for I/O or locks; readahead may be started, and waits for invalidate_lock.
 * - IOCB_NOIO: no I/O is started; locks are waited for.
 * - IOCB_WAITQ: a page lock is not waited for; the caller is called back.
 *
 * @departs mark_page_accessed() and the LRU lists are not modelled.
 * @departs Flags of a page are tested in the step that found it (or locked it, or ended its I/O); the kernel tests
 *   them a moment later. `PG_uptodate` is set under the page lock before the page can leave the cache, so whatever
 *   the later test sees, a reader who looks the page up later sees too.
 * @see mm/filemap.c (v5.14, v5.15)
 */
import { callDirectIO, callIsPartiallyUptodate, callReadpage, demandLocks } from '../../contracts.js';
import { AOP_TRUNCATED_PAGE, EAGAIN, EFAULT, EINTR, EIO, EIOCBQUEUED, ENOMEM } from '../../include/errno.js';
import { IOCB_DIRECT, IOCB_NOIO, IOCB_NOWAIT, IOCB_WAITQ } from '../../include/flags.js';
import {
  type AddressSpace,
  type File,
  type IovIter,
  iSizeRead,
  iSizeWithin,
  type Kiocb,
  pageIndex,
} from '../../include/fs.js';
import type { Page } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { fatalSignalPending } from '../../include/sched/signal.js';
import { mightFault } from '../../include/uaccess.js';
import { loff, type Pgoff, pgoff } from '../../include/units.js';
import { tryPageLock } from '../../locking/page-lock.js';
import { machine } from '../../machine.js';
import { type Cells, showCells } from '../../provenance.js';
import { beginAttempt, retry } from '../../sched/retry.js';
import type { SharedVar } from '../../sched/shared-var.js';
import type { Task } from '../../sched/task.js';
import { copyToUser } from '../memory/user-access.js';
import { filemapRangeNeedsWriteback, filemapWriteAndWaitRange } from '../page-writeback.js';
import { pageCacheAsyncReadahead, pageCacheSyncReadahead, updateFileRa } from '../readahead.js';
import {
  filemapInvalidateLockShared,
  filemapInvalidateTrylockShared,
  filemapInvalidateUnlockShared,
  takesInvalidateLock,
} from './invalidate-lock.js';
import {
  addToPageCacheLru,
  findGetPage,
  letTruncationEnd,
  lockPage,
  PAGEVEC_SIZE,
  pageCacheAlloc,
  putAndWaitOnPageLocked,
  putPage,
  trylockPage,
  unlockPage,
  waitOnPageLocked,
  waitOnPageLockedKillable,
} from './page-cache.js';

/**
 * Read from a file, through the cache or, with IOCB_DIRECT, past it.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps as the flags allow. Takes and releases invalidate_lock shared (v5.15).
 * @see `generic_file_read_iter()` (v5.15)
 */
export function* genericFileReadIter(iocb: Kiocb, iter: IovIter): Task<number> {
  const { count } = iter;
  if (count === 0) return 0;
  if ((iocb.kiFlags & IOCB_DIRECT) === 0) return yield* filemapRead(iocb, iter);
  const { fMapping: mapping } = iocb.kiFilp;
  const size = yield* iSizeRead(mapping.host);
  const last = loff(iocb.kiPos + count - 1);
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) {
    if (yield* filemapRangeNeedsWriteback(mapping, iocb.kiPos, last)) return -EAGAIN;
  } else {
    const error = yield* filemapWriteAndWaitRange(mapping, iocb.kiPos, last);
    if (error < 0) return error;
  }
  const read = yield* callDirectIO(iocb, iter);
  if (read >= 0) iocb.kiPos = loff(iocb.kiPos + read);
  // A short read inside the file goes on through the cache.
  if (read < 0 || read === count || iocb.kiPos >= size) return read;
  return yield* filemapRead(iocb, iter, read);
}

/**
 * Read through the cache.
 *
 * Nothing compares the position with i_size before pages are looked up, so that a read at the end of the file can
 * insert a page beyond it.
 *
 * @param iter - Where the bytes go.
 * @param already - Bytes that the caller has read before.
 * @returns Bytes, `already` included; or an errno if there are none: `-EAGAIN`, `-EIOCBQUEUED`, `-EINTR`, `-ENOMEM`, `-EIO`,
 *   `-EFAULT`, or what readpage returned.
 * @throws ContractError `COPY_UNDER_LOCK` if a lock is held that a page fault takes.
 * @context Sleeps as the flags allow. Takes and releases invalidate_lock shared (v5.15).
 * @departs A pipe gets a copy, not the page: what happens to the page after the read does not show in it.
 * @see `filemap_read()` [FR] (v5.15)
 */
export function* filemapRead(iocb: Kiocb, iter: IovIter, already = 0): Task<number> {
  const { kiFilp: file } = iocb;
  const { fInode: inode } = file;
  if (iocb.kiPos >= machine.maxBytes || iter.count === 0) return 0;
  iter.count = Math.min(iter.count, machine.maxBytes);
  let done = already;
  let faulted = false;
  for (;;) {
    // With bytes in hand it cannot be "queued" any more.
    if ((iocb.kiFlags & IOCB_WAITQ) !== 0 && done > 0) iocb.kiFlags |= IOCB_NOWAIT;
    const pages: Page[] = [];
    const error = yield* filemapGetPages(iocb, iter, pages);
    if (error < 0) return done > 0 ? done : error;
    // Only now: a size read before the pages were uptodate could be smaller than what they show.
    const end = yield* iSizeWithin(inode, iocb.kiPos, iocb.kiPos + iter.count);
    for (const page of pages) {
      const offset = iocb.kiPos % PAGE_SIZE;
      const bytes = Math.min(end - iocb.kiPos, PAGE_SIZE - offset);
      if (bytes <= 0) break;
      const cells = yield* copyPageToIter(page, offset, bytes);
      const copied = iocb.kiUser === undefined ? bytes : yield* copyToUser(iocb.kiUser, done, cells);
      iter.cells.push(cells.slice(0, copied));
      iter.count -= copied;
      iocb.kiPos = loff(iocb.kiPos + copied);
      updateFileRa(file, { prevPos: iocb.kiPos });
      done += copied;
      faulted = copied < bytes;
      if (faulted) break;
    }
    for (const page of pages) putPage(page);
    if (faulted) return done > 0 ? done : -EFAULT;
    if (iter.count === 0 || iocb.kiPos >= end) return done;
  }
}

/** Copy from a page to the user. One step: blocks are the smallest unit that any checker looks at. */
function copyPageToIter(page: Page, offset: number, bytes: number): Task<Cells> {
  mightFault('copy_page_to_iter');
  const first = page.content[Math.floor(offset / machine.blockSize)] as SharedVar<Cells>;
  return first.readSection('copy_page_to_iter', () => page.loadBytes(offset, bytes), showCells);
}

/**
 * Get pages whose requested bytes are valid.
 *
 * @param pages - Filled in: at least one, consecutive, each with a reference.
 * @returns `0`, or an errno with no page.
 * @departs See letTruncationEnd(): who must not wait there gives up; the kernel lets it read ahead once more.
 * @see `filemap_get_pages()` [GP] (v5.15)
 */
function* filemapGetPages(iocb: Kiocb, iter: IovIter, pages: Page[]): Task<number> {
  const { kiFilp: file, kiPos: pos } = iocb;
  const { fMapping: mapping } = file;
  const index = pageIndex(pos);
  const end = Math.ceil((pos + iter.count) / PAGE_SIZE);
  for (;;) {
    const attempt = beginAttempt(true);
    if (fatalSignalPending()) return -EINTR;
    yield* filemapGetReadBatch(mapping, index, end, pages);
    if (pages.length === 0) {
      if ((iocb.kiFlags & IOCB_NOIO) !== 0) return -EAGAIN;
      yield* pageCacheSyncReadahead(mapping, file, index, end - index);
      yield* filemapGetReadBatch(mapping, index, end, pages);
    }
    if (pages.length === 0) {
      if ((iocb.kiFlags & (IOCB_NOWAIT | IOCB_WAITQ)) !== 0) return -EAGAIN;
      const error = yield* filemapCreatePage(file, index, pages);
      if (error !== AOP_TRUNCATED_PAGE) return error;
      yield* retry(attempt);
      continue;
    }
    const last = pages.at(-1) as Page;
    const error = yield* finishBatch(iocb, iter, pages, last, end);
    if (error === 0) return 0;
    if (error < 0) putPage(last); // AOP_TRUNCATED_PAGE: put already
    pages.pop();
    if (pages.length > 0) return 0;
    if (error !== AOP_TRUNCATED_PAGE) return error;
    if ((iocb.kiFlags & IOCB_NOWAIT) === 0) yield* letTruncationEnd(mapping, true);
    else if (mapping.truncating.load()) return -EAGAIN;
    yield* retry(attempt);
  }
}

/**
 * Gather consecutive pages, up to and including the first that needs attention: not uptodate, or with the marker.
 *
 * @param last - Last index, inclusive: the page behind a request that ends with a page is looked at as well, as
 *   in the kernel until v6.2. It is never copied from, but it may be waited for, or filled.
 * @see `filemap_get_read_batch()` (v5.15)
 */
function* filemapGetReadBatch(mapping: AddressSpace, start: Pgoff, last: number, pages: Page[]): Task<void> {
  for (let index = start; index <= last && index < mapping.capacity; index = pgoff(index + 1)) {
    const page = yield* findGetPage(mapping, index, 'filemap_get_read_batch');
    if (page === null) return;
    if (pages.push(page) === PAGEVEC_SIZE) return;
    if (!page.uptodate.load() || page.readahead.load()) return;
  }
}

/** Attend to the last page of a batch. @returns `0`, AOP_TRUNCATED_PAGE (the page was put), or an errno. */
function* finishBatch(
  iocb: Kiocb,
  iter: IovIter,
  pages: readonly Page[],
  last: Page,
  end: number,
): Task<number> {
  const { kiFilp: file } = iocb;
  if (last.readahead.load()) {
    if ((iocb.kiFlags & IOCB_NOIO) !== 0) return -EAGAIN;
    yield* pageCacheAsyncReadahead(file.fMapping, file, last, last.index, end - last.index);
  }
  if (last.uptodate.load()) return 0;
  // There is something to return without waiting for this one.
  if ((iocb.kiFlags & IOCB_WAITQ) !== 0 && pages.length > 1) iocb.kiFlags |= IOCB_NOWAIT;
  return yield* filemapUpdatePage(iocb, iter, last);
}

/**
 * Make a cached page valid: wait for who is filling it, or fill it.
 *
 * @returns `0`; AOP_TRUNCATED_PAGE (the page was put: look it up again); `-EAGAIN`; `-EIOCBQUEUED`; or an errno.
 * @context Sleeps as the flags allow. Takes and releases invalidate_lock shared (v5.15), the page lock inside it.
 * @departs The callback of IOCB_WAITQ is not modelled: whoever gets `-EIOCBQUEUED` is called back once, when the page
 *   is unlocked, and starts over.
 * @see `filemap_update_page()` [UP] (v5.14, v5.15)
 */
function* filemapUpdatePage(iocb: Kiocb, iter: IovIter, page: Page): Task<number> {
  const { kiFilp: file, kiFlags: flags } = iocb;
  const { fMapping: mapping } = file;
  const guarded = takesInvalidateLock(mapping);
  if (guarded) {
    if ((flags & IOCB_NOWAIT) === 0) yield* filemapInvalidateLockShared(mapping);
    else if (!(yield* filemapInvalidateTrylockShared(mapping))) return -EAGAIN;
  }
  if (!(yield* trylockPage(page))) {
    const mayWait = (flags & (IOCB_NOWAIT | IOCB_NOIO)) === 0;
    if (mayWait && (flags & IOCB_WAITQ) === 0) {
      // Not while holding invalidate_lock: the wait may be long.
      if (guarded) yield* filemapInvalidateUnlockShared(mapping);
      yield* putAndWaitOnPageLocked(page);
      return AOP_TRUNCATED_PAGE;
    }
    if (!mayWait || !(yield* tryPageLock(page.lock, '__lock_page_async'))) {
      if (guarded) yield* filemapInvalidateUnlockShared(mapping);
      return mayWait ? -EIOCBQUEUED : -EAGAIN;
    }
  }
  const error = yield* updateLockedPage(iocb, iter, page);
  // Every way out comes by here: the lock must not be lost on the rare ones.
  if (guarded) yield* filemapInvalidateUnlockShared(mapping);
  if (error === AOP_TRUNCATED_PAGE) putPage(page);
  return error;
}

/** The part of filemap_update_page() under the page lock, which is gone on return. */
function* updateLockedPage(iocb: Kiocb, iter: IovIter, page: Page): Task<number> {
  const { kiFilp: file, kiFlags: flags, kiPos: pos } = iocb;
  let error = 0;
  if (page.mapping.load() === null) error = AOP_TRUNCATED_PAGE;
  else if (!(yield* filemapRangeUptodate(file.fMapping, pos, iter, page))) {
    if ((flags & (IOCB_NOIO | IOCB_NOWAIT | IOCB_WAITQ)) === 0) return yield* filemapReadPage(file, page);
    error = -EAGAIN;
  }
  yield* unlockPage(page);
  return error;
}

/** Are the bytes wanted valid, even if the whole page is not? @see `filemap_range_uptodate()` (v5.15) */
function* filemapRangeUptodate(mapping: AddressSpace, pos: number, iter: IovIter, page: Page): Task<boolean> {
  if (page.uptodate.load()) return true;
  // A pipe takes the page, so that all of it must be valid.
  if (iter.isPipe || mapping.aOps.isPartiallyUptodate === undefined) return false;
  if (machine.blockSize >= PAGE_SIZE) return false;
  const start = page.index * PAGE_SIZE;
  if (start <= pos) return yield* callIsPartiallyUptodate(page, pos - start, iter.count);
  return yield* callIsPartiallyUptodate(page, 0, iter.count - (start - pos));
}

/**
 * Insert a missing page and fill it.
 *
 * @param pages - The page is added, uptodate, with a reference.
 * @returns `0`; AOP_TRUNCATED_PAGE if somebody else inserted one; `-ENOMEM`; or an errno: then the page stays in the
 *   cache, not uptodate.
 * @context Sleeps. Takes and releases invalidate_lock shared (v5.15).
 * @see `filemap_create_page()` [CP] (v5.14, v5.15)
 */
function* filemapCreatePage(file: File, index: Pgoff, pages: Page[]): Task<number> {
  const { fMapping: mapping } = file;
  const guarded = takesInvalidateLock(mapping);
  const page = yield* pageCacheAlloc(index);
  if (page === null) return -ENOMEM;
  // Until the I/O has ended: releasing it after the insertion would be enough here, but not where a page is filled
  // that was cached before.
  if (guarded) yield* filemapInvalidateLockShared(mapping);
  const inserted = (yield* addToPageCacheLru(page, mapping, index)) === 0;
  const error = inserted ? yield* filemapReadPage(file, page) : AOP_TRUNCATED_PAGE;
  if (guarded) yield* filemapInvalidateUnlockShared(mapping);
  if (error === 0) pages.push(page);
  else putPage(page);
  return error;
}

/**
 * Fill a locked page and wait for it.
 *
 * @returns `0`: uptodate, but no longer locked; `-EIO`; `-EINTR`; or what readpage returned.
 * @context Sleeps. Page lock held; it is gone on return. invalidate_lock shared (v5.15).
 * @see `filemap_read_page()` [RP] (v5.15)
 */
export function* filemapReadPage(file: File, page: Page): Task<number> {
  page.error.store(false); // under the page lock; set again if it fails again
  const error = yield* callReadpage(file, page);
  if (error !== 0) return error;
  if (!(yield* waitOnPageLockedKillable(page))) return -EINTR;
  if (page.uptodate.load()) return 0;
  updateFileRa(file, { raPages: Math.floor(file.fRa.load().raPages / 4) });
  return -EIO;
}

/**
 * Get a page of the cache, filled, for the kernel's own use.
 *
 * It takes no invalidate_lock: its callers hold it, some of them exclusive.
 *
 * @param file - Passed to readpage.
 * @returns The page, uptodate, with a reference; or `-ENOMEM`, `-EIO`, or what readpage returned.
 * @throws ContractError `CONTRACT` without invalidate_lock (v5.15).
 * @context Sleeps. invalidate_lock at least shared (v5.15).
 * @see `read_cache_page()` [RC] (v5.15)
 */
export function* readCachePage(mapping: AddressSpace, index: Pgoff, file: File | null): Task<Page | number> {
  demandLocks('read_cache_page', mapping);
  for (;;) {
    const found = yield* findGetPage(mapping, index);
    if (found === null) {
      const page = yield* pageCacheAlloc(index);
      if (page === null) return -ENOMEM;
      if ((yield* addToPageCacheLru(page, mapping, index)) === 0) return yield* fillCachePage(page, file);
      putPage(page);
      continue;
    }
    if (found.uptodate.load()) return found;
    yield* waitOnPageLocked(found);
    if (found.uptodate.load()) return found;
    yield* lockPage(found);
    if (found.mapping.load() === null) {
      yield* unlockPage(found);
      putPage(found);
      continue;
    }
    if (!found.uptodate.load()) return yield* fillCachePage(found, file);
    yield* unlockPage(found);
    return found;
  }
}

/** Fill a locked page and wait, whatever signal comes. @see `wait_on_page_read()` (v5.15) */
function* fillCachePage(page: Page, file: File | null): Task<Page | number> {
  page.error.store(false);
  const error = yield* callReadpage(file, page);
  if (error >= 0) {
    yield* waitOnPageLocked(page);
    if (page.uptodate.load()) return page;
  }
  putPage(page);
  return error < 0 ? error : -EIO;
}

/**
 * The same, by the name that filesystems use.
 *
 * @see include/linux/pagemap.h `read_mapping_page()` (v5.15)
 */
export function readMappingPage(mapping: AddressSpace, index: Pgoff, file: File | null): Task<Page | number> {
  return readCachePage(mapping, index, file);
}
