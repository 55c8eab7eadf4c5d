/**
 * Writing through iomap: buffered writes, zeroing, unsharing, page_mkwrite.
 *
 * A write asks for a piece first, which for most filesystems reserves its blocks, and locks pages after that. What a
 * write leaves of a block is read, or zeroed where there is nothing to read.
 *
 * @departs No wait for stable pages. The writer is never throttled.
 * @see fs/iomap/buffered-io.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { demandIRwsem, withoutLock } from '../contracts.js';
import { EFAULT, EINTR, EIO, ENOMEM } from '../include/errno.js';
import { VM_FAULT_LOCKED } from '../include/flags.js';
import { bytesInFile, type Inode, iSizeRead, iSizeWithin, iSizeWrite, type Kiocb } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { fatalSignalPending } from '../include/sched/signal.js';
import { mightFault } from '../include/uaccess.js';
import { loff } from '../include/units.js';
import type { VmFault } from '../include/vm-fault.js';
import { Completion } from '../locking/wait.js';
import { machine } from '../machine.js';
import { lockPage, putPage, unlockPage } from '../mm/filemap/page-cache.js';
import { copyPageFromIterAtomic } from '../mm/filemap/write.js';
import { faultInReadable, loadPresent } from '../mm/memory/user-access.js';
import { setPageDirty } from '../mm/page-writeback.js';
import { pagecacheIsizeExtended, truncatePagecacheRange } from '../mm/truncate.js';
import type { Cells } from '../provenance.js';
import type { Task } from '../sched/task.js';
import { zeroUser } from './buffer.js';
import { blockPageMkwriteReturn, grabCachePageWriteBegin } from './buffer-write.js';
import {
  adjustReadRange,
  blockAt,
  blockNeedsZeroing,
  IOMAP_FAULT,
  IOMAP_UNSHARE,
  IOMAP_WRITE,
  IOMAP_ZERO,
  type Iomap,
  type IomapIter,
  type IomapOps,
  ioError,
  iomapIter,
  iomapIterSrcmap,
  iomapPageCreate,
  setRangeUptodate,
} from './iomap.js';

/**
 * Take back what a write that failed left beyond the end of the file.
 *
 * @context Sleeps. i_rwsem exclusive, and nothing else.
 * @see fs/iomap/buffered-io.c `iomap_write_failed()` (v5.15)
 */
function* iomapWriteFailed(inode: Inode, pos: number, len: number): Task<void> {
  const size = yield* iSizeRead(inode);
  if (pos + len <= size) return;
  yield* withoutLock(
    'invalidate_lock',
    truncatePagecacheRange(inode, loff(Math.max(pos, size)), loff(pos + len)),
  );
}

/** Read some blocks of a page that stays locked. @see fs/iomap/buffered-io.c `iomap_read_page_sync()` (v5.15) */
function* iomapReadPageSync(inode: Inode, page: Page, from: number, to: number, source: Iomap): Task<number> {
  const { blockSize } = machine;
  const read = new Completion('submit_bio_wait');
  let failed = false;
  const vecs = Array.from({ length: (to - from) / blockSize }, (_, i): BioVec => {
    const at = from + i * blockSize;
    return { page, block: at / blockSize, ...blockAt(source, page.index * PAGE_SIZE + at) };
  });
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'R',
    ino: inode.iIno,
    vecs,
    endIo: (error) =>
      read.section('submit_bio_wait_endio', () => {
        failed = error !== 0;
        read.store(true);
      }),
  });
  yield* read.waitUntil((ended) => ended, 'submit_bio_wait');
  return ioError(failed);
}

/**
 * Make valid what a write leaves of the blocks it touches.
 *
 * @param page - Locked.
 * @returns `0`, or `-EIO`.
 * @see fs/iomap/buffered-io.c `__iomap_write_begin()` (v5.15)
 */
