/**
 * Moving blocks from one place of a file to another, or to another file.
 *
 * A block that the last checkpoint does not know only changes its place in the map. One that it knows has to stay where a
 * crash would look for it: its content is copied through the page cache to a new block, and the pages of both places stay in the
 * cache.
 *
 * @see fs/f2fs/file.c (v5.14, v5.15)
 */
import { giveBlock, type Inode, PAGE_SIZE, setPageDirty, type Task } from '@fsport/core';
import { f2fsGetLockDataPage, f2fsGetNewDataPage, f2fsPutPage } from './data.js';
import { type BlockAddr, F2FS_SB, f2fsISizeWrite, NULL_ADDR } from './f2fs.js';
import { f2fsTruncateHole, forEachAddr, nextNodePage, replaceAddr } from './node.js';

/** A block on its way. */
interface Moving {
  readonly addr: BlockAddr;
  /** It was taken out of the map, and goes to another place of one; otherwise it is copied. */
  readonly replace: boolean;
}

/**
 * Move blocks.
 *
 * @param src - Whose.
 * @param dst - To which file.
 * @param from - First block.
 * @param to - Its new place.
 * @param len - Blocks.
 * @param full - Holes move too, and make holes.
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem and i_gc_rwsem[WRITE] of both exclusive, cp_rwsem shared; takes page locks. Who moves
 *   blocks inside a file also keeps fills out.
 * @departs Space never runs out in the middle, so that nothing is rolled back.
 * @see fs/f2fs/file.c `__exchange_data_block()`, `__read_out_blkaddrs()`, `__clone_blkaddrs()` (v5.15)
 */
export function* exchangeDataBlock(
  src: Inode,
  dst: Inode,
  from: number,
  to: number,
  len: number,
  full: boolean,
): Task<number> {
  const moving = yield* readOut(src, from, from + len);
  for (let i = 0; i < len; ) {
    const { addr, replace } = moving[i] as Moving;
    if (replace || (addr === NULL_ADDR && full)) {
      i = yield* putIn(src, dst, moving, i, to);
      continue;
    }
    const err = addr === NULL_ADDR ? 0 : yield* copy(src, dst, from + i, to + i);
    if (err !== 0) return err;
    i++;
  }
  return 0;
}

/** Take the blocks that no checkpoint knows out of the map. @see `__read_out_blkaddrs()` (v5.15) */
function* readOut(inode: Inode, first: number, end: number): Task<readonly Moving[]> {
  const moving: Moving[] = [];
  yield* forEachAddr(inode, first, end, '__read_out_blkaddrs', (slot) => {
    const addr = slot.load();
    const replace = addr.phys >= 0 && !F2FS_SB(inode.iSb).checkpointed.load().has(addr.phys);
    if (replace) slot.store(NULL_ADDR);
    moving.push({ addr, replace });
  });
  return moving;
}

/**
 * Put blocks into the map, and the holes behind them, as far as their new places are in one node page: one hold of it.
 *
 * @param first - The first of `moving` that is put in.
 * @param to - New place of the first of all.
 * @returns The first that was not put in.
 * @see fs/f2fs/file.c `__clone_blkaddrs()`, fs/f2fs/segment.c `f2fs_replace_block()` (v5.15)
 */
function* putIn(src: Inode, dst: Inode, moving: readonly Moving[], first: number, to: number): Task<number> {
  const limit = Math.min(moving.length, nextNodePage(to + first) - to);
  const stays = ({ addr, replace }: Moving, i: number): boolean =>
    i > first && i < limit && !replace && addr !== NULL_ADDR;
  const found = moving.findIndex(stays);
  const end = found < 0 ? limit : found;
  let at = first;
  yield* forEachAddr(dst, to + first, to + end, 'f2fs_replace_block', (slot) => {
    const { addr } = moving[at++] as Moving;
    if (slot.load() !== addr) replaceAddr(dst, slot, addr);
    if (src !== dst && addr.phys >= 0) giveBlock(src.iSb.sBdev, src.iIno, dst.iIno, addr.phys);
  });
  for (at = first + 1; at <= end; at++) {
    const size = (to + at) * PAGE_SIZE;
    if (dst.iSize.load() < size) yield* f2fsISizeWrite(dst, size);
  }
  return end;
}

/** Copy a block through the cache, and make a hole where it was. */
function* copy(src: Inode, dst: Inode, from: number, to: number): Task<number> {
  const psrc = yield* f2fsGetLockDataPage(src, from);
  if (typeof psrc === 'number') return psrc;
  const pdst = yield* f2fsGetNewDataPage(dst, to, true);
  if (typeof pdst === 'number') {
    yield* f2fsPutPage(psrc);
    return pdst;
  }
  pdst.storeBytes(0, psrc.loadBytes(0, PAGE_SIZE));
  yield* setPageDirty(pdst);
  yield* f2fsPutPage(pdst);
  yield* f2fsPutPage(psrc);
  yield* f2fsTruncateHole(src, from, from + 1);
  return 0;
}
