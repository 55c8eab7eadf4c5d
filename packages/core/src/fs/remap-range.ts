/**
 * Sharing blocks between files, and moving them.
 *
 * @see fs/remap_range.c (v5.14, v5.15)
 */
import { EFBIG, EINVAL, ENOTTY, EOPNOTSUPP, EXDEV } from '../include/errno.js';
import type { File } from '../include/fs.js';
import type { Loff } from '../include/units.js';
import { machine } from '../machine.js';
import type { Task } from '../sched/task.js';

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
  if (posIn < 0 || posOut < 0 || len < 0) return -EINVAL;
  if (Math.max(posIn, posOut) + len > machine.maxBytes) return -EFBIG;
  return yield* remapFileRange(fileIn, posIn, fileOut, posOut, len);
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
