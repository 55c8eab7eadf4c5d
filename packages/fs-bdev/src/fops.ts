/**
 * A block device as a file: the page cache of the disk itself, and fallocate(2) on it.
 *
 * Block n of the file is block n of the device, so nothing is ever allocated or freed, and no page shows a stranger's
 * block. What can go wrong is that the cache shows something else than the disk: when the device zeroes a range by itself.
 * Writes take no i_rwsem: those who use the device directly have to agree among each other.
 *
 * @see block/fops.c (v5.15), fs/block_dev.c (v5.14)
 */
import {
  __genericFileWriteIter,
  type AddressSpaceOperations,
  type BlockMapping,
  blockInvalidatepage,
  blockReadFullPage,
  blockWriteBegin,
  blockWriteEnd,
  blockWriteFullPage,
  type Cells,
  choose,
  EINVAL,
  EIO,
  ENOSPC,
  EOPNOTSUPP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  type File,
  type FileOperations,
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  fileWriteAndWaitRange,
  type GetBlock,
  genericFileMmap,
  genericFileReadIter,
  genericWritepages,
  genericWriteSync,
  type Inode,
  type InodeOperations,
  type IovIter,
  iSizeRead,
  isPage,
  type Kiocb,
  type Loff,
  loff,
  machine,
  mpageReadahead,
  PAGE_SIZE,
  type Phys,
  phys,
  putPage,
  setPageDirtyBuffers,
  type Task,
  takesInvalidateLock,
  truncateInodePagesRange,
  tryToFreeBuffers,
  unlockPage,
  withoutLock,
  zeroCells,
} from '@fsport/core';

/** What is kept for each device: where it begins on the disk, of which it is a partition. */
export interface BdevInodeInfo {
  /** Its first block. */
  readonly start: number;
}

/** The disk block of a block of the device. */
export function blockOf(inode: Inode, iblock: number): Phys {
  return phys((inode.info as BdevInodeInfo).start + iblock);
}

/** Where is a block? Where it always was. @see `blkdev_get_block()` (v5.15) */
// biome-ignore lint/correctness/useYield: a task without a step
const blkdevGetBlock: GetBlock = function* (inode, iblock): Task<BlockMapping> {
  const block = blockOf(inode, iblock);
  return { mapped: true, phys: block, gen: 0, new: false, unwritten: false, delay: false };
};

/** Page-cache operations. @see `def_blk_aops` (v5.15) */
export const defBlkAops = {
  readpage: (_file, page) => blockReadFullPage(page, blkdevGetBlock),
  readahead: (rac) => mpageReadahead(rac, blkdevGetBlock),
  writepage: (page, wbc) => blockWriteFullPage(page, blkdevGetBlock, wbc),
  writepages: genericWritepages,
  writeBegin: (_file, mapping, pos, len) => blockWriteBegin(mapping, pos, len, blkdevGetBlock),
  *writeEnd(_file, _mapping, pos, len, copied, page): Task<number> {
    const accepted = yield* blockWriteEnd(page, pos, len, copied);
    yield* unlockPage(page);
    putPage(page);
    return accepted;
  },
  setPageDirty: setPageDirtyBuffers,
  invalidatepage: blockInvalidatepage,
  releasepage: tryToFreeBuffers,
} satisfies AddressSpaceOperations;

/** Read up to the end of the device. @see `blkdev_read_iter()` (v5.15) */
function* blkdevReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  const size = yield* iSizeRead(iocb.kiFilp.fInode);
  if (iocb.kiPos >= size) return 0;
  to.count = Math.min(to.count, size - iocb.kiPos);
  return yield* genericFileReadIter(iocb, to);
}

/**
 * Write up to the end of the device.
 *
 * @returns Bytes; `-ENOSPC` at the end; or an errno.
 * @context Sleeps. No i_rwsem.
 * @see `blkdev_write_iter()` (v5.15)
 */
function* blkdevWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  const left = (yield* iSizeRead(iocb.kiFilp.fInode)) - iocb.kiPos;
  if (from.length === 0) return 0;
  if (left <= 0) return -ENOSPC;
  const written = yield* withoutLock('i_rwsem', __genericFileWriteIter(iocb, from.slice(0, left)));
  return written > 0 ? yield* genericWriteSync(iocb, written) : written;
}

const SUPPORTED = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
const ZEROING: ReadonlySet<number> = new Set([
  FALLOC_FL_ZERO_RANGE,
  FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
]);

