/**
 * read(2), write(2), mmap(2), fsync(2), with and without the page cache.
 *
 * Buffered reads take no lock of ext4's: what keeps them away from invalidations is in the generic code, or, in
 * v5.14, nothing. Buffered writes hold i_rwsem exclusive, direct reads shared, direct writes shared if they overwrite
 * allocated blocks inside the file, otherwise exclusive.
 *
 * @see fs/ext4/file.c, fs/ext4/fsync.c, fs/ext4/inode.c (v5.14, v5.15)
 */
import {
  type Cells,
  EAGAIN,
  ENOTBLK,
  EOPNOTSUPP,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  filemapWriteAndWaitRange,
  fileWriteAndWaitRange,
  genericFileReadIter,
  genericPerformWrite,
  genericWriteChecks,
  genericWriteSync,
  type Inode,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  IOMAP_DIO_UNWRITTEN,
  IOMAP_WRITE,
  type Iomap,
  type IomapDioOps,
  type IovIter,
  inodeLock,
  inodeLockShared,
  inodeTrylock,
  inodeTrylockShared,
  inodeUnlock,
  inodeUnlockShared,
  invalidateMappingPages,
  iomapDioRw,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  type Loff,
  loff,
  machine,
  mayWait,
  pageIndex,
  type Task,
  takesInvalidateLock,
  type VmFault,
  type VmOperations,
} from '@fsport/core';
import {
  EXT4_I,
  ext4InvalidateLockShared,
  ext4InvalidateUnlockShared,
  ext4JournalStart,
  ext4JournalStop,
  ext4UpdateInodeSize,
} from './ext4.js';
import {
  EXT4_GET_BLOCKS_CREATE,
  EXT4_GET_BLOCKS_IO_CREATE_EXT,
  type Ext4MapBlocks,
  ext4ConvertUnwrittenExtents,
  ext4MapBlocks,
} from './extents.js';
import { ext4Fallocate } from './fallocate.js';
import { ext4PageMkwrite, ext4TruncateFailedWrite } from './inode.js';

/** @see fs/ext4/file.c `ext4_file_read_iter()` (v5.15) */
function* ext4FileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  if (to.count === 0) return 0;
  if ((iocb.kiFlags & IOCB_DIRECT) === 0) return yield* genericFileReadIter(iocb, to);
  const { fInode: inode } = iocb.kiFilp;
  if ((iocb.kiFlags & IOCB_NOWAIT) === 0) yield* inodeLockShared(inode);
  else if (!(yield* inodeTrylockShared(inode))) return -EAGAIN;
  const result = yield* iomapDioRw(iocb, to, ext4ReadOps);
  yield* inodeUnlockShared(inode);
  return result;
}

/** @see fs/ext4/file.c `ext4_file_write_iter()` (v5.15) */
function ext4FileWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  return (iocb.kiFlags & IOCB_DIRECT) === 0
    ? ext4BufferedWriteIter(iocb, from)
    : ext4DioWriteIter(iocb, from);
}

/**
 * Write through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see fs/ext4/file.c `ext4_buffered_write_iter()` (v5.15)
 */
function* ext4BufferedWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) return -EOPNOTSUPP;
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, from.length);
  if (result > 0) result = yield* genericPerformWrite(iocb, from.slice(0, result));
  yield* inodeUnlock(inode);
  if (result <= 0) return result;
  iocb.kiPos = loff(iocb.kiPos + result);
  return yield* genericWriteSync(iocb, result);
}

function toIomap(lblk: number, found: Ext4MapBlocks): Iomap {
  const { blockSize } = machine;
  const { state, len, phys, gens } = found;
  // A delayed block is not on the disk: for direct I/O it is a hole.
  const type = state === 'delalloc' ? 'hole' : state;
  return { type, offset: lblk * blockSize, length: len * blockSize, phys, gens };
}

/**
 * Find, or for a write make, blocks for direct I/O.
 *
 * @see fs/ext4/inode.c `ext4_iomap_begin()`, `ext4_iomap_alloc()` (v5.15)
 */
