/**
 * What xfs keeps for each inode and each mount, and its three locks.
 *
 * `IOLOCK` is i_rwsem: exclusive to write and to change blocks, shared to read and for WILLNEED. `MMAPLOCK` keeps page
 * faults away from who changes blocks. `ILOCK` protects the forks, i_disk_size and the reflink flag. Order: IOLOCK,
 * (mmap_lock), MMAPLOCK, page lock, ILOCK. Whoever removes pages and then changes blocks holds the first two exclusive.
 *
 * What the series changed is what MMAPLOCK is: a lock of xfs's own before, `mapping->invalidate_lock` after.
 *
 * @departs Transactions are what is done under one hold of ILOCK: there is no log, no log space to wait for, no crash,
 *   and freed blocks can be reused at once instead of after the commit, which shows more.
 * @see fs/xfs/xfs_inode.c, fs/xfs/xfs_inode.h (v5.14, v5.15)
 */
import {
  ContractError,
  downgradeWrite,
  downRead,
  downReadTrylock,
  downWrite,
  downWriteTrylock,
  filemapInvalidateLockTwo,
  filemapInvalidateUnlockTwo,
  heldMode,
  type Inode,
  lockTwoNondirectories,
  machine,
  type Phys,
  phys,
  Rwsem,
  SharedArray,
  SharedVar,
  type SuperBlock,
  type Task,
  takesInvalidateLock,
  unlockTwoNondirectories,
  upRead,
  upWrite,
} from '@fsport/core';

/** xfs_ilock: i_rwsem. */
export const XFS_IOLOCK_EXCL = 1 << 0;
/** xfs_ilock: i_rwsem, shared. */
export const XFS_IOLOCK_SHARED = 1 << 1;
/** xfs_ilock: the forks. */
export const XFS_ILOCK_EXCL = 1 << 2;
/** xfs_ilock: the forks, shared. */
export const XFS_ILOCK_SHARED = 1 << 3;
/** xfs_ilock: against page faults. */
export const XFS_MMAPLOCK_EXCL = 1 << 4;
/** xfs_ilock: against page faults, shared. */
export const XFS_MMAPLOCK_SHARED = 1 << 5;

/** One block of a fork. Never changed in place. @see fs/xfs/libxfs/xfs_types.h `struct xfs_bmbt_irec` */
export interface Irec {
  /** Nothing; reserved, allocated when it is written back; allocated, reads as zero; allocated and valid. */
  readonly state: 'hole' | 'delalloc' | 'unwritten' | 'mapped';
  /** Disk block, or `-1`. */
  readonly phys: Phys;
  /** Generation of that block since it was allocated, or `-1`. */
  readonly gen: number;
}

/** A block that is not there. */
export const HOLE: Irec = { state: 'hole', phys: phys(-1), gen: -1 };

/** A block that is reserved. */
export const DELALLOC: Irec = { state: 'delalloc', phys: phys(-1), gen: -1 };

function showIrec({ state, phys: block }: Irec): string {
  return state === 'mapped' ? `block ${block}` : state === 'unwritten' ? `unwritten ${block}` : state;
}

/** A block map, under ILOCK. @see fs/xfs/libxfs/xfs_inode_fork.h `struct xfs_ifork` (v5.15) */
export class XfsIfork {
  /** Block in the file -> block on disk. */
  readonly extents: SharedArray<Irec>;
  /** Grows with each change: writeback looks at it without the lock. */
  readonly ifSeq: SharedVar<number>;

  /**
   * @param label - Kernel spelling.
   * @param ino - Inode number.
   */
  constructor(label: string, ino: number) {
    this.extents = new SharedArray<Irec>(label, () => HOLE, showIrec, ino);
    this.ifSeq = new SharedVar(`${label}.if_seq`, 0, ino);
  }

  /** Change a block as part of the step in progress. */
  store(lblk: number, irec: Irec): void {
    this.extents.at(lblk).store(irec);
    this.ifSeq.store(this.ifSeq.load() + 1);
  }