/**
 * Zero a range of the device.
 *
 * @returns `0`; `-EINVAL` outside the device or inside a block; `-EOPNOTSUPP`; or `-EIO`.
 * @context Sleeps. v5.15: takes invalidate_lock exclusive. v5.14: no lock at all; pages that come back while the device is
 *   zeroed are dropped afterwards, dirty or not, and until then show what was there before.
 * @departs Nobody holds the device exclusively: otherwise only clean pages would be dropped. Plain discard is left out.
 * @see block/fops.c `blkdev_fallocate()` (v5.15), fs/block_dev.c `blkdev_fallocate()` (v5.14)
 */
function* blkdevFallocate(file: File, mode: number, start: Loff, length: Loff): Task<number> {
  const { fInode: inode, fMapping: mapping } = file;
  if ((mode & ~SUPPORTED) !== 0) return -EOPNOTSUPP;
  const size = yield* iSizeRead(inode);
  if (start >= size) return -EINVAL;
  if (start + length > size && (mode & FALLOC_FL_KEEP_SIZE) === 0) return -EINVAL;
  const len = Math.min(length, size - start);
  if (start % machine.blockSize !== 0 || len % machine.blockSize !== 0) return -EINVAL;
  const last = loff(start + len - 1);
  const locks = takesInvalidateLock(mapping);
  if (locks) yield* filemapInvalidateLock(mapping);
  yield* truncateInodePagesRange(mapping, start, last);
  const error = ZEROING.has(mode) ? yield* blkdevIssueZeroout(inode, start, len) : -EOPNOTSUPP;
  if (locks) yield* filemapInvalidateUnlock(mapping);
  else if (error === 0) yield* truncateInodePagesRange(mapping, start, last);
  return error;
}

/**
 * Let the device write zeroes, and wait until it has.
 *
 * @returns `0`, or `-EIO`.
 * @context Sleeps.
 * @departs A block is zeroed in one step, with the request and its completion: who waits does nothing in between, and others
 *   only see whether the block is zero yet.
 * @see block/blk-lib.c `blkdev_issue_zeroout()` (v5.15)
 */
function* blkdevIssueZeroout(inode: Inode, start: number, len: number): Task<number> {
  if (machine.faults.writeIo && (yield* choose('write error', 2)) === 1) return -EIO;
  const first = start / machine.blockSize;
  for (let iblock = first; iblock < first + len / machine.blockSize; iblock++) {
    const disk = inode.iSb.sBdev.blocks.at(blockOf(inode, iblock));
    yield* disk.section('blkdev_issue_zeroout', () => {
      disk.store({ ...disk.load(), cells: zeroCells(machine.blockSize) });
      noteStalePage(inode, iblock);
    });
  }
  return 0;
}

/** Tell who judges if a page still shows what was there; joins the step in progress. */
function noteStalePage(inode: Inode, iblock: number): void {
  const pos = iblock * machine.blockSize;
  const page = inode.iMapping.iPages.at(Math.floor(pos / PAGE_SIZE)).load();
  if (!isPage(page) || !page.uptodate.load() || page.dirty.load()) return;
  const stale = page.loadBytes(pos % PAGE_SIZE, machine.blockSize).some((cell) => (cell & 0xff) !== 0);
  if (stale) machine.observer.changedBehindPage?.(page, { ino: inode.iIno, phys: blockOf(inode, iblock) });
}

/**
 * File operations.
 *
 * @departs Verdict matrix, row `mkwrite`: the facts say `safe`, of filemap_page_mkwrite() alone. A store to a page that is not
 *   mapped begins with filemap_fault(), because do_shared_fault() calls __do_fault() before do_page_mkwrite(). In v5.14
 *   blkdev_fallocate() holds no lock between its two truncate_bdev_range(), so that this fill is stale until the second
 *   one, like that of a load. So the row is a race where that of read faults is one.
 * @see `def_blk_fops` (v5.15), mm/memory.c `do_shared_fault()` (v5.14)
 */
export const defBlkFops = {
  readIter: blkdevReadIter,
  writeIter: blkdevWriteIter,
  fallocate: blkdevFallocate,
  fsync: fileWriteAndWaitRange,
  mmap: genericFileMmap,
} satisfies FileOperations;

/** A device has the size it has. @see fs/open.c `do_sys_ftruncate()` (v5.15) */
export const blkdevInodeOperations = {
  // biome-ignore lint/correctness/useYield: a task without a step
  *setattr(): Task<number> {
    return -EINVAL;
  },
} satisfies InodeOperations;
