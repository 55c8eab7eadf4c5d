/**
 * System calls on a file, and page faults.
 *
 * Reads and WILLNEED hold IOLOCK shared: that is what keeps them away from invalidations, in both releases; in v5.15 the
 * generic code takes the invalidate lock under it besides. Page faults cannot take it, mmap_lock ranks below: for them
 * there is MMAPLOCK. Whoever changes blocks holds both exclusive from the start.
 *
 * @see fs/xfs/xfs_file.c, fs/xfs/xfs_iops.c, fs/xfs/xfs_pnfs.c, fs/xfs/xfs_ioctl.c (v5.14, v5.15)
 */
import {
  ATTR_SIZE,
  type Cells,
  EAGAIN,
  EFBIG,
  EINVAL,
  ENOTBLK,
  ENOTTY,
  EOPNOTSUPP,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  fileWriteAndWaitRange,
  genericFadvise,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type Iattr,
  type Inode,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  IOMAP_DIO_COW,
  IOMAP_DIO_UNWRITTEN,
  type IomapDioOps,
  type IovIter,
  inodeDioWait,
  inodeNewsizeOk,
  iomapDioRw,
  iomapFileBufferedWrite,
  iomapPageMkwrite,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  type Loff,
  loff,
  machine,
  type Pgoff,
  POSIX_FADV_WILLNEED,
  type Task,
  takesInvalidateLock,
  type VmFault,
  type VmOperations,
} from '@fsport/core';
import { xfsSetfilesize } from './xfs-aops.js';
import {
  xfsAllocFileSpace,
  xfsCollapseFileSpace,
  xfsFlushUnmapRange,
  xfsFreeFileSpace,
  xfsInsertFileSpace,
  xfsSetattrSize,
  xfsSwapExtents,
} from './xfs-bmap-util.js';
import { xfsInodeFreeCowblocks, xfsReflinkEndCow } from './xfs-cow.js';
import {
  assertIlocked,
  XFS_I,
  XFS_IOLOCK_EXCL,
  XFS_IOLOCK_SHARED,
  XFS_M,
  XFS_MMAPLOCK_EXCL,
  XFS_MMAPLOCK_SHARED,
  xfsIlock,
  xfsIlockDemote,
  xfsIlockNowait,
  xfsIunlock,
} from './xfs-inode.js';
import {
  xfsBufferedWriteIomapOps,
  xfsDirectWriteIomapOps,
  xfsIomapWriteUnwritten,
  xfsReadIomapOps,
  xfsZeroRange,
} from './xfs-iomap.js';
import { xfsFileRemapRange, xfsReflinkUnshare } from './xfs-reflink.js';

/** @returns `0`, or `-EAGAIN` if IOCB_NOWAIT met a busy lock. @see fs/xfs/xfs_file.c `xfs_ilock_iocb()` (v5.15) */
function* xfsIlockIocb(iocb: Kiocb, flags: number): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) return (yield* xfsIlockNowait(inode, flags)) ? 0 : -EAGAIN;
  yield* xfsIlock(inode, flags);
  return 0;
}

/**
 * @context Sleeps unless IOCB_NOWAIT. Takes and releases IOLOCK shared.
 * @see fs/xfs/xfs_file.c `xfs_file_read_iter()`, `xfs_file_buffered_read()`, `xfs_file_dio_read()` (v5.15)
 */
function* xfsFileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  if (to.count === 0) return 0;
  const err = yield* xfsIlockIocb(iocb, XFS_IOLOCK_SHARED);
  if (err !== 0) return err;
  const direct = (iocb.kiFlags & IOCB_DIRECT) !== 0;
  const result = yield* direct ? iomapDioRw(iocb, to, xfsReadIomapOps) : genericFileReadIter(iocb, to);
  yield* xfsIunlock(iocb.kiFilp.fInode, XFS_IOLOCK_SHARED);
  return result;
}

