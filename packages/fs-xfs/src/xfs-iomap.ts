/**
 * Where a file is, for iomap: to read, to write through the cache, to write directly.
 *
 * A write through the cache reserves blocks; they are allocated when they are written back, and become valid when that
 * I/O has ended. A write to a shared block reserves one in the COW fork instead: {@link Iomap.srcmap} is where the rest
 * of the block is read from.
 *
 * @see fs/xfs/xfs_iomap.c (v5.14, v5.15)
 */
import {
  type Inode,
  IOMAP_WRITE,
  IOMAP_ZERO,
  type Iomap,
  type IomapOps,
  iomapTruncatePage,
  iomapZeroRange,
  iSizeRead,
  iSizeWrite,
  loff,
  machine,
  type Task,
  truncatePagecacheRange,
  withoutLock,
} from '@fsport/core';
import {
  blocksOf,
  endOf,
  isHole,
  lookup,
  type Run,
  stateOf,
  trim,
  trimAroundShared,
  xfsBmapiAllocate,
  xfsBmapiConvert,
  xfsBmapiRead,
  xfsBmapiReserveDelalloc,
  xfsBmbtToIomap,
  xfsBunmapi,
  xfsIextLookupExtent,
} from './xfs-bmap.js';
import { xfsReflinkAllocateCow } from './xfs-cow.js';
import { maxBlocks, XFS_I, XFS_ILOCK_EXCL, XFS_ILOCK_SHARED, xfsIlock, xfsIunlock } from './xfs-inode.js';

/** @context Sleeps. Takes ILOCK shared. @see fs/xfs/xfs_iomap.c `xfs_read_iomap_begin()` (v5.15) */
function* xfsReadIomapBegin(inode: Inode, pos: number, length: number): Task<Iomap> {
  const [first, end] = blocksOf(pos, length);
  yield* xfsIlock(inode, XFS_ILOCK_SHARED);
  const run = yield* xfsBmapiRead(inode, first, end);
  yield* xfsIunlock(inode, XFS_ILOCK_SHARED);
  return xfsBmbtToIomap(run);
}

/** To read. @see fs/xfs/xfs_iomap.c `xfs_read_iomap_ops` (v5.15) */
export const xfsReadIomapOps: IomapOps = { iomapBegin: xfsReadIomapBegin };

/**
 * Find the blocks of a write through the cache, or reserve them.
 *
 * @returns The piece, or `-ENOSPC`.
 * @context Sleeps. Takes ILOCK exclusive.
 * @departs A disk that is full is not tried again after writing everything back: the blocks that this frees belong to a
 *   stranger.
 * @see fs/xfs/xfs_iomap.c `xfs_buffered_write_iomap_begin()` (v5.15)
 */
function* xfsBufferedWriteIomapBegin(
  inode: Inode,
  pos: number,
  length: number,
  flags: number,
): Task<Iomap | number> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  const iomap = yield* findOrReserve(inode, pos, length, flags);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return iomap;
}

function* findOrReserve(inode: Inode, pos: number, length: number, flags: number): Task<Iomap | number> {
  const { iDf, iCowfp, reflink } = XFS_I(inode);
  const [first, end] = blocksOf(pos, length);
  const zero = (flags & IOMAP_ZERO) !== 0;
  let imap = yield* xfsIextLookupExtent(inode, first, end);
  if (zero && stateOf(imap) === 'hole') return xfsBmbtToIomap(imap);
  const cow = reflink.load();
  if (cow) {
    // Also without a block in the data fork: what was prepared next to a shared block is used.
    const cmap = lookup(iCowfp, first, end);
    if (stateOf(cmap) !== 'hole') return foundCow(imap, cmap);
  }
  if (stateOf(imap) !== 'hole') {
    if (!cow || (zero && stateOf(imap) !== 'mapped')) return xfsBmbtToIomap(imap);
    const trimmed = trimAroundShared(inode, imap);
    imap = trimmed.run;
    if (!trimmed.shared) return xfsBmbtToIomap(imap);
    const [from, to] = alignCow(inode, first, endOf(imap));
    const made = yield* xfsBmapiReserveDelalloc(inode, iCowfp, from, to);
    return typeof made === 'number' ? made : foundCow(imap, lookup(iCowfp, first, endOf(imap)));
  }
  const made = yield* xfsBmapiReserveDelalloc(inode, iDf, first, endOf(imap));
  return typeof made === 'number' ? made : xfsBmbtToIomap(made, { isNew: true });
}

/** Blocks of the COW fork that are prepared together, so that a file that is written to here and there stays in one piece. */
const COWEXTSIZE = 2;

/**
 * Prepare more than is written, as far as there is room in the COW fork and on the disk.
 *
 * @departs Two blocks together; the kernel's default is 32, which would be the whole of a file here.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmap_extsize_align()` (v5.15)
 */
function alignCow(inode: Inode, first: number, end: number): readonly [first: number, end: number] {
  const { iCowfp } = XFS_I(inode);
  let from = first;
  let to = end;
  while (from % COWEXTSIZE > 0 && isHole(iCowfp, from - 1, from)) from--;
  while (to % COWEXTSIZE > 0 && to < maxBlocks() && isHole(iCowfp, to, to + 1)) to++;
  return [from, to];
}

function foundCow(imap: Run, cmap: Run): Iomap {
  if (stateOf(imap) === 'hole') return xfsBmbtToIomap(trim(cmap, endOf(imap)));
  return xfsBmbtToIomap(cmap, { shared: true, srcmap: xfsBmbtToIomap(imap) });
}

/**
 * Give back what a write reserved and did not use.
 *
 * @returns `0`.
 * @context Sleeps. i_rwsem exclusive, and nothing against page faults; takes ILOCK exclusive.
 * @see fs/xfs/xfs_iomap.c `xfs_buffered_write_iomap_end()` (v5.15)
 */
