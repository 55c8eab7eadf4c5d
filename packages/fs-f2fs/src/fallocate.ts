/**
 * fallocate(2). All of it runs under i_rwsem exclusive.
 *
 * What is zeroed in part is filled and zeroed before any lock against fills is taken: its block stays. Collapse and insert
 * move blocks in one section of the locks and write back in another; the size changes after both.
 *
 * @see fs/f2fs/file.c (v5.14, v5.15)
 */
import {
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
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  LLONG_MAX,
  type Loff,
  loff,
  PAGE_SIZE,
  pageIndex,
  type Task,
  takesInvalidateLock,
  truncateInodePagesRange,
  truncatePagecache,
  truncatePagecacheRange,
} from '@fsport/core';
import { f2fsGetNewDataPage, f2fsTruncateBlocks, f2fsZeroDataPage } from './data.js';
import { exchangeDataBlock } from './exchange.js';
import {
  F2FS_I,
  f2fsInvalidateLock,
  f2fsInvalidateUnlock,
  f2fsISizeWrite,
  f2fsLockOp,
  f2fsUnlockOp,
  withNodeChange,
  withoutGcAndFills,
} from './f2fs.js';
import { f2fsDoZeroRange, f2fsReserveBlock, f2fsTruncateHole, nextNodePage } from './node.js';

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
 * @see fs/f2fs/file.c `f2fs_fallocate()` (v5.14, v5.15)
 */
export function* f2fsFallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  const { fInode: inode } = file;
  if ((mode & ~SUPPORTED) !== 0) return -EOPNOTSUPP;
  yield* inodeLock(inode);
  const err = yield* dispatch(inode, mode, offset, len);
  yield* inodeUnlock(inode);
  return err;
}

function dispatch(inode: Inode, mode: number, offset: Loff, len: Loff): Task<number> {
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) return punchHole(inode, offset, len);
  if ((mode & FALLOC_FL_COLLAPSE_RANGE) !== 0) return f2fsCollapseRange(inode, offset, len);
  if ((mode & FALLOC_FL_ZERO_RANGE) !== 0) return f2fsZeroRange(inode, offset, len, mode);
  if ((mode & FALLOC_FL_INSERT_RANGE) !== 0) return f2fsInsertRange(inode, offset, len);
  return expandInodeData(inode, offset, len, mode);
}

/**
 * Zero a part of a page, through the cache.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes cp_rwsem shared, then the page lock. No lock against fills: the block stays.
 * @see fs/f2fs/file.c `fill_zero()` (v5.15)
 */
function* fillZero(inode: Inode, index: number, start: number, end: number): Task<number> {
  if (end === start) return 0;
  yield* f2fsLockOp(inode);
  const page = yield* f2fsGetNewDataPage(inode, index, false);
  yield* f2fsUnlockOp(inode);
  if (typeof page === 'number') return page;
  yield* f2fsZeroDataPage(page, start, end);
  return 0;
}

/** A byte range as f2fs splits it: parts of pages at both ends, whole pages in between. */
interface Split {
  /** First whole page, and the page after the last. The range is inside one page if `first > end`. */
  readonly first: number;
  readonly end: number;
  /** Part of the page before `first`, from here on; `0` for none. */
  readonly head: number;
  /** Part of the page `end`, up to here; `0` for none. */
  readonly tail: number;
}

function split(offset: number, len: number): Split {
  const end = offset + len;
  return {
    first: Math.ceil(offset / PAGE_SIZE),
    end: pageIndex(end),
    head: offset % PAGE_SIZE,
    tail: end % PAGE_SIZE,
  };
}

/** Zero the part of a page at the beginning of a range; all of the range if it is inside that page. */
function fillHead(inode: Inode, { first, end, head, tail }: Split): Task<number> {
  if (first > end) return fillZero(inode, end, head, tail);
  return fillZero(inode, first - 1, head, head === 0 ? 0 : PAGE_SIZE);
}

/**
 * Free the blocks of a byte range and forget their cached pages.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes i_gc_rwsem[WRITE] and the lock against fills exclusive for the whole pages.
 * @see fs/f2fs/file.c `punch_hole()` (v5.14, v5.15)
 */