/**
 * Wait until nobody has a lease on where the blocks are. All locks are let go meanwhile, and IOLOCK is exclusive
 * afterwards: what was checked before must be checked again.
 *
 * @param iolock - What is held.
 * @returns What is held now.
 * @context Sleeps. IOLOCK held, and MMAPLOCK as `iolock` says.
 * @departs There is no DAX, so that no page is pinned. Leases are what tests make of them.
 * @see fs/xfs/xfs_file.c `xfs_break_layouts()`, fs/xfs/xfs_pnfs.c `xfs_break_leased_layouts()` (v5.15)
 */
export function* xfsBreakLayouts(inode: Inode, iolock: number): Task<number> {
  const { layoutLease } = XFS_I(inode);
  assertIlocked(inode, XFS_IOLOCK_SHARED | XFS_IOLOCK_EXCL);
  let held = iolock;
  while (layoutLease.load()) {
    yield* xfsIunlock(inode, held);
    yield* layoutLease.waitUntil((leased) => !leased, 'break_layout');
    held = (held & ~XFS_IOLOCK_SHARED) | XFS_IOLOCK_EXCL;
    yield* xfsIlock(inode, held);
  }
  return held;
}

/** What a write may do: bytes, or an errno or `0` for nothing; and which IOLOCK is held. */
interface WriteChecks {
  readonly count: number;
  readonly iolock: number;
}

/**
 * Checks before a write. A gap behind the end of the file is zeroed, under IOLOCK exclusive.
 *
 * @param iolock - What is held.
 * @context Sleeps unless IOCB_NOWAIT. IOLOCK held; it may be let go and taken exclusive.
 * @see fs/xfs/xfs_file.c `xfs_file_write_checks()` (v5.14, v5.15)
 */
function* xfsFileWriteChecks(iocb: Kiocb, length: number, iolock: number): Task<WriteChecks> {
  const { fInode: inode } = iocb.kiFilp;
  const nowait = (iocb.kiFlags & IOCB_NOWAIT) !== 0;
  let held = iolock;
  for (let drained = false; ; drained = true) {
    const count = genericWriteChecks(iocb, length);
    if (count <= 0) return { count, iolock: held };
    if (nowait && XFS_I(inode).layoutLease.load()) return { count: -EAGAIN, iolock: held };
    held = yield* xfsBreakLayouts(inode, held);
    // Direct I/O that ends can only make the file longer.
    const size = yield* iSizeRead(inode);
    if (iocb.kiPos <= size) return { count, iolock: held };
    if (nowait) return { count: -EAGAIN, iolock: held };
    if (drained) {
      const zeroed = yield* xfsZeroRange(inode, size, iocb.kiPos - size);
      return { count: zeroed < 0 ? zeroed : count, iolock: held };
    }
    if (held === XFS_IOLOCK_SHARED) {
      yield* xfsIunlock(inode, held);
      held = XFS_IOLOCK_EXCL;
      yield* xfsIlock(inode, held);
    }
    yield* inodeDioWait(inode);
  }
}

/** @see fs/xfs/xfs_file.c `xfs_file_write_iter()` (v5.15) */
function* xfsFileWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  if (from.length === 0) return 0;
  if ((iocb.kiFlags & IOCB_DIRECT) !== 0) {
    const result = yield* xfsFileDioWrite(iocb, from);
    if (result !== -ENOTBLK) return result;
  }
  return yield* xfsFileBufferedWrite(iocb, from);
}

/**
 * Write through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases IOLOCK exclusive.
 * @see fs/xfs/xfs_file.c `xfs_file_buffered_write()` (v5.15)
 */
