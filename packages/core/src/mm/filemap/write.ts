/**
 * Writing through the page cache.
 *
 * `i_rwsem` exclusive keeps other writes and size changes away. invalidate_lock is never taken: write_begin may fill
 * a page, and is kept apart from invalidations only because they hold i_rwsem exclusive too.
 *
 * @departs Unless the program's memory is a mapping of a file, touching it never faults, and no copy is short. That it
 *   could fault is asserted all the same, where the kernel faults the page in.
 * @see mm/filemap.c (v5.14, v5.15)
 */
import { callDirectIO, callWriteBegin, callWriteEnd } from '../../contracts.js';
import { inodeLock, inodeUnlock } from '../../fs/inode.js';
import { vfsFsyncRange } from '../../fs/sync.js';
import { EAGAIN, EBUSY, EFAULT, EFBIG, EINTR, EINVAL, EIO } from '../../include/errno.js';
import { IOCB_APPEND, IOCB_DIRECT, IOCB_DSYNC, IOCB_NOWAIT } from '../../include/flags.js';
import { iSizeRead, iSizeWrite, type Kiocb, pageIndex } from '../../include/fs.js';
import type { Page } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { fatalSignalPending } from '../../include/sched/signal.js';
import { mightFault } from '../../include/uaccess.js';
import { loff } from '../../include/units.js';
import { machine } from '../../machine.js';
import { type Cells, showCells } from '../../provenance.js';
import type { SharedVar } from '../../sched/shared-var.js';
import type { Task } from '../../sched/task.js';
import { faultInReadable, loadPresent } from '../memory/user-access.js';
import { filemapRangeHasPage, filemapWriteAndWaitRange, mappingSetError } from '../page-writeback.js';
import { invalidateInodePages2Range, invalidateMappingPages } from '../truncate.js';

/**
 * Where and how much may be written?
 *
 * @param count - Bytes wanted.
 * @returns Bytes; `0` for nothing to do; `-EINVAL` for IOCB_NOWAIT without IOCB_DIRECT; `-EFBIG`.
 * @context i_rwsem held: i_size, read for an append, joins the step in progress. Sets the position of an append.
 * @see fs/read_write.c `generic_write_checks()` (v5.15)
 */
export function genericWriteChecks(iocb: Kiocb, count: number): number {
  if (count === 0) return 0;
  if ((iocb.kiFlags & IOCB_APPEND) !== 0) iocb.kiPos = loff(iocb.kiFilp.fInode.iSize.load());
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0 && (iocb.kiFlags & IOCB_DIRECT) === 0) return -EINVAL;
  if (iocb.kiPos >= machine.maxBytes) return -EFBIG;
  return Math.min(count, machine.maxBytes - iocb.kiPos);
}

/**
 * Write to a file.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see `generic_file_write_iter()` (v5.15)
 */
export function* genericFileWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const { kiFilp: file } = iocb;
  yield* inodeLock(file.fInode);
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) result = yield* __genericFileWriteIter(iocb, cells.slice(0, result));
  yield* inodeUnlock(file.fInode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/**
 * Make what was just written durable, if the caller asked for that.
 *
 * @param count - Bytes just written, before the position of `iocb`.
 * @returns `count`, or an errno.
 * @context Sleeps. No lock held.
 * @see include/linux/fs.h `generic_write_sync()` (v5.15)
 */
export function* genericWriteSync(iocb: Kiocb, count: number): Task<number> {
  if ((iocb.kiFlags & IOCB_DSYNC) === 0) return count;
  const { kiFilp: file, kiPos: end } = iocb;
  const error = yield* vfsFsyncRange(file, loff(end - count), loff(end - 1), true);
  return error === 0 ? count : error;
}

/**
 * Write to a file whose i_rwsem is held: with IOCB_DIRECT past the cache, and what cannot be, through it.
 *
 * @param cells - What to write; checked by {@link genericWriteChecks}.
 * @returns Bytes, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see `__generic_file_write_iter()` (v5.15)
 */
export function* __genericFileWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const { kiFilp: file } = iocb;
  const { fMapping: mapping } = file;
  if ((iocb.kiFlags & IOCB_DIRECT) === 0) {
    const written = yield* genericPerformWrite(iocb, cells);
    if (written > 0) iocb.kiPos = loff(iocb.kiPos + written);
    return written;
  }
  const direct = yield* genericFileDirectWrite(iocb, cells);
  if (direct < 0 || direct === cells.length) return direct;
  const pos = iocb.kiPos;
  const buffered = yield* genericPerformWrite(iocb, cells.slice(direct));
  if (buffered < 0) return direct > 0 ? direct : buffered;
  // Who asked for direct I/O expects the data on the disk and not in the cache.
  const last = loff(pos + buffered - 1);
  const error = yield* filemapWriteAndWaitRange(mapping, pos, last);
  if (error !== 0) return direct > 0 ? direct : error;
  iocb.kiPos = loff(last + 1);
  yield* invalidateMappingPages(mapping, pageIndex(pos), pageIndex(last));
  return direct + buffered;
}

