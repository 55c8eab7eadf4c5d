/**
 * fallocate(2) and copies, in what SMB3 has for them.
 *
 * None of the fallocate operations takes i_rwsem. Punching a hole drops the cache of the range and has the server discard
 * it, since v5.15 both under invalidate_lock exclusive; zeroing does the same under no lock at all, in both releases.
 * Collapse and insert copy at the server, and neither drop the cache nor store the new i_size.
 *
 * @departs The file is sparse from the start, so that nobody asks the server to make it so.
 * @departs Plain preallocation is not modelled: it is refused.
 * @see fs/cifs/smb2ops.c (v5.14, v5.15)
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
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  type Inode,
  iSizeRead,
  type Loff,
  loff,
  type Task,
  takesInvalidateLock,
  truncatePagecacheRange,
} from '@fsport/core';
import { fsctlCopy, fsctlSetZeroData, SMB2_set_eof } from './smb2pdu.js';

/**
 * Change what is behind a range.
 *
 * @returns `0`, `-EOPNOTSUPP`, or an errno.
 * @context Sleeps. No lock.
 * @see fs/cifs/cifsfs.c `cifs_fallocate()`, `smb3_fallocate()` (v5.15)
 */
export function* cifsFallocate({ fInode: inode }: File, mode: number, off: Loff, len: Loff): Task<number> {
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) return yield* smb3PunchHole(inode, off, len);
  if ((mode & FALLOC_FL_ZERO_RANGE) !== 0)
    return yield* smb3ZeroRange(inode, off, len, (mode & FALLOC_FL_KEEP_SIZE) !== 0);
  if (mode === FALLOC_FL_COLLAPSE_RANGE) return yield* smb3CollapseRange(inode, off, len);
  if (mode === FALLOC_FL_INSERT_RANGE) return yield* smb3InsertRange(inode, off, len);
  return -EOPNOTSUPP;
}

/**
 * Punch a hole.
 *
 * @returns `0`.
 * @context Sleeps. Takes invalidate_lock exclusive (v5.15). Not i_rwsem: a write may read old content back from the
 *   server before the hole is there.
 * @see `smb3_punch_hole()` (v5.14, v5.15)
 */
function* smb3PunchHole(inode: Inode, off: number, len: number): Task<number> {
  const { iMapping: mapping } = inode;
  const guarded = takesInvalidateLock(mapping); // what the series changed here
  if (guarded) yield* filemapInvalidateLock(mapping);
  yield* truncatePagecacheRange(inode, loff(off), loff(off + len - 1));
  yield* fsctlSetZeroData(inode, off, len);
  if (guarded) yield* filemapInvalidateUnlock(mapping);
  return 0;
}

/**
 * Zero a range.
 *
 * @returns `0`.
 * @context Sleeps. No lock, in v5.15 neither.
 * @see `smb3_zero_range()` (v5.14, v5.15)
 */
function* smb3ZeroRange(inode: Inode, off: number, len: number, keepSize: boolean): Task<number> {
  yield* truncatePagecacheRange(inode, loff(off), loff(off + len - 1));
  yield* fsctlSetZeroData(inode, off, len);
  // The server's size only: i_size follows when the attributes are read again.
  if (!keepSize && (yield* iSizeRead(inode)) < off + len) yield* SMB2_set_eof(inode, off + len);
  return 0;
}

/**
 * Remove a range and close the gap, at the server.
 *
 * @returns `0`; `-EINVAL` if the range reaches the end of the file.
 * @context Sleeps. No lock, and the cache stays.
 * @see `smb3_collapse_range()` (v5.14, v5.15)
 */
function* smb3CollapseRange(inode: Inode, off: number, len: number): Task<number> {
  const size = yield* iSizeRead(inode);
  if (off + len >= size) return -EINVAL;
  yield* fsctlCopy('FSCTL_SRV_COPYCHUNK_WRITE', inode, off + len, inode, off, size - off - len);
  yield* SMB2_set_eof(inode, (yield* iSizeRead(inode)) - len);
  return 0;
}

/**
 * Make room for a range, at the server.
 *
 * @returns `0`; `-EINVAL` if it begins at or after the end of the file.
 * @context Sleeps. No lock; only the cache of the range itself is dropped, by the zeroing.
 * @see `smb3_insert_range()` (v5.14, v5.15)
 */
function* smb3InsertRange(inode: Inode, off: number, len: number): Task<number> {
  const size = yield* iSizeRead(inode);
  if (off >= size) return -EINVAL;
  yield* SMB2_set_eof(inode, size + len);
  yield* fsctlCopy('FSCTL_SRV_COPYCHUNK_WRITE', inode, off, inode, off + len, size - off);
  return yield* smb3ZeroRange(inode, off, len, true);
}