function* __iomapWriteBegin(
  inode: Inode,
  iomap: Iomap,
  page: Page,
  pos: number,
  len: number,
  flags: number,
): Task<number> {
  const { blockSize } = machine;
  iomapPageCreate(page);
  if (page.uptodate.load()) return 0;
  page.error.store(false);
  const start = page.index * PAGE_SIZE;
  const from = pos - start;
  const to = from + len;
  const end = Math.ceil(to / blockSize) * blockSize;
  for (let at = Math.floor(from / blockSize) * blockSize; at < end; ) {
    const size = yield* iSizeWithin(inode, start, start + PAGE_SIZE);
    const range = adjustReadRange(page, at, end, size);
    if (range === null) break;
    at = range.to;
    const whole = (from <= range.from || from >= range.to) && (to <= range.from || to >= range.to);
    if ((flags & IOMAP_UNSHARE) === 0 && whole) continue;
    if (blockNeedsZeroing(iomap, start + range.from, size)) {
      if ((flags & IOMAP_UNSHARE) !== 0) return -EIO;
      zeroUser(page, range.from, from);
      zeroUser(page, to, range.to);
    } else {
      const err = yield* iomapReadPageSync(inode, page, range.from, range.to, iomapIterSrcmap(iomap));
      if (err !== 0) return err;
    }
    if (setRangeUptodate(page, range.from, range.to)) page.uptodate.store(true);
  }
  return 0;
}

/**
 * Find or create the page of a write, locked, and prepare it.
 *
 * @returns The page, or `-EINTR`, `-ENOMEM`, `-EIO`.
 * @context Sleeps. i_rwsem exclusive; the page lock is taken.
 * @see fs/iomap/buffered-io.c `iomap_write_begin()` (v5.15)
 */
function* iomapWriteBegin(
  inode: Inode,
  iomap: Iomap,
  pos: number,
  len: number,
  flags: number,
): Task<Page | number> {
  demandIRwsem('iomap_write_begin', inode);
  if (fatalSignalPending()) return -EINTR;
  const page = yield* grabCachePageWriteBegin(inode.iMapping, loff(pos));
  if (page === null) return -ENOMEM;
  const err = yield* __iomapWriteBegin(inode, iomap, page, pos, len, flags);
  if (err === 0) return page;
  yield* unlockPage(page);
  putPage(page);
  yield* iomapWriteFailed(inode, pos, len);
  return err;
}

/**
 * Take over what was copied, extend the file, unlock and put the page.
 *
 * @returns Bytes accepted: `copied`, or `0` if too few were copied into a page that is not valid otherwise.
 * @context Sleeps. i_rwsem exclusive; the page lock is released.
 * @departs What is valid, PG_uptodate and PG_dirty change in one step, as in blockWriteEnd().
 * @see fs/iomap/buffered-io.c `iomap_write_end()`, `__iomap_write_end()` (v5.15)
 */
function* iomapWriteEnd(inode: Inode, pos: number, len: number, copied: number, page: Page): Task<number> {
  const oldSize = inode.iSize.load(); // i_rwsem
  const from = pos % PAGE_SIZE;
  const accepted = yield* page.dirty.section('iomap_write_end', () => {
    if (copied < len && !page.uptodate.load()) return 0;
    if (setRangeUptodate(page, from, from + len) && !page.uptodate.load()) page.uptodate.store(true);
    if (!page.dirty.load()) page.dirty.store(true);
    return copied;
  });
  // Before the unlock: writeback of the page would zero what lies beyond the old end.
  if (pos + accepted > oldSize) yield* iSizeWrite(inode, pos + accepted);
  yield* unlockPage(page);
  if (oldSize < pos) yield* pagecacheIsizeExtended(inode, loff(oldSize), loff(pos));
  putPage(page);
  if (accepted < len) yield* iomapWriteFailed(inode, pos, len);
  return accepted;
}

