/**
 * ioctl(F2FS_IOC_MOVE_RANGE): move blocks from one file to another.
 *
 * It takes neither the lock against fills nor pages out of the cache, in v5.15 either: what is cached of both ranges goes on
 * showing what was there before.
 *
 * @see fs/f2fs/file.c `f2fs_move_file_range()` (v5.14, v5.15)
 */
import {
  downWrite,
  downWriteTrylock,
  EBUSY,
  EINVAL,
  EXDEV,
  type File,
  filemapWriteAndWaitRange,
  type Inode,
  inodeLock,
  inodeTrylock,
  inodeUnlock,
  type Loff,
  loff,
  PAGE_SIZE,
  pageIndex,
  type Task,
  upWrite,
} from '@fsport/core';
import { exchangeDataBlock } from './exchange.js';
import { F2FS_I, f2fsISizeWrite, f2fsLockOp, f2fsUnlockOp } from './f2fs.js';

/**
 * Move blocks from one file to another; where they were there is a hole.
 *
 * @param len - Bytes; `0` to the end of the file.
 * @returns `0`; `-EINVAL` for ranges that are not of whole pages or not inside the file; `-EBUSY` if the second file or GC is
 *   in the way; `-EXDEV`; or an errno.
 * @context Sleeps. Takes i_rwsem of the first file exclusive, tries that of the second; then i_gc_rwsem[WRITE] in the same way.
 * @see fs/f2fs/file.c `f2fs_move_file_range()` (v5.14, v5.15)
 */
export function* f2fsMoveFileRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: Loff,
): Task<number> {
  const [src, dst] = [fileIn.fInode, fileOut.fInode];
  if (src.iSb !== dst.iSb) return -EXDEV;
  if (posIn < 0 || posOut < 0) return -EINVAL;
  if (src === dst && posIn === posOut) return 0;
  if (src === dst && posOut > posIn && posOut < posIn + len) return -EINVAL;
  yield* inodeLock(src);
  let err = -EBUSY;
  if (src === dst || (yield* inodeTrylock(dst))) {
    err = yield* moveRange(src, dst, posIn, posOut, len);
    if (src !== dst) yield* inodeUnlock(dst);
  }
  yield* inodeUnlock(src);
  return err;
}

function* moveRange(src: Inode, dst: Inode, posIn: Loff, posOut: Loff, len: Loff): Task<number> {
  const size = src.iSize.load(); // i_rwsem
  if (posIn + len > size) return -EINVAL;
  const wanted = len === 0 ? size - posIn : len;
  const end = posIn + wanted === size ? Math.ceil(size / PAGE_SIZE) * PAGE_SIZE : posIn + wanted;
  const bytes = end - posIn;
  if (bytes === 0) return 0;
  if (posIn % PAGE_SIZE !== 0 || end % PAGE_SIZE !== 0 || posOut % PAGE_SIZE !== 0) return -EINVAL;
  const err =
    (yield* filemapWriteAndWaitRange(src.iMapping, posIn, loff(end))) ||
    (yield* filemapWriteAndWaitRange(dst.iMapping, posOut, loff(posOut + bytes)));
  if (err !== 0) return err;
  const dstSize = Math.max(dst.iSize.load(), posOut + wanted);
  yield* downWrite(F2FS_I(src).iGcRwsemWrite);
  let moved = -EBUSY;
  if (src === dst || (yield* downWriteTrylock(F2FS_I(dst).iGcRwsemWrite))) {
    yield* f2fsLockOp(src);
    moved = yield* exchangeDataBlock(src, dst, pageIndex(posIn), pageIndex(posOut), pageIndex(bytes), false);
    // The exchange counts in pages.
    if (moved === 0) yield* f2fsISizeWrite(dst, dstSize);
    yield* f2fsUnlockOp(src);
    if (src !== dst) yield* upWrite(F2FS_I(dst).iGcRwsemWrite);
  }
  yield* upWrite(F2FS_I(src).iGcRwsemWrite);
  return moved;
}
