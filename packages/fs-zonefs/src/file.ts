/**
 * Operations on a file: the pages of a zone, truncation, and system calls.
 *
 * Nothing is mapped: block `n` of the file is block `n` of the zone, and what a fill must know is whether it lies below the
 * write pointer. That is asked under i_truncate_mutex, with the page locked. Truncation resets the device first and drops
 * the pages after that, all of it under the mutex.
 *
 * @see fs/zonefs/super.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type AddressSpaceOperations,
  ATTR_SIZE,
  type Cells,
  downRead,
  downWrite,
  EFBIG,
  EINVAL,
  EIO,
  ENOTBLK,
  EPERM,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  fileWriteAndWaitRange,
  genericErrorRemovePage,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type Iattr,
  type Inode,
  IOCB_DIRECT,
  IOMAP_DIRECT,
  IOMAP_WRITE,
  type Iomap,
  type IomapDioOps,
  type IomapOps,
  type IomapWritebackOps,
  type IomapWritepageCtx,
  type IovIter,
  inodeDioWait,
  inodeLock,
  inodeLockShared,
  inodeNewsizeOk,
  inodeUnlock,
  inodeUnlockShared,
  iomapDioRw,
  iomapFileBufferedWrite,
  iomapInvalidatepage,
  iomapIsPartiallyUptodate,
  iomapPageMkwrite,
  iomapReadahead,
  iomapReadpage,
  iomapReleasepage,
  iomapWritepage,
  iomapWritepages,
  iSizeWrite,
  type Kiocb,
  type Loff,
  machine,
  mutexLock,
  mutexUnlock,
  noopDirectIO,
  setPageDirtyNobuffers,
  type Task,
  takesInvalidateLock,
  truncateSetsize,
  upRead,
  upWrite,
  VM_SHARED,
  VM_WRITE,
  type VmFault,
  type VmOperations,
} from '@fsport/core';
import { zoneAppend } from './append.js';
import { warnOnOnce, ZONEFS_I, zonefsInvalidateSem, zonefsZoneMgmt } from './zonefs.js';

/**
 * Where a piece of a file is: in the zone, and written or not.
 *
 * A read that begins where the file ends gets a piece of no bytes, and one that begins behind it all that it asked for,
 * because the length wraps around (both so in v5.14 and v5.15; v5.19 mended it).
 *
 * @context Sleeps. Takes and releases i_truncate_mutex.
 * @departs v5.15 warns once about the length that wraps around, and goes on with it.
 * @see fs/zonefs/super.c `zonefs_iomap_begin()` (v5.14, v5.15)
 */
function* zonefsIomapBegin(inode: Inode, pos: number, length: number, flags: number): Task<Iomap> {
  const { iMaxSize, iTruncateMutex, iZtype, zone } = ZONEFS_I(inode);
  const { blockSize } = machine;
  const write = (flags & IOMAP_WRITE) !== 0;
  warnOnOnce(pos + length > iMaxSize, 'zonefs_iomap_begin', 'i_max_size', inode);
  const buffered = write && (flags & IOMAP_DIRECT) === 0;
  warnOnOnce(iZtype === 'seq' && buffered, 'zonefs_iomap_begin', 'sequential', inode);
  yield* mutexLock(iTruncateMutex);
  const isize = inode.iSize.load();
  yield* mutexUnlock(iTruncateMutex);
  const asked = write ? iMaxSize - pos : length;
  const bytes = write || pos > isize ? asked : Math.min(length, isize - pos);
  const first = Math.floor(pos / blockSize);
  const phys = zone.slice(first, Math.ceil((pos + bytes) / blockSize));
  return {
    type: pos >= isize ? 'unwritten' : 'mapped',
    offset: first * blockSize,
    length: phys.length * blockSize,
    phys,
    gens: phys.map(() => 0),
  };
}

const IOMAP_OPS: IomapOps = { iomapBegin: zonefsIomapBegin };

/** @returns `0`. @see fs/zonefs/super.c `zonefs_map_blocks()` (v5.15) */
function* zonefsMapBlocks(wpc: IomapWritepageCtx, inode: Inode, offset: number): Task<number> {
  const { iMaxSize, iZtype } = ZONEFS_I(inode);
  const { iomap } = wpc;
  warnOnOnce(iZtype !== 'cnv' || offset >= inode.iSize.load(), 'zonefs_map_blocks', 'conventional', inode);
  if (iomap !== null && offset >= iomap.offset && offset < iomap.offset + iomap.length) return 0;
  wpc.iomap = yield* zonefsIomapBegin(inode, offset, iMaxSize - offset, IOMAP_WRITE);
  return 0;
}

