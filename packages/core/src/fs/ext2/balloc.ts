/**
 * The block map: look blocks up, allocate them, free them.
 *
 * A look-up takes no lock: what keeps a reader from a block that truncation frees is i_size, and the page lock.
 *
 * @departs All blocks are direct: a map entry is one word, which needs no chain of indirect blocks to be verified.
 * @see fs/ext2/inode.c, fs/ext2/balloc.c (v5.14, v5.15)
 */
import { freeBlock, newBlock } from '../../block/device.js';
import { daxMapping, type Inode } from '../../include/fs.js';
import { phys } from '../../include/units.js';
import { mutexLock, mutexUnlock } from '../../locking/mutex.js';
import { machine } from '../../machine.js';
import { zeroCells } from '../../provenance.js';
import type { Task } from '../../sched/task.js';
import type { BlockMapping } from '../buffer.js';
import { EXT2_I, type Ext2Block, HOLE, maxBlocks } from './ext2.js';

function mapping({ phys: block, gen }: Ext2Block, isNew: boolean): BlockMapping {
  return { mapped: block >= 0, phys: block, gen, new: isNew, unwritten: false, delay: false };
}

/**
 * Where is a block?
 *
 * @param create - Allocate it if it is not there.
 * @returns The mapping, or `-ENOSPC`.
 * @context Sleeps. Takes truncate_mutex to allocate.
 * @departs Allocating a block, zeroing it for DAX and putting it into the map are one step: nobody can look for it in between and be
 *   disappointed, because whoever needs a block there waits for truncate_mutex.
 * @see fs/ext2/inode.c `ext2_get_blocks()` (v5.15)
 */
export function* ext2GetBlock(inode: Inode, iblock: number, create: boolean): Task<BlockMapping | number> {
  const { iData, truncateMutex, verbs } = EXT2_I(inode);
  const slot = iData.at(iblock);
  const found = yield* slot.read(verbs.lookUp);
  if (found.phys >= 0 || !create) return mapping(found, false);
  yield* mutexLock(truncateMutex);
  const result = slot.load().phys >= 0 ? mapping(slot.load(), false) : yield* allocate(inode, iblock);
  yield* mutexUnlock(truncateMutex);
  return result;
}

/** @context truncate_mutex. @see fs/ext2/inode.c `ext2_alloc_branch()`, `ext2_splice_branch()` (v5.15) */
function* allocate(inode: Inode, iblock: number): Task<BlockMapping | number> {
  const { sBdev } = inode.iSb;
  const block = yield* newBlock(sBdev, inode.iIno, EXT2_I(inode).verbs.allocate);
  if (block < 0) return block;
  const disk = sBdev.blocks.at(block);
  // Who accesses blocks where they are must not find a block before it is zeroed.
  if (daxMapping(inode.iMapping)) disk.store({ ...disk.load(), cells: zeroCells(machine.blockSize) });
  const made: Ext2Block = { phys: phys(block), gen: disk.load().gen };
  EXT2_I(inode).iData.at(iblock).store(made);
  return mapping(made, true);
}

/**
 * Free every block from a position on. A block leaves the map before it is freed: two steps.
 *
 * @param offset - First byte that goes.
 * @param end - First block that stays behind them; by default none does.
 * @context Sleeps. In v5.14 dax_sem, in v5.15 invalidate_lock, exclusive; takes truncate_mutex.
 * @see fs/ext2/inode.c `__ext2_truncate_blocks()`, `ext2_free_data()` (v5.14, v5.15)
 */
export function* __ext2TruncateBlocks(inode: Inode, offset: number, end: number = maxBlocks()): Task<void> {
  const { iData, truncateMutex, verbs } = EXT2_I(inode);
  yield* mutexLock(truncateMutex);
  for (let iblock = Math.ceil(offset / inode.iSb.sBlocksize); iblock < end; iblock++) {
    const slot = iData.at(iblock);
    const { phys: block } = slot.load(); // truncate_mutex: nobody changes it
    if (block < 0) continue;
    yield* slot.write(HOLE, verbs.forget);
    yield* freeBlock(inode.iSb.sBdev, inode.iIno, block, verbs.free);
  }
  yield* mutexUnlock(truncateMutex);
}