/** The bytes of a piece, page by page: what to do with `bytes` bytes at `pos`. Returns bytes done, or an errno. */
function* pageByPage(
  pos: number,
  length: number,
  step: (pos: number, bytes: number) => Task<number>,
): Task<number> {
  let done = 0;
  while (done < length) {
    const bytes = Math.min(PAGE_SIZE - ((pos + done) % PAGE_SIZE), length - done);
    const result = yield* step(pos + done, bytes);
    if (result < 0) return done > 0 ? done : result;
    done += result; // 0 is tried again: the user page went away meanwhile
  }
  return done;
}

/**
 * Write through the cache.
 *
 * @param iocb - Says where; its position stays as it is.
 * @param cells - What to write. With `kiUser` only their number counts.
 * @param ops - The filesystem.
 * @returns Bytes, or an errno if there are none: `-EINTR`, `-EFAULT`, `-ENOMEM`, `-EIO`, or an error of `ops`.
 * @throws ContractError `COPY_UNDER_LOCK` if a lock is held that a page fault takes.
 * @context Sleeps. i_rwsem exclusive. Takes and releases page locks.
 * @see fs/iomap/buffered-io.c `iomap_file_buffered_write()` (v5.15)
 */
export function* iomapFileBufferedWrite(iocb: Kiocb, cells: Cells, ops: IomapOps): Task<number> {
  const { kiPos: start } = iocb;
  const iter = {
    inode: iocb.kiFilp.fMapping.host,
    pos: Number(start),
    len: cells.length,
    flags: IOMAP_WRITE,
  };
  const err = yield* iomapIter(iter, ops, (iomap, length) =>
    pageByPage(iter.pos, length, (pos, bytes) => writePage(iocb, cells, iomap, pos, bytes)),
  );
  return iter.pos === start ? err : iter.pos - start;
}

/** @see fs/iomap/buffered-io.c `iomap_write_iter()` (v5.15) */
function* writePage(iocb: Kiocb, cells: Cells, iomap: Iomap, pos: number, bytes: number): Task<number> {
  const { kiPos: start, kiUser: user } = iocb;
  const inode = iocb.kiFilp.fMapping.host;
  const at = pos - start;
  // Before the page is locked: the user page may be the one that is written to.
  mightFault('fault_in_readable');
  if (user !== undefined && (yield* faultInReadable(user, at, bytes)) !== 0) return -EFAULT;
  const page = yield* iomapWriteBegin(inode, iomap, pos, bytes, IOMAP_WRITE);
  if (typeof page === 'number') return page;
  const piece = yield* copyPageFromIterAtomic(page, pos % PAGE_SIZE, () =>
    user === undefined ? cells.slice(at, at + bytes) : loadPresent(user, at, bytes),
  );
  const accepted = yield* iomapWriteEnd(inode, pos, bytes, piece.length, page);
  user?.taken.push(...piece.slice(0, accepted));
  return accepted;
}

/**
 * Write the shared blocks of a range again, so that they go elsewhere.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes and releases page locks.
 * @see fs/iomap/buffered-io.c `iomap_file_unshare()` (v5.15)
 */
export function iomapFileUnshare(inode: Inode, pos: number, len: number, ops: IomapOps): Task<number> {
  const iter = { inode, pos, len, flags: IOMAP_WRITE | IOMAP_UNSHARE };
  return iomapIter(iter, ops, (iomap, length) => unsharePiece(iter, iomap, length));
}

/** @see fs/iomap/buffered-io.c `iomap_unshare_iter()` (v5.15) */
function* unsharePiece({ inode, pos, flags }: IomapIter, iomap: Iomap, length: number): Task<number> {
  const { type } = iomapIterSrcmap(iomap);
  if (iomap.shared !== true || type === 'hole' || type === 'unwritten') return length;
  return yield* pageByPage(pos, length, (at, bytes) => unsharePage(inode, iomap, at, bytes, flags));
}

function* unsharePage(inode: Inode, iomap: Iomap, at: number, bytes: number, flags: number): Task<number> {
  const page = yield* iomapWriteBegin(inode, iomap, at, bytes, flags);
  if (typeof page === 'number') return page;
  return (yield* iomapWriteEnd(inode, at, bytes, bytes, page)) || -EIO;
}