const WRITEBACK_OPS: IomapWritebackOps = { mapBlocks: zonefsMapBlocks };

/** Page-cache operations. @see fs/zonefs/super.c `zonefs_file_aops` (v5.15) */
export const zonefsFileAops = {
  readpage: (_file, page) => iomapReadpage(page, IOMAP_OPS),
  readahead: (rac) => iomapReadahead(rac, IOMAP_OPS),
  writepage: (page) => iomapWritepage(page, { iomap: null, ioend: null }, WRITEBACK_OPS),
  writepages: (mapping: AddressSpace, wbc) =>
    iomapWritepages(mapping, wbc, { iomap: null, ioend: null }, WRITEBACK_OPS),
  setPageDirty: setPageDirtyNobuffers,
  releasepage: iomapReleasepage,
  invalidatepage: iomapInvalidatepage,
  isPartiallyUptodate: iomapIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
  directIO: noopDirectIO,
} satisfies AddressSpaceOperations;

/**
 * Ask the device how far its zone is written, after an error, and believe it.
 *
 * The size may change with no lock held against fills, and the cache stays as it is.
 *
 * @param write - Whether it was a write that failed.
 * @context Sleeps. Takes and releases i_truncate_mutex.
 * @departs As with the mount option `errors=repair`: nothing becomes read-only.
 * @see fs/zonefs/super.c `zonefs_io_error()`, `zonefs_io_error_cb()` (v5.14, v5.15)
 */
function* zonefsIoError(inode: Inode, write: boolean): Task<void> {
  const { iTruncateMutex, iWpoffset, iZtype, iMaxSize, zoneWp } = ZONEFS_I(inode);
  yield* mutexLock(iTruncateMutex);
  const dataSize = iZtype === 'cnv' ? iMaxSize : zoneWp.load();
  if (write || inode.iSize.load() !== dataSize) {
    yield* iSizeWrite(inode, dataSize);
    iWpoffset.store(dataSize);
  }
  yield* mutexUnlock(iTruncateMutex);
}

/**
 * Reset the zone of a file, so that the file is empty, or finish it, so that the file is full.
 *
 * @returns `0`, or `-EPERM` for any other size and for a zone that is not written in order.
 * @context Sleeps. i_rwsem exclusive; takes the lock against fills exclusive, then i_truncate_mutex.
 * @see fs/zonefs/super.c `zonefs_file_truncate()` (v5.14, v5.15)
 */
function* zonefsFileTruncate(inode: Inode, isize: Loff): Task<number> {
  const { iMaxSize, iTruncateMutex, iWpoffset, iZtype } = ZONEFS_I(inode);
  if (iZtype !== 'seq' || (isize !== 0 && isize !== iMaxSize)) return -EPERM;
  yield* inodeDioWait(inode);
  yield* downWrite(zonefsInvalidateSem(inode));
  yield* mutexLock(iTruncateMutex);
  if (isize !== inode.iSize.load()) {
    yield* zonefsZoneMgmt(inode, isize === 0 ? 'REQ_OP_ZONE_RESET' : 'REQ_OP_ZONE_FINISH');
    yield* truncateSetsize(inode, isize);
    iWpoffset.store(isize);
  }
  yield* mutexUnlock(iTruncateMutex);
  yield* upWrite(zonefsInvalidateSem(inode));
  return 0;
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/zonefs/super.c `zonefs_inode_setattr()` (v5.15)
 */
export function* zonefsInodeSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const err = inodeNewsizeOk(inode, attr.iaSize);
  return err !== 0 ? err : yield* zonefsFileTruncate(inode, attr.iaSize);
}

/**
 * @returns `0`, or an errno.
 * @context Sleeps.
 * @departs The device has no cache of its own that would have to be flushed.
 * @see fs/zonefs/super.c `zonefs_file_fsync()` (v5.15)
 */
function* zonefsFileFsync(file: File, start: Loff, end: Loff): Task<number> {
  const { fInode: inode } = file;
  // Only what is not written in order can be dirty.
  const err = ZONEFS_I(inode).iZtype === 'cnv' ? yield* fileWriteAndWaitRange(file, start, end) : 0;
  if (err !== 0) yield* zonefsIoError(inode, true);
  return err;
}

