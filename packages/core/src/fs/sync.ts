/**
 * fsync(2).
 *
 * @see fs/sync.c, fs/libfs.c (v5.14, v5.15)
 */
import { EINVAL } from '../include/errno.js';
import type { File } from '../include/fs.js';
import { LLONG_MAX, type Loff, loff } from '../include/units.js';
import { fileWriteAndWaitRange } from '../mm/page-writeback.js';
import type { Task } from '../sched/task.js';
import { inodeLock, inodeUnlock } from './inode.js';

/**
 * Make a range of a file durable.
 *
 * @param last - Last byte, inclusive.
 * @param datasync - Only what is needed to read the data back.
 * @returns `0`; `-EINVAL` if the filesystem has no fsync; or an errno.
 * @context Sleeps.
 * @see `vfs_fsync_range()` (v5.15)
 */
export function* vfsFsyncRange(file: File, start: Loff, last: Loff, datasync: boolean): Task<number> {
  if (file.fOp.fsync === undefined) return -EINVAL;
  return yield* file.fOp.fsync(file, start, last, datasync);
}

/**
 * Make a file durable.
 *
 * @returns `0`; `-EINVAL` if the filesystem has no fsync; or an errno.
 * @context Sleeps.
 * @see `vfs_fsync()` (v5.15)
 */
export function vfsFsync(file: File): Task<number> {
  return vfsFsyncRange(file, loff(0), LLONG_MAX, false);
}

/**
 * Make a range of a file durable, for filesystems without a journal.
 *
 * @param last - Last byte, inclusive.
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases page locks, then i_rwsem exclusive to write the inode.
 * @departs The inode and its indirect blocks take no space on the disk: there is nothing to write under i_rwsem.
 * @see fs/libfs.c `generic_file_fsync()` (v5.15)
 */
export function* genericFileFsync(file: File, start: Loff, last: Loff): Task<number> {
  const error = yield* fileWriteAndWaitRange(file, start, last);
  if (error !== 0) return error;
  yield* inodeLock(file.fInode);
  yield* inodeUnlock(file.fInode);
  return 0;
}
