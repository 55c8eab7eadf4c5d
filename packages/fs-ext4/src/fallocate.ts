/**
 * fallocate(2): preallocate, zero, collapse, insert; punching is in inode.ts.
 *
 * All take i_rwsem exclusive and wait for direct I/O. Zero, collapse and insert drop pages and change the map under
 * the lock against fills; collapse and insert also write back under it what they are about to drop.
 *
 * @see fs/ext4/extents.c (v5.14, v5.15)
 */
import {
  downWrite,
  EFBIG,
  EINVAL,
  EOPNOTSUPP,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  type File,
  filemapWriteAndWaitRange,
  type Inode,
  inodeDioWait,
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  iSizeWrite,
  LLONG_MAX,
  type Loff,
  loff,
  machine,
  PAGE_SIZE,
  type Task,
  truncatePagecache,
  truncatePagecacheRange,
  upWrite,
} from '@fsport/core';
import {
  EXT4_I,
  ext4InvalidateLock,
  ext4InvalidateUnlock,
  ext4JournalStart,
  ext4JournalStop,
  ext4UpdateInodeSize,
  maxBlocks,
} from './ext4.js';
import {
  EXT4_GET_BLOCKS_CONVERT_UNWRITTEN,
  EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT,
  ext4ExtRemoveSpace,
  ext4ExtShiftExtents,
  ext4IsHole,
  ext4MapBlocks,
} from './extents.js';
import { ext4PunchHole, ext4UpdateDisksizeBeforePunch, ext4ZeroPartialBlocks } from './inode.js';

const SUPPORTED =
  FALLOC_FL_KEEP_SIZE |
  FALLOC_FL_PUNCH_HOLE |
  FALLOC_FL_COLLAPSE_RANGE |
  FALLOC_FL_ZERO_RANGE |
  FALLOC_FL_INSERT_RANGE;

/**
 * Change the blocks behind a range.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive, and what the operation needs.
 * @see fs/ext4/extents.c `ext4_fallocate()` (v5.14, v5.15)
 */
export function* ext4Fallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  const { fInode: inode } = file;
  if ((mode & ~SUPPORTED) !== 0) return -EOPNOTSUPP;
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) return yield* ext4PunchHole(inode, offset, len);
  if ((mode & FALLOC_FL_COLLAPSE_RANGE) !== 0) return yield* ext4CollapseRange(inode, offset, len);
  if ((mode & FALLOC_FL_INSERT_RANGE) !== 0) return yield* ext4InsertRange(inode, offset, len);
  yield* inodeLock(inode);
  const err =
    (mode & FALLOC_FL_ZERO_RANGE) !== 0
      ? yield* ext4ZeroRange(inode, offset, len, mode)
      : yield* preallocate(inode, offset, len, mode);
  yield* inodeUnlock(inode);
  return err;
}

/** The size the file will have, `0` if it stays, or an errno. */
function newSize(inode: Inode, end: number, mode: number): number {
  const { iDisksize } = EXT4_I(inode);
  if ((mode & FALLOC_FL_KEEP_SIZE) !== 0) return 0;
  if (end <= inode.iSize.load() && end <= iDisksize.load()) return 0;
  return inodeNewsizeOk(inode, loff(end)) || end;
}

/** Plain fallocate. @context Sleeps. i_rwsem exclusive. */
function* preallocate(inode: Inode, offset: number, len: number, mode: number): Task<number> {
  const { blockSize } = machine;
  const size = newSize(inode, offset + len, mode);
  if (size < 0) return size;
  yield* inodeDioWait(inode);
  const [first, end] = [Math.floor(offset / blockSize), Math.ceil((offset + len) / blockSize)];
  return yield* ext4AllocFileBlocks(inode, first, end, size, EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT);
}

