/**
 * The space of a file: allocate, punch, collapse, insert, truncate, swap.
 *
 * All hold i_rwsem and MMAPLOCK exclusive. What is about to change is written back and dropped from the cache first;
 * then the blocks change, under ILOCK exclusive; then the partial blocks at the ends are zeroed in the cache.
 *
 * @see fs/xfs/xfs_bmap_util.c, fs/xfs/xfs_iops.c (v5.14, v5.15)
 */
import {
  ATTR_SIZE,
  EFAULT,
  EINVAL,
  filemapWriteAndWaitRange,
  giveBlock,
  type Iattr,
  type Inode,
  inodeDioWait,
  inodeNewsizeOk,
  LLONG_MAX,
  loff,
  machine,
  PAGE_SIZE,
  type Task,
  truncatePagecacheRange,
  truncateSetsize,
} from '@fsport/core';
import {
  blocksOf,
  isHole,
  lookup,
  stateOf,
  xfsBmapiAllocate,
  xfsBmapShiftExtents,
  xfsBunmapi,
} from './xfs-bmap.js';
import { xfsInodeHasCowData, xfsReflinkCancelCowBlocks, xfsReflinkCancelCowRange } from './xfs-cow.js';
import {
  assertIlocked,
  type Irec,
  maxBlocks,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_ILOCK_SHARED,
  XFS_IOLOCK_EXCL,
  XFS_MMAPLOCK_EXCL,
  type XfsIfork,
  xfsIlock,
  xfsIlock2IoMmap,
  xfsIunlock,
  xfsIunlock2IoMmap,
  xfsLockTwoInodes,
  xfsTransLogInode,
} from './xfs-inode.js';
import { xfsTruncatePage, xfsZeroRange } from './xfs-iomap.js';

/**
 * Write back what is dirty in a range and drop it from the cache, rounded outward to whole pages.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive, direct I/O waited for.
 * @see fs/xfs/xfs_bmap_util.c `xfs_flush_unmap_range()` (v5.15)
 */
export function* xfsFlushUnmapRange(inode: Inode, pos: number, len: number): Task<number> {
  const start = loff(pos - (pos % PAGE_SIZE));
  const last = loff(Math.ceil((pos + len) / PAGE_SIZE) * PAGE_SIZE - 1);
  const err = yield* filemapWriteAndWaitRange(inode.iMapping, start, last);
  if (err !== 0) return err;
  yield* truncatePagecacheRange(inode, start, last);
  return 0;
}

/** Remove a range of whole blocks. @context Sleeps. Takes ILOCK exclusive. @see `xfs_unmap_extent()` (v5.15) */
function* xfsUnmapExtent(inode: Inode, first: number, end: number): Task<void> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBunmapi(inode, XFS_I(inode).iDf, first, end);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/**
 * Free the whole blocks of a range and zero the parts of blocks at its ends.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive, the range flushed and dropped. The ends are filled under them: not
 *   through a read.
 * @see fs/xfs/xfs_bmap_util.c `xfs_free_file_space()` (v5.15)
 */
export function* xfsFreeFileSpace(inode: Inode, pos: number, len: number): Task<number> {
  const { blockSize } = machine;
  const [first, stop] = [Math.ceil(pos / blockSize), Math.floor((pos + len) / blockSize)];
  if (stop > first) yield* xfsUnmapExtent(inode, first, stop);
  const size = inode.iSize.load(); // i_rwsem
  if (pos >= size) return 0;
  const end = Math.min(pos + len, size);
  const zeroed = yield* xfsZeroRange(inode, pos, end - pos);
  if (zeroed < 0) return zeroed;
  if (end < size || end % PAGE_SIZE === 0) return 0;
  // The page in which the file ends may be mapped: writing it back zeroes what lies beyond.
  return yield* filemapWriteAndWaitRange(inode.iMapping, loff(end - (end % PAGE_SIZE)), LLONG_MAX);
}

/**
 * Allocate unwritten blocks where a range has none.
 *
 * @returns `0`, or `-ENOSPC`; what was allocated until then stays.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive; takes ILOCK exclusive for each run.
 * @see fs/xfs/xfs_bmap_util.c `xfs_alloc_file_space()` (v5.15)
 */
export function* xfsAllocFileSpace(inode: Inode, pos: number, len: number): Task<number> {
  const { iDf } = XFS_I(inode);
  const [first, end] = blocksOf(pos, len);
  for (let lblk = first; lblk < end; ) {
    yield* xfsIlock(inode, XFS_ILOCK_EXCL);
    const present = lookup(iDf, lblk, end);
    const state = stateOf(present);
    const made =
      state === 'hole' || state === 'delalloc' ? yield* xfsBmapiAllocate(inode, iDf, present) : present;
    yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
    if (typeof made === 'number') return made;
    lblk += made.irecs.length;
  }
  return 0;
}

