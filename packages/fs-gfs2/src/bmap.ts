/**
 * Where files are, and changing that: iomap, truncation, hole punching.
 *
 * All of it holds the glock exclusive, so that fills, which hold it shared, are kept away. Fills that no read or fault asked
 * for, advice's, do not hold it; and nobody here takes invalidate_lock.
 *
 * @see fs/gfs2/bmap.c (v5.14, v5.15)
 */
import {
  __ext2TruncateBlocks,
  ATTR_SIZE,
  ext2GetBlock,
  filemapWriteAndWaitRange,
  type Iattr,
  type Inode,
  IOMAP_WRITE,
  type Iomap,
  type IomapOps,
  inodeDioWait,
  inodeNewsizeOk,
  iomapTruncatePage,
  iomapZeroRange,
  iSizeWrite,
  type Loff,
  loff,
  machine,
  PAGE_SIZE,
  type Task,
  truncatePagecache,
  truncatePagecacheRange,
} from '@fsport/core';
import { gfs2GlockDqExclusive, gfs2GlockNqExclusive } from './glock.js';

/** Find a block, or for a write make it. @returns It, or a hole; `-ENOSPC`. @see `__gfs2_iomap_get()`, `__gfs2_iomap_alloc()` (v5.15) */
export function* gfs2IomapGet(inode: Inode, pos: number, create: boolean): Task<Iomap | number> {
  const { blockSize: length } = machine;
  const iblock = Math.floor(pos / length);
  const block = yield* ext2GetBlock(inode, iblock, create);
  if (typeof block === 'number') return block;
  const place = { offset: iblock * length, length };
  if (!block.mapped) return { ...place, type: 'hole', phys: [], gens: [] };
  return { ...place, type: 'mapped', phys: [block.phys], gens: [block.gen], isNew: block.new };
}

function writes(flags: number): boolean {
  return (flags & IOMAP_WRITE) !== 0;
}

/**
 * A write takes the glock here and keeps it until {@link gfs2IomapEnd}: over the copy from the program's memory, too.
 *
 * @see `gfs2_iomap_begin()`, `gfs2_write_lock()` (v5.14, v5.15)
 */
function* gfs2IomapBegin(inode: Inode, pos: number, _length: number, flags: number): Task<Iomap | number> {
  if (!writes(flags)) return yield* gfs2IomapGet(inode, pos, false);
  yield* gfs2GlockNqExclusive(inode);
  const iomap = yield* gfs2IomapGet(inode, pos, true);
  if (typeof iomap === 'number') yield* gfs2GlockDqExclusive(inode);
  return iomap;
}

/**
 * What a write got and did not use goes back, but only in whole blocks of what was asked for: one that it would have written in
 * part stays, with what it held before.
 *
 * @see `gfs2_iomap_end()` (v5.14, v5.15)
 */
function* gfs2IomapEnd(
  ...[inode, pos, length, written, flags, iomap]: Parameters<NonNullable<IomapOps['iomapEnd']>>
): Task<number> {
  if (!writes(flags)) return 0;
  const { blockSize } = machine;
  const start = Math.ceil((pos + written) / blockSize) * blockSize;
  const end = Math.floor((pos + length) / blockSize) * blockSize;
  if (length !== written && iomap.isNew === true && start < end) {
    yield* truncatePagecacheRange(inode, loff(start), loff(end - 1));
    yield* __ext2TruncateBlocks(inode, start, end / blockSize);
  }
  yield* gfs2GlockDqExclusive(inode);
  return 0;
}

/** @see `gfs2_iomap_ops` (v5.15) */
export const gfs2IomapOps: IomapOps = { iomapBegin: gfs2IomapBegin, iomapEnd: gfs2IomapEnd };

/**
 * Change the size.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes the glock exclusive. Not invalidate_lock.
 * @see fs/gfs2/inode.c `gfs2_setattr()`, `gfs2_setattr_size()`, `do_shrink()`, `do_grow()` (v5.14, v5.15)
 */
export function* gfs2Setattr(inode: Inode, attr: Iattr): Task<number> {
  const { iaSize: size } = attr;
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  yield* gfs2GlockNqExclusive(inode);
  let err = inodeNewsizeOk(inode, size);
  if (err === 0) {
    yield* inodeDioWait(inode);
    err = yield* setSize(inode, size);
  }
  yield* gfs2GlockDqExclusive(inode);
  return err;
}

function* setSize(inode: Inode, size: Loff): Task<number> {
  const shrinks = size < inode.iSize.load(); // i_rwsem
  const err = shrinks ? yield* iomapTruncatePage(inode, size, gfs2IomapOps) : 0;
  if (err < 0) return err;
  yield* iSizeWrite(inode, size);
  if (!shrinks) return 0;
  yield* truncatePagecache(inode, size);
  yield* __ext2TruncateBlocks(inode, size);
  return 0;
}

/**
 * Punch a hole: the parts of blocks at its ends are zeroed, what is cached is dropped, the blocks are freed.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and the glock, exclusive. Not invalidate_lock.
 * @see `__gfs2_punch_hole()` (v5.14, v5.15)
 */
export function* __gfs2PunchHole(inode: Inode, offset: Loff, length: Loff): Task<number> {
  const end = Math.min(offset + length, Math.ceil(inode.iSize.load() / PAGE_SIZE) * PAGE_SIZE);
  if (end <= offset) return 0;
  const [from, to] = [Math.ceil(offset / PAGE_SIZE) * PAGE_SIZE, Math.floor(end / PAGE_SIZE) * PAGE_SIZE];
  const parts =
    from > to
      ? [[offset, end] as const]
      : ([
          [offset, from],
          [to, end],
        ] as const);
  for (const [start, upto] of parts) {
    const err = upto > start ? yield* iomapZeroRange(inode, start, upto - start, gfs2IomapOps) : 0;
    if (err < 0) return err;
  }
  const err = yield* filemapWriteAndWaitRange(inode.iMapping, offset, loff(end - 1));
  if (err !== 0) return err;
  yield* truncatePagecacheRange(inode, offset, loff(end - 1));
  if (to > from) yield* __ext2TruncateBlocks(inode, from, to / machine.blockSize);
  return 0;
}
