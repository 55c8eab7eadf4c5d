/**
 * Make, mount and check a filesystem; tear an inode down.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data blocks
 * takes no space.
 *
 * @see fs/f2fs/super.c, fs/f2fs/inode.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type FileSpec,
  fsckBlocks,
  Inode,
  iSizeWrite,
  layBlock,
  letterCells,
  type MountOptions,
  PAGE_SIZE,
  SuperBlock,
  type Task,
  truncateInodePagesFinal,
} from '@fsport/core';
import { f2fsDblockAops, f2fsTruncateBlocks } from './data.js';
import { type BlockAddr, F2FS_I, F2FS_SB, F2fsInodeInfo, F2fsSbInfo, NEW_ADDR, NULL_ADDR } from './f2fs.js';
import { f2fsFileInodeOperations, f2fsFileOperations } from './file.js';
import { gcDataSegment } from './gc.js';

/** Filesystem type. */
export const TYPE = 'f2fs';

/** A file on a disk that is not mounted. */
interface F2fsInode {
  readonly spec: FileSpec;
  readonly addr: readonly BlockAddr[];
}

/** Make a filesystem with these files on an empty disk; no checkpoint since. Unwritten blocks are reserved ones. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec): F2fsInode => {
    const addr = spec.blocks.map((block, index): BlockAddr => {
      if (typeof block === 'string') return block === 'hole' ? NULL_ADDR : NEW_ADDR;
      const cells = letterCells(spec.ino, index * PAGE_SIZE, spec.size, block.data);
      return { phys: layBlock(bdev, spec.ino, cells), gen: 0 };
    });
    return { spec, addr };
  });
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const files = bdev.meta as readonly F2fsInode[];
  const info = new F2fsSbInfo(TYPE);
  const sb = new SuperBlock(TYPE, profile, bdev, info, { evictInode: f2fsEvictInode, gc: gcDataSegment });
  const ops = { aOps: f2fsDblockAops, iOp: f2fsFileInodeOperations, iFop: f2fsFileOperations };
  for (const { spec, addr } of files) {
    const inode = new Inode(sb, spec.ino, ops, new F2fsInodeInfo(spec.ino, TYPE));
    inode.iSize.init(spec.size);
    F2FS_I(inode).keepIsize = addr.length > Math.ceil(spec.size / PAGE_SIZE);
    for (const [index, one] of addr.entries()) F2FS_I(inode).addr.at(index).init(one);
    info.inodes.push(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers. @see fs/f2fs/data.c `f2fs_bmap()` (v5.15) */
export function f2fsBmap(inode: Inode, iblock: number): BlockPlace {
  const addr = F2FS_I(inode).addr.at(iblock).peek();
  if (addr === NEW_ADDR) return { state: 'unwritten', phys: addr.phys };
  return { state: addr === NULL_ADDR ? 'hole' : 'mapped', phys: addr.phys };
}

/**
 * Tear an inode down; with its last link its blocks go too.
 *
 * @context Sleeps. Nobody else has the inode, so that no lock against fills is taken.
 * @see fs/f2fs/inode.c `f2fs_evict_inode()` (v5.14, v5.15)
 */
function* f2fsEvictInode(inode: Inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  if (inode.iNlink > 0) return;
  yield* iSizeWrite(inode, 0);
  yield* f2fsTruncateBlocks(inode, 0);
}

/**
 * Check the filesystem: every block has one owner, and nothing lies beyond the end of a file unless it was put there.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const { inodes } = F2FS_SB(sb);
  const found = [
    ...fsckBlocks(
      sb,
      inodes.map((inode) => ({ inode, map: F2FS_I(inode).addr })),
    ),
  ];
  for (const inode of inodes) {
    const size = inode.iSize.peek();
    const { addr, keepIsize } = F2FS_I(inode);
    for (const [index, one] of addr.peekAll()) {
      if (one === NULL_ADDR || index * PAGE_SIZE < size || keepIsize) continue;
      found.push(`block ${index} of inode ${inode.iIno} lies beyond its size ${size}`);
    }
  }
  return found;
}
