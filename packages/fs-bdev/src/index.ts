/**
 * A model of a block device's page cache, before (`v5.14`) and after (`v5.15`) fallocate(2) on it took the shared
 * `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import {
  type BlockDevice,
  type BlockPlace,
  defineFileSystem,
  type FileSpec,
  Inode,
  inodeByNumber,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  SuperBlock,
} from '@fsport/core';
import { type BdevInodeInfo, blkdevInodeOperations, blockOf, defBlkAops, defBlkFops } from './fops.js';

const TYPE = 'bdev';

/** A device that nobody has opened: one of those that share the disk. */
interface Partition {
  readonly spec: FileSpec;
  readonly start: number;
}

/** Write the content of each device to the disk, one after the other. Holes and unwritten blocks are zeroes. */
function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  const { blockSize } = machine;
  bdev.meta = files.map((spec): Partition => {
    const blocks = Array.from({ length: Math.ceil(spec.size / blockSize) }, (_, i) => {
      const block = spec.blocks[i] ?? 'hole';
      const letters =
        typeof block === 'string' ? [] : letterCells(spec.ino, i * blockSize, spec.size, block.data);
      return layBlock(bdev, spec.ino, letters);
    });
    return { spec, start: blocks[0] ?? 0 };
  });
}

function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, null, {});
  const ops = { aOps: defBlkAops, iOp: blkdevInodeOperations, iFop: defBlkFops };
  for (const { spec, start } of bdev.meta as readonly Partition[]) {
    const inode = new Inode<BdevInodeInfo>(sb, spec.ino, ops, { start });
    inode.iSize.init(spec.size);
  }
  return sb;
}

function bmap(inode: Inode, iblock: number): BlockPlace {
  return { state: 'mapped', phys: blockOf(inode, iblock) };
}

/** There is nothing that could be out of order. */
function fsck(): readonly string[] {
  return [];
}

/** The model of a block device. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: 'f278eb3d8178',
      since: 'v5.15',
      title: 'block: hold ->invalidate_lock in blkdev_fallocate',
    },
  ],
  supports: {
    write: true,
    mmap: true,
    writeback: true,
    punchHole: true,
    zeroRange: true,
    nowait: true,
    readahead: true,
    subPageBlocks: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap,
  fsck,
  aOps: defBlkAops,
  iOps: blkdevInodeOperations,
  fOps: defBlkFops,
});
