/**
 * The COW fork: blocks for writes to shared ones, from when they are prepared to when they replace them.
 *
 * A block that is shared is never written to. A write gets another one in the COW fork, which takes the place of the
 * shared one when the data has been written. What was prepared in vain is given back in the background.
 *
 * @see fs/xfs/xfs_reflink.c, fs/xfs/xfs_icache.c (v5.14, v5.15)
 */
import { EAGAIN, type Inode, mappingTagged, type Task } from '@fsport/core';
import {
  blocksOf,
  endOf,
  lookup,
  type Run,
  stateOf,
  xfsBmapiAllocate,
  xfsBmapiConvert,
  xfsBmapMoveCow,
  xfsBunmapi,
  xfsFreeExtent,
} from './xfs-bmap.js';
import {
  maxBlocks,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_IOLOCK_EXCL,
  XFS_MMAPLOCK_EXCL,
  xfsIlock,
  xfsIlockNowait,
  xfsIunlock,
} from './xfs-inode.js';

/**
 * Blocks for a direct write to a run of shared ones: allocated, and valid at once, because the data goes there now.
 *
 * @returns The run in the COW fork, or `-ENOSPC`.
 * @context May be preempted. ILOCK exclusive.
 * @departs ILOCK is kept; the kernel lets go of it to start a transaction, and looks again.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_allocate_cow()`, `xfs_reflink_convert_cow_locked()` (v5.15)
 */
export function* xfsReflinkAllocateCow(inode: Inode, imap: Run): Task<Run | number> {
  const { iCowfp } = XFS_I(inode);
  let cmap = lookup(iCowfp, imap.first, endOf(imap));
  if (stateOf(cmap) === 'hole' || stateOf(cmap) === 'delalloc') {
    const made = yield* xfsBmapiAllocate(inode, iCowfp, cmap);
    if (typeof made === 'number') return made;
    cmap = made;
  }
  if (stateOf(cmap) === 'unwritten') yield* xfsBmapiConvert(inode, iCowfp, cmap.first, endOf(cmap));
  return lookup(iCowfp, cmap.first, endOf(cmap));
}

/**
 * Data is about to be written to the COW fork: its blocks are valid from now on.
 *
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_convert_cow()` (v5.15)
 */
export function* xfsReflinkConvertCow(inode: Inode, pos: number, count: number): Task<void> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBmapiConvert(inode, XFS_I(inode).iCowfp, ...blocksOf(pos, count));
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/**
 * Data has been written to the COW fork: its blocks replace those of the file, which are given up.
 *
 * @context Sleeps. Takes ILOCK exclusive. The pages are under writeback, or direct I/O is counted.
 * @departs One transaction for the whole range.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_end_cow()` (v5.15)
 */
export function* xfsReflinkEndCow(inode: Inode, pos: number, count: number): Task<void> {
  const { iCowfp } = XFS_I(inode);
  const [first, end] = blocksOf(pos, count);
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  for (let lblk = end - 1; lblk >= first; lblk--) {
    // Nothing there: another write of the same range ended first. Not valid: prepared and not written.
    if (iCowfp.load(lblk).state !== 'mapped') continue;
    const before = yield* xfsBmapMoveCow(inode, lblk);
    if (before.phys >= 0) yield* xfsFreeExtent(inode, before.phys);
  }
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/**
 * Give back blocks of the COW fork.
 *
 * @param end - Block after the last one.
 * @param cancelReal - Also those that are valid: their data was being written.
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_cancel_cow_range()` (v5.15)
 */
export function* xfsReflinkCancelCowRange(
  inode: Inode,
  first: number,
  end: number,
  cancelReal: boolean,
): Task<void> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsReflinkCancelCowBlocks(inode, first, end, cancelReal);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/** The same. @context May be preempted. ILOCK exclusive. @see `xfs_reflink_cancel_cow_blocks()` (v5.15) */
export function xfsReflinkCancelCowBlocks(
  inode: Inode,
  first: number,
  end: number,
  cancelReal: boolean,
): Task<void> {
  const states = cancelReal
    ? (['delalloc', 'unwritten', 'mapped'] as const)
    : (['delalloc', 'unwritten'] as const);
  return xfsBunmapi(inode, XFS_I(inode).iCowfp, first, end, states);
}

/** Is anything in the COW fork? Joins the step in progress. @see `xfs_inode_has_cow_data()` (v5.15) */
export function xfsInodeHasCowData(inode: Inode): boolean {
  return XFS_I(inode).cowBlocks.load() > 0;
}

/**
 * May what is in the COW fork be given back? Not while a page could still be written to it.
 *
 * @see fs/xfs/xfs_icache.c `xfs_prep_free_cowblocks()` (v5.15)
 */
function* xfsPrepFreeCowblocks(inode: Inode): Task<boolean> {
  if (!xfsInodeHasCowData(inode)) return false;
  const { iMapping: mapping, iDioCount } = inode;
  if (yield* mappingTagged(mapping, 'PAGECACHE_TAG_DIRTY')) return false;
  if (yield* mappingTagged(mapping, 'PAGECACHE_TAG_WRITEBACK')) return false;
  return iDioCount.load() === 0;
}

/**
 * Give back what was prepared for writes to shared blocks and is not needed. A background task and
 * XFS_IOC_FREE_EOFBLOCKS do it.
 *
 * @param wait - Say so if a lock was busy.
 * @returns `0`, or `-EAGAIN` if `wait` and a lock was busy.
 * @context May be preempted. Tries IOLOCK exclusive, then MMAPLOCK exclusive; then takes ILOCK exclusive.
 * @see fs/xfs/xfs_icache.c `xfs_inode_free_cowblocks()` (v5.14, v5.15)
 */
export function* xfsInodeFreeCowblocks(inode: Inode, wait: boolean): Task<number> {
  if (!(yield* xfsPrepFreeCowblocks(inode))) return 0;
  const busy = wait ? -EAGAIN : 0;
  if (!(yield* xfsIlockNowait(inode, XFS_IOLOCK_EXCL))) return busy;
  if (!(yield* xfsIlockNowait(inode, XFS_MMAPLOCK_EXCL))) {
    yield* xfsIunlock(inode, XFS_IOLOCK_EXCL);
    return busy;
  }
  // Again: with both locks held nobody can dirty a page any more.
  if (yield* xfsPrepFreeCowblocks(inode)) yield* xfsReflinkCancelCowRange(inode, 0, maxBlocks(), false);
  yield* xfsIunlock(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
  return 0;
}