/**
 * A page fault in v5.14: the lock is held around all of it, the look at i_size included.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes and releases i_mmap_sem shared.
 * @see fs/zonefs/super.c `zonefs_filemap_fault()` (v5.14)
 */
function* zonefsFilemapFault(vmf: VmFault): Task<number> {
  const { iMmapSem } = ZONEFS_I(vmf.vma.vmFile.fInode);
  yield* downRead(iMmapSem);
  const result = yield* filemapFault(vmf);
  yield* upRead(iMmapSem);
  return result;
}

/**
 * A page of a conventional zone is about to become writable.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes the lock against truncation shared, then the page lock.
 * @departs Filesystem freezing is not modelled.
 * @see fs/zonefs/super.c `zonefs_filemap_page_mkwrite()` (v5.14, v5.15)
 */
function* zonefsFilemapPageMkwrite(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  const sem = zonefsInvalidateSem(inode);
  warnOnOnce(ZONEFS_I(inode).iZtype !== 'cnv', 'zonefs_filemap_page_mkwrite', 'conventional', inode);
  yield* downRead(sem);
  const result = yield* iomapPageMkwrite(vmf, IOMAP_OPS);
  yield* upRead(sem);
  return result;
}

const V5_14_FILE_VM_OPS: VmOperations = {
  fault: zonefsFilemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: zonefsFilemapPageMkwrite,
};

/** v5.15: filemap_fault() takes the lock by itself, after it has looked at i_size. */
const FILE_VM_OPS: VmOperations = { ...V5_14_FILE_VM_OPS, fault: filemapFault };

/** What is written in order is mapped for reading only. @see fs/zonefs/super.c `zonefs_file_mmap()` (v5.14, v5.15) */
function zonefsFileMmap(file: File, vmFlags: number): VmOperations | number {
  const writable = (vmFlags & VM_SHARED) !== 0 && (vmFlags & VM_WRITE) !== 0;
  if (ZONEFS_I(file.fInode).iZtype === 'seq' && writable) return -EINVAL;
  return takesInvalidateLock(file.fMapping) ? FILE_VM_OPS : V5_14_FILE_VM_OPS;
}

/**
 * A direct write has ended: a file that is written in order is longer now.
 *
 * @returns `error`.
 * @context Sleeps. Takes and releases i_truncate_mutex.
 * @see fs/zonefs/super.c `zonefs_file_write_dio_end_io()` (v5.15)
 */
function* zonefsFileWriteDioEndIo(inode: Inode, pos: number, size: number, error: number): Task<number> {
  const { iTruncateMutex, iZtype } = ZONEFS_I(inode);
  if (error !== 0) {
    yield* zonefsIoError(inode, true);
  } else if (size > 0 && iZtype === 'seq') {
    yield* mutexLock(iTruncateMutex);
    if (inode.iSize.load() < pos + size) yield* iSizeWrite(inode, pos + size);
    yield* mutexUnlock(iTruncateMutex);
  }
  return error;
}

const WRITE_DIO_OPS: IomapDioOps = {
  ...IOMAP_OPS,
  endIo: (iocb, size, error) => zonefsFileWriteDioEndIo(iocb.kiFilp.fInode, iocb.kiPos, size, error),
};

/**
 * Append to the zone. Pages that are cached behind the end of the file stay, and are believed from now on.
 *
 * @returns Bytes, or `-EIO`.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/zonefs/super.c `zonefs_file_dio_append()` (v5.14, v5.15)
 */
function* zonefsFileDioAppend(iocb: Kiocb, from: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const { length: size } = from;
  const error = yield* zoneAppend(inode, from);
  yield* zonefsFileWriteDioEndIo(inode, iocb.kiPos, size, error);
  if (error !== 0) return error;
  iocb.kiPos = (iocb.kiPos + size) as Loff;
  return size;
}

/**
 * Write past the cache; a zone that is written in order only where it ends.
 *
 * @returns Bytes; `-ENOTBLK` to write through the cache; `-EINVAL` inside a block or anywhere but at the end; or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @departs Synchronous writes only, and none with IOCB_NOWAIT, which a file that zonefs opened does not know.
 * @see fs/zonefs/super.c `zonefs_file_dio_write()` (v5.14, v5.15)
 */
function* zonefsFileDioWrite(iocb: Kiocb, from: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  const result = yield* dioWriteLocked(iocb, inode, from);
  yield* inodeUnlock(inode);
  return result;
}