/**
 * Allocate unwritten blocks, run by run, and grow the file with them.
 *
 * @param first - First block.
 * @param end - Block after the last one.
 * @param size - Size to grow to, or `0` to keep it.
 * @param flags - `EXT4_GET_BLOCKS_*`.
 * @returns `0`, or `-ENOSPC`; what was allocated until then stays.
 * @context Sleeps. i_rwsem exclusive; takes a transaction and i_data_sem for each run.
 * @see fs/ext4/extents.c `ext4_alloc_file_blocks()` (v5.15)
 */
function* ext4AllocFileBlocks(
  inode: Inode,
  first: number,
  end: number,
  size: number,
  flags: number,
): Task<number> {
  if (size === 0) EXT4_I(inode).keepSize = true;
  for (let lblk = first; lblk < end; ) {
    yield* ext4JournalStart(inode);
    const made = yield* ext4MapBlocks(inode, lblk, end - lblk, flags);
    if (typeof made !== 'number') {
      lblk += made.len;
      if (size !== 0) yield* ext4UpdateInodeSize(inode, Math.min(lblk * machine.blockSize, size));
    }
    yield* ext4JournalStop(inode);
    if (typeof made === 'number') return made;
  }
  return 0;
}

/**
 * Zero a byte range: whole blocks become unwritten, the parts of blocks at both ends are zeroed in the cache.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes the lock against fills exclusive for the whole blocks, and releases it
 *   before the ends are zeroed.
 * @departs As {@link ext4PunchHole}, the tracepoint comes after the lock was taken.
 * @see fs/ext4/extents.c `ext4_zero_range()` (v5.14, v5.15)
 */
function* ext4ZeroRange(inode: Inode, offset: number, len: number, mode: number): Task<number> {
  const { blockSize } = machine;
  const flags = EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT;
  const end = offset + len;
  const [first, stop] = [Math.ceil(offset / blockSize), Math.floor(end / blockSize)];
  const partial = offset % blockSize !== 0 || end % blockSize !== 0;
  const size = newSize(inode, end, mode);
  if (size < 0) return size;
  yield* inodeDioWait(inode);
  if (partial) {
    const [from, to] = [Math.floor(offset / blockSize), Math.ceil(end / blockSize)];
    const err = yield* ext4AllocFileBlocks(inode, from, to, size, flags);
    if (err !== 0) return err;
  }
  if (stop > first) {
    yield* ext4InvalidateLock(inode);
    if (machine.trace.active) machine.trace.emit('ext4_zero_range', { ino: inode.iIno, offset, len });
    yield* ext4UpdateDisksizeBeforePunch(inode, offset, len);
    yield* truncatePagecacheRange(inode, loff(first * blockSize), loff(stop * blockSize - 1));
    const convert = flags | EXT4_GET_BLOCKS_CONVERT_UNWRITTEN;
    const err = yield* ext4AllocFileBlocks(inode, first, stop, size, convert);
    yield* ext4InvalidateUnlock(inode);
    if (err !== 0) return err;
  }
  if (!partial) return 0;
  yield* ext4JournalStart(inode);
  if (size !== 0) yield* ext4UpdateInodeSize(inode, size);
  const err = yield* ext4ZeroPartialBlocks(inode, offset, len);
  yield* ext4JournalStop(inode);
  return err;
}

/**
 * Remove a range of whole blocks and close the gap.
 *
 * @returns `0`; `-EINVAL` if the range is not of whole blocks or reaches the end of the file; or an errno.
 * @context Sleeps. Takes i_rwsem and the lock against fills exclusive.
 * @departs As {@link ext4PunchHole}, the tracepoint comes after the lock was taken.
 * @see fs/ext4/extents.c `ext4_collapse_range()` (v5.14, v5.15)
 */
function* ext4CollapseRange(inode: Inode, offset: Loff, len: Loff): Task<number> {
  if (offset % machine.blockSize !== 0 || len % machine.blockSize !== 0) return -EINVAL;
  yield* inodeLock(inode);
  let err = -EINVAL;
  if (offset + len < inode.iSize.load()) {
    yield* inodeDioWait(inode);
    yield* ext4InvalidateLock(inode);
    err = yield* collapse(inode, offset, len);
    yield* ext4InvalidateUnlock(inode);
  }
  yield* inodeUnlock(inode);
  return err;
}