function* punchHole(inode: Inode, offset: Loff, len: Loff): Task<number> {
  if (offset >= inode.iSize.load()) return 0;
  const parts = split(offset, len);
  const { first, end, tail } = parts;
  let err = yield* fillHead(inode, parts);
  if (err === 0 && first <= end) err = yield* fillZero(inode, end, 0, tail);
  if (err === 0 && first < end) yield* withoutGcAndFills(inode, punchPages(inode, first, end));
  return err;
}

/** Pages first, blocks second: a page that is filled in between would show a block that is somebody else's. */
function* punchPages(inode: Inode, first: number, end: number): Task<void> {
  const [start, last] = [loff(first * PAGE_SIZE), loff(end * PAGE_SIZE - 1)];
  // v5.14 does not unmap the range first; each page is unmapped as it is removed.
  if (takesInvalidateLock(inode.iMapping)) yield* truncatePagecacheRange(inode, start, last);
  else yield* truncateInodePagesRange(inode.iMapping, start, last);
  yield* f2fsLockOp(inode);
  yield* f2fsTruncateHole(inode, first, end);
  yield* f2fsUnlockOp(inode);
}

/** Let a file have the size that an operation gave it, unless it was told to keep it. */
function* growTo(inode: Inode, size: number, mode: number): Task<void> {
  if (size <= inode.iSize.load()) return;
  if ((mode & FALLOC_FL_KEEP_SIZE) !== 0) F2FS_I(inode).keepIsize = true;
  else yield* f2fsISizeWrite(inode, size);
}

/**
 * Zero a byte range. Whole pages become reserved blocks, one node page after the other, with all locks released in between.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes i_gc_rwsem[WRITE] and the lock against fills exclusive for each node page.
 * @see fs/f2fs/file.c `f2fs_zero_range()` (v5.14, v5.15)
 */
function* f2fsZeroRange(inode: Inode, offset: Loff, len: Loff, mode: number): Task<number> {
  let err =
    inodeNewsizeOk(inode, loff(offset + len)) ||
    (yield* filemapWriteAndWaitRange(inode.iMapping, offset, loff(offset + len - 1)));
  if (err !== 0) return err;
  const parts = split(offset, len);
  const { first, end, tail } = parts;
  err = yield* fillHead(inode, parts);
  for (let index = first; index < end && err === 0; ) {
    const next = Math.min(end, nextNodePage(index));
    yield* withoutGcAndFills(inode, zeroPages(inode, index, next, end));
    index = next;
  }
  if (err === 0 && first <= end) err = yield* fillZero(inode, end, 0, tail);
  if (err === 0) yield* growTo(inode, offset + len, mode);
  return err;
}

/** The pages up to `end` go, the blocks up to `next`. */
function* zeroPages(inode: Inode, index: number, next: number, end: number): Task<void> {
  yield* truncatePagecacheRange(inode, loff(index * PAGE_SIZE), loff(end * PAGE_SIZE - 1));
  yield* f2fsLockOp(inode);
  yield* f2fsDoZeroRange(inode, index, next);
  yield* f2fsUnlockOp(inode);
}

/**
 * Remove a range of whole pages and close the gap.
 *
 * @returns `0`; `-EINVAL` if the range is not of whole pages or reaches the end of the file; or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes i_gc_rwsem[WRITE] and the lock against fills exclusive to move the blocks; then the
 *   latter again, alone, to write back and to free the tail. The size changes after that.
 * @see fs/f2fs/file.c `f2fs_collapse_range()` (v5.14, v5.15)
 */
function* f2fsCollapseRange(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const size = inode.iSize.load(); // i_rwsem
  if (offset + len >= size || offset % PAGE_SIZE !== 0 || len % PAGE_SIZE !== 0) return -EINVAL;
  const flushed = yield* filemapWriteAndWaitRange(inode.iMapping, offset, LLONG_MAX);
  if (flushed !== 0) return flushed;
  const moved = yield* withoutGcAndFills(inode, f2fsDoCollapse(inode, offset, len));
  if (moved !== 0) return moved;
  yield* f2fsInvalidateLock(inode);
  yield* writeBackAndDrop(inode, offset);
  const err = yield* f2fsTruncateBlocks(inode, size - len);
  yield* f2fsInvalidateUnlock(inode);
  if (err === 0) yield* f2fsISizeWrite(inode, size - len);
  return err;
}

