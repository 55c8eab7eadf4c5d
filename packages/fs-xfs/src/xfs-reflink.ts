/**
 * Shared blocks: share a range of one file with another, and unshare it.
 *
 * @see fs/xfs/xfs_reflink.c (v5.14, v5.15)
 */
import {
  type File,
  filemapWriteAndWaitRange,
  genericRemapFileRangePrep,
  type Inode,
  inodeDioWait,
  iomapFileUnshare,
  iSizeWrite,
  type Loff,
  loff,
  machine,
  type RemapRange,
  type Task,
} from '@fsport/core';
import {
  blocksOf,
  endOf,
  isShared,
  type Run,
  xfsBmapiRead,
  xfsBmapMapShared,
  xfsBunmapi,
} from './xfs-bmap.js';
import { xfsFlushUnmapRange } from './xfs-bmap-util.js';
import { xfsReflinkCancelCowBlocks } from './xfs-cow.js';
import {
  maxBlocks,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_ILOCK_SHARED,
  xfsIlock,
  xfsIlock2IoMmap,
  xfsIunlock,
  xfsIunlock2IoMmap,
  xfsLockTwoInodes,
  xfsTransLogInode,
} from './xfs-inode.js';
import { xfsBufferedWriteIomapOps, xfsZeroRange } from './xfs-iomap.js';

/**
 * Both files may have shared blocks from now on.
 *
 * @context Sleeps. Takes ILOCK of both exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_set_inode_flag()` (v5.15)
 */
function* xfsReflinkSetInodeFlag(src: Inode, dest: Inode): Task<void> {
  const both = src === dest ? [src] : [src, dest];
  if (both.every((inode) => XFS_I(inode).reflink.load())) return;
  if (src === dest) yield* xfsIlock(src, XFS_ILOCK_EXCL);
  else yield* xfsLockTwoInodes(src, dest, XFS_ILOCK_EXCL);
  for (const inode of both) {
    const { reflink } = XFS_I(inode);
    if (reflink.load()) continue;
    reflink.store(true);
    xfsTransLogInode(inode);
  }
  for (const inode of both) yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/**
 * Lock both files and prepare them: ranges checked and on disk, and nothing of the destination cached.
 *
 * @returns Bytes to share, with both files locked; `0` or an errno with neither.
 * @context Sleeps. Takes i_rwsem and MMAPLOCK of both exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_remap_prep()` (v5.14, v5.15)
 */
function* xfsReflinkRemapPrep(range: RemapRange): Task<number> {
  const [src, dest] = [range.fileIn.fInode, range.fileOut.fInode];
  yield* xfsIlock2IoMmap(src, dest);
  const len = yield* prepareLocked(range, src, dest);
  if (len <= 0) yield* xfsIunlock2IoMmap(src, dest);
  return len;
}

function* prepareLocked(range: RemapRange, src: Inode, dest: Inode): Task<number> {
  const { posOut } = range;
  const len = yield* genericRemapFileRangePrep(range);
  if (len <= 0) return len;
  const size = dest.iSize.load(); // i_rwsem
  const from = Math.min(posOut, size);
  if (posOut > size) {
    const zeroed = yield* xfsZeroRange(dest, size, posOut - size);
    if (zeroed < 0) return zeroed;
  }
  yield* xfsReflinkSetInodeFlag(src, dest);
  // Until now faults were kept out of a range that is on disk. From now on nothing of it is cached either.
  const err = yield* xfsFlushUnmapRange(dest, from, len + posOut - from);
  return err < 0 ? err : len;
}

/**
 * Share a range of one file with a range of another.
 *
 * @returns Bytes shared, or an errno.
 * @context Sleeps. Takes i_rwsem and MMAPLOCK of both exclusive over all of it: no page of either range is filled, and
 *   none becomes writable.
 * @see fs/xfs/xfs_file.c `xfs_file_remap_range()` (v5.14, v5.15)
 */
export function* xfsFileRemapRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: number,
  flags: number,
): Task<number> {
  const [src, dest] = [fileIn.fInode, fileOut.fInode];
  const count = yield* xfsReflinkRemapPrep({ fileIn, posIn, fileOut, posOut, len, flags });
  if (count <= 0) return count;
  yield* xfsReflinkRemapBlocks(src, posIn, dest, posOut, count);
  yield* xfsIunlock2IoMmap(src, dest);
  return count;
}