function* collapse(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const { iMapping: mapping } = inode;
  const { iDataSem, iDisksize } = EXT4_I(inode);
  const { blockSize } = machine;
  if (machine.trace.active) machine.trace.emit('ext4_collapse_range', { ino: inode.iIno, offset, len });
  const pageStart = loff(offset - (offset % PAGE_SIZE));
  // What is dropped and not removed must be on disk: the head of the first page, and all that moves.
  const err =
    (yield* filemapWriteAndWaitRange(mapping, pageStart, offset)) ||
    (yield* filemapWriteAndWaitRange(mapping, loff(offset + len), LLONG_MAX));
  if (err !== 0) return err;
  yield* truncatePagecache(inode, pageStart);
  yield* ext4JournalStart(inode);
  yield* downWrite(iDataSem);
  const [start, stop] = [offset / blockSize, (offset + len) / blockSize];
  yield* ext4ExtRemoveSpace(inode, start, stop - 1);
  yield* ext4ExtShiftExtents(inode, stop, start - stop, maxBlocks());
  const size = inode.iSize.load() - len;
  yield* iSizeWrite(inode, size);
  iDisksize.store(size);
  yield* upWrite(iDataSem);
  yield* ext4JournalStop(inode);
  return 0;
}

/**
 * Make room for a range of whole blocks.
 *
 * @returns `0`; `-EINVAL` if the range is not of whole blocks or begins at or after the end of the file; `-EFBIG`; or
 *   an errno.
 * @context Sleeps. Takes i_rwsem and the lock against fills exclusive.
 * @departs As {@link ext4PunchHole}, the tracepoint comes after the lock was taken.
 * @see fs/ext4/extents.c `ext4_insert_range()` (v5.14, v5.15)
 */
function* ext4InsertRange(inode: Inode, offset: Loff, len: Loff): Task<number> {
  if (offset % machine.blockSize !== 0 || len % machine.blockSize !== 0) return -EINVAL;
  yield* inodeLock(inode);
  const size = inode.iSize.load(); // i_rwsem
  let err = 0;
  if (len > machine.maxBytes - size) err = -EFBIG;
  else if (offset >= size) err = -EINVAL;
  if (err === 0) {
    yield* inodeDioWait(inode);
    yield* ext4InvalidateLock(inode);
    err = yield* insert(inode, offset, len);
    yield* ext4InvalidateUnlock(inode);
  }
  yield* inodeUnlock(inode);
  return err;
}

function* insert(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const { iDataSem, iDisksize } = EXT4_I(inode);
  const { blockSize } = machine;
  if (machine.trace.active) machine.trace.emit('ext4_insert_range', { ino: inode.iIno, offset, len });
  const pageStart = loff(offset - (offset % PAGE_SIZE));
  const err = yield* filemapWriteAndWaitRange(inode.iMapping, pageStart, LLONG_MAX);
  if (err !== 0) return err;
  yield* truncatePagecache(inode, pageStart);
  yield* ext4JournalStart(inode);
  // Grow first: an error half way must not lose the blocks at the end.
  yield* iSizeWrite(inode, inode.iSize.load() + len);
  iDisksize.store(iDisksize.load() + len);
  yield* downWrite(iDataSem);
  const [shift, end] = [len / blockSize, maxBlocks()];
  const fits = ext4IsHole(inode, end - shift, end);
  if (fits) yield* ext4ExtShiftExtents(inode, offset / blockSize, shift, end - shift);
  yield* upWrite(iDataSem);
  yield* ext4JournalStop(inode);
  return fits ? 0 : -EINVAL; // preallocated blocks would be moved beyond the largest file
}