  /** Look at a block as part of the step in progress. */
  load(lblk: number): Irec {
    return this.extents.at(lblk).load();
  }
}

/** xfs's part of an inode. @see fs/xfs/xfs_inode.h `struct xfs_inode` (v5.15) */
export class XfsInode {
  /** Where the file is. */
  readonly iDf: XfsIfork;
  /** Where blocks that replace shared ones will be, until they are written. */
  readonly iCowfp: XfsIfork;
  /** Blocks in `iCowfp`. */
  readonly cowBlocks: SharedVar<number>;
  /** `i_lock`. */
  readonly iLock: Rwsem;
  /** `i_mmaplock`: in v5.14, what `mapping->invalidate_lock` is in v5.15. */
  readonly iMmaplock: Rwsem;
  /** `i_disk_size`: the size that a crash would leave. */
  readonly iDiskSize: SharedVar<number>;
  /** `XFS_DIFLAG2_REFLINK`: some of its blocks may be shared. */
  readonly reflink: SharedVar<boolean>;
  /** `XFS_LI_IN_AIL`: it was changed, and the change is in the log only. */
  readonly inAil: SharedVar<boolean>;
  /** A client of an export has a lease on where the blocks are. @see include/linux/fs.h `break_layout()` */
  readonly layoutLease: SharedVar<boolean>;
  /** For fsck: blocks beyond the end of the file are there on purpose (FALLOC_FL_KEEP_SIZE). */
  keepSize = false;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   */
  constructor(ino: number, type: string) {
    this.iDf = new XfsIfork('i_df', ino);
    this.iCowfp = new XfsIfork('i_cowfp', ino);
    this.cowBlocks = new SharedVar('i_cowfp.if_bytes', 0, ino);
    this.iLock = new Rwsem('xfs_inode.i_lock', ino, type);
    this.iMmaplock = new Rwsem('xfs_inode.i_mmaplock', ino, type);
    this.iDiskSize = new SharedVar('i_disk_size', 0, ino);
    this.reflink = new SharedVar('XFS_DIFLAG2_REFLINK', false, ino);
    this.inAil = new SharedVar('XFS_LI_IN_AIL', false, ino);
    this.layoutLease = new SharedVar('i_flctx', false, ino);
  }
}

/** xfs's part of a mount. @see fs/xfs/xfs_mount.h `struct xfs_mount` (v5.15) */
export class XfsMount {
  /** Blocks reserved and not allocated yet. */
  readonly mDelallocBlks = new SharedVar('m_delalloc_blks', 0);
  /** Every inode of the mount, evicted ones included: what fsck looks at. */
  readonly inodes: Inode[] = [];
}

/** xfs's part of an inode. */
export function XFS_I(inode: Inode): XfsInode {
  return inode.info as XfsInode;
}

/** xfs's part of a mount. */
export function XFS_M(sb: SuperBlock): XfsMount {
  return sb.sFsInfo as XfsMount;
}

/** Blocks that a file can have. */
export function maxBlocks(): number {
  return Math.ceil(machine.maxBytes / machine.blockSize);
}

/** The lock against page faults: what the series changed. */
function mmaplock(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : XFS_I(inode).iMmaplock;
}

/** A lock, and how the flags want it. */
type Wanted = readonly [sem: Rwsem, exclusive: boolean];

/** The locks that the flags name, in the order in which they are taken, and released. */
function wanted(inode: Inode, flags: number): readonly Wanted[] {
  const locks: Wanted[] = [];
  const want = (sem: Rwsem, excl: number, shared: number): void => {
    if ((flags & (excl | shared)) !== 0) locks.push([sem, (flags & excl) !== 0]);
  };
  want(inode.iRwsem, XFS_IOLOCK_EXCL, XFS_IOLOCK_SHARED);
  want(mmaplock(inode), XFS_MMAPLOCK_EXCL, XFS_MMAPLOCK_SHARED);
  want(XFS_I(inode).iLock, XFS_ILOCK_EXCL, XFS_ILOCK_SHARED);
  return locks;
}

