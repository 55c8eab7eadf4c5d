/**
 * fallocate(2): hole punch and preallocation. One of them at a time, under i_rwsem; it can be found through `i_private`.
 *
 * @see mm/shmem.c `shmem_fallocate()` (v3.15, v5.15), and the patch "shmem: Use invalidate_lock to protect fallocate"
 *   that was left out of the v5.15 series
 */
import {
  EINTR,
  ENOMEM,
  EOPNOTSUPP,
  EPERM,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type File,
  fatalSignalPending,
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  type Inode,
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  iSizeWrite,
  type Loff,
  loff,
  PAGE_SIZE,
  type Page,
  pageIndex,
  pgoff,
  putPage,
  SharedVar,
  spinLock,
  spinUnlock,
  type Task,
  unlockPage,
  unmapMappingRange,
} from '@fsport/core';
import { FallocWaitQueue, leaveFrame, wakeUpAll } from './falloc-waitq.js';
import { __setPageDirtyNoWriteback, shmemGetpage } from './getpage.js';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_WRITE } from './memfd.js';
import { profileOf, SHMEM_I, type ShmemFalloc } from './shmem.js';
import { shmemTruncateRange, shmemUndoRange } from './truncate.js';

/**
 * Change what is in a range of a file.
 *
 * @returns `0`; `-EOPNOTSUPP` for anything but a hole punch or an allocation; `-EPERM` if the file is sealed against it; or
 *   an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see mm/shmem.c `shmem_fallocate()` (v5.15)
 */
export function* shmemFallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) return -EOPNOTSUPP;
  const { fInode: inode } = file;
  yield* inodeLock(inode);
  const error =
    (mode & FALLOC_FL_PUNCH_HOLE) === 0
      ? yield* shmemAllocate(inode, mode, offset, len)
      : yield* shmemPunchHole(inode, offset, len);
  yield* inodeUnlock(inode);
  return error;
}

/** Publish what is going on, or that it has ended, under i_lock. */
function* setPrivate(inode: Inode, falloc: ShmemFalloc | null): Task<void> {
  const { iPrivate, iLock } = SHMEM_I(inode);
  yield* spinLock(iLock);
  yield* iPrivate.write(falloc, 'i_private');
  yield* spinUnlock(iLock);
}

function fallocation(waitq: FallocWaitQueue | null, start: number, next: number): ShmemFalloc {
  return {
    waitq,
    start,
    next: new SharedVar('shmem_falloc.next', next),
    nrUnswapped: new SharedVar('shmem_falloc.nr_unswapped', 0),
  };
}

/** Make a hole. */
function* shmemPunchHole(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const { seals } = SHMEM_I(inode);
  if ((seals.load() & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
  const { faultGuard } = profileOf(inode);
  if (faultGuard === 'waitq') yield* punchWithWaitq(inode, offset, len);
  else if (faultGuard === 'invalidate_lock') yield* punchWithInvalidateLock(inode, offset, len);
  else yield* punch(inode, offset, len);
  return 0;
}

/** Private copies stay: there is no second unmap. */
function* punch(inode: Inode, offset: Loff, len: Loff): Task<void> {
  const unmapStart = Math.ceil(offset / PAGE_SIZE) * PAGE_SIZE;
  const unmapEnd = pageIndex(offset + len) * PAGE_SIZE;
  if (unmapEnd > unmapStart) {
    yield* unmapMappingRange(inode.iMapping, unmapStart, unmapEnd - unmapStart, false);
  }
  yield* shmemTruncateRange(inode, offset, offset + len - 1);
}

/** Faults into the whole pages of the range wait in {@link shmemFault}. */
function* punchWithWaitq(inode: Inode, offset: Loff, len: Loff): Task<void> {
  const waitq = new FallocWaitQueue();
  const falloc = fallocation(waitq, Math.ceil(offset / PAGE_SIZE), pageIndex(offset + len));
  yield* setPrivate(inode, falloc);
  yield* punch(inode, offset, len);
  const { iPrivate, iLock } = SHMEM_I(inode);
  // Who has found the queue under i_lock is on it when the lock is free: nobody is woken too early, or not at all.
  yield* spinLock(iLock);
  yield* iPrivate.write(null, 'i_private');
  yield* wakeUpAll(waitq);
  yield* spinUnlock(iLock);
  yield* leaveFrame(waitq);
}

/** Every fault of the file waits. @see the patch that was left out of the v5.15 series */
function* punchWithInvalidateLock(inode: Inode, offset: Loff, len: Loff): Task<void> {
  yield* filemapInvalidateLock(inode.iMapping);
  yield* punch(inode, offset, len);
  yield* filemapInvalidateUnlock(inode.iMapping);
}

/** Allocate pages, which stay invalid so that they can be told from older ones. */
function* shmemAllocate(inode: Inode, mode: number, offset: Loff, len: Loff): Task<number> {
  const end = loff(offset + len);
  const size = inode.iSize.load(); // stable under i_rwsem
  const error = inodeNewsizeOk(inode, end);
  if (error !== 0) return error;
  if ((SHMEM_I(inode).seals.load() & F_SEAL_GROW) !== 0 && end > size) return -EPERM;
  const falloc = fallocation(null, pageIndex(offset), pageIndex(offset));
  yield* setPrivate(inode, falloc);
  const failed = yield* allocatePages(inode, falloc, Math.ceil(end / PAGE_SIZE));
  if (failed === 0 && (mode & FALLOC_FL_KEEP_SIZE) === 0 && end > size) yield* iSizeWrite(inode, end);
  yield* setPrivate(inode, null);
  return failed;
}

/** @returns `0`; or `-EINTR` or `-ENOMEM`, and what was added is taken back. */
function* allocatePages(inode: Inode, falloc: ShmemFalloc, end: number): Task<number> {
  let nrFalloced = 0;
  for (let index = falloc.start; index < end; index++) {
    let page: Page | null | number;
    if (fatalSignalPending()) page = -EINTR;
    // Reclaim wants back what was just allocated: there is not enough memory.
    else if (falloc.nrUnswapped.load() > nrFalloced) page = -ENOMEM;
    else page = yield* shmemGetpage(inode, pgoff(index), 'SGP_FALLOC');
    if (page === null || typeof page === 'number') {
      const last = index * PAGE_SIZE - 1;
      if (index > falloc.start) yield* shmemUndoRange(inode, loff(falloc.start * PAGE_SIZE), last, true);
      return page ?? -ENOMEM;
    }
    if (!page.uptodate.load()) nrFalloced += index + 1 - falloc.next.load();
    // Reclaim looks at it under the page lock, which is held.
    falloc.next.store(index + 1);
    // So that reclaim moves it to swap, and does not drop it.
    yield* __setPageDirtyNoWriteback(page);
    yield* unlockPage(page);
    putPage(page);
  }
  return 0;
}