function* xfsFileBufferedWrite(iocb: Kiocb, from: Cells): Task<number> {
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) return -EOPNOTSUPP;
  const { fInode: inode } = iocb.kiFilp;
  yield* xfsIlock(inode, XFS_IOLOCK_EXCL);
  const { count, iolock } = yield* xfsFileWriteChecks(iocb, from.length, XFS_IOLOCK_EXCL);
  let result = count;
  if (count > 0) result = yield* iomapFileBufferedWrite(iocb, from.slice(0, count), xfsBufferedWriteIomapOps);
  if (result > 0) iocb.kiPos = loff(iocb.kiPos + result);
  yield* xfsIunlock(inode, iolock);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/**
 * A direct write has ended: what it replaced goes, its blocks become valid, and the file longer.
 *
 * @see fs/xfs/xfs_file.c `xfs_dio_write_end_io()` (v5.15)
 */
function* xfsDioWriteEndIo(iocb: Kiocb, size: number, error: number, flags: number): Task<number> {
  if (error !== 0 || size === 0) return error;
  const { fInode: inode } = iocb.kiFilp;
  const { kiPos: pos } = iocb;
  if ((flags & IOMAP_DIO_COW) !== 0) yield* xfsReflinkEndCow(inode, pos, size);
  if ((flags & IOMAP_DIO_UNWRITTEN) !== 0) {
    yield* xfsIomapWriteUnwritten(inode, pos, size, true);
    return 0;
  }
  if (pos + size <= (yield* iSizeRead(inode))) return 0;
  yield* iSizeWrite(inode, pos + size);
  yield* xfsSetfilesize(inode, pos, size);
  return 0;
}

const DIO_WRITE_OPS: IomapDioOps = { ...xfsDirectWriteIomapOps, endIo: xfsDioWriteEndIo };

/**
 * Write past the cache.
 *
 * @returns Bytes; `-ENOTBLK` to write through the cache; or an errno.
 * @context Sleeps unless IOCB_NOWAIT. Takes IOLOCK shared; exclusive only for as long as a gap is zeroed.
 * @departs Writes inside a block are refused by the device.
 * @see fs/xfs/xfs_file.c `xfs_file_dio_write_aligned()` (v5.15)
 */
function* xfsFileDioWrite(iocb: Kiocb, from: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  if ((iocb.kiPos | from.length) % machine.blockSize !== 0) return -EINVAL;
  const err = yield* xfsIlockIocb(iocb, XFS_IOLOCK_SHARED);
  if (err !== 0) return err;
  const checks = yield* xfsFileWriteChecks(iocb, from.length, XFS_IOLOCK_SHARED);
  if (checks.count <= 0) {
    yield* xfsIunlock(inode, checks.iolock);
    return checks.count;
  }
  if (checks.iolock === XFS_IOLOCK_EXCL) yield* xfsIlockDemote(inode, XFS_IOLOCK_EXCL);
  const result = yield* iomapDioRw(iocb, from.slice(0, checks.count), DIO_WRITE_OPS);
  yield* xfsIunlock(inode, XFS_IOLOCK_SHARED);
  return result;
}

/** WILLNEED fills the cache, so it is kept away from invalidations as reads are. @see `xfs_file_fadvise()` (v5.15) */
function* xfsFileFadvise(file: File, start: Loff, len: Loff, advice: number): Task<number> {
  const { fInode: inode } = file;
  if (advice !== POSIX_FADV_WILLNEED) return yield* genericFadvise(file, start, len, advice);
  yield* xfsIlock(inode, XFS_IOLOCK_SHARED);
  const result = yield* genericFadvise(file, start, len, advice);
  yield* xfsIunlock(inode, XFS_IOLOCK_SHARED);
  return result;
}

const SUPPORTED =
  FALLOC_FL_KEEP_SIZE |
  FALLOC_FL_PUNCH_HOLE |
  FALLOC_FL_COLLAPSE_RANGE |
  FALLOC_FL_ZERO_RANGE |
  FALLOC_FL_INSERT_RANGE |
  FALLOC_FL_UNSHARE_RANGE;

/**
 * Change the blocks behind a range.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases IOLOCK and MMAPLOCK exclusive, over all of it.
 * @see fs/xfs/xfs_file.c `xfs_file_fallocate()` (v5.14, v5.15)
 */
