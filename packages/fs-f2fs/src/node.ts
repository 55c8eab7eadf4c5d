/**
 * The block map: look addresses up, reserve blocks, remove them.
 *
 * Removing a block is two steps, out of the map and back to the allocator: after them, whoever looked the block up before
 * still believes in it.
 *
 * @departs No tree of node pages and no extent cache: an address is found in one step. The lock of a node page is taken by
 *   who changes an address; who looks one up would take it too, and finds what was there before or after.
 * @see fs/f2fs/node.c, fs/f2fs/data.c, fs/f2fs/file.c (v5.14, v5.15)
 */
import {
  type BlockMapping,
  type BlockRun,
  freeBlock,
  type Inode,
  mutexLock,
  mutexUnlock,
  type Phys,
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

/** Run something that changes addresses. @context Sleeps. Takes the node page. */
export function* withNodePage<T>(inode: Inode, body: Task<T>): Task<T> {
  const { nodePage } = F2FS_I(inode);
  yield* mutexLock(nodePage);
  const result = yield* body;
  yield* mutexUnlock(nodePage);
  return result;
}

/**
 * Reserve a block if there is none.
 *
 * @returns Where it is now.
 * @context Sleeps. cp_rwsem or node_change shared; takes the node page.
 * @departs Space is not counted: a reserved block finds its place when it is written, or the machine was too small.
 * @see fs/f2fs/data.c `f2fs_reserve_block()`, `f2fs_get_block()` (v5.15)
 */
export function* f2fsReserveBlock(inode: Inode, index: number): Task<BlockAddr> {
  const slot = F2FS_I(inode).addr.at(index);
  const found = yield* lookUp(inode, index);
  if (found !== NULL_ADDR) return found;
  return yield* withNodePage(
    inode,
    slot.section('f2fs_reserve_new_block', () => {
      if (slot.load() === NULL_ADDR) slot.store(NEW_ADDR);
      return slot.load();
    }),
  );
}

/** Put another address into the map and free the block that was there. @context Node page held. */
export function* replaceAddr(inode: Inode, slot: SharedVar<BlockAddr>, to: BlockAddr): Task<void> {
  const { phys } = slot.load(); // the node page: nobody changes it
  yield* slot.write(to, 'f2fs_set_data_blkaddr');
  if (phys >= 0) yield* f2fsInvalidateBlocks(inode, phys);
}

/** Free a block. @see fs/f2fs/segment.c `f2fs_invalidate_blocks()` (v5.15) */
export function f2fsInvalidateBlocks(inode: Inode, phys: Phys): Task<void> {
  return freeBlock(inode.iSb.sBdev, inode.iIno, phys, 'f2fs_invalidate_blocks');
}

/**
 * Make a hole.
 *
 * @param first - First block.
 * @param end - Block after the last one.
 * @context Sleeps. cp_rwsem shared; takes the node page.
 * @see fs/f2fs/file.c `f2fs_truncate_hole()`, `f2fs_truncate_data_blocks_range()` (v5.15)
 */
export function* f2fsTruncateHole(inode: Inode, first: number, end: number): Task<void> {
  yield* withNodePage(inode, truncateDataBlocksRange(inode, first, end));
}

function* truncateDataBlocksRange(inode: Inode, first: number, end: number): Task<void> {
  const { addr } = F2FS_I(inode);
  for (let index = first; index < end; index++) {
    const slot = addr.at(index);
    if (slot.load() !== NULL_ADDR) yield* replaceAddr(inode, slot, NULL_ADDR);
  }
}

/**
 * Make blocks read as zeroes and keep their space.
 *
 * @param first - First block.
 * @param end - Block after the last one, in the same node page.
 * @context Sleeps. cp_rwsem shared; takes the node page.
 * @see fs/f2fs/file.c `f2fs_do_zero_range()` (v5.15)
 */
export function* f2fsDoZeroRange(inode: Inode, first: number, end: number): Task<void> {
  yield* withNodePage(inode, reserveRange(inode, first, end));
}

function* reserveRange(inode: Inode, first: number, end: number): Task<void> {
  const { addr } = F2FS_I(inode);
  for (let index = first; index < end; index++) {
    const slot = addr.at(index);
    if (slot.load() !== NEW_ADDR) yield* replaceAddr(inode, slot, NEW_ADDR);
  }
}