function* dioWriteLocked(iocb: Kiocb, inode: Inode, from: Cells): Task<number> {
  const { iMaxSize, iTruncateMutex, iWpoffset, iZtype } = ZONEFS_I(inode);
  const checked = genericWriteChecks(iocb, from.length);
  if (checked <= 0) return checked;
  const cells = from.slice(0, Math.min(checked, iMaxSize - iocb.kiPos));
  if (iocb.kiPos % machine.blockSize !== 0 || cells.length % machine.blockSize !== 0) return -EINVAL;
  if (iZtype === 'cnv') return yield* iomapDioRw(iocb, cells, WRITE_DIO_OPS);
  yield* mutexLock(iTruncateMutex);
  const atEnd = iocb.kiPos === iWpoffset.load();
  yield* mutexUnlock(iTruncateMutex);
  if (!atEnd) return -EINVAL;
  const result = yield* zonefsFileDioAppend(iocb, cells);
  if (result <= 0) return result;
  yield* mutexLock(iTruncateMutex);
  iWpoffset.store(iWpoffset.load() + result);
  yield* mutexUnlock(iTruncateMutex);
  return result;
}

/**
 * Write through the cache.
 *
 * @returns Bytes; `-EIO` if the zone is written in order, which only direct I/O can do; or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see fs/zonefs/super.c `zonefs_file_buffered_write()` (v5.15)
 */
function* zonefsFileBufferedWrite(iocb: Kiocb, from: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const { iMaxSize, iZtype } = ZONEFS_I(inode);
  if (iZtype !== 'cnv') return -EIO;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, from.length);
  if (result > 0) {
    const cells = from.slice(0, Math.min(result, iMaxSize - iocb.kiPos));
    result = yield* iomapFileBufferedWrite(iocb, cells, IOMAP_OPS);
    if (result > 0) iocb.kiPos = (iocb.kiPos + result) as Loff;
    else if (result === -EIO) yield* zonefsIoError(inode, true);
  }
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** @returns Bytes, or an errno. @context Sleeps. @see fs/zonefs/super.c `zonefs_file_write_iter()` (v5.15) */
function* zonefsFileWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  if (iocb.kiPos >= ZONEFS_I(iocb.kiFilp.fInode).iMaxSize) return -EFBIG;
  if ((iocb.kiFlags & IOCB_DIRECT) !== 0) {
    const result = yield* zonefsFileDioWrite(iocb, from);
    if (result !== -ENOTBLK) return result;
  }
  return yield* zonefsFileBufferedWrite(iocb, from);
}

const READ_DIO_OPS: IomapDioOps = {
  ...IOMAP_OPS,
  *endIo(iocb, _size, error): Task<number> {
    if (error !== 0) yield* zonefsIoError(iocb.kiFilp.fInode, false);
    return error;
  },
};

/**
 * Read what is written.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem shared, over all of it: no truncation meets a read.
 * @see fs/zonefs/super.c `zonefs_file_read_iter()` (v5.14, v5.15)
 */
function* zonefsFileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const { iTruncateMutex, iMaxSize } = ZONEFS_I(inode);
  if (iocb.kiPos >= iMaxSize) return 0;
  yield* inodeLockShared(inode);
  yield* mutexLock(iTruncateMutex);
  const isize = inode.iSize.load();
  yield* mutexUnlock(iTruncateMutex);
  let result = 0;
  if (iocb.kiPos < isize) {
    to.count = Math.min(to.count, isize - iocb.kiPos);
    result = yield* readWritten(iocb, to);
  }
  yield* inodeUnlockShared(inode);
  return result;
}

function* readWritten(iocb: Kiocb, to: IovIter): Task<number> {
  if ((iocb.kiFlags & IOCB_DIRECT) !== 0) {
    if (iocb.kiPos % machine.blockSize !== 0 || to.count % machine.blockSize !== 0) return -EINVAL;
    return yield* iomapDioRw(iocb, to, READ_DIO_OPS);
  }
  const result = yield* genericFileReadIter(iocb, to);
  if (result === -EIO) yield* zonefsIoError(iocb.kiFilp.fInode, false);
  return result;
}

/** File operations. @see fs/zonefs/super.c `zonefs_file_operations` (v5.15) */
export const zonefsFileOperations = {
  readIter: zonefsFileReadIter,
  writeIter: zonefsFileWriteIter,
  fsync: zonefsFileFsync,
  mmap: zonefsFileMmap,
} satisfies FileOperations;
