/**
 * Changing attributes.
 *
 * The server is asked first, the cache follows when it has answered. Meanwhile nothing is written to the server, so that no
 * page beyond the new end arrives there after it; and of a DAX file nothing is mapped, and nothing can be.
 *
 * @see fs/fuse/dir.c (v5.14, v5.15)
 */
import {
  ATTR_MODE,
  ATTR_SIZE,
  choose,
  doWritepages,
  EIO,
  filemapFdatawaitRange,
  type Iattr,
  type Inode,
  inodeNewsizeOk,
  invalidateInodePages2Range,
  LLONG_MAX,
  loff,
  machine,
  type Pgoff,
  pgoff,
  serverSetEof,
  type Task,
  truncatePagecache,
} from '@fsport/core';
import { fuseDaxBreakLayouts } from './dax-range.js';
import {
  FUSE_IS_DAX,
  fuseInvalidateLock,
  fuseInvalidateUnlock,
  fuseSimpleRequest,
  getFuseInode,
} from './fuse-i.js';
import { fuseReleaseNowrite, fuseSetNowrite, fuseSyncWrites } from './writeback.js';

/**
 * Tell the server of everything before it changes who may.
 *
 * @returns `0`, or an errno.
 * @departs The times of the inode are always out of date at the server.
 * @see fs/fs-writeback.c `write_inode_now()`, fs/fuse/inode.c `fuse_write_inode()` (v5.15)
 */
function* writeInodeNow(inode: Inode): Task<number> {
  const { iMapping: mapping } = inode;
  const range = { sync: 'WB_SYNC_ALL', rangeStart: loff(0), rangeEnd: LLONG_MAX } as const;
  return (
    (yield* doWritepages(mapping, range)) ||
    (yield* filemapFdatawaitRange(mapping, loff(0), LLONG_MAX)) ||
    (yield* fuseSimpleRequest('FUSE_SETATTR', serverSetTimes))
  );
}

function* serverSetTimes(): Task<number> {
  return machine.faults.writeIo && (yield* choose('server error', 2)) === 1 ? -EIO : 0;
}

/**
 * Change attributes.
 *
 * If the server does not take the times, when one call changes size and mode of a DAX file, the lock against faults is
 * never released: so it is in the kernel, in both releases. No system call asks for both; a server that exports the
 * filesystem can.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive. Takes {@link fuseInvalidateLock} for the size of a DAX file.
 * @departs The connection has a writeback cache (FUSE_WRITEBACK_CACHE). No O_TRUNC.
 * @see `fuse_do_setattr()` (v5.14, v5.15)
 */
export function* fuseDoSetattr(inode: Inode, attr: Iattr): Task<number> {
  const { iaSize: size, iaValid } = attr;
  const isTruncate = (iaValid & ATTR_SIZE) !== 0;
  const err = isTruncate ? inodeNewsizeOk(inode, size) : 0;
  if (err !== 0) return err;
  const faultBlocked = FUSE_IS_DAX(inode) && isTruncate;
  if (faultBlocked) {
    yield* fuseInvalidateLock(inode);
    yield* fuseDaxBreakLayouts(inode);
  }
  if ((iaValid & ATTR_MODE) !== 0) {
    const written = yield* writeInodeNow(inode);
    if (written !== 0) return written;
    yield* fuseSyncWrites(inode);
  }
  if (isTruncate) yield* truncate(inode, size);
  if (faultBlocked) yield* fuseInvalidateUnlock(inode);
  return 0;
}

/** The part of a change of attributes that is about the size. @context Sleeps. i_rwsem exclusive. @see `fuse_do_setattr()` (v5.15) */
function* truncate(inode: Inode, size: number): Task<void> {
  const { server } = getFuseInode(inode);
  yield* fuseSetNowrite(inode);
  yield* fuseSimpleRequest('FUSE_SETATTR', () => serverSetEof(server, size));
  const oldsize = inode.iSize.load(); // it changes under i_rwsem alone
  // In one step: a page that had to wait is sent as far as the file goes now.
  yield* fuseReleaseNowrite(inode, () => inode.iSize.store(size));
  if (oldsize === size) return;
  yield* truncatePagecache(inode, loff(size));
  // Not before: a page that is in the way is written, which would wait for ever until writes are let go.
  yield* invalidateInodePages2Range(inode.iMapping, pgoff(0), inode.iMapping.capacity as Pgoff);
}