function release([sem, exclusive]: Wanted): Task<void> {
  return exclusive ? upWrite(sem) : upRead(sem);
}

/**
 * Take locks of an inode: IOLOCK, then MMAPLOCK, then ILOCK.
 *
 * @param flags - `XFS_*LOCK_*`.
 * @param subclass - `1` for the second of two inodes.
 * @context Sleeps.
 * @see fs/xfs/xfs_inode.c `xfs_ilock()` (v5.14, v5.15)
 */
export function* xfsIlock(inode: Inode, flags: number, subclass = 0): Task<void> {
  for (const [sem, exclusive] of wanted(inode, flags)) {
    yield* exclusive ? downWrite(sem, subclass) : downRead(sem, subclass);
  }
}

/**
 * Take locks of an inode if none of them is busy.
 *
 * @returns Whether they were taken; if not, none is held.
 * @context May be preempted. Does not sleep.
 * @see fs/xfs/xfs_inode.c `xfs_ilock_nowait()` (v5.14, v5.15)
 */
export function* xfsIlockNowait(inode: Inode, flags: number): Task<boolean> {
  const taken: Wanted[] = [];
  for (const lock of wanted(inode, flags)) {
    const [sem, exclusive] = lock;
    if (yield* exclusive ? downWriteTrylock(sem) : downReadTrylock(sem)) {
      taken.unshift(lock);
      continue;
    }
    for (const undone of taken) yield* release(undone);
    return false;
  }
  return true;
}

/** Release locks of an inode. @param flags - As they were taken. @see fs/xfs/xfs_inode.c `xfs_iunlock()` (v5.15) */
export function* xfsIunlock(inode: Inode, flags: number): Task<void> {
  for (const lock of wanted(inode, flags)) yield* release(lock);
}

/** Turn exclusive holds into shared ones, from the inner to the outer. @see `xfs_ilock_demote()` (v5.15) */
export function* xfsIlockDemote(inode: Inode, flags: number): Task<void> {
  for (const [sem] of [...wanted(inode, flags)].reverse()) yield* downgradeWrite(sem);
}

/** Is it held by the task in progress, exclusive or, if that is enough, shared? @see `__xfs_rwsem_islocked()` (v5.15) */
function rwsemIslocked(sem: Rwsem, shared: boolean): boolean {
  const mode = heldMode(sem);
  return mode === 'X' || (shared && mode === 'S');
}

/**
 * Does the task in progress hold a lock? Only the first kind of lock that the flags name is looked at.
 *
 * In v5.15 the answer for MMAPLOCK is about i_rwsem, and about the flags of IOLOCK: a mistake of the kernel, kept here.
 * An assertion with it holds without MMAPLOCK, and fails with MMAPLOCK alone.
 *
 * @param flags - `XFS_*LOCK_*`.
 * @see fs/xfs/xfs_inode.c `xfs_isilocked()` (v5.14, v5.15)
 */
export function xfsIsilocked(inode: Inode, flags: number): boolean {
  const ip = XFS_I(inode);
  const shared = (flags & XFS_IOLOCK_SHARED) !== 0;
  if ((flags & (XFS_ILOCK_EXCL | XFS_ILOCK_SHARED)) !== 0) {
    return rwsemIslocked(ip.iLock, (flags & XFS_ILOCK_SHARED) !== 0);
  }
  if ((flags & (XFS_MMAPLOCK_EXCL | XFS_MMAPLOCK_SHARED)) !== 0) {
    return takesInvalidateLock(inode.iMapping)
      ? rwsemIslocked(inode.iRwsem, shared)
      : rwsemIslocked(ip.iMmaplock, (flags & XFS_MMAPLOCK_SHARED) !== 0);
  }
  return rwsemIslocked(inode.iRwsem, shared);
}

/**
 * What a kernel with debugging asserts. No checker relies on it.
 *
 * @throws ContractError `CONTRACT`.
 * @see fs/xfs/xfs_linux.h `ASSERT()` (v5.15)
 */