/**
 * Get ready to shift blocks: nothing beyond the end of the file, nothing cached from a block before the place on, nothing
 * in the COW fork.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive.
 * @see fs/xfs/xfs_bmap_util.c `xfs_prepare_shift()` (v5.15)
 */
function* xfsPrepareShift(inode: Inode, pos: number): Task<number> {
  const { blockSize } = machine;
  const size = inode.iSize.load(); // i_rwsem
  yield* xfsFreeEofblocks(inode, size);
  // One block earlier, so that the end of a write to the COW fork cannot change what is next to the range.
  const start = Math.max(0, pos - blockSize);
  const err = yield* xfsFlushUnmapRange(inode, start, size);
  if (err !== 0) return err;
  const first = Math.floor(start / blockSize);
  if (xfsInodeHasCowData(inode)) yield* xfsReflinkCancelCowRange(inode, first, maxBlocks(), true);
  return 0;
}

/** Free what lies beyond the end of the file. @see `xfs_can_free_eofblocks()`, `xfs_free_eofblocks()` (v5.15) */
function* xfsFreeEofblocks(inode: Inode, size: number): Task<void> {
  const first = Math.ceil(size / machine.blockSize);
  if (first >= maxBlocks()) return;
  yield* xfsIlock(inode, XFS_ILOCK_SHARED);
  const none = isHole(XFS_I(inode).iDf, first, maxBlocks());
  yield* xfsIunlock(inode, XFS_ILOCK_SHARED);
  if (!none) yield* xfsUnmapExtent(inode, first, maxBlocks());
  XFS_I(inode).keepSize = false;
}

/**
 * Remove a range of whole blocks and close the gap. The size is changed afterwards.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive.
 * @see fs/xfs/xfs_bmap_util.c `xfs_collapse_file_space()` (v5.15)
 */
export function* xfsCollapseFileSpace(inode: Inode, pos: number, len: number): Task<number> {
  const { blockSize } = machine;
  assertIlocked(inode, XFS_IOLOCK_EXCL);
  assertIlocked(inode, XFS_MMAPLOCK_EXCL);
  const err = (yield* xfsFreeFileSpace(inode, pos, len)) || (yield* xfsPrepareShift(inode, pos));
  if (err !== 0) return err;
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBmapShiftExtents(inode, (pos + len) / blockSize, -len / blockSize, maxBlocks());
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return 0;
}

/**
 * Make room for a range of whole blocks. The size has been changed before.
 *
 * @returns `0`; `-EINVAL` if blocks would be moved beyond the largest file; or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive.
 * @see fs/xfs/xfs_bmap_util.c `xfs_insert_file_space()` (v5.15)
 */
