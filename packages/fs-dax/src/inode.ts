/**
 * Truncation.
 *
 * Each release stores the size first, unmaps second, frees the blocks third.
 *
 * @see fs/ext2/inode.c (v3.19, v4.0, v5.14, v5.15)
 */
import {
  __ext2TruncateBlocks,
  ATTR_SIZE,
  daxBreakLayout,
  daxLayoutBusyPage,
  daxZeroRange,
  downWrite,
  ext2InvalidateSem,
  type Iattr,
  type Inode,
  inodeNewsizeOk,
  iSizeWrite,
  type Loff,
  PAGE_SIZE,
  type Task,
  truncateInodePagesFinal,
  truncateSetsize,
  upWrite,
} from '@fsport/core';
import { ext2IomapOps } from './iomap.js';
import { schemeOf } from './scheme.js';

/**
 * Keep faults out, and wait for devices that use memory of the file.
 *
 * @context Sleeps. i_rwsem exclusive. Takes dax_sem or invalidate_lock exclusive; let go of and taken again to wait.
 * @departs ext2 does not wait for devices, and frees blocks that they still use. What ext4 does is done here.
 * @see fs/ext4/inode.c `ext4_break_layouts()`, `ext4_setattr()` (v5.14, v5.15)
 */
function* lockOutFaults(inode: Inode): Task<void> {
  const sem = ext2InvalidateSem(inode);
  const { iMapping: mapping } = inode;
  yield* downWrite(sem);
  yield* daxBreakLayout(
    mapping,
    () => daxLayoutBusyPage(mapping),
    () => upWrite(sem),
    () => downWrite(sem),
  );
}

/**
 * Give a file a new size.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes dax_sem (v5.14) or invalidate_lock (v5.15) exclusive.
 * @departs There is no direct I/O to be waited for: where there is no cache, all I/O is direct, and under i_rwsem.
 * @see fs/ext2/inode.c `ext2_setsize()` (v3.19, v4.0, v5.14, v5.15)
 */
function* ext2Setsize(inode: Inode, newsize: Loff): Task<number> {
  // If the file grows again, the rest of its last block must not show what was there.
  const tail = Math.ceil(newsize / PAGE_SIZE) * PAGE_SIZE - newsize;
  const err = yield* daxZeroRange(inode, newsize, tail, ext2IomapOps);
  if (err !== 0) return err;
  const { locksOut } = schemeOf(inode);
  if (locksOut) yield* lockOutFaults(inode);
  yield* truncateSetsize(inode, newsize);
  yield* __ext2TruncateBlocks(inode, newsize);
  if (locksOut) yield* upWrite(ext2InvalidateSem(inode));
  return 0;
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/ext2/inode.c `ext2_setattr()` (v3.19, v4.0, v5.14, v5.15)
 */
export function* ext2Setattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const err = inodeNewsizeOk(inode, attr.iaSize);
  if (err !== 0 || attr.iaSize === inode.iSize.load()) return err;
  return yield* ext2Setsize(inode, attr.iaSize);
}

/**
 * Tear an inode down; with its last link its blocks go too.
 *
 * @context Sleeps. Nobody else has the inode.
 * @see fs/ext2/inode.c `ext2_evict_inode()` (v3.19, v4.0, v5.14, v5.15)
 */
export function* ext2EvictInode(inode: Inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  if (inode.iNlink > 0) return;
  yield* iSizeWrite(inode, 0);
  yield* __ext2TruncateBlocks(inode, 0);
}
