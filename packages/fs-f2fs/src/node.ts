/**
 * The block map: look addresses up, reserve blocks, remove them.
 *
 * The kernel looks an address up, and changes it, under the lock of the node page that it is in. Here each of these is one
 * step: what one hold of a node page covers nobody sees in parts. A block that was freed while somebody still believed
 * in its address is seen when his request ends.
 *
 * @departs No tree of node pages, so no lock of one over which anything is waited for, and no extent cache: what that shows
 *   is what a look-up that came a little earlier would.
 * @see fs/f2fs/node.c, fs/f2fs/data.c, fs/f2fs/file.c (v5.14, v5.15)
 */
import {
  type BlockMapping,
  type BlockRun,
  dropBlock,
  type Inode,
  type SharedVar,
  type Task,
} from '@fsport/core';
import { type BlockAddr, F2FS_I, NEW_ADDR, NULL_ADDR } from './f2fs.js';

/** Addresses in a node page: zeroing goes one node page at a time. @departs 2 instead of about a thousand. */
export const ADDRS_PER_PAGE = 2;

/** Look an address up. @see fs/f2fs/node.c `f2fs_get_dnode_of_data()` with LOOKUP_NODE (v5.15) */
export function lookUp(inode: Inode, index: number): Task<BlockAddr> {
  return F2FS_I(inode).addr.at(index).read('f2fs_get_dnode_of_data');
}

/**
 * Where is a block? For fills.
 *
 * @returns The mapping; holes and reserved blocks are not mapped.
 * @context May be preempted.
 * @see fs/f2fs/data.c `f2fs_map_blocks()` without create (v5.15)
 */
export function* f2fsGetBlock(inode: Inode, iblock: number): Task<BlockMapping> {
  const { phys, gen } = yield* F2FS_I(inode).addr.at(iblock).read('f2fs_map_blocks');
  return { mapped: phys >= 0, phys, gen, new: false, unwritten: false, delay: false };
}

/** Where are several blocks? One look-up for several pages of a request. @see `f2fs_map_blocks()` (v5.15) */
export function f2fsMapBlocks(inode: Inode, iblock: number, maxBlocks: number): Task<BlockRun> {
  const { addr } = F2FS_I(inode);
  return addr.at(iblock).readSection(
    'f2fs_map_blocks',
    () => {
      const first = addr.at(iblock).load();
      const run = [first];
      while (run.length < maxBlocks) {
        const next = addr.at(iblock + run.length).load();
        const follows = first.phys < 0 ? next.phys < 0 : next.phys === first.phys + run.length;
        if (!follows) break;
        run.push(next);
      }
      return {
        mapped: first.phys >= 0,
        len: run.length,
        phys: run.map(({ phys }) => phys),
        gens: run.map(({ gen }) => gen),
      };
    },
    ({ mapped, len, phys }) =>
      `${mapped ? `block ${phys[0]}` : 'none'}${len > 1 ? ` and ${len - 1} more` : ''}`,
  );
}

/**
 * Reserve a block if there is none.
 *
 * @returns Where it is now.
 * @context Sleeps. cp_rwsem or node_change shared.
 * @departs Space is not counted: a reserved block finds its place when it is written, or the machine was too small.
 * @see fs/f2fs/data.c `f2fs_reserve_block()`, `f2fs_get_block()` (v5.15)
 */
export function f2fsReserveBlock(inode: Inode, index: number): Task<BlockAddr> {
  const slot = F2FS_I(inode).addr.at(index);
  return slot.section('f2fs_reserve_block', () => {
    if (slot.load() === NULL_ADDR) slot.store(NEW_ADDR);
    return slot.load();
  });
}

/** Put another address into the map and free the block that was there; joins the step in progress. */
export function replaceAddr(inode: Inode, slot: SharedVar<BlockAddr>, to: BlockAddr): void {
  const { phys } = slot.load();
  slot.store(to);
  if (phys >= 0) dropBlock(inode.iSb.sBdev, inode.iIno, phys);
}

/**
 * Do something with the addresses of a range, one node page after the other.
 *
 * @param first - First block.
 * @param end - Block after the last one.
 * @param verb - The kernel's function.
 * @param body - What to do with an address; joins the step of its node page.
 * @context Sleeps.
 */
export function* forEachAddr(
  inode: Inode,
  first: number,
  end: number,
  verb: string,
  body: (slot: SharedVar<BlockAddr>) => void,
): Task<void> {
  const { addr } = F2FS_I(inode);
  for (let index = first; index < end; ) {
    const [from, to] = [index, Math.min(end, nextNodePage(index))];
    yield* addr.at(from).section(verb, () => {
      for (let at = from; at < to; at++) body(addr.at(at));
    });
    index = to;
  }
}

/** The first block whose address is in the next node page. */
export function nextNodePage(index: number): number {
  return index + ADDRS_PER_PAGE - (index % ADDRS_PER_PAGE);
}

/**
 * Make a hole.
 *
 * @param first - First block.
 * @param end - Block after the last one.
 * @context Sleeps. cp_rwsem shared.
 * @see fs/f2fs/file.c `f2fs_truncate_hole()`, `f2fs_truncate_data_blocks_range()` (v5.15)
 */
export function f2fsTruncateHole(inode: Inode, first: number, end: number): Task<void> {
  return forEachAddr(inode, first, end, 'f2fs_truncate_data_blocks_range', (slot) => {
    if (slot.load() !== NULL_ADDR) replaceAddr(inode, slot, NULL_ADDR);
  });
}

/**
 * Make blocks read as zeroes and keep their space.
 *
 * @param first - First block.
 * @param end - Block after the last one, in the same node page.
 * @context Sleeps. cp_rwsem shared.
 * @see fs/f2fs/file.c `f2fs_do_zero_range()` (v5.15)
 */
export function f2fsDoZeroRange(inode: Inode, first: number, end: number): Task<void> {
  return forEachAddr(inode, first, end, 'f2fs_do_zero_range', (slot) => {
    if (slot.load() !== NEW_ADDR) replaceAddr(inode, slot, NEW_ADDR);
  });
}