function* ext4IomapBegin(inode: Inode, pos: number, length: number, flags: number): Task<Iomap | number> {
  const { blockSize } = machine;
  const write = (flags & IOMAP_WRITE) !== 0;
  const lblk = Math.floor(pos / blockSize);
  const blocks = Math.ceil((pos + length) / blockSize) - lblk;
  const inFile = !write || pos + length <= (yield* iSizeRead(inode));
  if (inFile) {
    const found = yield* ext4MapBlocks(inode, lblk, blocks, 0);
    if (typeof found === 'number') return found;
    if (!write || found.state === 'mapped') return toIomap(lblk, found);
  }
  yield* ext4JournalStart(inode);
  // Beyond the end nobody reads: written blocks. Inside, unwritten ones until the data is on the disk.
  const beyond = lblk * blockSize >= (yield* iSizeRead(inode));
  const create = beyond ? EXT4_GET_BLOCKS_CREATE : EXT4_GET_BLOCKS_IO_CREATE_EXT;
  const made = yield* ext4MapBlocks(inode, lblk, blocks, create);
  yield* ext4JournalStop(inode);
  return typeof made === 'number' ? made : toIomap(lblk, made);
}

/** @see fs/ext4/inode.c `ext4_iomap_overwrite_begin()` (v5.15) */
function ext4IomapOverwriteBegin(inode: Inode, pos: number, length: number): Task<Iomap | number> {
  return ext4IomapBegin(inode, pos, length, 0);
}

/**
 * A direct write has ended: its blocks become valid, and the file longer, before the cache is looked at again.
 *
 * @see fs/ext4/file.c `ext4_dio_write_end_io()` (v5.15)
 */
function* ext4DioWriteEndIo(iocb: Kiocb, size: number, error: number, flags: number): Task<number> {
  if (error !== 0) return error;
  const { fInode: inode } = iocb.kiFilp;
  const end = iocb.kiPos + size;
  if (size > 0 && (flags & IOMAP_DIO_UNWRITTEN) !== 0) {
    const { blockSize } = machine;
    yield* ext4JournalStart(inode);
    const [first, last] = [Math.floor(iocb.kiPos / blockSize), Math.ceil(end / blockSize)];
    const err = yield* ext4ConvertUnwrittenExtents(inode, first, last);
    yield* ext4JournalStop(inode);
    if (err !== 0) return err;
  }
  if (end > (yield* iSizeRead(inode))) yield* iSizeWrite(inode, end);
  return 0;
}

const ext4ReadOps: IomapDioOps = { iomapBegin: ext4IomapBegin };
const ext4WriteOps: IomapDioOps = { iomapBegin: ext4IomapBegin, endIo: ext4DioWriteEndIo };
const ext4OverwriteOps: IomapDioOps = { iomapBegin: ext4IomapOverwriteBegin, endIo: ext4DioWriteEndIo };

/** Which lock a direct write holds, how much it may write, and whether it makes the file longer. */
interface DioWrite {
  readonly shared: boolean;
  /** Bytes, or an errno: then nothing is held. */
  readonly count: number;
  readonly extend: boolean;
}

/**
 * Take i_rwsem as far as a direct write needs it.
 *
 * @see fs/ext4/file.c `ext4_dio_write_iter()`, `ext4_dio_write_checks()` (v5.15)
 */
function* ext4DioWriteLock(iocb: Kiocb, length: number): Task<DioWrite> {
  const { fInode: inode } = iocb.kiFilp;
  const nowait = (iocb.kiFlags & IOCB_NOWAIT) !== 0;
  let shared = iocb.kiPos + length <= (yield* iSizeRead(inode));
  if (!nowait) yield* shared ? inodeLockShared(inode) : inodeLock(inode);
  else if (!(yield* shared ? inodeTrylockShared(inode) : inodeTrylock(inode))) return refused(-EAGAIN);
  for (;;) {
    let count = genericWriteChecks(iocb, length);
    const end = iocb.kiPos + count;
    const extend = count > 0 && (end > inode.iSize.load() || end > EXT4_I(inode).iDisksize.load());
    if (count > 0 && shared && (extend || !(yield* mayWait(ext4OverwriteIo(inode, iocb.kiPos, count))))) {
      if (!nowait) {
        yield* inodeUnlockShared(inode);
        shared = false;
        yield* inodeLock(inode);
        continue;
      }
      count = -EAGAIN;
    }
    if (count > 0 && nowait && extend) count = -EAGAIN;
    if (count > 0) return { shared, count, extend };
    yield* shared ? inodeUnlockShared(inode) : inodeUnlock(inode);
    return refused(count);
  }
}

function refused(count: number): DioWrite {
  return { shared: false, count, extend: false };
}

/** Are all blocks of a range there and valid? Waits for i_data_sem even under IOCB_NOWAIT. @see fs/ext4/file.c `ext4_overwrite_io()` (v5.15) */
function* ext4OverwriteIo(inode: Inode, pos: number, len: number): Task<boolean> {
  const { blockSize } = machine;
  const lblk = Math.floor(pos / blockSize);
  const blocks = Math.ceil((pos + len) / blockSize) - lblk;
  const found = yield* ext4MapBlocks(inode, lblk, blocks, 0);
  return typeof found !== 'number' && found.state === 'mapped' && found.len === blocks;
}

