/**
 * Sharing blocks between files, by clone and by dedupe of ranges that hold the same, and moving them.
 *
 * The filesystem locks both files, against writes and against fills, and asks {@link genericRemapFileRangePrep} before
 * it touches a block: then the ranges are on the disk, and nobody changes them until the locks are released.
 *
 * @departs All of generic_remap_checks() and generic_write_checks() that is not about regular files, ranges and sizes.
 * @see fs/remap_range.c (v5.14, v5.15)
 */
import { EBADE, EFBIG, EINVAL, ENOTTY, EOPNOTSUPP, EXDEV } from '../include/errno.js';
import { REMAP_FILE_CAN_SHORTEN, REMAP_FILE_DEDUP } from '../include/flags.js';
import { type File, type Inode, pageIndex } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Loff, loff } from '../include/units.js';
import { machine } from '../machine.js';
import { lockPage, putPage, unlockPage } from '../mm/filemap/page-cache.js';
import { readMappingPage } from '../mm/filemap/read.js';
import { filemapWriteAndWaitRange } from '../mm/page-writeback.js';
import { byteOf, type Cells } from '../provenance.js';
import type { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { inodeDioWait } from './inode.js';

/** A range of one file that is to share its blocks with a range of another. */
export interface RemapRange {
  /** Where the blocks come from. */
  readonly fileIn: File;
  /** First byte there. */
  readonly posIn: Loff;
  /** Where they go. */
  readonly fileOut: File;
  /** First byte there. */
  readonly posOut: Loff;
  /** Bytes; `0` for the rest of the source. */
  readonly len: number;
  /** `REMAP_FILE_*`. */
  readonly flags: number;
}

/**
 * Make a range of one file share its blocks with a range of another.
 *
 * @param len - Bytes.
 * @returns Bytes shared; `-EXDEV` for files of two filesystems; `-EOPNOTSUPP` if the filesystem has no such operation;
 *   `-EINVAL` or `-EFBIG` for ranges no filesystem takes; or what it returns.
 * @context Sleeps. The filesystem takes all locks itself.
 * @see `do_clone_file_range()`, `remap_verify_area()` (v5.15)
 */
export function* vfsCloneFileRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: Loff,
): Task<number> {
  if (fileIn.fInode.iSb !== fileOut.fInode.iSb) return -EXDEV;
  const { remapFileRange } = fileIn.fOp;
  if (remapFileRange === undefined) return -EOPNOTSUPP;
  const err = remapVerifyArea(posIn, posOut, len);
  return err !== 0 ? err : yield* remapFileRange(fileIn, posIn, fileOut, posOut, len, 0);
}

/**
 * Make a range of one file share its blocks with a range of another if both hold the same bytes.
 *
 * @param len - Bytes.
 * @returns Bytes shared; `-EBADE` if they differ; `-EXDEV`, `-EINVAL`, `-EFBIG` as for a clone, `-EINVAL` also if the
 *   filesystem has no such operation; or what it returns.
 * @context Sleeps. The filesystem takes all locks itself.
 * @see `vfs_dedupe_file_range()`, `vfs_dedupe_file_range_one()` (v5.15)
 */
export function* vfsDedupeFileRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: Loff,
): Task<number> {
  const err = remapVerifyArea(posIn, posOut, len);
  if (err !== 0) return err;
  if (fileIn.fInode.iSb !== fileOut.fInode.iSb) return -EXDEV;
  const { remapFileRange } = fileOut.fOp;
  if (remapFileRange === undefined) return -EINVAL;
  if (len === 0) return 0;
  return yield* remapFileRange(
    fileIn,
    posIn,
    fileOut,
    posOut,
    len,
    REMAP_FILE_DEDUP | REMAP_FILE_CAN_SHORTEN,
  );
}

function remapVerifyArea(posIn: Loff, posOut: Loff, len: Loff): number {
  if (posIn < 0 || posOut < 0 || len < 0) return -EINVAL;
  return Math.max(posIn, posOut) + len > machine.maxBytes ? -EFBIG : 0;
}

/**
 * May the ranges share blocks?
 *
 * @returns Bytes that may, or `-EINVAL`.
 * @context i_rwsem of both held: the sizes are stable.
 * @see `generic_remap_checks()` (v5.15)
 */
function genericRemapChecks({ fileIn, posIn, fileOut, posOut, len, flags }: RemapRange): number {
  const { blockSize } = machine;
  const [inode, other] = [fileIn.fInode, fileOut.fInode];
  const [sizeIn, sizeOut] = [inode.iSize.load(), other.iSize.load()];
  const dedupe = (flags & REMAP_FILE_DEDUP) !== 0;
  if (posIn % blockSize !== 0 || posOut % blockSize !== 0) return -EINVAL;
  if (dedupe && (posIn + len > sizeIn || posOut + len > sizeOut)) return -EINVAL;
  if (posIn >= sizeIn) return -EINVAL;
  let count = Math.min(len, sizeIn - posIn);
  let blocks = count;
  if (posIn + count === sizeIn && (!dedupe || posOut + count === sizeOut)) {
    // Up to the end of the source its last block counts whole.
    blocks = Math.ceil(sizeIn / blockSize) * blockSize - posIn;
  } else {
    count -= count % blockSize;
    blocks = count;
  }
  if (inode === other && posOut + blocks > posIn && posOut < posIn + blocks) return -EINVAL;
  return count !== len && (flags & REMAP_FILE_CAN_SHORTEN) === 0 ? -EINVAL : count;
}