export function* xfsInsertFileSpace(inode: Inode, pos: number, len: number): Task<number> {
  const [start, shift, end] = [pos / machine.blockSize, len / machine.blockSize, maxBlocks()];
  assertIlocked(inode, XFS_IOLOCK_EXCL);
  assertIlocked(inode, XFS_MMAPLOCK_EXCL);
  const { iDf } = XFS_I(inode);
  yield* xfsIlock(inode, XFS_ILOCK_SHARED);
  const fits = isHole(iDf, end - shift, end);
  yield* xfsIunlock(inode, XFS_ILOCK_SHARED);
  if (!fits) return -EINVAL;
  const err = yield* xfsPrepareShift(inode, pos);
  if (err !== 0) return err;
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBmapShiftExtents(inode, start, shift, end - shift);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return 0;
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive.
 * @see fs/xfs/xfs_iops.c `xfs_vn_setattr_size()`, `xfs_setattr_size()` (v5.14, v5.15)
 */
export function* xfsSetattrSize(inode: Inode, { iaValid, iaSize: newsize }: Iattr): Task<number> {
  if ((iaValid & ATTR_SIZE) === 0) return 0;
  assertIlocked(inode, XFS_IOLOCK_EXCL);
  assertIlocked(inode, XFS_MMAPLOCK_EXCL);
  const { iDiskSize } = XFS_I(inode);
  const { iMapping: mapping } = inode;
  const oldsize = inode.iSize.load(); // i_rwsem
  const refused = inodeNewsizeOk(inode, newsize);
  if (refused !== 0) return refused;
  yield* inodeDioWait(inode);
  let zeroed: number;
  if (newsize > oldsize) {
    zeroed = yield* xfsZeroRange(inode, oldsize, newsize - oldsize);
  } else {
    // What is dirty over an unwritten block would be taken for zeroes: first it becomes a valid one.
    zeroed = yield* filemapWriteAndWaitRange(mapping, newsize, newsize);
    if (zeroed === 0) zeroed = yield* xfsTruncatePage(inode, newsize);
  }
  if (zeroed < 0) return zeroed;
  // The size, then the pages; page faults are locked out, and the blocks go last.
  yield* truncateSetsize(inode, newsize);
  const diskSize = iDiskSize.load(); // what raises it ends before writeback does
  if (zeroed > 0 || (newsize > diskSize && oldsize !== diskSize)) {
    const err = yield* filemapWriteAndWaitRange(mapping, loff(diskSize), loff(newsize - 1));
    if (err !== 0) return err;
  }
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  iDiskSize.store(newsize);
  xfsTransLogInode(inode);
  if (newsize <= oldsize) yield* xfsItruncateExtents(inode, newsize);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return 0;
}

/**
 * Free the blocks beyond a size, of both forks.
 *
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/xfs_inode.c `xfs_itruncate_extents_flags()` (v5.15)
 */
export function* xfsItruncateExtents(inode: Inode, size: number): Task<void> {
  const first = Math.ceil(size / machine.blockSize);
  yield* xfsBunmapi(inode, XFS_I(inode).iDf, first, maxBlocks());
  yield* xfsReflinkCancelCowBlocks(inode, first, maxBlocks(), true);
  XFS_I(inode).keepSize = false;
}

/** @see fs/xfs/xfs_bmap_util.c `xfs_swap_extent_flush()` (v5.15) */
function* xfsSwapExtentFlush(inode: Inode): Task<number> {
  const { iMapping: mapping } = inode;
  const err = yield* filemapWriteAndWaitRange(mapping, loff(0), LLONG_MAX);
  if (err !== 0) return err;
  yield* truncatePagecacheRange(inode, loff(0), loff(-1));
  return mapping.nrpages.load() > 0 ? -EINVAL : 0;
}

/**
 * Exchange the blocks of two files of the same size, as a defragmenter does with the copy that it has made.
 *
 * @returns `0`; `-EFAULT` if the sizes differ; or an errno.
 * @context Sleeps. Takes i_rwsem, MMAPLOCK, and then ILOCK of both exclusive.
 * @departs Time stamps and inode formats are not compared.
 * @see fs/xfs/xfs_bmap_util.c `xfs_swap_extents()` (v5.14, v5.15)
 */
export function* xfsSwapExtents(inode: Inode, other: Inode): Task<number> {
  if (inode === other) return -EINVAL;
  yield* xfsIlock2IoMmap(inode, other);
  const err = yield* swapLocked(inode, other);
  yield* xfsIunlock2IoMmap(inode, other);
  return err;
}

function* swapLocked(inode: Inode, other: Inode): Task<number> {
  const err = (yield* xfsSwapExtentFlush(inode)) || (yield* xfsSwapExtentFlush(other));
  if (err !== 0) return err;
  if (xfsInodeHasCowData(other)) yield* xfsReflinkCancelCowRange(other, 0, maxBlocks(), true);
  yield* xfsLockTwoInodes(inode, other, XFS_ILOCK_EXCL);
  const same = XFS_I(inode).iDiskSize.load() === XFS_I(other).iDiskSize.load();
  if (same) yield* xfsSwapExtentForks(inode, other);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  yield* xfsIunlock(other, XFS_ILOCK_EXCL);
  return same ? 0 : -EFAULT;
}

/** One step: both forks of both files. @see fs/xfs/xfs_bmap_util.c `xfs_swap_extent_forks()` (v5.15) */
function xfsSwapExtentForks(inode: Inode, other: Inode): Task<void> {
  const [ip, tip] = [XFS_I(inode), XFS_I(other)];
  return ip.iDf.ifSeq.section('xfs_swap_extent_forks', () => {
    swapForks(inode, ip.iDf, other, tip.iDf);
    swapForks(inode, ip.iCowfp, other, tip.iCowfp);
    const [reflink, cowBlocks] = [ip.reflink.load(), ip.cowBlocks.load()];
    ip.reflink.store(tip.reflink.load());
    tip.reflink.store(reflink);
    ip.cowBlocks.store(tip.cowBlocks.load());
    tip.cowBlocks.store(cowBlocks);
    xfsTransLogInode(inode);
    xfsTransLogInode(other);
  });
}

function swapForks(inode: Inode, fork: XfsIfork, other: Inode, otherFork: XfsIfork): void {
  const { sBdev } = inode.iSb;
  const pairs = Array.from({ length: maxBlocks() }, (_, i): [Irec, Irec] => [
    fork.load(i),
    otherFork.load(i),
  ]);
  for (const [lblk, [mine, its]] of pairs.entries()) {
    if (mine.state === 'hole' && its.state === 'hole') continue;
    fork.store(lblk, its);
    otherFork.store(lblk, mine);
    if (mine.phys >= 0) giveBlock(sBdev, inode.iIno, other.iIno, mine.phys);
    if (its.phys >= 0) giveBlock(sBdev, other.iIno, inode.iIno, its.phys);
  }
}