/**
 * Write past the cache, and drop what is cached of the range before and after.
 *
 * invalidate_lock is not taken: a fill in progress can leave old bytes in the cache. That is documented, and not a bug.
 *
 * @returns Bytes; `0` to write through the cache instead, because a page could not be dropped; `-EAGAIN` (IOCB_NOWAIT)
 *   if a page is cached; or an errno.
 * @context Sleeps unless IOCB_NOWAIT. i_rwsem held.
 * @see `generic_file_direct_write()` (v5.15)
 */
export function* genericFileDirectWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { fMapping: mapping } = iocb.kiFilp;
  const inode = mapping.host;
  const pos = iocb.kiPos;
  const last = loff(pos + cells.length - 1);
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) {
    if (yield* filemapRangeHasPage(mapping, pos, last)) return -EAGAIN;
  } else {
    const error = yield* filemapWriteAndWaitRange(mapping, pos, last);
    if (error !== 0) return error;
  }
  const error = yield* invalidateInodePages2Range(mapping, pageIndex(pos), pageIndex(last));
  if (error !== 0) return error === -EBUSY ? 0 : error;
  const written = yield* callDirectIO(iocb, cells);
  if (written <= 0) return written;
  // Pages may have come back meanwhile, through readahead or a fault.
  if (mapping.nrpages.load() > 0) {
    const stale = yield* invalidateInodePages2Range(mapping, pageIndex(pos), pageIndex(last));
    if (stale !== 0) yield* mappingSetError(mapping, -EIO); // "page cache invalidation failure on direct I/O"
  }
  const end = loff(pos + written);
  if (end > (yield* iSizeRead(inode))) yield* iSizeWrite(inode, end);
  iocb.kiPos = end;
  return written;
}

/**
 * Write through the cache, page by page.
 *
 * @param iocb - Says where; its position stays as it is.
 * @param cells - What to write, at least one byte. With `kiUser` only their number counts.
 * @returns Bytes, or an errno if there are none: `-EINTR`, `-EFAULT`, or what write_begin or write_end returned.
 * @throws ContractError `COPY_UNDER_LOCK` if a lock is held that a page fault takes.
 * @context Sleeps. i_rwsem exclusive. Takes and releases the page lock of each page.
 * @departs The writer is never throttled.
 * @see `generic_perform_write()` (v5.15)
 */
export function* genericPerformWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { kiFilp: file, kiPos: pos, kiUser: user } = iocb;
  const { fMapping: mapping } = file;
  let written = 0;
  while (written < cells.length) {
    const at = loff(pos + written);
    const offset = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - offset, cells.length - written);
    // Before the page is locked: the user page may be the one that is written to.
    mightFault('fault_in_readable');
    if (user !== undefined && (yield* faultInReadable(user, written, bytes)) !== 0)
      return written > 0 ? written : -EFAULT;
    if (fatalSignalPending()) return written > 0 ? written : -EINTR;
    const page = yield* callWriteBegin(file, mapping, at, bytes);
    if (typeof page === 'number') return written > 0 ? written : page;
    const piece = yield* copyPageFromIterAtomic(page, offset, (): Cells => {
      if (user === undefined) return cells.slice(written, written + bytes);
      return loadPresent(user, written, bytes);
    });
    const accepted = yield* callWriteEnd(file, mapping, at, bytes, piece.length, page);
    if (accepted < 0) return written > 0 ? written : accepted;
    user?.taken.push(...piece.slice(0, accepted));
    written += accepted; // 0 is tried again: the user page went away meanwhile
  }
  return written;
}

/**
 * Copy into a page, with page faults disabled: it is locked.
 *
 * @param from - What to copy; called in the step that copies.
 * @returns What was copied.
 * @departs One step for the page: who copies from it at the same time gets it before or after. A block is the smallest
 *   unit that any checker looks at.
 * @see lib/iov_iter.c `copy_page_from_iter_atomic()` (v5.15)
 */
export function copyPageFromIterAtomic(page: Page, offset: number, from: () => Cells): Task<Cells> {
  const first = page.content[Math.floor(offset / machine.blockSize)] as SharedVar<Cells>;
  return first.section(
    'copy_page_from_iter_atomic',
    () => {
      const cells = from();
      page.storeBytes(offset, cells);
      return cells;
    },
    showCells,
  );
}