function* xfsFileFallocate(file: File, mode: number, pos: Loff, len: Loff): Task<number> {
  const { fInode: inode } = file;
  if ((mode & ~SUPPORTED) !== 0) return -EOPNOTSUPP;
  yield* xfsIlock(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
  const iolock = yield* xfsBreakLayouts(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
  // Direct I/O that ends can change the size, with no lock held that is held here.
  yield* inodeDioWait(inode);
  let err = 0;
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_COLLAPSE_RANGE)) !== 0) {
    err = yield* xfsFlushUnmapRange(inode, pos, len);
  }
  if (err === 0) err = yield* changeBlocks(inode, mode, pos, len);
  yield* xfsIunlock(inode, iolock);
  return err;
}

function changeBlocks(inode: Inode, mode: number, pos: Loff, len: Loff): Task<number> {
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) return xfsFreeFileSpace(inode, pos, len);
  if ((mode & FALLOC_FL_COLLAPSE_RANGE) !== 0) return collapse(inode, pos, len);
  if ((mode & FALLOC_FL_INSERT_RANGE) !== 0) return insert(inode, pos, len);
  return preallocate(inode, mode, pos, len);
}

function resize(inode: Inode, size: number): Task<number> {
  return xfsSetattrSize(inode, { iaValid: ATTR_SIZE, iaSize: loff(size) });
}

function aligned(pos: number, len: number): boolean {
  return pos % machine.blockSize === 0 && len % machine.blockSize === 0;
}

function* collapse(inode: Inode, pos: Loff, len: Loff): Task<number> {
  const size = inode.iSize.load(); // i_rwsem
  if (!aligned(pos, len) || pos + len >= size) return -EINVAL;
  return (yield* xfsCollapseFileSpace(inode, pos, len)) || (yield* resize(inode, size - len));
}

function* insert(inode: Inode, pos: Loff, len: Loff): Task<number> {
  const size = inode.iSize.load(); // i_rwsem
  if (!aligned(pos, len)) return -EINVAL;
  if (machine.maxBytes - size < len) return -EFBIG;
  if (pos >= size) return -EINVAL;
  // Longer first: a crash half way must not leave blocks beyond the end.
  return (yield* resize(inode, size + len)) || (yield* xfsInsertFileSpace(inode, pos, len));
}

/** Allocate; after zeroing, or after unsharing, if that is wanted. */
function* preallocate(inode: Inode, mode: number, pos: Loff, len: Loff): Task<number> {
  const grows = (mode & FALLOC_FL_KEEP_SIZE) === 0 && pos + len > inode.iSize.load(); // i_rwsem
  let err = grows ? inodeNewsizeOk(inode, loff(pos + len)) : 0;
  if (err !== 0) return err;
  // Zeroed by a hole, and blocks again: partial blocks are dealt with, and out of space it reads as zeroes too.
  if ((mode & FALLOC_FL_ZERO_RANGE) !== 0) err = yield* xfsFreeFileSpace(inode, pos, len);
  else if ((mode & FALLOC_FL_UNSHARE_RANGE) !== 0) err = yield* xfsReflinkUnshare(inode, pos, len);
  if (err !== 0) return err;
  if (!grows) XFS_I(inode).keepSize = true;
  err = yield* xfsAllocFileSpace(inode, pos, len);
  return err === 0 && grows ? yield* resize(inode, pos + len) : err;
}

/**
 * Change attributes of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes and releases MMAPLOCK exclusive, also to grow.
 * @see fs/xfs/xfs_iops.c `xfs_vn_setattr()` (v5.14, v5.15)
 */
export function* xfsVnSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  yield* xfsIlock(inode, XFS_MMAPLOCK_EXCL);
  yield* xfsBreakLayouts(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
  const err = yield* xfsSetattrSize(inode, attr);
  yield* xfsIunlock(inode, XFS_MMAPLOCK_EXCL);
  return err;
}

/**
 * A page fault in v5.14: xfs holds its own lock around all of it, readahead included.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes and releases MMAPLOCK shared.
 * @see fs/xfs/xfs_file.c `__xfs_filemap_fault()` (v5.14)
 */
