/**
 * The forks of an inode: look blocks up, reserve them, allocate, convert, remove and shift them.
 *
 * All expect ILOCK, exclusive to change. Removing a block is two steps, out of the map and back to the allocator: between
 * the two, and after them, whoever looked the block up before still believes in it. Which blocks are shared, the disk
 * knows: the reference-count btree has no locks of its own that matter here.
 *
 * @departs Blocks instead of extents: a run of blocks that one call finds or changes corresponds to one extent. No
 *   extent size hints, realtime device, quota or allocation groups; nothing is preallocated beyond the end of a file
 *   that is being written.
 * @see fs/xfs/libxfs/xfs_bmap.c, fs/xfs/libxfs/xfs_refcount.c (v5.14, v5.15)
 */
import {
  ContractError,
  ENOSPC,
  freeBlock,
  type Inode,
  type Iomap,
  machine,
  newBlock,
  type Phys,
  phys,
  shareBlock,
  type Task,
} from '@fsport/core';
import { DELALLOC, HOLE, type Irec, XFS_I, XFS_M, type XfsIfork, xfsTransLogInode } from './xfs-inode.js';

/** Blocks that a byte range touches. */
export function blocksOf(pos: number, length: number): readonly [first: number, end: number] {
  return [Math.floor(pos / machine.blockSize), Math.ceil((pos + length) / machine.blockSize)];
}

/** Consecutive blocks of one state. */
export interface Run {
  /** First block in the file. */
  readonly first: number;
  /** The blocks, at least one. */
  readonly irecs: readonly Irec[];
}

/** The state of a run. */
export function stateOf({ irecs }: Run): Irec['state'] {
  return (irecs[0] as Irec).state;
}

/** Block after the last of a run. */
export function endOf({ first, irecs }: Run): number {
  return first + irecs.length;
}

/** The first blocks of a run. */
export function trim({ first, irecs }: Run, end: number): Run {
  return { first, irecs: irecs.slice(0, end - first) };
}

/** The run that begins at a block and ends before `end`. ILOCK; joins the step in progress. @see `xfs_iext_lookup_extent()` */
export function lookup(fork: XfsIfork, first: number, end: number): Run {
  const irecs = [fork.load(first)];
  while (first + irecs.length < end) {
    const last = irecs.at(-1) as Irec;
    const next = fork.load(first + irecs.length);
    if (next.state !== last.state || (last.phys >= 0 && next.phys !== last.phys + 1)) break;
    irecs.push(next);
  }
  return { first, irecs };
}

/**
 * Where are blocks of a file?
 *
 * @context May be preempted. ILOCK at least shared.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmapi_read()` (v5.15)
 */
export function xfsBmapiRead(inode: Inode, first: number, end: number): Task<Run> {
  return readFork(inode, first, end, 'xfs_bmapi_read');
}

/** The same, for a write through the cache. @see fs/xfs/libxfs/xfs_iext_tree.c `xfs_iext_lookup_extent()` (v5.15) */
export function xfsIextLookupExtent(inode: Inode, first: number, end: number): Task<Run> {
  return readFork(inode, first, end, 'xfs_iext_lookup_extent');
}

function readFork(inode: Inode, first: number, end: number, verb: string): Task<Run> {
  const { iDf } = XFS_I(inode);
  const slot = iDf.extents.at(first);
  return slot.readSection(
    verb,
    () => lookup(iDf, first, end),
    ({ irecs }) => `${slot.show(irecs[0] as Irec)}${irecs.length > 1 ? ` and ${irecs.length - 1} more` : ''}`,
  );
}

/** A run as iomap sees it. @see fs/xfs/xfs_iomap.c `xfs_bmbt_to_iomap()` (v5.15) */
export function xfsBmbtToIomap(
  { first, irecs }: Run,
  flags: Pick<Iomap, 'isNew' | 'shared' | 'srcmap'> = {},
): Iomap {
  const { blockSize } = machine;
  return {
    type: (irecs[0] as Irec).state,
    offset: first * blockSize,
    length: irecs.length * blockSize,
    phys: irecs.map((irec) => irec.phys),
    gens: irecs.map((irec) => irec.gen),
    ...flags,
  };
}

/** Is a block shared with another file, or another place of this one? Joins the step in progress. */
export function isShared(inode: Inode, { state, phys: block }: Irec): boolean {
  return state === 'mapped' && inode.iSb.sBdev.blocks.at(block).load().sharers.length > 0;
}

