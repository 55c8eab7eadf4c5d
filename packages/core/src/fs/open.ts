/**
 * The entry points of truncate and fallocate: they check what every filesystem may then assume.
 *
 * @see fs/open.c (v5.14, v5.15)
 */
import { EFBIG, EINVAL, EOPNOTSUPP } from '../include/errno.js';
import {
  ATTR_SIZE,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
} from '../include/flags.js';
import type { File, Inode } from '../include/fs.js';
import type { Loff } from '../include/units.js';
import { machine } from '../machine.js';
import type { Task } from '../sched/task.js';
import { notifyChange } from './attr.js';
import { inodeLock, inodeUnlock } from './inode.js';

const SUPPORTED =
  FALLOC_FL_KEEP_SIZE |
  FALLOC_FL_PUNCH_HOLE |
  FALLOC_FL_COLLAPSE_RANGE |
  FALLOC_FL_ZERO_RANGE |
  FALLOC_FL_INSERT_RANGE |
  FALLOC_FL_UNSHARE_RANGE;

/**
 * Give a file a new size.
 *
 * @returns `0`, `-EINVAL` for a negative length, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see `do_truncate()` (v5.15)
 */
export function* doTruncate(inode: Inode, length: Loff): Task<number> {
  if (length < 0) return -EINVAL;
  yield* inodeLock(inode);
  const error = yield* notifyChange(inode, { iaValid: ATTR_SIZE, iaSize: length });
  yield* inodeUnlock(inode);
  return error;
}

/** Is this a combination that exists? @returns `0`, `-EOPNOTSUPP`, or `-EINVAL`. */
function checkMode(mode: number): number {
  const has = (flag: number): boolean => (mode & flag) !== 0;
  if (has(~SUPPORTED)) return -EOPNOTSUPP;
  if (has(FALLOC_FL_PUNCH_HOLE) && has(FALLOC_FL_ZERO_RANGE)) return -EOPNOTSUPP;
  if (has(FALLOC_FL_PUNCH_HOLE) && !has(FALLOC_FL_KEEP_SIZE)) return -EOPNOTSUPP;
  if (has(FALLOC_FL_COLLAPSE_RANGE) && has(~FALLOC_FL_COLLAPSE_RANGE)) return -EINVAL;
  if (has(FALLOC_FL_INSERT_RANGE) && has(~FALLOC_FL_INSERT_RANGE)) return -EINVAL;
  if (has(FALLOC_FL_UNSHARE_RANGE) && has(~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE))) return -EINVAL;
  return 0;
}

/**
 * Change the blocks behind a range of a file.
 *
 * @param mode - `FALLOC_FL_*`.
 * @returns `0`; `-EINVAL`, `-EOPNOTSUPP` or `-EFBIG` for arguments no filesystem takes, in this order: range,
 *   mode, size; `-EOPNOTSUPP` if the filesystem has no such operation; or what it returns.
 * @context Sleeps. The filesystem takes i_rwsem itself.
 * @see `vfs_fallocate()` (v5.15)
 */
export function* vfsFallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if (offset < 0 || len <= 0) return -EINVAL;
  const error = checkMode(mode);
  if (error !== 0) return error;
  if (offset + len > machine.maxBytes) return -EFBIG;
  if (file.fOp.fallocate === undefined) return -EOPNOTSUPP;
  return yield* file.fOp.fallocate(file, mode, offset, len);
}
