/**
 * What ext2 keeps for each inode, and its lock against page-cache fills: for ext2, and for ext2 on a disk that is memory.
 *
 * Order of the locks, outer to inner: i_rwsem; mmap_lock; {@link ext2InvalidateSem}; page lock; truncate_mutex. `i_data`
 * (the block map) is changed under truncate_mutex and looked up without it.
 *
 * @see fs/ext2/ext2.h (v5.14, v5.15)
 */
import type { MappedBlock } from '../../block/fsck.js';
import type { Inode } from '../../include/fs.js';
import { type Phys, phys } from '../../include/units.js';
import { Mutex } from '../../locking/mutex.js';
import { Rwsem } from '../../locking/rwsem.js';
import { machine } from '../../machine.js';
import { takesInvalidateLock } from '../../mm/filemap/invalidate-lock.js';
import { SharedArray } from '../../sched/shared-var.js';

/** One block of the block map. Never changed in place. */
export interface Ext2Block extends MappedBlock {
  /** Disk block, or `-1` for a hole. */
  readonly phys: Phys;
  /** Generation of that block since it was allocated, or `-1`. */
  readonly gen: number;
}

/** A block that is not there. */
export const HOLE: Ext2Block = { phys: phys(-1), gen: -1 };

/** What looking up, allocating and freeing blocks is called in traces. */
export interface BlockMapVerbs {
  /** A look-up in the map. */
  readonly lookUp: string;
  /** Getting a block. */
  readonly allocate: string;
  /** Taking a block out of the map. */
  readonly forget: string;
  /** Giving a block back. */
  readonly free: string;
}

const EXT2_VERBS: BlockMapVerbs = {
  lookUp: 'ext2_get_branch',
  allocate: 'ext2_new_blocks',
  forget: 'ext2_free_data',
  free: 'ext2_free_blocks',
};

/** ext2's part of an inode. @see `struct ext2_inode_info` (v5.15) */
export class Ext2InodeInfo {
  /** The block map: block in the file -> block on disk. */
  readonly iData: SharedArray<Ext2Block>;
  /** `truncate_mutex`: held to change the map. */
  readonly truncateMutex: Mutex;
  /** `dax_sem`: in v5.14, what `mapping->invalidate_lock` is in v5.15; buffered fills do not know it. */
  readonly daxSem: Rwsem;

  /** What is done to the map, in the words of the filesystem. */
  readonly verbs: BlockMapVerbs;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   * @param verbs - For another filesystem with such a map: what it calls what is done to it.
   * @param mutex - And what it calls its lock.
   */
  constructor(
    ino: number,
    type: string,
    verbs: BlockMapVerbs = EXT2_VERBS,
    mutex = 'ext2_inode_info.truncate_mutex',
  ) {
    this.verbs = verbs;
    const show = ({ phys: block }: Ext2Block): string => (block < 0 ? 'hole' : `block ${block}`);
    this.iData = new SharedArray<Ext2Block>('i_data', () => HOLE, show, ino);
    this.truncateMutex = new Mutex(mutex, ino);
    this.daxSem = new Rwsem('ext2_inode_info.dax_sem', ino, type);
  }
}

/** ext2's part of an inode. */
export function EXT2_I(inode: Inode): Ext2InodeInfo {
  return inode.info as Ext2InodeInfo;
}

/** Blocks that a file can have. */
export function maxBlocks(): number {
  return Math.ceil(machine.maxBytes / machine.blockSize);
}

/**
 * The lock that truncation takes exclusive, DAX faults take shared, and in v5.15 fills do too. This is what the series
 * changed: before it, only DAX faults knew the lock.
 *
 * @departs v5.14 is built with CONFIG_FS_DAX. Without it there is no dax_sem, which buffered I/O does not notice.
 */
export function ext2InvalidateSem(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : EXT2_I(inode).daxSem;
}