function* xfsFilemapFault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile; // the mapping may be gone when filemap_fault() returns
  yield* xfsIlock(inode, XFS_MMAPLOCK_SHARED);
  const result = yield* filemapFault(vmf);
  yield* xfsIunlock(inode, XFS_MMAPLOCK_SHARED);
  return result;
}

/**
 * Map what is cached around a fault. With MMAPLOCK it may have to wait.
 *
 * @see fs/xfs/xfs_file.c `xfs_filemap_map_pages()` (v5.14, v5.15)
 */
function* xfsFilemapMapPages(vmf: VmFault, start: Pgoff, last: Pgoff): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  yield* xfsIlock(inode, XFS_MMAPLOCK_SHARED);
  const result = yield* filemapMapPages(vmf, start, last);
  yield* xfsIunlock(inode, XFS_MMAPLOCK_SHARED);
  return result;
}

/**
 * A page is about to become writable: reserve blocks for it.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes MMAPLOCK shared, the page lock, ILOCK exclusive.
 * @departs Filesystem freezing is not modelled.
 * @see fs/xfs/xfs_file.c `xfs_filemap_page_mkwrite()` (v5.14, v5.15)
 */
function* xfsFilemapPageMkwrite(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  yield* xfsIlock(inode, XFS_MMAPLOCK_SHARED);
  const result = yield* iomapPageMkwrite(vmf, xfsBufferedWriteIomapOps);
  yield* xfsIunlock(inode, XFS_MMAPLOCK_SHARED);
  return result;
}

const V5_14_FILE_VM_OPS: VmOperations = {
  fault: xfsFilemapFault,
  mapPages: xfsFilemapMapPages,
  pageMkwrite: xfsFilemapPageMkwrite,
};

/** v5.15: filemap_fault() takes the lock by itself, and only if a page must be filled. */
const FILE_VM_OPS: VmOperations = { ...V5_14_FILE_VM_OPS, fault: filemapFault };

/** @see fs/xfs/xfs_file.c `xfs_file_mmap()` (v5.14, v5.15) */
function xfsFileMmap(file: File): VmOperations {
  return takesInvalidateLock(file.fMapping) ? FILE_VM_OPS : V5_14_FILE_VM_OPS;
}

/**
 * @returns `0`, or an errno.
 * @context Sleeps.
 * @departs The log is not forced: there is no crash.
 * @see fs/xfs/xfs_file.c `xfs_file_fsync()` (v5.15)
 */
function xfsFileFsync(file: File, start: Loff, end: Loff): Task<number> {
  return fileWriteAndWaitRange(file, start, end);
}

/**
 * Requests of xfs's own.
 *
 * @returns `0`, `-ENOTTY`, or an errno.
 * @context Sleeps.
 * @see fs/xfs/xfs_ioctl.c `xfs_file_ioctl()` (v5.15)
 */
function* xfsFileIoctl(file: File, cmd: string, arg: File | null): Task<number> {
  const { fInode: inode } = file;
  if (cmd === 'XFS_IOC_SWAPEXT') return arg === null ? -EINVAL : yield* xfsSwapExtents(inode, arg.fInode);
  if (cmd !== 'XFS_IOC_FREE_EOFBLOCKS') return -ENOTTY;
  for (const each of XFS_M(inode.iSb).inodes) yield* xfsInodeFreeCowblocks(each, false);
  return 0;
}

/** File operations. @see fs/xfs/xfs_file.c `xfs_file_operations` (v5.15) */
export const xfsFileOperations = {
  readIter: xfsFileReadIter,
  writeIter: xfsFileWriteIter,
  fallocate: xfsFileFallocate,
  fadvise: xfsFileFadvise,
  fsync: xfsFileFsync,
  mmap: xfsFileMmap,
  remapFileRange: xfsFileRemapRange,
  unlockedIoctl: xfsFileIoctl,
} satisfies FileOperations;