/**
 * Zero a range in the cache. What reads as zeroes on the disk is left alone, even if the cache has something else.
 *
 * @returns Bytes zeroed, `0` if there were none, or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes and releases page locks. Fills the pages itself: whoever holds the lock
 *   against fills must not go through a read.
 * @departs The kernel says through a pointer whether it zeroed anything.
 * @see fs/iomap/buffered-io.c `iomap_zero_range()` (v5.15)
 */
export function* iomapZeroRange(inode: Inode, pos: number, len: number, ops: IomapOps): Task<number> {
  const iter = { inode, pos, len, flags: IOMAP_ZERO, zeroed: 0 };
  const err = yield* iomapIter(iter, ops, (iomap, length) => zeroPiece(iter, iomap, length));
  return err < 0 ? err : iter.zeroed;
}

/** A walk that zeroes. */
interface ZeroIter extends IomapIter {
  /** Bytes zeroed. */
  zeroed: number;
}

/** @see fs/iomap/buffered-io.c `iomap_zero_iter()` (v5.15) */
function* zeroPiece(iter: ZeroIter, iomap: Iomap, length: number): Task<number> {
  const { type } = iomapIterSrcmap(iomap);
  if (type === 'hole' || type === 'unwritten') return length;
  return yield* pageByPage(iter.pos, length, (at, bytes) => zeroPage(iter, iomap, at, bytes));
}

function* zeroPage(iter: ZeroIter, iomap: Iomap, at: number, bytes: number): Task<number> {
  const { inode, flags } = iter;
  const page = yield* iomapWriteBegin(inode, iomap, at, bytes, flags);
  if (typeof page === 'number') return page;
  const from = at % PAGE_SIZE;
  yield* page.dirty.section('zero_user', () => zeroUser(page, from, from + bytes));
  const done = yield* iomapWriteEnd(inode, at, bytes, bytes, page);
  iter.zeroed += done;
  return done;
}

/**
 * Zero a block from a position to its end.
 *
 * @returns Bytes zeroed, or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes and releases a page lock.
 * @see fs/iomap/buffered-io.c `iomap_truncate_page()` (v5.15)
 */
export function* iomapTruncatePage(inode: Inode, pos: number, ops: IomapOps): Task<number> {
  const off = pos % machine.blockSize;
  return off === 0 ? 0 : yield* iomapZeroRange(inode, pos, machine.blockSize - off, ops);
}

/**
 * A page is about to become writable through a mapping: get blocks for what of it lies in the file.
 *
 * @returns `VM_FAULT_*`; VM_FAULT_LOCKED with the page locked and dirty.
 * @context Sleeps. mmap_lock shared, and the filesystem's lock against invalidations; the page lock is taken.
 * @see fs/iomap/buffered-io.c `iomap_page_mkwrite()`, include/linux/pagemap.h `page_mkwrite_check_truncate()` (v5.15)
 */
export function* iomapPageMkwrite(vmf: VmFault, ops: IomapOps): Task<number> {
  const inode = vmf.vma.vmFile.fInode;
  const page = vmf.page as Page;
  yield* lockPage(page);
  // Truncate stores the size before it removes pages: under the page lock, a page inside the size stays.
  const inFile = yield* bytesInFile(inode, page.index);
  let err = -EFAULT;
  if (page.mapping.load() === inode.iMapping && inFile > 0) {
    const iter = { inode, pos: page.index * PAGE_SIZE, len: inFile, flags: IOMAP_WRITE | IOMAP_FAULT };
    err = yield* iomapIter(iter, ops, (_, length) => dirtyPiece(page, length));
    if (err === 0) return VM_FAULT_LOCKED;
  }
  yield* unlockPage(page);
  return blockPageMkwriteReturn(err);
}

/** @see fs/iomap/buffered-io.c `iomap_page_mkwrite_iter()` (v5.15) */
function* dirtyPiece(page: Page, length: number): Task<number> {
  yield* setPageDirty(page);
  return length;
}
