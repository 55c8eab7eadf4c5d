/**
 * Changing the attributes of an inode, of which the model has one: the size.
 *
 * @see fs/attr.c, fs/libfs.c (v5.14, v5.15)
 */
import { demandIRwsem } from '../contracts.js';
import { EFBIG } from '../include/errno.js';
import { ATTR_SIZE } from '../include/flags.js';
import type { Iattr, Inode } from '../include/fs.js';
import type { Loff } from '../include/units.js';
import { machine } from '../machine.js';
import { truncateSetsize } from '../mm/truncate.js';
import type { Task } from '../sched/task.js';

/**
 * May a file have this size?
 *
 * @returns `0`, or `-EFBIG` if it would grow beyond the largest file.
 * @context i_rwsem held: the size is stable.
 * @see fs/attr.c `inode_newsize_ok()` (v5.15)
 */
export function inodeNewsizeOk(inode: Inode, size: Loff): number {
  return size > inode.iSize.load() && size > machine.maxBytes ? -EFBIG : 0;
}

/**
 * Change attributes, in the way of the filesystem.
 *
 * @returns `0`, or an errno.
 * @throws ContractError `CONTRACT` without i_rwsem.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/attr.c `notify_change()` (v5.15)
 */
export function* notifyChange(inode: Inode, attr: Iattr): Task<number> {
  demandIRwsem('setattr', inode);
  const setattr = inode.iOp.setattr ?? simpleSetattr;
  return yield* setattr(inode, attr);
}

/**
 * Change attributes of a file that lives in the page cache alone.
 *
 * @returns `0`, or `-EFBIG`.
 * @context Sleeps. i_rwsem exclusive. Takes no invalidate_lock, in v5.15 neither.
 * @see fs/libfs.c `simple_setattr()` (v5.15)
 */
export function* simpleSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const error = inodeNewsizeOk(inode, attr.iaSize);
  if (error !== 0) return error;
  yield* truncateSetsize(inode, attr.iaSize);
  return 0;
}