/**
 * Write past the cache; what cannot be is written through it.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem, shared to overwrite allocated blocks inside the file.
 * @departs Writes inside a block are refused by the device, so that none waits for others of its kind.
 * @see fs/ext4/file.c `ext4_dio_write_iter()` (v5.15)
 */
function* ext4DioWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  const { kiFilp: file } = iocb;
  const { fInode: inode, fMapping: mapping } = file;
  const { shared, count, extend } = yield* ext4DioWriteLock(iocb, from.length);
  if (count <= 0) return count;
  const offset = iocb.kiPos;
  if (extend) {
    // Onto the orphan list: a crash truncates what gets allocated beyond the end.
    yield* ext4JournalStart(inode);
    yield* ext4JournalStop(inode);
  }
  const cells = from.slice(0, count);
  let result = yield* iomapDioRw(iocb, cells, shared ? ext4OverwriteOps : ext4WriteOps);
  if (result === -ENOTBLK) result = 0;
  if (extend) yield* ext4HandleInodeExtension(inode, offset, result, count);
  yield* shared ? inodeUnlockShared(inode) : inodeUnlock(inode);
  if (result < 0 || result === count) return result;
  return yield* finishBuffered(iocb, cells.slice(result), result, mapping);
}

/** Write the rest through the cache, and drop it from there. */
function* finishBuffered(iocb: Kiocb, rest: Cells, done: number, mapping: File['fMapping']): Task<number> {
  const pos = iocb.kiPos;
  const written = yield* ext4BufferedWriteIter(iocb, rest);
  if (written < 0) return written;
  const last = loff(pos + written - 1);
  const err = yield* filemapWriteAndWaitRange(mapping, pos, last);
  if (err === 0) yield* invalidateMappingPages(mapping, pageIndex(pos), pageIndex(last));
  return done + written;
}

/**
 * After a direct write that made the file longer: let i_disksize follow, or take back what was not written.
 *
 * @see fs/ext4/file.c `ext4_handle_inode_extension()` (v5.15)
 */
function* ext4HandleInodeExtension(inode: Inode, offset: number, written: number, count: number): Task<void> {
  if (offset + count <= EXT4_I(inode).iDisksize.load()) return;
  const { blockSize } = machine;
  if (written >= 0) {
    yield* ext4JournalStart(inode);
    yield* ext4UpdateInodeSize(inode, offset + written);
    yield* ext4JournalStop(inode);
    if (Math.ceil((offset + written) / blockSize) >= Math.ceil((offset + count) / blockSize)) return;
  }
  yield* ext4TruncateFailedWrite(inode);
}

/**
 * A page fault in v5.14: ext4 wraps all of it, readahead included, in its own lock, and keeps it when the generic code
 * lets go of mmap_lock to wait for I/O.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes and releases i_mmap_sem shared.
 * @see fs/ext4/inode.c `ext4_filemap_fault()` (v5.14)
 */
function* ext4FilemapFault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile; // the mapping may be gone when filemap_fault() returns
  yield* ext4InvalidateLockShared(inode);
  const result = yield* filemapFault(vmf);
  yield* ext4InvalidateUnlockShared(inode);
  return result;
}

const V5_14_FILE_VM_OPS: VmOperations = {
  fault: ext4FilemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: ext4PageMkwrite,
};

/** v5.15: filemap_fault() takes the lock by itself, and only if a page must be filled. */
const FILE_VM_OPS: VmOperations = { ...V5_14_FILE_VM_OPS, fault: filemapFault };

/** @see fs/ext4/file.c `ext4_file_mmap()` (v5.14, v5.15) */
function ext4FileMmap(file: File): VmOperations {
  return takesInvalidateLock(file.fMapping) ? FILE_VM_OPS : V5_14_FILE_VM_OPS;
}

/**
 * @returns `0`, or an errno.
 * @context Sleeps.
 * @departs The journal is not committed: there is no crash.
 * @see fs/ext4/fsync.c `ext4_sync_file()` (v5.15)
 */
function ext4SyncFile(file: File, start: Loff, end: Loff): Task<number> {
  return fileWriteAndWaitRange(file, start, end);
}

/** File operations. @see fs/ext4/file.c `ext4_file_operations` (v5.15) */
export const ext4FileOperations = {
  readIter: ext4FileReadIter,
  writeIter: ext4FileWriteIter,
  fallocate: ext4Fallocate,
  fsync: ext4SyncFile,
  mmap: ext4FileMmap,
} satisfies FileOperations;
