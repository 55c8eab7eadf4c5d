/**
 * The block map: look blocks up, allocate them, convert them, remove them, shift them.
 *
 * {@link ext4MapBlocks} takes and releases i_data_sem; the others expect it exclusive. Removing a block is two steps,
 * out of the map and back to the allocator: between the two, and after them, whoever looked the block up before
 * still believes in it.
 *
 * @departs Blocks instead of extents and of the extent status tree: a run of blocks that one call finds or changes
 *   corresponds to one extent. A look-up takes i_data_sem even where the status tree would answer without it;
 *   what it then finds is what it would have found before or after.
 * @see fs/ext4/extents.c, fs/ext4/inode.c (v5.14, v5.15)
 */
import {
  type BlockMapping,
  type BlockRun,
  ContractError,
  downRead,
  downWrite,
  ENOSPC,
  freeBlock,
  type Inode,
  machine,
  newBlock,
  type Phys,
  phys,
  type SharedVar,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';
import { DELALLOC, EXT4_I, EXT4_SB, type Extent, HOLE } from './ext4.js';

/** Allocate what is not there. @see fs/ext4/ext4.h */
export const EXT4_GET_BLOCKS_CREATE = 0x0001;
/** Allocate unwritten blocks, and leave those that are. */
const EXT4_GET_BLOCKS_UNWRIT_EXT = 0x0002;
/** Preallocate. */
export const EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT = EXT4_GET_BLOCKS_UNWRIT_EXT | EXT4_GET_BLOCKS_CREATE;
/** The space was reserved by a delayed write. */
export const EXT4_GET_BLOCKS_DELALLOC_RESERVE = 0x0004;
/** The blocks will be converted when their I/O has ended. */
const EXT4_GET_BLOCKS_PRE_IO = 0x0008;
/** Convert unwritten blocks, their I/O has ended. */
const EXT4_GET_BLOCKS_CONVERT = 0x0010;
/** Allocate unwritten blocks for I/O. */
export const EXT4_GET_BLOCKS_IO_CREATE_EXT = EXT4_GET_BLOCKS_PRE_IO | EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT;
/** Convert unwritten blocks after I/O. */
export const EXT4_GET_BLOCKS_IO_CONVERT_EXT = EXT4_GET_BLOCKS_CONVERT | EXT4_GET_BLOCKS_CREATE_UNWRIT_EXT;
/** Convert written blocks to unwritten ones. */
export const EXT4_GET_BLOCKS_CONVERT_UNWRITTEN = 0x0100;

/** Consecutive blocks in one state, found or made by one call. @see `struct ext4_map_blocks` (v5.15) */
export interface Ext4MapBlocks {
  /** Their state. */
  readonly state: Extent['state'];
  /** How many, at least 1. */
  readonly len: number;
  /** The disk block of each, `-1` if there is none. */
  readonly phys: readonly Phys[];
  /** The generation of each. */
  readonly gens: readonly number[];
  /** They were allocated, or became valid, just now. `EXT4_MAP_NEW` */
  readonly isNew: boolean;
}

function showRun({ state, len, phys: blocks }: Ext4MapBlocks): string {
  const where = state === 'mapped' || state === 'unwritten' ? ` ${blocks[0]}` : '';
  return `${state === 'mapped' ? 'block' : state}${where}${len > 1 ? ` and ${len - 1} more` : ''}`;
}

function run(extents: readonly Extent[], isNew = false): Ext4MapBlocks {
  return {
    state: (extents[0] as Extent).state,
    len: extents.length,
    phys: extents.map((extent) => extent.phys),
    gens: extents.map((extent) => extent.gen),
    isNew,
  };
}

/** The run that begins at a block, as part of the step in progress. */
function loadRun(inode: Inode, lblk: number, maxLen: number): Ext4MapBlocks {
  const { iData } = EXT4_I(inode);
  const first = iData.at(lblk).load();
  const extents = [first];
  while (extents.length < maxLen) {
    const next = iData.at(lblk + extents.length).load();
    const adjacent = first.phys < 0 || next.phys === first.phys + extents.length;
    if (next.state !== first.state || !adjacent) break;
    extents.push(next);
  }
  return run(extents);
}

/**
 * Find blocks of a file, or make them.
 *
 * @param lblk - First block in the file.
 * @param maxLen - How many at most.
 * @param flags - `EXT4_GET_BLOCKS_*`, or `0` to look up only.
 * @returns The run that begins at `lblk`, or `-ENOSPC`.
 * @context Sleeps. Takes i_data_sem shared to look up, then exclusive to change; with CREATE, inside a transaction.
 * @departs A disk that is full is not tried again after a commit: blocks freed meanwhile belong to a stranger.
 * @see fs/ext4/inode.c `ext4_map_blocks()` (v5.15)
 */
export function* ext4MapBlocks(
  inode: Inode,
  lblk: number,
  maxLen: number,
  flags: number,
): Task<Ext4MapBlocks | number> {
  const { iDataSem, iData } = EXT4_I(inode);
  // Delayed blocks, and blocks whose I/O has ended, are in the extent status tree: found there without the lock.
  if ((flags & (EXT4_GET_BLOCKS_DELALLOC_RESERVE | EXT4_GET_BLOCKS_CONVERT)) === 0) {
    yield* downRead(iDataSem);
    const found = yield* iData
      .at(lblk)
      .readSection('ext4_map_blocks', () => loadRun(inode, lblk, maxLen), showRun);
    yield* upRead(iDataSem);
    if ((flags & EXT4_GET_BLOCKS_CREATE) === 0) return found;
    if (found.state === 'mapped' && (flags & EXT4_GET_BLOCKS_CONVERT_UNWRITTEN) === 0) return found;
  }
  yield* downWrite(iDataSem);
  const made = yield* ext4ExtMapBlocks(inode, lblk, maxLen, flags);
  yield* upWrite(iDataSem);
  return made;
}

/** Change the map as the flags say. @see fs/ext4/extents.c `ext4_ext_map_blocks()` (v5.15) */
function* ext4ExtMapBlocks(
  inode: Inode,
  lblk: number,
  maxLen: number,
  flags: number,
): Task<Ext4MapBlocks | number> {
  const present = loadRun(inode, lblk, maxLen);
  if (present.state === 'hole' || present.state === 'delalloc') {
    if ((flags & EXT4_GET_BLOCKS_CONVERT) !== 0) return present;
    return yield* allocate(inode, lblk, present, flags);
  }
  if (present.state === 'mapped') {
    if ((flags & EXT4_GET_BLOCKS_CONVERT_UNWRITTEN) === 0) return present;
    return yield* convert(inode, lblk, present, 'unwritten', 'convert_initialized_extent');
  }
  if ((flags & EXT4_GET_BLOCKS_CONVERT) !== 0) {
    return yield* convert(inode, lblk, present, 'mapped', 'ext4_convert_unwritten_extents_endio');
  }
  if ((flags & EXT4_GET_BLOCKS_UNWRIT_EXT) !== 0) return present;
  return yield* convert(inode, lblk, present, 'mapped', 'ext4_ext_convert_to_initialized');
}

/** Change the state of a run: one extent, one step. */
function convert(
  inode: Inode,
  lblk: number,
  { phys: blocks, gens, len }: Ext4MapBlocks,
  state: 'mapped' | 'unwritten',
  verb: string,
): Task<Ext4MapBlocks> {
  const { iData } = EXT4_I(inode);
  const extents = blocks.map((block, i): Extent => ({ state, phys: block, gen: gens[i] as number }));
  return iData.at(lblk).section(
    verb,
    () => {
      for (let i = 0; i < len; i++) iData.at(lblk + i).store(extents[i] as Extent);
      return run(extents, true);
    },
    showRun,
  );
}

/**
 * Allocate the blocks of a run of holes or delayed blocks, one after the other. Out of space, fewer.
 *
 * @departs Allocating a block and putting it into the map are one step: under i_data_sem exclusive nobody sees the
 *   map without the block.
 */
function* allocate(
  inode: Inode,
  lblk: number,
  present: Ext4MapBlocks,
  flags: number,
): Task<Ext4MapBlocks | number> {
  const { iSb, iIno } = inode;
  const { iData } = EXT4_I(inode);
  const dirty = EXT4_SB(iSb).sDirtyclustersCounter;
  const state = (flags & EXT4_GET_BLOCKS_UNWRIT_EXT) === 0 ? 'mapped' : 'unwritten';
  const extents: Extent[] = [];
  while (extents.length < present.len) {
    const slot = iData.at(lblk + extents.length);
    if (present.state === 'hole' && !(yield* ext4ClaimFreeCluster(inode))) break;
    const block = yield* newBlock(iSb.sBdev, iIno);
    if (block < 0) throw new ContractError('BLOCK_STATE', { ino: iIno, reserved: dirty.load(), free: 0 });
    dirty.store(dirty.load() - 1);
    const { gen } = iSb.sBdev.blocks.at(block).load();
    const extent: Extent = { state, phys: phys(block), gen };
    slot.store(extent);
    extents.push(extent);
  }
  return extents.length === 0 ? -ENOSPC : run(extents, true);
}

/** Is there a block that nobody reserved? Then it is reserved now. Joins the step in progress. */
function reserve(inode: Inode): boolean {
  const { sBdev } = inode.iSb;
  const dirty = EXT4_SB(inode.iSb).sDirtyclustersCounter;
  const reserved = dirty.load();
  if (sBdev.freeBlocks.load().length <= reserved) return false;
  dirty.store(reserved + 1);
  return true;
}

/** @see fs/ext4/balloc.c `ext4_claim_free_clusters()` (v5.15) */
function ext4ClaimFreeCluster(inode: Inode): Task<boolean> {
  const dirty = EXT4_SB(inode.iSb).sDirtyclustersCounter;
  return dirty.section(
    'ext4_claim_free_clusters',
    () => reserve(inode),
    (claimed) => (claimed ? '' : '-ENOSPC'),
  );
}

/** A block mapping for a buffer. @see fs/ext4/inode.c `ext4_update_bh_state()` (v5.15) */
function mapping(found: Ext4MapBlocks): BlockMapping {
  return {
    mapped: found.state === 'mapped',
    unwritten: found.state === 'unwritten',
    phys: found.phys[0] as Phys,
    gen: found.gens[0] as number,
    new: found.isNew,
    delay: false,
  };
}

/**
 * Where is a block? For buffers that are read or zeroed; it never allocates.
 *
 * @returns The mapping; holes, delayed and unwritten blocks are not mapped.
 * @context Sleeps. Takes i_data_sem shared.
 * @see fs/ext4/inode.c `ext4_get_block()` (v5.15)
 */
export function* ext4GetBlock(inode: Inode, iblock: number): Task<BlockMapping | number> {
  const found = yield* ext4MapBlocks(inode, iblock, 1, 0);
  return typeof found === 'number' ? found : mapping(found);
}

/** Where are several blocks? For reads without buffers. @context Sleeps. Takes i_data_sem shared. */
export function* ext4GetBlocks(inode: Inode, iblock: number, maxLen: number): Task<BlockRun | number> {
  const found = yield* ext4MapBlocks(inode, iblock, maxLen, 0);
  return typeof found === 'number' ? found : { ...found, mapped: found.state === 'mapped' };
}

/**
 * Prepare a block for a delayed write: find it, or reserve one.
 *
 * @returns The mapping, or `-ENOSPC`. A reserved block is mapped, new and delayed; an unwritten one mapped and new.
 * @context Sleeps. Page lock; takes i_data_sem shared.
 * @see fs/ext4/inode.c `ext4_da_get_block_prep()`, `ext4_da_map_blocks()` (v5.15)
 */
export function* ext4DaGetBlockPrep(inode: Inode, iblock: number): Task<BlockMapping | number> {
  const { iDataSem, iData } = EXT4_I(inode);
  const slot = iData.at(iblock);
  yield* downRead(iDataSem);
  const found = yield* slot.section(
    'ext4_da_map_blocks',
    () => {
      if (slot.load().state === 'hole') {
        if (!reserve(inode)) return -ENOSPC;
        slot.store(DELALLOC);
      }
      return slot.load();
    },
    (extent) => (typeof extent === 'number' ? '-ENOSPC' : slot.show(extent)),
  );
  yield* upRead(iDataSem);
  if (typeof found === 'number') return found;
  const [delay, unwritten] = [found.state === 'delalloc', found.state === 'unwritten'];
  return { mapped: true, phys: found.phys, gen: found.gen, new: delay || unwritten, unwritten, delay };
}

/** Take a block out of the map, and out of the reservations if it was only reserved: one step. */
function unmap(inode: Inode, slot: SharedVar<Extent>): Task<void> {
  const dirty = EXT4_SB(inode.iSb).sDirtyclustersCounter;
  return slot.section('ext4_ext_rm_leaf', () => {
    if (slot.load().state === 'delalloc') dirty.store(dirty.load() - 1);
    slot.store(HOLE);
  });
}

/**
 * Remove blocks from the map and free them, from the last to the first.
 *
 * @param start - First block.
 * @param last - Last block, inclusive.
 * @context May be preempted. i_data_sem exclusive.
 * @see fs/ext4/extents.c `ext4_ext_remove_space()`, fs/ext4/extents_status.c `ext4_es_remove_extent()` (v5.15)
 */
export function* ext4ExtRemoveSpace(inode: Inode, start: number, last: number): Task<void> {
  const { iIno: ino } = inode;
  const range = { ino, offset: start, len: last };
  if (machine.trace.active) {
    machine.trace.emit('ext4_es_remove_extent', { ino, offset: start, len: last - start + 1 });
    machine.trace.emit('ext4_ext_remove_space', range);
  }
  for (let lblk = last; lblk >= start; lblk--) {
    const slot = EXT4_I(inode).iData.at(lblk);
    const { state, phys: block } = slot.load(); // i_data_sem: nobody changes it
    if (state === 'hole') continue;
    yield* unmap(inode, slot);
    if (state === 'delalloc') continue;
    if (machine.trace.active) machine.trace.emit('ext4_free_blocks', { ino, block, count: 1 });
    yield* freeBlock(inode.iSb.sBdev, ino, block);
  }
  if (machine.trace.active) machine.trace.emit('ext4_ext_remove_space_done', range);
}

/** Is there nothing from block `first` up to, not including, `end`? Joins the step in progress; i_data_sem held. */
export function ext4IsHole(inode: Inode, first: number, end: number): boolean {
  const { iData } = EXT4_I(inode);
  for (let lblk = first; lblk < end; lblk++) if (iData.at(lblk).load().state !== 'hole') return false;
  return true;
}

/**
 * Move blocks in the map: all from `start` on, by `shift`. What they are moved over must be holes.
 *
 * @param start - First block that moves.
 * @param shift - By how many blocks; negative to the left.
 * @param end - Block after the last one.
 * @context May be preempted. i_data_sem exclusive.
 * @departs One step: under i_data_sem exclusive nobody sees the map half shifted, and nothing is freed.
 * @see fs/ext4/extents.c `ext4_ext_shift_extents()` (v5.15)
 */
export function ext4ExtShiftExtents(inode: Inode, start: number, shift: number, end: number): Task<void> {
  const { iData } = EXT4_I(inode);
  return iData.at(start).section('ext4_ext_shift_extents', () => {
    const extents = Array.from({ length: end - start }, (_, i) => iData.at(start + i).load());
    for (let i = 0; i < extents.length; i++) iData.at(start + i).store(HOLE);
    for (const [i, extent] of extents.entries()) {
      if (extent.state !== 'hole') iData.at(start + i + shift).store(extent);
    }
  });
}

/**
 * Convert what is unwritten among some blocks, after their I/O.
 *
 * @param first - First block.
 * @param end - Block after the last one.
 * @returns `0`, or an errno.
 * @context Sleeps. Inside a transaction; takes i_data_sem exclusive.
 * @see fs/ext4/extents.c `ext4_convert_unwritten_extents()` (v5.15)
 */
export function* ext4ConvertUnwrittenExtents(inode: Inode, first: number, end: number): Task<number> {
  for (let lblk = first; lblk < end; ) {
    const done = yield* ext4MapBlocks(inode, lblk, end - lblk, EXT4_GET_BLOCKS_IO_CONVERT_EXT);
    if (typeof done === 'number') return done;
    lblk += done.len;
  }
  return 0;
}