/**
 * A block in the middle of the destination cannot be shared in part.
 *
 * @returns Bytes, or `-EINVAL`; for dedupe `-EBADE`.
 * @see `generic_remap_check_len()` (v5.15)
 */
function genericRemapCheckLen({ fileOut, posOut, flags }: RemapRange, len: number): number {
  const rest = len % machine.blockSize;
  if (rest === 0 || posOut + len >= fileOut.fInode.iSize.load()) return len;
  if ((flags & REMAP_FILE_CAN_SHORTEN) !== 0) return len - rest;
  return (flags & REMAP_FILE_DEDUP) !== 0 ? -EBADE : -EINVAL;
}

/**
 * Check that two ranges may share blocks, wait for direct I/O, write both back, and for dedupe compare them.
 *
 * @returns Bytes to share, `0` for nothing to do, or an errno; `-EBADE` if dedupe finds a difference.
 * @context Sleeps. i_rwsem and invalidate_lock (v5.14: the filesystem's own) of both exclusive.
 * @see `generic_remap_file_range_prep()` (v5.15)
 */
export function* genericRemapFileRangePrep(range: RemapRange): Task<number> {
  const { fileIn, posIn, fileOut, posOut, flags } = range;
  const [inode, other] = [fileIn.fInode, fileOut.fInode];
  let { len } = range;
  if (len === 0) {
    const size = inode.iSize.load();
    if ((flags & REMAP_FILE_DEDUP) !== 0 || posIn === size) return 0;
    if (posIn > size) return -EINVAL;
    len = size - posIn;
  }
  const count = genericRemapChecks({ ...range, len });
  if (count <= 0) return count;
  yield* inodeDioWait(inode);
  if (inode !== other) yield* inodeDioWait(other);
  const err =
    (yield* filemapWriteAndWaitRange(inode.iMapping, posIn, loff(posIn + count - 1))) ||
    (yield* filemapWriteAndWaitRange(other.iMapping, posOut, loff(posOut + count - 1)));
  if (err !== 0) return err;
  if ((flags & REMAP_FILE_DEDUP) !== 0) {
    const same = yield* vfsDedupeFileRangeCompare(inode, posIn, other, posOut, count);
    if (typeof same === 'number') return same;
    if (!same) return -EBADE;
  }
  return genericRemapCheckLen(range, count);
}

/**
 * Do two ranges hold the same bytes?
 *
 * The pages are read without taking invalidate_lock, which the caller holds. They are locked in the order of their
 * indices, whichever file they belong to: two compares of the same ranges the other way round cannot meet, because the
 * files are locked.
 *
 * @returns Whether they do, `false` also if a page went away meanwhile; or an errno.
 * @context Sleeps. i_rwsem and invalidate_lock of both; takes and releases page locks.
 * @see `vfs_dedupe_file_range_compare()`, `vfs_lock_two_pages()` (v5.15)
 */
function* vfsDedupeFileRangeCompare(
  source: Inode,
  srcoff: number,
  dest: Inode,
  destoff: number,
  len: number,
): Task<boolean | number> {
  for (let done = 0; done < len; ) {
    const [from, to] = [srcoff + done, destoff + done];
    const bytes = Math.min(PAGE_SIZE - (from % PAGE_SIZE), PAGE_SIZE - (to % PAGE_SIZE), len - done);
    const page = yield* readMappingPage(source.iMapping, pageIndex(from), null);
    if (typeof page === 'number') return page;
    const other = yield* readMappingPage(dest.iMapping, pageIndex(to), null);
    if (typeof other === 'number') {
      putPage(page);
      return other;
    }
    const [first, second] = page.index > other.index ? [other, page] : [page, other];
    yield* lockPage(first);
    if (first !== second) yield* lockPage(second);
    const same =
      isStill(page, source) &&
      isStill(other, dest) &&
      (yield* samePageBytes(page, from % PAGE_SIZE, other, to % PAGE_SIZE, bytes));
    yield* unlockPage(first);
    if (first !== second) yield* unlockPage(second);
    putPage(other);
    putPage(page);
    if (!same) return false;
    done += bytes;
  }
  return true;
}

/** Is a locked page still the file's, and valid? */
function isStill(page: Page, inode: Inode): boolean {
  return page.uptodate.load() && page.mapping.load() === inode.iMapping;
}

function samePageBytes(a: Page, atA: number, b: Page, atB: number, bytes: number): Task<boolean> {
  const first = a.content[Math.floor(atA / machine.blockSize)] as SharedVar<Cells>;
  return first.readSection(
    'memcmp',
    () => {
      const other = b.loadBytes(atB, bytes);
      return a.loadBytes(atA, bytes).every((cell, i) => byteOf(cell) === byteOf(other[i] as number));
    },
    (same) => (same ? 'same' : 'different'),
  );
}

/**
 * Move blocks of one file to another: ioctl(F2FS_IOC_MOVE_RANGE).
 *
 * @param len - Bytes; `0` to the end of the file.
 * @returns `0`; `-ENOTTY` if the filesystem has no such ioctl; or what it returns.
 * @context Sleeps. The filesystem takes all locks itself.
 * @see fs/ioctl.c `vfs_ioctl()` (v5.15)
 */
export function* vfsMoveFileRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: Loff,
): Task<number> {
  const { moveFileRange } = fileIn.fOp;
  if (moveFileRange === undefined) return -ENOTTY;
  return yield* moveFileRange(fileIn, posIn, fileOut, posOut, len);
}
