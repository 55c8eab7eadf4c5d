/**
 * What ext4 keeps for each inode and each mount, its lock against page-cache fills, and its transactions.
 *
 * Order of the locks, outer to inner: i_rwsem; mmap_lock; {@link ext4InvalidateSem}; transaction; page lock;
 * i_data_sem. `i_data` (the block map) is changed under i_data_sem exclusive, except that a delayed block may be
 * reserved under it shared, with the page locked; `i_disksize` under i_data_sem exclusive.
 *
 * @see fs/ext4/ext4.h, fs/ext4/ext4_jbd2.h (v5.14, v5.15)
 */
import {
  downRead,
  downWrite,
  type Inode,
  machine,
  PAGE_SIZE,
  type Phys,
  phys,
  Rwsem,
  SharedArray,
  SharedVar,
  type SuperBlock,
  type Task,
  takesInvalidateLock,
  upRead,
  upWrite,
} from '@fsport/core';

/** One block of the block map. Never changed in place. @see fs/ext4/extents_status.h */
export interface Extent {
  /** Nothing; allocated, reads as zero; allocated; reserved, allocated when it is written back. */
  readonly state: 'hole' | 'unwritten' | 'mapped' | 'delalloc';
  /** Disk block, or `-1`. */
  readonly phys: Phys;
  /** Generation of that block since it was allocated, or `-1`. */
  readonly gen: number;
}

/** A block that is not there. */
export const HOLE: Extent = { state: 'hole', phys: phys(-1), gen: -1 };

/** A block that is reserved. */
export const DELALLOC: Extent = { state: 'delalloc', phys: phys(-1), gen: -1 };

function showExtent({ state, phys: block }: Extent): string {
  return state === 'mapped' ? `block ${block}` : state === 'unwritten' ? `unwritten ${block}` : state;
}

/** ext4's part of an inode. @see `struct ext4_inode_info` (v5.15) */
export class Ext4InodeInfo {
  /** The block map: block in the file -> block on disk. */
  readonly iData: SharedArray<Extent>;
  /** `i_data_sem`: shared to look a block up, exclusive to change the map. */
  readonly iDataSem: Rwsem;
  /** `i_disksize`: the size that a crash would leave; follows i_size when delayed blocks are allocated. */
  readonly iDisksize: SharedVar<number>;
  /** `i_mmap_sem`: in v5.14, what `mapping->invalidate_lock` is in v5.15; read(2) does not know it. */
  readonly iMmapSem: Rwsem;
  /** For fsck: blocks beyond the end of the file are there on purpose (FALLOC_FL_KEEP_SIZE). */
  keepSize = false;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   */
  constructor(ino: number, type: string) {
    this.iData = new SharedArray<Extent>('i_data', () => HOLE, showExtent, ino);
    this.iDataSem = new Rwsem('ext4_inode_info.i_data_sem', ino, type);
    this.iDisksize = new SharedVar('i_disksize', 0, ino);
    this.iMmapSem = new Rwsem('ext4_inode_info.i_mmap_sem', ino, type);
  }
}

/** ext4's part of a mount. @see `struct ext4_sb_info` (v5.15) */
export class Ext4SbInfo {
  /** `s_writepages_rwsem`: shared for writeback. */
  readonly sWritepagesRwsem: Rwsem;
  /** The running transaction: whoever has a handle holds it shared. @see fs/jbd2/transaction.c */
  readonly jbd2Handle: Rwsem;
  /** Blocks reserved and not allocated yet. */
  readonly sDirtyclustersCounter: SharedVar<number>;
  /** Writeback allocates unwritten blocks and converts them after the I/O. Default if a block is a page. */
  readonly dioreadNolock: boolean;
  /** Every inode of the mount, evicted ones included: what fsck looks at. */
  readonly inodes: Inode[] = [];

  /** @param type - Filesystem type. */
  constructor(type: string) {
    this.sWritepagesRwsem = new Rwsem('ext4_sb_info.s_writepages_rwsem', '', type);
    this.jbd2Handle = new Rwsem('jbd2_handle');
    this.sDirtyclustersCounter = new SharedVar('s_dirtyclusters_counter', 0);
    this.dioreadNolock = machine.blockSize === PAGE_SIZE;
  }
}

/** ext4's part of an inode. */
export function EXT4_I(inode: Inode): Ext4InodeInfo {
  return inode.info as Ext4InodeInfo;
}

/** ext4's part of a mount. */
export function EXT4_SB(sb: SuperBlock): Ext4SbInfo {
  return sb.sFsInfo as Ext4SbInfo;
}

/** Blocks that a file can have. */
export function maxBlocks(): number {
  return Math.ceil(machine.maxBytes / machine.blockSize);
}

/**
 * The lock that keeps page-cache fills away from invalidations. This is what the series changed: before it, ext4 had
 * one of its own, which faults took and reads, readahead and advice did not.
 */
function ext4InvalidateSem(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : EXT4_I(inode).iMmapSem;
}

/** Keep fills and mkwrite out. @context Sleeps. */
export function ext4InvalidateLock(inode: Inode): Task<void> {
  return downWrite(ext4InvalidateSem(inode));
}

/** Let fills and mkwrite in again. */
export function ext4InvalidateUnlock(inode: Inode): Task<void> {
  return upWrite(ext4InvalidateSem(inode));
}

/** Keep invalidations out. @context Sleeps. */
export function ext4InvalidateLockShared(inode: Inode): Task<void> {
  return downRead(ext4InvalidateSem(inode));
}

/** Let invalidations in again. */
export function ext4InvalidateUnlockShared(inode: Inode): Task<void> {
  return upRead(ext4InvalidateSem(inode));
}

/**
 * Start a transaction handle.
 *
 * @context Sleeps while the running transaction is being closed, which nobody does here.
 * @departs The journal has no content: no credits, commit, replay or orphan list. A handle is a shared hold of
 *   `jbd2_handle`, as lockdep sees it, so that the lock order is complete. Freed blocks are reused at once instead
 *   of after the commit, which shows more.
 * @see fs/ext4/ext4_jbd2.c `ext4_journal_start()` (v5.15)
 */
export function ext4JournalStart(inode: Inode): Task<void> {
  return downRead(EXT4_SB(inode.iSb).jbd2Handle);
}

/** Stop a transaction handle. @see fs/ext4/ext4_jbd2.c `ext4_journal_stop()` (v5.15) */
export function ext4JournalStop(inode: Inode): Task<void> {
  return upRead(EXT4_SB(inode.iSb).jbd2Handle);
}

/**
 * Raise `i_disksize`.
 *
 * @context Sleeps. Takes i_data_sem exclusive.
 * @see fs/ext4/ext4.h `ext4_update_i_disksize()` (v5.15)
 */
export function* ext4UpdateIDisksize(inode: Inode, newsize: number): Task<void> {
  const { iDataSem, iDisksize } = EXT4_I(inode);
  yield* downWrite(iDataSem);
  if (newsize > iDisksize.load()) iDisksize.store(newsize);
  yield* upWrite(iDataSem);
}

/**
 * Raise `i_size` and `i_disksize`.
 *
 * @context Sleeps. i_rwsem exclusive; takes i_data_sem exclusive.
 * @see fs/ext4/ext4.h `ext4_update_inode_size()` (v5.15)
 */
export function* ext4UpdateInodeSize(inode: Inode, newsize: number): Task<void> {
  if (newsize > inode.iSize.load()) yield* inode.iSize.write(newsize, 'i_size_write');
  if (newsize > EXT4_I(inode).iDisksize.load()) yield* ext4UpdateIDisksize(inode, newsize);
}
