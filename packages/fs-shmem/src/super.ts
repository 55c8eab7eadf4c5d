/**
 * mkfs, mount, iget, bmap, fsck: a file is what its page cache and swap hold, so that mounting is what makes the pages.
 *
 * @see mm/shmem.c `shmem_fill_super()`, `shmem_get_inode()` (v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type BlockSpec,
  type Cells,
  type FileSpec,
  Inode,
  isPage,
  letterCells,
  type MountOptions,
  machine,
  PAGE_SIZE,
  Page,
  pgoff,
  type SharedVar,
  SuperBlock,
  UsageError,
} from '@fsport/core';
import { shmemAops, shmemEvictInode, shmemFileOperations, shmemInodeOperations } from './file.js';
import { PROFILES, SHMEM_I, ShmemInodeInfo, type ShmemProfile, TYPE } from './shmem.js';

/** Note the files: there is no disk to put them on. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files;
}

/** Make the inodes, and their pages: dirty, as everything that was ever written is. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, PROFILES[profile] as ShmemProfile, {
    evictInode: shmemEvictInode,
  });
  const ops = { aOps: shmemAops, iOp: shmemInodeOperations, iFop: shmemFileOperations };
  for (const spec of bdev.meta as readonly FileSpec[]) {
    const inode = new Inode(sb, spec.ino, ops, new ShmemInodeInfo(spec.ino));
    inode.iSize.init(spec.size);
    fill(inode, spec);
  }
  return sb;
}

function fill(inode: Inode, spec: FileSpec): void {
  const perPage = PAGE_SIZE / machine.blockSize;
  for (let index = 0; index * perPage < spec.blocks.length; index++) {
    const blocks = spec.blocks.slice(index * perPage, (index + 1) * perPage);
    if (blocks.every((block) => block === 'hole')) continue;
    const page = new Page(pgoff(index), false);
    for (const [i, block] of blocks.entries()) layBlock(page, i, block, spec);
    // A page that was only allocated is not valid.
    page.uptodate.init(blocks.some((block) => typeof block !== 'string'));
    page.dirty.init(true);
    page.mapping.init(inode.iMapping);
    inode.iMapping.iPages.at(index).init(page);
    inode.iMapping.nrpages.init(inode.iMapping.nrpages.peek() + 1);
  }
}

function layBlock(page: Page, block: number, what: BlockSpec, { ino, size }: FileSpec): void {
  if (typeof what === 'string') return;
  const pos = page.index * PAGE_SIZE + block * machine.blockSize;
  const cells = letterCells(ino, pos, size, what.data);
  const zeroes = (page.content[block] as SharedVar<Cells>).peek().slice(cells.length);
  (page.content[block] as SharedVar<Cells>).init([...cells, ...zeroes]);
}

/** @throws UsageError `BAD_OPTION` if mkfs made no such file. */
export function iget(sb: SuperBlock, ino: number): Inode {
  const inode = sb.inodes.get(ino);
  if (inode !== undefined) return inode;
  throw new UsageError('BAD_OPTION', { ino }, `There is no inode ${ino}. Give mkfs a file of that number.`);
}

/**
 * Where a block is. What is dirty or in swap is known to memory alone; a clean page may vanish at any moment, so that it
 * must look like the hole that it leaves.
 */
export function bmap(inode: Inode, iblock: number): BlockPlace {
  const slot = inode.iMapping.iPages.at(Math.floor((iblock * machine.blockSize) / PAGE_SIZE)).peek();
  const hole = slot === null || (isPage(slot) && !slot.dirty.peek());
  return { state: hole ? 'hole' : 'delalloc', phys: -1 };
}

/** Nothing is in progress, so that nothing says that it is. */
export function fsck(sb: SuperBlock): readonly string[] {
  return [...sb.inodes.values()]
    .filter((inode) => SHMEM_I(inode).iPrivate.peek() !== null)
    .map(({ iIno }) => `i_private of inode ${iIno} still points to a fallocate(2) that has ended`);
}