export function assertIlocked(inode: Inode, flags: number): void {
  if (xfsIsilocked(inode, flags)) return;
  throw new ContractError('CONTRACT', { op: 'xfs_isilocked', rule: 'ASSERT', ino: inode.iIno, flags });
}

/**
 * Lock one kind of lock of two inodes, the lower inode number first.
 *
 * If the first is in the log only, the second is only tried: its holder may be waiting for log space that the first
 * keeps occupied. If that fails, both are let go, and it starts over.
 *
 * @param flags - `XFS_ILOCK_EXCL`; in v5.14 also `XFS_MMAPLOCK_EXCL`.
 * @context Sleeps.
 * @departs Every fifth attempt sleeps for a tick; here each waits, holding nothing, until the second was free.
 * @see fs/xfs/xfs_inode.c `xfs_lock_two_inodes()` (v5.14, v5.15)
 */
export function* xfsLockTwoInodes(inode1: Inode, inode2: Inode, flags: number): Task<void> {
  const [first, second] = inode1.iIno < inode2.iIno ? [inode1, inode2] : [inode2, inode1];
  for (;;) {
    yield* xfsIlock(first, flags);
    if (!XFS_I(first).inAil.load()) {
      yield* xfsIlock(second, flags, 1);
      return;
    }
    if (yield* xfsIlockNowait(second, flags)) return;
    yield* xfsIunlock(first, flags);
    yield* xfsIlock(second, flags);
    yield* xfsIunlock(second, flags);
  }
}

/**
 * Lock two files against each other's reads, writes and page faults.
 *
 * i_rwsem in the order of lock_two_nondirectories(); the locks against faults by inode number in v5.14, in the order of
 * filemap_invalidate_lock_two() in v5.15. Both orders are nested under both i_rwsem.
 *
 * @context Sleeps.
 * @departs Leases on the files are not broken here: nobody has any in a scenario that shares blocks.
 * @see fs/xfs/xfs_inode.c `xfs_ilock2_io_mmap()` (v5.14, v5.15)
 */
export function* xfsIlock2IoMmap(inode1: Inode, inode2: Inode): Task<void> {
  yield* lockTwoNondirectories(inode1, inode2);
  yield* xfsLockTwoMmaplocks(inode1, inode2);
}

/** Unlock them. @see fs/xfs/xfs_inode.c `xfs_iunlock2_io_mmap()` (v5.14, v5.15) */
export function* xfsIunlock2IoMmap(inode1: Inode, inode2: Inode): Task<void> {
  yield* xfsUnlockTwoMmaplocks(inode1, inode2);
  yield* unlockTwoNondirectories(inode1, inode2);
}

function* xfsLockTwoMmaplocks(inode1: Inode, inode2: Inode): Task<void> {
  if (takesInvalidateLock(inode1.iMapping)) yield* filemapInvalidateLockTwo(inode1.iMapping, inode2.iMapping);
  else if (inode1 === inode2) yield* xfsIlock(inode1, XFS_MMAPLOCK_EXCL);
  else yield* xfsLockTwoInodes(inode1, inode2, XFS_MMAPLOCK_EXCL);
}

function* xfsUnlockTwoMmaplocks(inode1: Inode, inode2: Inode): Task<void> {
  if (takesInvalidateLock(inode1.iMapping)) {
    yield* filemapInvalidateUnlockTwo(inode1.iMapping, inode2.iMapping);
    return;
  }
  yield* xfsIunlock(inode2, XFS_MMAPLOCK_EXCL);
  if (inode1 !== inode2) yield* xfsIunlock(inode1, XFS_MMAPLOCK_EXCL);
}

/** An inode was changed: from now on its log item is in the AIL. Joins the step in progress; ILOCK exclusive. */
export function xfsTransLogInode(inode: Inode): void {
  const { inAil } = XFS_I(inode);
  if (!inAil.load()) inAil.store(true);
}
