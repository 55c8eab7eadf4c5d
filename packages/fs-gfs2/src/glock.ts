/**
 * Glocks: locks of the cluster, of which each inode has one.
 *
 * A task holds it shared to fill the cache, exclusive to change the file. It is taken under i_rwsem, and, by a fault, under
 * mmap_lock; read(2) and write(2) hold it while they touch the program's memory. So it is both above and below mmap_lock:
 * that is what gfs2 deadlocks on.
 *
 * Order of the locks, as far as there is one: i_rwsem; glock; page lock; i_rw_mutex, which protects the block map.
 *
 * @departs One node: nobody else in the cluster asks for the lock. Who waits for it exclusive does hold new readers back, as
 *   a remote request does, where a check has fair locks.
 * @departs A second request of a task for a glock that it holds is a bug that the kernel stops at (BUG()). Here the task
 *   waits for itself, or the order of the locks says that it can.
 * @departs Shared and exclusive. LM_ST_DEFERRED is direct I/O's.
 * @see fs/gfs2/glock.c, fs/gfs2/incore.h (v5.14, v5.15)
 */
import {
  type BlockMapVerbs,
  downRead,
  downWrite,
  Ext2InodeInfo,
  type Inode,
  Rwsem,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';

/** @see fs/gfs2/bmap.c, fs/gfs2/rgrp.c (v5.15) */
const VERBS: BlockMapVerbs = {
  lookUp: '__gfs2_iomap_get',
  allocate: 'gfs2_alloc_blocks',
  forget: 'sweep_bh_for_rgrps',
  free: '__gfs2_free_blocks',
};

/**
 * gfs2's part of an inode.
 *
 * @departs The block map is ext2's of core: no tree of blocks, no resource groups, no journal. `i_rw_mutex`, which protects
 *   the tree, is its mutex: look-ups do not take it.
 * @see fs/gfs2/incore.h `struct gfs2_inode` (v5.15)
 */
export class Gfs2Inode extends Ext2InodeInfo {
  /** `i_gl`. */
  readonly iGl: Rwsem;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   */
  constructor(ino: number, type: string) {
    super(ino, type, VERBS, 'gfs2_inode.i_rw_mutex');
    this.iGl = new Rwsem('gfs2_inode.i_gl', ino, type);
  }
}

/** gfs2's part of an inode. */
export function GFS2_I(inode: Inode): Gfs2Inode {
  return inode.info as Gfs2Inode;
}

/** Take the glock of an inode: LM_ST_SHARED. @context Sleeps. @see `gfs2_glock_nq()` (v5.15) */
export function gfs2GlockNqShared(inode: Inode): Task<void> {
  return downRead(GFS2_I(inode).iGl);
}

/** Give it back. @see `gfs2_glock_dq()` (v5.15) */
export function gfs2GlockDqShared(inode: Inode): Task<void> {
  return upRead(GFS2_I(inode).iGl);
}

/** Take the glock of an inode: LM_ST_EXCLUSIVE. @context Sleeps. @see `gfs2_glock_nq()` (v5.15) */
export function gfs2GlockNqExclusive(inode: Inode): Task<void> {
  return downWrite(GFS2_I(inode).iGl);
}

/** Give it back. @see `gfs2_glock_dq()` (v5.15) */
export function gfs2GlockDqExclusive(inode: Inode): Task<void> {
  return upWrite(GFS2_I(inode).iGl);
}
