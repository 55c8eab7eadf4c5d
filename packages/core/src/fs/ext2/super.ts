/**
 * Make, mount and check a filesystem.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data blocks
 * takes no space.
 *
 * @see fs/ext2/super.c (v5.14, v5.15)
 */
import { type BlockDevice, layBlock, letterCells } from '../../block/device.js';
import { fsckBlocks } from '../../block/fsck.js';
import { Inode, type SuperBlock } from '../../include/fs.js';
import { machine } from '../../machine.js';
import type { BlockPlace, FileSpec } from '../../plugin.js';
import { EXT2_I, type Ext2Block, Ext2InodeInfo, HOLE } from './ext2.js';

/** A file on a disk that is not mounted. */
interface Ext2Inode {
  readonly spec: FileSpec;
  readonly blocks: readonly Ext2Block[];
}

/** Make a filesystem with these files on an empty disk. Unwritten blocks, which ext2 does not know, are holes. */
export function ext2Mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
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

/**
 * Build the inodes of a filesystem that is being mounted.
 *
 * @param ops - The operations that they get.
 * @param info - Makes the filesystem's part of an inode.
 * @returns The inodes, for {@link ext2Fsck}.
 */
export function ext2FillSuper(
  sb: SuperBlock,
  ops: ConstructorParameters<typeof Inode>[2],
  info: (ino: number) => Ext2InodeInfo = (ino) => new Ext2InodeInfo(ino, sb.type),
): readonly Inode[] {
  return (sb.sBdev.meta as readonly Ext2Inode[]).map(({ spec, blocks }) => {
    const inode = new Inode(sb, spec.ino, ops, info(spec.ino));
    inode.iSize.init(spec.size);
    for (const [iblock, block] of blocks.entries()) EXT2_I(inode).iData.at(iblock).init(block);
    return inode;
  });
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
export function ext2Fsck(sb: SuperBlock): readonly string[] {
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
