/**
 * Sharing blocks between files: clone.
 *
 * @see fs/remap_range.c (v5.14, v5.15)
 */
import { EFBIG, EINVAL, EOPNOTSUPP, EXDEV } from '../include/errno.js';
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