/** @see fs/f2fs/file.c `f2fs_do_collapse()` (v5.15) */
function* f2fsDoCollapse(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const pages = Math.ceil(inode.iSize.load() / PAGE_SIZE);
  const [start, end] = [pageIndex(offset), pageIndex(offset + len)];
  yield* f2fsLockOp(inode);
  yield* truncatePagecache(inode, offset);
  const err = yield* exchangeDataBlock(inode, inode, end, start, pages - end, true);
  yield* f2fsUnlockOp(inode);
  return err;
}

/** What was moved through the cache goes to the disk, and pages that show how it was before go. */
function* writeBackAndDrop(inode: Inode, offset: Loff): Task<void> {
  yield* filemapWriteAndWaitRange(inode.iMapping, offset, LLONG_MAX);
  yield* truncatePagecache(inode, offset);
}

/**
 * Make room for a range of whole pages.
 *
 * @returns `0`; `-EINVAL` if the range is not of whole pages or begins at or after the end of the file; `-EFBIG`; or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes the lock against fills three times: to free what lies beyond the end; with
 *   i_gc_rwsem[WRITE], to move the blocks; to write back. The size changes after that.
 * @departs The first section is left out if nothing lies beyond the end: it would change nothing.
 * @see fs/f2fs/file.c `f2fs_insert_range()` (v5.14, v5.15)
 */
function* f2fsInsertRange(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const size = inode.iSize.load(); // i_rwsem
  const newSize = loff(size + len);
  const refused = inodeNewsizeOk(inode, newSize);
  if (refused !== 0) return refused;
  if (offset >= size || offset % PAGE_SIZE !== 0 || len % PAGE_SIZE !== 0) return -EINVAL;
  let err = F2FS_I(inode).keepIsize ? yield* truncateBeyondEnd(inode, size) : 0;
  if (err === 0) err = yield* filemapWriteAndWaitRange(inode.iMapping, offset, LLONG_MAX);
  if (err !== 0) return err;
  err = yield* withoutGcAndFills(inode, moveUp(inode, offset, len));
  yield* f2fsInvalidateLock(inode);
  yield* writeBackAndDrop(inode, offset);
  yield* f2fsInvalidateUnlock(inode);
  if (err === 0) yield* f2fsISizeWrite(inode, newSize);
  return err;
}

/** Free what was put beyond the end of the file. */
function* truncateBeyondEnd(inode: Inode, size: number): Task<number> {
  yield* f2fsInvalidateLock(inode);
  const err = yield* f2fsTruncateBlocks(inode, size);
  yield* f2fsInvalidateUnlock(inode);
  return err;
}

/** Move the blocks behind a position up, from the last to the first, as many at once as fit into the gap. */
function* moveUp(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const [start, delta] = [pageIndex(offset), pageIndex(len)];
  let index = Math.ceil(inode.iSize.load() / PAGE_SIZE);
  let err = 0;
  yield* truncatePagecache(inode, offset);
  while (err === 0 && index > start) {
    const count = Math.min(index - start, delta);
    index -= count;
    yield* f2fsLockOp(inode);
    err = yield* exchangeDataBlock(inode, inode, index, index + delta, count, false);
    yield* f2fsUnlockOp(inode);
  }
  return err;
}

/**
 * Plain fallocate: reserve blocks.
 *
 * @returns `0`, or `-EFBIG`.
 * @context Sleeps. i_rwsem exclusive; takes node_change shared, no lock against fills.
 * @see fs/f2fs/file.c `expand_inode_data()` (v5.15)
 */
function* expandInodeData(inode: Inode, offset: number, len: number, mode: number): Task<number> {
  const end = offset + len;
  const err = inodeNewsizeOk(inode, loff(end));
  if (err !== 0) return err;
  for (let index = pageIndex(offset); index < Math.ceil(end / PAGE_SIZE); index++) {
    yield* withNodeChange(inode, f2fsReserveBlock(inode, index));
  }
  yield* growTo(inode, end, mode);
  return 0;
}
