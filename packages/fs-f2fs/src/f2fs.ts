/**
 * What f2fs keeps for each inode and each mount, and its locks.
 *
 * Order, outer to inner: i_rwsem; i_gc_rwsem[READ]; i_gc_rwsem[WRITE]; mmap_lock; {@link f2fsInvalidateLock}; cp_rwsem; page
 * lock; node_change. The page lock also ranks above cp_rwsem, in writeback, which therefore only tries it.
 *
 * @see fs/f2fs/f2fs.h (v5.14, v5.15)
 */
import {
  downRead,
  downReadTrylock,
  downWrite,
  type Inode,
  iSizeWrite,
  type MappedBlock,
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

/** Where one block of a file is. Never changed in place. @see `block_t` */
export interface BlockAddr extends MappedBlock {
  /** Disk block, or `-1`. */
  readonly phys: Phys;
  /** Generation of that block since it was allocated, or `-1`. */
  readonly gen: number;
}

/** A hole. */
export const NULL_ADDR: BlockAddr = { phys: phys(-1), gen: -1 };

/** A block that is reserved, gets its place when it is written back, and reads as zeroes until then. */
export const NEW_ADDR: BlockAddr = { phys: phys(-1), gen: -1 };

function showAddr(addr: BlockAddr): string {
  return addr === NULL_ADDR ? 'hole' : addr === NEW_ADDR ? 'reserved' : `block ${addr.phys}`;
}

/** f2fs's part of an inode. @see `struct f2fs_inode_info` (v5.15) */
export class F2fsInodeInfo {
  /** The node pages: block in the file -> where it is. */
  readonly addr: SharedArray<BlockAddr>;
  /** `i_gc_rwsem[READ]`: exclusive to move blocks, shared for direct I/O. */
  readonly iGcRwsemRead: Rwsem;
  /** `i_gc_rwsem[WRITE]`: exclusive to move or remove blocks: what keeps GC and punch apart. */
  readonly iGcRwsemWrite: Rwsem;
  /** `i_mmap_sem`: in v5.14, what `mapping->invalidate_lock` is in v5.15; read(2) does not know it. */
  readonly iMmapSem: Rwsem;
  /** Blocks beyond the end of the file are there on purpose. @see `file_set_keep_isize()` */
  keepIsize = false;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   */
  constructor(ino: number, type: string) {
    this.addr = new SharedArray<BlockAddr>('i_addr', () => NULL_ADDR, showAddr, ino);
    this.iGcRwsemRead = new Rwsem('f2fs_inode_info.i_gc_rwsem_read', ino, type);
    this.iGcRwsemWrite = new Rwsem('f2fs_inode_info.i_gc_rwsem_write', ino, type);
    this.iMmapSem = new Rwsem('f2fs_inode_info.i_mmap_sem', ino, type);
  }
}

/** f2fs's part of a mount. @see `struct f2fs_sb_info` (v5.15) */
export class F2fsSbInfo {
  /** `cp_rwsem`: shared by who changes the map; a checkpoint takes it exclusive. */
  readonly cpRwsem: Rwsem;
  /** `node_change`: shared by who reserves a block and holds a page lock. */
  readonly nodeChange: Rwsem;
  /** Every inode of the mount, evicted ones included: what fsck looks at. */
  readonly inodes: Inode[] = [];
  /** Disk blocks that the last checkpoint knows: they have to stay where a crash would look for them. */
  readonly checkpointed = new SharedVar<ReadonlySet<number>>('f2fs_checkpoint', new Set());

  /** @param type - Filesystem type. */
  constructor(type: string) {
    this.cpRwsem = new Rwsem('f2fs_sb_info.cp_rwsem', '', type);
    this.nodeChange = new Rwsem('f2fs_sb_info.node_change', '', type);
  }
}

/** f2fs's part of an inode. */
export function F2FS_I(inode: Inode): F2fsInodeInfo {
  return inode.info as F2fsInodeInfo;
}

/** f2fs's part of a mount. */
export function F2FS_SB(sb: SuperBlock): F2fsSbInfo {
  return sb.sFsInfo as F2fsSbInfo;
}

/**
 * Store a new size, if it is one.
 *
 * @context i_rwsem exclusive.
 * @see fs/f2fs/f2fs.h `f2fs_i_size_write()` (v5.15)
 */
export function* f2fsISizeWrite(inode: Inode, size: number): Task<void> {
  if (inode.iSize.load() !== size) yield* iSizeWrite(inode, size);
}

/** Blocks that a file can have. A block is a page. @see `max_file_blocks()` */
export function maxFileBlocks(): number {
  return Math.ceil(machine.maxBytes / PAGE_SIZE);
}

/**
 * The lock that keeps page-cache fills away from invalidations. This is what the series changed: before it, f2fs had one of
 * its own, which faults took and reads, readahead and advice did not.
 */
function f2fsInvalidateSem(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : F2FS_I(inode).iMmapSem;
}

/** Keep fills and mkwrite out. @context Sleeps. */
export function f2fsInvalidateLock(inode: Inode): Task<void> {
  return downWrite(f2fsInvalidateSem(inode));
}

/** Let fills and mkwrite in again. */
export function f2fsInvalidateUnlock(inode: Inode): Task<void> {
  return upWrite(f2fsInvalidateSem(inode));
}

/** Keep invalidations out. @context Sleeps. */
export function f2fsInvalidateLockShared(inode: Inode): Task<void> {
  return downRead(f2fsInvalidateSem(inode));
}

/** Let invalidations in again. */
export function f2fsInvalidateUnlockShared(inode: Inode): Task<void> {
  return upRead(f2fsInvalidateSem(inode));
}

/**
 * Keep GC, fills and mkwrite out, run something, let them in again: how blocks are removed.
 *
 * @param body - What to run.
 * @returns What it returns.
 * @context Sleeps. i_rwsem exclusive.
 */
export function* withoutGcAndFills<T>(inode: Inode, body: Task<T>): Task<T> {
  yield* downWrite(F2FS_I(inode).iGcRwsemWrite);
  yield* f2fsInvalidateLock(inode);
  const result = yield* body;
  yield* f2fsInvalidateUnlock(inode);
  yield* upWrite(F2FS_I(inode).iGcRwsemWrite);
  return result;
}

/**
 * Keep a checkpoint out.
 *
 * @context Sleeps.
 * @departs A block that is freed can be reused at once instead of after the next checkpoint, which shows more.
 * @see fs/f2fs/f2fs.h `f2fs_lock_op()` (v5.15)
 */
export function f2fsLockOp(inode: Inode): Task<void> {
  return downRead(F2FS_SB(inode.iSb).cpRwsem);
}

/** The same without waiting: under a page lock. @returns Whether it was taken. @see `f2fs_trylock_op()` (v5.15) */
export function f2fsTrylockOp(inode: Inode): Task<boolean> {
  return downReadTrylock(F2FS_SB(inode.iSb).cpRwsem);
}

/** @see fs/f2fs/f2fs.h `f2fs_unlock_op()` (v5.15) */
export function f2fsUnlockOp(inode: Inode): Task<void> {
  return upRead(F2FS_SB(inode.iSb).cpRwsem);
}

/**
 * Keep nodes from being flushed while a block is reserved: what a page lock may be held over.
 *
 * @param body - What reserves.
 * @returns What it returns.
 * @context Sleeps.
 * @see fs/f2fs/data.c `f2fs_do_map_lock()` with F2FS_GET_BLOCK_PRE_AIO (v5.15)
 */
export function* withNodeChange<T>(inode: Inode, body: Task<T>): Task<T> {
  const { nodeChange } = F2FS_SB(inode.iSb);
  yield* downRead(nodeChange);
  const result = yield* body;
  yield* upRead(nodeChange);
  return result;
}