/** @see fs/xfs/xfs_reflink.c `xfs_reflink_remap_blocks()` (v5.15) */
function* xfsReflinkRemapBlocks(
  src: Inode,
  posIn: number,
  dest: Inode,
  posOut: number,
  len: number,
): Task<void> {
  const shift = (posOut - posIn) / machine.blockSize;
  const [first, end] = blocksOf(posIn, len);
  for (let lblk = first; lblk < end; ) {
    yield* xfsIlock(src, XFS_ILOCK_SHARED);
    const run = yield* xfsBmapiRead(src, lblk, end);
    yield* xfsIunlock(src, XFS_ILOCK_SHARED);
    yield* xfsReflinkRemapExtent(dest, { first: lblk + shift, irecs: run.irecs }, posOut + len);
    lblk = endOf(run);
  }
}

/**
 * Let a run of the destination be that run of the source. What is not valid in the source becomes a hole.
 *
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_remap_extent()` (v5.15)
 */
function* xfsReflinkRemapExtent(dest: Inode, run: Run, newSize: number): Task<void> {
  const { iDf, iDiskSize } = XFS_I(dest);
  yield* xfsIlock(dest, XFS_ILOCK_EXCL);
  for (const [at, irec] of run.irecs.entries()) {
    const lblk = run.first + at;
    if (irec.state === 'mapped' && iDf.load(lblk).phys === irec.phys) continue; // they share it already
    yield* xfsBunmapi(dest, iDf, lblk, lblk + 1);
    if (irec.state === 'mapped') yield* xfsBmapMapShared(dest, lblk, irec);
  }
  const size = Math.min(endOf(run) * machine.blockSize, newSize);
  if (size > dest.iSize.load()) {
    yield* iSizeWrite(dest, size);
    iDiskSize.store(size);
  }
  yield* xfsIunlock(dest, XFS_ILOCK_EXCL);
}

/**
 * Write the shared blocks of a range again, to blocks of their own.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and MMAPLOCK exclusive.
 * @departs Only up to the end of the file, as later kernels do: v5.15 would make the file longer.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_unshare()` (v5.15)
 */
export function* xfsReflinkUnshare(inode: Inode, pos: number, len: number): Task<number> {
  const { reflink } = XFS_I(inode);
  if (!reflink.load()) return 0;
  yield* inodeDioWait(inode);
  const size = inode.iSize.load(); // i_rwsem
  const err =
    (yield* iomapFileUnshare(inode, pos, Math.min(len, Math.max(0, size - pos)), xfsBufferedWriteIomapOps)) ||
    (yield* filemapWriteAndWaitRange(inode.iMapping, loff(pos), loff(pos + len - 1)));
  if (err < 0) return err;
  yield* xfsReflinkTryClearInodeFlag(inode);
  return 0;
}

/** Nothing is shared any more: forget that it may be. @see `xfs_reflink_try_clear_inode_flag()` (v5.15) */
function* xfsReflinkTryClearInodeFlag(inode: Inode): Task<void> {
  const { iDf, reflink } = XFS_I(inode);
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  let shared = false;
  for (let lblk = 0; lblk < maxBlocks(); lblk++) shared ||= isShared(inode, iDf.load(lblk));
  if (!shared) {
    yield* xfsReflinkCancelCowBlocks(inode, 0, maxBlocks(), true);
    reflink.store(false);
  }
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}
