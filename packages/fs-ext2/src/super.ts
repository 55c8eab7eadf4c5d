/**
 * Make, mount and check a filesystem.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data blocks
 * takes no space.
 *
 * @see fs/ext2/super.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type FileSpec,
  fsckBlocks,
  genericFileFsync,
  genericFileMmap,
  genericFileReadIter,
  genericFileWriteIter,
  Inode,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  SuperBlock,
} from '@fsport/core';
import { EXT2_I, type Ext2Block, Ext2InodeInfo, HOLE } from './ext2.js';
import { ext2Aops, ext2EvictInode, ext2Setattr } from './inode.js';

/** Filesystem type. */
export const TYPE = 'ext2';

/** A file on a disk that is not mounted. */
interface Ext2Inode {
  readonly spec: FileSpec;
  readonly blocks: readonly Ext2Block[];
}

/** File operations: the generic ones. @see fs/ext2/file.c `ext2_file_operations` (v5.15) */
export const ext2FileOperations = {
  readIter: genericFileReadIter,
  writeIter: genericFileWriteIter,
  fsync: genericFileFsync,
  mmap: genericFileMmap,
};

/** Inode operations. @see fs/ext2/file.c `ext2_file_inode_operations` (v5.15) */
export const ext2FileInodeOperations = { setattr: ext2Setattr };

/** Make a filesystem with these files on an empty disk. Unwritten blocks, which ext2 does not know, are holes. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  const { blockSize } = machine;
  bdev.meta = files.map((spec): Ext2Inode => {
    const blocks = spec.blocks.map((block, i): Ext2Block => {
      if (typeof block === 'string') return HOLE;
      const cells = letterCells(spec.ino, i * blockSize, spec.size, block.data);
      return { phys: layBlock(bdev, spec.ino, cells), gen: 0 };
    });
    return { spec, blocks };
  });
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const inodes: Inode[] = [];
  const sb = new SuperBlock(TYPE, profile, bdev, inodes, { evictInode: ext2EvictInode });
  const ops = { aOps: ext2Aops, iOp: ext2FileInodeOperations, iFop: ext2FileOperations };
  for (const { spec, blocks } of bdev.meta as readonly Ext2Inode[]) {
    const inode = new Inode(sb, spec.ino, ops, new Ext2InodeInfo(spec.ino, TYPE));
    inode.iSize.init(spec.size);
    for (const [iblock, block] of blocks.entries()) EXT2_I(inode).iData.at(iblock).init(block);
    inodes.push(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers. @see fs/ext2/inode.c `ext2_bmap()` (v5.15) */
export function ext2Bmap(inode: Inode, iblock: number): BlockPlace {
  const { phys } = EXT2_I(inode).iData.at(iblock).peek();
  return { state: phys < 0 ? 'hole' : 'mapped', phys };
}

/**
 * Check the filesystem: every block has one owner, and nothing lies beyond the end of a file.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const inodes = sb.sFsInfo as readonly Inode[];
  const found = [
    ...fsckBlocks(
      sb,
      inodes.map((inode) => ({ inode, map: EXT2_I(inode).iData })),
    ),
  ];
  for (const inode of inodes) {
    const size = inode.iSize.peek();
    for (const [iblock, { phys }] of EXT2_I(inode).iData.peekAll()) {
      if (phys < 0 || iblock * machine.blockSize < size) continue;
      found.push(`block ${iblock} of inode ${inode.iIno} lies beyond its size ${size}`);
    }
  }
  return found;
}