/**
 * Cut a run of valid blocks where sharing begins or ends.
 *
 * @returns The first part, and whether it is shared.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_trim_around_shared()`, `xfs_bmap_trim_cow()` (v5.15)
 */
export function trimAroundShared(inode: Inode, run: Run): { readonly run: Run; readonly shared: boolean } {
  const shared = isShared(inode, run.irecs[0] as Irec);
  const other = run.irecs.findIndex((irec) => isShared(inode, irec) !== shared);
  return { run: other < 0 ? run : trim(run, run.first + other), shared };
}

/** Change what is reserved for the mount, if there is that much. Joins the step in progress. */
function reserve(inode: Inode, blocks: number): boolean {
  const { mDelallocBlks } = XFS_M(inode.iSb);
  const reserved = mDelallocBlks.load();
  if (blocks > 0 && inode.iSb.sBdev.freeBlocks.load().length < reserved + blocks) return false;
  mDelallocBlks.store(reserved + blocks);
  return true;
}

/** Put a block into a fork, or take it out. Joins the step in progress. */
function setIrec(inode: Inode, fork: XfsIfork, lblk: number, irec: Irec): void {
  const { iCowfp, cowBlocks } = XFS_I(inode);
  const was = fork.load(lblk).state !== 'hole';
  const is = irec.state !== 'hole';
  fork.store(lblk, irec);
  if (fork === iCowfp && was !== is) cowBlocks.store(cowBlocks.load() + (is ? 1 : -1));
}

/**
 * Reserve blocks that will be allocated when they are written back.
 *
 * @returns The run, or `-ENOSPC`.
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmapi_reserve_delalloc()` (v5.15)
 */
export function xfsBmapiReserveDelalloc(
  inode: Inode,
  fork: XfsIfork,
  first: number,
  end: number,
): Task<Run | number> {
  return fork.extents.at(first).section(
    'xfs_bmapi_reserve_delalloc',
    () => {
      if (!reserve(inode, end - first)) return -ENOSPC;
      for (let lblk = first; lblk < end; lblk++) setIrec(inode, fork, lblk, DELALLOC);
      return lookup(fork, first, end);
    },
    (run) => (typeof run === 'number' ? '-ENOSPC' : `${end - first} blocks`),
  );
}

/**
 * Allocate unwritten blocks for a run of holes or reserved blocks, one after the other. Out of space, fewer.
 *
 * @returns The run, or `-ENOSPC`.
 * @context May be preempted. ILOCK exclusive.
 * @departs Allocating a block and putting it into the fork are one step: under ILOCK exclusive nobody sees the fork
 *   without the block.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmapi_write()`, `xfs_bmapi_convert_delalloc()` (v5.15)
 */
export function* xfsBmapiAllocate(inode: Inode, fork: XfsIfork, run: Run): Task<Run | number> {
  const { sBdev } = inode.iSb;
  const delalloc = stateOf(run) === 'delalloc';
  const made: Irec[] = [];
  for (const at of run.irecs.keys()) {
    if (!delalloc && !reserve(inode, 1)) break;
    const block = yield* newBlock(sBdev, inode.iIno, 'xfs_bmap_btalloc');
    if (block < 0) throw new ContractError('BLOCK_STATE', { ino: inode.iIno, free: 0 });
    reserve(inode, -1);
    const irec: Irec = { state: 'unwritten', phys: phys(block), gen: sBdev.blocks.at(block).load().gen };
    setIrec(inode, fork, run.first + at, irec);
    made.push(irec);
  }
  if (made.length === 0) return -ENOSPC;
  xfsTransLogInode(inode);
  return { first: run.first, irecs: made };
}

/**
 * Convert what is unwritten among some blocks of a fork.
 *
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmapi_write()` with XFS_BMAPI_CONVERT (v5.15)
 */
export function xfsBmapiConvert(inode: Inode, fork: XfsIfork, first: number, end: number): Task<void> {
  return fork.extents.at(first).section('xfs_bmap_add_extent_unwritten_real', () => {
    for (let lblk = first; lblk < end; lblk++) {
      const irec = fork.load(lblk);
      if (irec.state === 'unwritten') setIrec(inode, fork, lblk, { ...irec, state: 'mapped' });
    }
    xfsTransLogInode(inode);
  });
}

