/**
 * Where the blocks of a file are, as iomap asks for it.
 *
 * @see fs/ext2/inode.c (v5.14, v5.15)
 */
import {
  ext2GetBlock,
  type Inode,
  IOMAP_WRITE,
  type Iomap,
  type IomapOps,
  machine,
  type Task,
} from '@fsport/core';

/**
 * @returns One block, or a hole; `-ENOSPC`.
 * @context Sleeps. Takes truncate_mutex to allocate.
 * @see fs/ext2/inode.c `ext2_iomap_begin()` (v5.15)
 */
function* ext2IomapBegin(inode: Inode, pos: number, _length: number, flags: number): Task<Iomap | number> {
  const { blockSize: length } = machine;
  const iblock = Math.floor(pos / length);
  const block = yield* ext2GetBlock(inode, iblock, (flags & IOMAP_WRITE) !== 0);
  if (typeof block === 'number') return block;
  const place = { offset: iblock * length, length };
  if (!block.mapped) return { ...place, type: 'hole', phys: [], gens: [] };
  return { ...place, type: 'mapped', phys: [block.phys], gens: [block.gen], isNew: block.new };
}

/**
 * What iomap asks of ext2.
 *
 * @departs There is no iomap_end: it takes back what a write got and did not use, and here no copy is short after the
 *   blocks were allocated.
 * @see fs/ext2/inode.c `ext2_iomap_ops` (v5.15)
 */
export const ext2IomapOps: IomapOps = { iomapBegin: ext2IomapBegin };
