/**
 * Locks and life of an inode.
 *
 * i_rwsem is taken exclusive for whatever changes the size or the blocks, shared by filesystems that keep reads
 * apart from that. Direct I/O is counted instead: it begins under i_rwsem and ends in its completion, and who holds
 * i_rwsem exclusive waits until none is left.
 *
 * @see include/linux/fs.h, fs/inode.c (v5.14, v5.15)
 */
import { ContractError, UsageError } from '../errors.js';
import type { Inode, SuperBlock } from '../include/fs.js';
import { downRead, downReadTrylock, downWrite, downWriteTrylock, upRead, upWrite } from '../locking/rwsem.js';
import { truncateInodePagesFinal } from '../mm/truncate.js';
import type { Task } from '../sched/task.js';

/** Subclass of the second of two files. @see include/linux/fs.h `I_MUTEX_NONDIR2` (v5.15) */
const I_MUTEX_NONDIR2 = 4;

/**
 * The inode of a file that mount() found on the disk: the `iget` of filesystems that build all inodes then.
 *
 * @param sb - The mount.
 * @param ino - Inode number.
 * @throws UsageError `BAD_OPTION` if mkfs made no such file, or it was evicted.
 */
export function inodeByNumber(sb: SuperBlock, ino: number): Inode {
  const inode = sb.inodes.get(ino);
  if (inode !== undefined) return inode;
  throw new UsageError('BAD_OPTION', { ino }, `There is no inode ${ino}. Give mkfs a file of that number.`);
}

/** @context Sleeps. @see include/linux/fs.h `inode_lock()` (v5.15) */
export function inodeLock(inode: Inode): Task<void> {
  return downWrite(inode.iRwsem);
}

/** @see include/linux/fs.h `inode_unlock()` (v5.15) */
export function inodeUnlock(inode: Inode): Task<void> {
  return upWrite(inode.iRwsem);
}

/** @context Sleeps. @see include/linux/fs.h `inode_lock_shared()` (v5.15) */
export function inodeLockShared(inode: Inode): Task<void> {
  return downRead(inode.iRwsem);
}

/** @see include/linux/fs.h `inode_unlock_shared()` (v5.15) */
export function inodeUnlockShared(inode: Inode): Task<void> {
  return upRead(inode.iRwsem);
}

/** @returns Whether it was taken. @see include/linux/fs.h `inode_trylock()` (v5.15) */
export function inodeTrylock(inode: Inode): Task<boolean> {
  return downWriteTrylock(inode.iRwsem);
}

/** @returns Whether it was taken. @see include/linux/fs.h `inode_trylock_shared()` (v5.15) */
export function inodeTrylockShared(inode: Inode): Task<boolean> {
  return downReadTrylock(inode.iRwsem);
}

/**
 * Lock two files, in one order for everybody.
 *
 * @param inode1 - A file or `null`.
 * @param inode2 - Another, the same, or `null`.
 * @context Sleeps.
 * @departs The kernel orders by address; the model by the object's identity, which is as arbitrary and stays the
 *   same from run to run.
 * @see `lock_two_nondirectories()` (v5.15)
 */
export function* lockTwoNondirectories(inode1: Inode | null, inode2: Inode | null): Task<void> {
  const swapped = inode1 !== null && inode2 !== null && inode1.iRwsem.id > inode2.iRwsem.id;
  const [first, second] = swapped ? [inode2, inode1] : [inode1, inode2];
  if (first !== null) yield* downWrite(first.iRwsem);
  if (second !== null && second !== first) yield* downWrite(second.iRwsem, I_MUTEX_NONDIR2);
}

/** @see `unlock_two_nondirectories()` (v5.15) */
export function* unlockTwoNondirectories(inode1: Inode | null, inode2: Inode | null): Task<void> {
  if (inode1 !== null) yield* upWrite(inode1.iRwsem);
  if (inode2 !== null && inode2 !== inode1) yield* upWrite(inode2.iRwsem);
}

/** A direct I/O begins. @context i_rwsem held. @see include/linux/fs.h `inode_dio_begin()` (v5.15) */
export function inodeDioBegin(inode: Inode): Task<void> {
  return inode.iDioCount.section('inode_dio_begin', () => inode.iDioCount.store(inode.iDioCount.load() + 1));
}

/**
 * A direct I/O has ended.
 *
 * @throws ContractError `CONTRACT` if none was in progress.
 * @see include/linux/fs.h `inode_dio_end()` (v5.15)
 */
export function inodeDioEnd(inode: Inode): Task<void> {
  return inode.iDioCount.section('inode_dio_end', () => {
    const count = inode.iDioCount.load();
    if (count === 0) throw new ContractError('CONTRACT', { op: 'inode_dio_end', rule: 'i_dio_count' });
    inode.iDioCount.store(count - 1);
  });
}

/**
 * Wait until no direct I/O is in progress.
 *
 * @context Sleeps. i_rwsem exclusive: no new one begins.
 * @see `inode_dio_wait()` (v5.15)
 */
export function* inodeDioWait(inode: Inode): Task<void> {
  yield* inode.iDioCount.waitUntil((count) => count === 0, 'inode_dio_wait');
}

/**
 * Tear an inode down that nobody uses any more.
 *
 * @throws ContractError `CONTRACT` if pages are left in its cache.
 * @context Sleeps. Nobody else has the inode; reclaim may still be at work on its pages.
 * @departs I_SYNC is not modelled: the kernel first waits for a flusher that is writing this inode, so that a
 *   scenario must not evict an inode that its flusher still writes.
 * @see `evict()`, `clear_inode()` (v5.15)
 */
export function* evict(inode: Inode): Task<void> {
  const { evictInode } = inode.iSb.sOp;
  if (evictInode === undefined) yield* truncateInodePagesFinal(inode.iMapping);
  else yield* evictInode(inode);
  const left = inode.iMapping.nrpages.load();
  if (left > 0) {
    throw new ContractError('CONTRACT', {
      op: 'evict_inode',
      rule: 'nrpages',
      ino: inode.iIno,
      nrpages: left,
    });
  }
  inode.iSb.inodes.delete(inode.iIno);
}