/** Take a block out of a fork, and out of the reservations if it was only reserved: one step. ILOCK exclusive. */
function unmap(inode: Inode, fork: XfsIfork, lblk: number): Task<void> {
  const delay = fork.load(lblk).state === 'delalloc'; // ILOCK
  return fork.extents
    .at(lblk)
    .section(delay ? 'xfs_bmap_del_extent_delay' : 'xfs_bmap_del_extent_real', () => {
      if (delay) reserve(inode, -1);
      setIrec(inode, fork, lblk, HOLE);
      xfsTransLogInode(inode);
    });
}

/** Give back what the inode had of a block: it is freed if nobody shares it. @see `xfs_refcount_decrease_extent()` */
export function xfsFreeExtent(inode: Inode, block: Phys): Task<void> {
  return freeBlock(inode.iSb.sBdev, inode.iIno, block, 'xfs_free_extent');
}

/**
 * Remove blocks from a fork and free them, from the last to the first.
 *
 * @param end - Block after the last one.
 * @param only - Which states; all by default.
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bunmapi()`, fs/xfs/libxfs/xfs_alloc.c `xfs_free_extent()` (v5.15)
 */
export function* xfsBunmapi(
  inode: Inode,
  fork: XfsIfork,
  first: number,
  end: number,
  only: readonly Irec['state'][] = ['delalloc', 'unwritten', 'mapped'],
): Task<void> {
  for (let lblk = end - 1; lblk >= first; lblk--) {
    const { state, phys: block } = fork.load(lblk); // ILOCK: nobody changes it
    if (!only.includes(state)) continue;
    yield* unmap(inode, fork, lblk);
    if (block >= 0) yield* xfsFreeExtent(inode, block);
  }
}

/**
 * Let a block of a file be one that belongs to somebody.
 *
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/libxfs/xfs_refcount.c `xfs_refcount_increase_extent()`, fs/xfs/libxfs/xfs_bmap.c `xfs_bmap_map_extent()`
 */
export function* xfsBmapMapShared(inode: Inode, lblk: number, irec: Irec): Task<void> {
  yield* shareBlock(inode.iSb.sBdev, inode.iIno, irec.phys);
  setIrec(inode, XFS_I(inode).iDf, lblk, irec);
}

/**
 * A block that replaces a shared one has been written: it moves from the one fork to the other.
 *
 * @returns What was there.
 * @context May be preempted. ILOCK exclusive.
 * @see fs/xfs/xfs_reflink.c `xfs_reflink_end_cow_extent()` (v5.15)
 */
export function xfsBmapMoveCow(inode: Inode, lblk: number): Task<Irec> {
  const { iDf, iCowfp } = XFS_I(inode);
  return iDf.extents.at(lblk).section('xfs_reflink_end_cow', () => {
    const before = iDf.load(lblk);
    if (before.state === 'delalloc') reserve(inode, -1);
    setIrec(inode, iDf, lblk, iCowfp.load(lblk));
    setIrec(inode, iCowfp, lblk, HOLE);
    xfsTransLogInode(inode);
    return before;
  });
}

/** Is there nothing from block `first` up to, not including, `end`? ILOCK; joins the step in progress. */
export function isHole(fork: XfsIfork, first: number, end: number): boolean {
  for (let lblk = first; lblk < end; lblk++) if (fork.load(lblk).state !== 'hole') return false;
  return true;
}

/**
 * Move blocks in the data fork: all from `start` on, by `shift`. What they are moved over must be holes.
 *
 * @param shift - By how many blocks; negative to the left.
 * @param end - Block after the last one.
 * @context May be preempted. ILOCK exclusive.
 * @departs One step: under ILOCK exclusive nobody sees the fork half shifted, and nothing is freed.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmap_collapse_extents()`, `xfs_bmap_insert_extents()` (v5.15)
 */
export function xfsBmapShiftExtents(inode: Inode, start: number, shift: number, end: number): Task<void> {
  const { iDf } = XFS_I(inode);
  return iDf.extents.at(start).section('xfs_bmap_shift_extents', () => {
    const irecs = Array.from({ length: end - start }, (_, i) => iDf.load(start + i));
    for (const i of irecs.keys()) setIrec(inode, iDf, start + i, HOLE);
    for (const [i, irec] of irecs.entries()) {
      if (irec.state !== 'hole') setIrec(inode, iDf, start + i + shift, irec);
    }
    xfsTransLogInode(inode);
  });
}
