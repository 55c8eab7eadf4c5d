/**
 * What ocfs2 keeps for each inode and each mount.
 *
 * Order of the locks, outer to inner: i_rwsem; rw lock of the cluster; mmap_lock; inode lock of the cluster; ip_alloc_sem; page
 * lock. A fill has the page lock first, and only tries ip_alloc_sem. The extent map is changed under ip_alloc_sem exclusive
 * and looked up under it shared, except by writeback, which believes the buffers of a page and takes no such lock.
 *
 * @departs A cluster is a block is a page, as on a disk of 4 KiB blocks and clusters.
 * @see fs/ocfs2/inode.h, fs/ocfs2/ocfs2.h (v5.14, v5.15)
 */
import {
  type Inode,
  type MappedBlock,
  machine,
  type Phys,
  phys,
  Rwsem,
  SharedArray,
  SharedCounter,
  SharedVar,
  type SuperBlock,
} from '@fsport/core';

/** One cluster of the extent map. Never changed in place. */
export interface Ocfs2Extent extends MappedBlock {
  /** Disk block, or `-1` for a hole. */
  readonly phys: Phys;
  /** Generation of that block since it was allocated, or `-1`. */
  readonly gen: number;
}

/** A cluster that is not there. */
export const HOLE: Ocfs2Extent = { phys: phys(-1), gen: -1 };

/** A lock of the cluster. @see fs/ocfs2/ocfs2.h `struct ocfs2_lock_res` (v5.15) */
export class Ocfs2LockRes {
  /** Holders for reading. */
  readonly lRoHolders: SharedCounter;
  /** Holders for writing. */
  readonly lExHolders: SharedCounter;

  /**
   * @param label - Kernel spelling.
   * @param ino - Inode number.
   */
  constructor(label: string, ino: number) {
    this.lRoHolders = new SharedCounter(`${label}.l_ro_holders`, 0, ino);
    this.lExHolders = new SharedCounter(`${label}.l_ex_holders`, 0, ino);
  }
}

/** ocfs2's part of an inode. @see fs/ocfs2/inode.h `struct ocfs2_inode_info` (v5.15) */
export class Ocfs2InodeInfo {
  /** `ip_alloc_sem`: exclusive to change the extent map, shared to look something up and begin to read it. */
  readonly ipAllocSem: Rwsem;
  /** `ip_rw_lockres`: data of the file, between nodes. */
  readonly ipRwLockres: Ocfs2LockRes;
  /** `ip_inode_lockres`: what the inode says, between nodes. */
  readonly ipInodeLockres: Ocfs2LockRes;
  /** The extent map: block in the file -> block on disk. */
  readonly extents: SharedArray<Ocfs2Extent>;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   */
  constructor(ino: number, type: string) {
    const show = ({ phys: block }: Ocfs2Extent): string => (block < 0 ? 'hole' : `block ${block}`);
    this.ipAllocSem = new Rwsem('ocfs2_inode_info.ip_alloc_sem', ino, type);
    this.ipRwLockres = new Ocfs2LockRes('ip_rw_lockres', ino);
    this.ipInodeLockres = new Ocfs2LockRes('ip_inode_lockres', ino);
    this.extents = new SharedArray<Ocfs2Extent>('ocfs2_extent_map', () => HOLE, show, ino);
  }
}

/** ocfs2's part of an inode. */
export function OCFS2_I(inode: Inode): Ocfs2InodeInfo {
  return inode.info as Ocfs2InodeInfo;
}

/** A cluster in the truncate log. @see fs/ocfs2/ocfs2_fs.h `struct ocfs2_truncate_rec` (v5.15) */
export interface Ocfs2TruncateRec {
  /** The file it was taken from. */
  readonly ino: number;
  /** The block. */
  readonly phys: Phys;
}

/** ocfs2's part of a mount. @see fs/ocfs2/ocfs2.h `struct ocfs2_super` (v5.15) */
export class Ocfs2Super {
  /** Its inodes, evicted ones included. */
  readonly inodes: Inode[] = [];
  /** The truncate log: clusters that no file has any more, and that nobody can have yet. */
  readonly truncateLog: SharedVar<readonly Ocfs2TruncateRec[]>;

  constructor() {
    this.truncateLog = new SharedVar<readonly Ocfs2TruncateRec[]>('ocfs2_truncate_log', []);
    this.truncateLog.show = (recs) => `${recs.length} clusters`;
  }
}

/** ocfs2's part of a mount. */
export function OCFS2_SB(sb: SuperBlock): Ocfs2Super {
  return sb.sFsInfo as Ocfs2Super;
}

/** Blocks that a file can have. */
export function maxBlocks(): number {
  return Math.ceil(machine.maxBytes / machine.blockSize);
}