function* xfsBufferedWriteIomapEnd(
  inode: Inode,
  pos: number,
  length: number,
  written: number,
  _flags: number,
  iomap: Iomap,
): Task<number> {
  const { blockSize } = machine;
  if (iomap.type !== 'delalloc' || iomap.isNew !== true) return 0;
  const start = written === 0 ? Math.floor(pos / blockSize) : Math.ceil((pos + written) / blockSize);
  const end = Math.ceil((pos + length) / blockSize);
  if (start >= end) return 0;
  yield* withoutLock(
    'invalidate_lock',
    truncatePagecacheRange(inode, loff(start * blockSize), loff(end * blockSize - 1)),
  );
  yield* xfsBmapPunchDelallocRange(inode, start, end);
  return 0;
}

/**
 * Remove from the data fork what is only reserved.
 *
 * @param end - Block after the last one.
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/xfs_bmap_util.c `xfs_bmap_punch_delalloc_range()` (v5.15)
 */
export function* xfsBmapPunchDelallocRange(inode: Inode, first: number, end: number): Task<void> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBunmapi(inode, XFS_I(inode).iDf, first, end, ['delalloc']);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/** To write through the cache. @see fs/xfs/xfs_iomap.c `xfs_buffered_write_iomap_ops` (v5.15) */
export const xfsBufferedWriteIomapOps: IomapOps = {
  iomapBegin: xfsBufferedWriteIomapBegin,
  iomapEnd: xfsBufferedWriteIomapEnd,
};

/**
 * Find the blocks of a direct write, or allocate unwritten ones; replace those that are shared.
 *
 * @returns The piece, or `-ENOSPC`.
 * @context Sleeps. Takes ILOCK shared, or exclusive if blocks may be shared; then exclusive to allocate.
 * @see fs/xfs/xfs_iomap.c `xfs_direct_write_iomap_begin()`, `xfs_ilock_for_iomap()` (v5.15)
 */
function* xfsDirectWriteIomapBegin(
  inode: Inode,
  pos: number,
  length: number,
  flags: number,
): Task<Iomap | number> {
  const [first, end] = blocksOf(pos, length);
  const cow = XFS_I(inode).reflink.load() && (flags & IOMAP_WRITE) !== 0;
  const lockmode = cow ? XFS_ILOCK_EXCL : XFS_ILOCK_SHARED;
  yield* xfsIlock(inode, lockmode);
  let imap = yield* xfsBmapiRead(inode, first, end);
  if (cow) {
    const trimmed = trimAroundShared(inode, imap);
    imap = trimmed.run;
    if (trimmed.shared) {
      const cmap = yield* xfsReflinkAllocateCow(inode, imap);
      yield* xfsIunlock(inode, lockmode);
      return typeof cmap === 'number' ? cmap : xfsBmbtToIomap(cmap, { shared: true });
    }
  }
  yield* xfsIunlock(inode, lockmode);
  const state = stateOf(imap);
  return state === 'mapped' || state === 'unwritten' ? xfsBmbtToIomap(imap) : yield* writeDirect(inode, imap);
}

/** @see fs/xfs/xfs_iomap.c `xfs_iomap_write_direct()` (v5.15) */
function* writeDirect(inode: Inode, { first, irecs }: Run): Task<Iomap | number> {
  const { iDf } = XFS_I(inode);
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  const present = lookup(iDf, first, first + irecs.length);
  const state = stateOf(present);
  const made =
    state === 'mapped' || state === 'unwritten' ? present : yield* xfsBmapiAllocate(inode, iDf, present);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return typeof made === 'number' ? made : xfsBmbtToIomap(made, { isNew: true });
}

/** To write directly. @see fs/xfs/xfs_iomap.c `xfs_direct_write_iomap_ops` (v5.15) */
export const xfsDirectWriteIomapOps: IomapOps = { iomapBegin: xfsDirectWriteIomapBegin };

/**
 * Unwritten blocks have been written: they become valid, and the file longer.
 *
 * @param updateIsize - Whether i_size may grow too, as it does for direct I/O.
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/xfs_iomap.c `xfs_iomap_write_unwritten()` (v5.15)
 */
export function* xfsIomapWriteUnwritten(
  inode: Inode,
  pos: number,
  count: number,
  updateIsize: boolean,
): Task<void> {
  const { iDf } = XFS_I(inode);
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  yield* xfsBmapiConvert(inode, iDf, ...blocksOf(pos, count));
  if (updateIsize && pos + count > (yield* iSizeRead(inode))) yield* iSizeWrite(inode, pos + count);
  raiseDiskSize(inode, pos + count);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/** Raise i_disk_size, not beyond i_size. ILOCK exclusive; joins the step in progress. @see `xfs_new_eof()` (v5.15) */
export function raiseDiskSize(inode: Inode, end: number): void {
  const { iDiskSize } = XFS_I(inode);
  const size = Math.min(end, inode.iSize.load());
  if (size > iDiskSize.load()) iDiskSize.store(size);
}

/** Zero a range in the cache. @returns Bytes zeroed, or an errno. @context Sleeps. i_rwsem exclusive. */
export function xfsZeroRange(inode: Inode, pos: number, len: number): Task<number> {
  return iomapZeroRange(inode, pos, len, xfsBufferedWriteIomapOps);
}

/** Zero a block to its end. @returns Bytes zeroed, or an errno. @context Sleeps. i_rwsem exclusive. */
export function xfsTruncatePage(inode: Inode, pos: number): Task<number> {
  return iomapTruncatePage(inode, pos, xfsBufferedWriteIomapOps);
}
