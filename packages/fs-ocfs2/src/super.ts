/**
 * Make, mount and check a filesystem; tear an inode down.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data blocks
 * takes no space.
 *
 * @see fs/ocfs2/super.c, fs/ocfs2/inode.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type FileSpec,
  fsckBlocks,
  Inode,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  SuperBlock,
  type Task,
  truncateInodePagesFinal,
} from '@fsport/core';
import { ocfs2FlushTruncateLog, removeClusters } from './alloc.js';
import { ocfs2Aops } from './aops.js';
import { ocfs2Fops, ocfs2Setattr } from './file.js';
import { HOLE, OCFS2_I, OCFS2_SB, type Ocfs2Extent, Ocfs2InodeInfo, Ocfs2Super } from './ocfs2.js';

/** Filesystem type. */
export const TYPE = 'ocfs2';

/** Inode operations. @see fs/ocfs2/file.c `ocfs2_file_iops` (v5.15) */
export const ocfs2FileIops = { setattr: ocfs2Setattr };

/** A file on a disk that is not mounted. */
interface Ocfs2Dinode {
  readonly spec: FileSpec;
  readonly extents: readonly Ocfs2Extent[];
}

/** Make a filesystem with these files on an empty disk. Unwritten blocks, which this model does not know, are holes. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec): Ocfs2Dinode => {
    const extents = spec.blocks.map((block, i): Ocfs2Extent => {
      if (typeof block === 'string') return HOLE;
      const cells = letterCells(spec.ino, i * machine.blockSize, spec.size, block.data);
      return { phys: layBlock(bdev, spec.ino, cells), gen: 0 };
    });
    return { spec, extents };
  });
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const osb = new Ocfs2Super();
  const sb = new SuperBlock(TYPE, profile, bdev, osb, {
    evictInode: ocfs2EvictInode,
    // Not converted: every removal of pages is ordered by ip_alloc_sem alone.
    exempt: { truncate_inode_pages_range: 'invalidate_lock', invalidatepage: 'invalidate_lock' },
  });
  const ops = { aOps: ocfs2Aops, iOp: ocfs2FileIops, iFop: ocfs2Fops };
  for (const { spec, extents } of bdev.meta as readonly Ocfs2Dinode[]) {
    const inode = new Inode(sb, spec.ino, ops, new Ocfs2InodeInfo(spec.ino, TYPE));
    inode.iSize.init(spec.size);
    for (const [cpos, extent] of extents.entries()) OCFS2_I(inode).extents.at(cpos).init(extent);
    osb.inodes.push(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers. @see fs/ocfs2/aops.c `ocfs2_bmap()` (v5.15) */
export function ocfs2Bmap(inode: Inode, iblock: number): BlockPlace {
  const { phys } = OCFS2_I(inode).extents.at(iblock).peek();
  return { state: phys < 0 ? 'hole' : 'mapped', phys };
}

/**
 * Tear an inode down; with its last link its clusters go too.
 *
 * @context Sleeps. Nobody else has the inode.
 * @see fs/ocfs2/inode.c `ocfs2_evict_inode()`, `ocfs2_wipe_inode()` (v5.14, v5.15)
 */
function* ocfs2EvictInode(inode: Inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  if (inode.iNlink > 0) return;
  yield* removeClusters(inode, 0);
  yield* ocfs2FlushTruncateLog(inode.iSb);
}

/**
 * Check the filesystem: every block has one owner, the truncate log is empty, nothing lies beyond the end of a file, and no
 * lock of the cluster is held.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const { inodes, truncateLog } = OCFS2_SB(sb);
  const found = [
    ...fsckBlocks(
      sb,
      inodes.map((inode) => ({ inode, map: OCFS2_I(inode).extents })),
    ),
  ];
  for (const { phys } of truncateLog.peek()) found.push(`disk block ${phys} is in the truncate log`);
  for (const inode of inodes) {
    const size = inode.iSize.peek();
    const { extents, ipInodeLockres, ipRwLockres } = OCFS2_I(inode);
    for (const [cpos, { phys }] of extents.peekAll()) {
      if (phys < 0 || cpos * machine.blockSize < size || inode.iNlink === 0) continue;
      found.push(`block ${cpos} of inode ${inode.iIno} lies beyond its size ${size}`);
    }
    for (const { lExHolders, lRoHolders } of [ipInodeLockres, ipRwLockres])
      for (const holders of [lExHolders, lRoHolders])
        if (holders.peek() !== 0) found.push(`${holders.name} is ${holders.peek()}`);
  }
  return found;
}
