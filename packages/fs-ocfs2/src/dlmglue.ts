/**
 * Locks of the cluster, as one node sees them.
 *
 * They keep other nodes out. On one node, holders at whatever level are only counted: who has what there is up to i_rwsem and
 * ip_alloc_sem.
 *
 * @departs There is one node, and it has every lock at its highest level from the mount on: taking one never waits, nobody
 *   takes one away, and ocfs2_inode_lock_with_page() always gets it.
 * @see fs/ocfs2/dlmglue.c (v5.14, v5.15)
 */
import { ContractError, type Inode } from '@fsport/core';
import { OCFS2_I, type Ocfs2LockRes } from './ocfs2.js';

/** @see fs/ocfs2/dlmglue.c `ocfs2_inc_holders()` (v5.15) */
function incHolders({ lExHolders, lRoHolders }: Ocfs2LockRes, ex: boolean): void {
  (ex ? lExHolders : lRoHolders).add(1);
}

/** @see fs/ocfs2/dlmglue.c `ocfs2_dec_holders()` (v5.15) */
function decHolders({ lExHolders, lRoHolders }: Ocfs2LockRes, ex: boolean): void {
  if ((ex ? lExHolders : lRoHolders).add(-1) >= 0) return;
  throw new ContractError('CONTRACT', { op: 'ocfs2_dec_holders', rule: 'held' });
}

/**
 * Lock what an inode says against other nodes.
 *
 * @param ex - To change it.
 * @context Sleeps in the kernel; here it joins the step in progress.
 * @see fs/ocfs2/dlmglue.c `ocfs2_inode_lock_full_nested()` (v5.15)
 */
export function ocfs2InodeLock(inode: Inode, ex: boolean): void {
  incHolders(OCFS2_I(inode).ipInodeLockres, ex);
}

/** @see fs/ocfs2/dlmglue.c `ocfs2_inode_unlock()` (v5.15) */
export function ocfs2InodeUnlock(inode: Inode, ex: boolean): void {
  decHolders(OCFS2_I(inode).ipInodeLockres, ex);
}

/**
 * Lock the data of a file against other nodes.
 *
 * @param ex - To write it.
 * @context Sleeps in the kernel; here it joins the step in progress. i_rwsem exclusive.
 * @see fs/ocfs2/dlmglue.c `ocfs2_rw_lock()` (v5.15)
 */
export function ocfs2RwLock(inode: Inode, ex: boolean): void {
  incHolders(OCFS2_I(inode).ipRwLockres, ex);
}

/** @see fs/ocfs2/dlmglue.c `ocfs2_rw_unlock()` (v5.15) */
export function ocfs2RwUnlock(inode: Inode, ex: boolean): void {
  decHolders(OCFS2_I(inode).ipRwLockres, ex);
}
