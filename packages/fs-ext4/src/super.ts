/**
 * Make, mount and check a filesystem; tear an inode down.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data
 * blocks (inode table, bitmaps, journal) takes no space.
 *
 * @see fs/ext4/super.c, fs/ext4/inode.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type BlockSpec,
  type FileSpec,
  fsckBlocks,
  Inode,
  iSizeWrite,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  SuperBlock,
  type SuperOperations,
  type Task,
  truncateInodePagesFinal,
} from '@fsport/core';
import {
  EXT4_I,
  EXT4_SB,
  Ext4InodeInfo,
  Ext4SbInfo,
  type Extent,
  ext4JournalStart,
  ext4JournalStop,
  HOLE,
} from './ext4.js';
import { ext4FileOperations } from './file.js';
import { ext4DaAops, ext4Setattr, ext4TruncateBlocks } from './inode.js';

/** Filesystem type. */
export const TYPE = 'ext4';

/** A file on a disk that is not mounted. */
interface Ext4Inode {
  readonly spec: FileSpec;
  readonly extents: readonly Extent[];
}

/** Make a filesystem with these files on an empty disk. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec): Ext4Inode => {
    const extents = spec.blocks.map((block, lblk) => lay(bdev, spec, block, lblk));
    return { spec, extents };
  });
}

function lay(bdev: BlockDevice, { ino, size }: FileSpec, block: BlockSpec, lblk: number): Extent {
  if (block === 'hole') return HOLE;
  const unwritten = block === 'unwritten';
  const cells = unwritten ? undefined : letterCells(ino, lblk * machine.blockSize, size, block.data);
  const phys = layBlock(bdev, ino, cells);
  const { gen } = bdev.blocks.at(phys).peek();
  return { state: unwritten ? 'unwritten' : 'mapped', phys, gen };
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, new Ext4SbInfo(TYPE), { evictInode: ext4EvictInode });
  const ops = { aOps: ext4DaAops, iOp: { setattr: ext4Setattr }, iFop: ext4FileOperations };
  for (const { spec, extents } of bdev.meta as readonly Ext4Inode[]) {
    const inode = new Inode(sb, spec.ino, ops, new Ext4InodeInfo(spec.ino, TYPE));
    const info = EXT4_I(inode);
    inode.iSize.init(spec.size);
    info.iDisksize.init(spec.size);
    info.keepSize = spec.blocks.length > blocksOf(spec.size);
    for (const [lblk, extent] of extents.entries()) info.iData.at(lblk).init(extent);
    EXT4_SB(sb).inodes.push(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers. @see fs/ext4/inode.c `ext4_bmap()` (v5.15) */
export function ext4Bmap(inode: Inode, iblock: number): BlockPlace {
  return EXT4_I(inode).iData.at(iblock).peek();
}

/**
 * Tear an inode down; with its last link its blocks go too.
 *
 * @context Sleeps. Nobody else has the inode, so that no lock against fills is taken; takes a transaction and
 *   i_data_sem exclusive.
 * @see fs/ext4/inode.c `ext4_evict_inode()`, fs/ext4/super.c `ext4_clear_inode()` (v5.15)
 */
const ext4EvictInode: NonNullable<SuperOperations['evictInode']> = function* (inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  if (inode.iNlink === 0) {
    yield* ext4JournalStart(inode);
    yield* iSizeWrite(inode, 0);
    yield* ext4TruncateBlocks(inode);
    yield* ext4JournalStop(inode);
    return;
  }
  // What was reserved for pages that are gone will not be allocated.
  const dirty = EXT4_SB(inode.iSb).sDirtyclustersCounter;
  for (const [lblk, { state }] of EXT4_I(inode).iData.peekAll()) {
    if (state !== 'delalloc') continue;
    EXT4_I(inode).iData.at(lblk).store(HOLE);
    dirty.store(dirty.load() - 1);
  }
};

function blocksOf(size: number): number {
  return Math.ceil(size / machine.blockSize);
}

/**
 * Check the filesystem: every block in a map has one owner and belongs to it, free blocks belong to nobody, nothing
 * lies beyond the end of a file unless it was put there, sizes and reservations add up.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const inodes = EXT4_SB(sb).inodes;
  const found = [
    ...fsckBlocks(
      sb,
      inodes.map((inode) => ({ inode, map: EXT4_I(inode).iData })),
    ),
  ];
  let reserved = 0;
  for (const inode of inodes) {
    for (const [, { state }] of EXT4_I(inode).iData.peekAll()) if (state === 'delalloc') reserved++;
    found.push(...checkSize(inode));
  }
  const counted = EXT4_SB(sb).sDirtyclustersCounter.peek();
  if (counted !== reserved)
    found.push(`${counted} blocks are reserved, ${reserved} delayed blocks are in the maps`);
  return found;
}

function checkSize(inode: Inode): string[] {
  const { iData, iDisksize, keepSize } = EXT4_I(inode);
  const [size, disksize] = [inode.iSize.peek(), iDisksize.peek()];
  const found: string[] = [];
  const extents = [...iData.peekAll()];
  for (const [lblk, { state }] of extents) {
    if (state !== 'hole' && lblk >= blocksOf(size) && !keepSize) {
      found.push(`block ${lblk} of inode ${inode.iIno} is ${state} and lies beyond its size ${size}`);
    }
  }
  // A delayed block or a dirty page raises i_disksize when it is written.
  const pages = [...inode.iMapping.iPages.peekAll()];
  const pending =
    extents.some(([, { state }]) => state === 'delalloc') ||
    pages.some(
      ([, slot]) => slot !== null && 'dirty' in slot && (slot.dirty.peek() || slot.writeback.peek()),
    );
  if (disksize > size || (disksize < size && !pending)) {
    found.push(`inode ${inode.iIno} has i_size ${size} and i_disksize ${disksize}`);
  }
  return found;
}
