/**
 * Reading whole pages without buffers: where the blocks are is known to the request alone and forgotten with it.
 *
 * A page whose blocks lie one after the other on disk, or are all holes, or a run followed by holes, is read so.
 * Any other page, and one that has buffers already, is *confused*: it goes through {@link blockReadFullPage},
 * which leaves the mappings in its buffers.
 *
 * @see fs/mpage.c, fs/ext4/readpage.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { type Inode, iSizeWithin } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type ReadaheadControl, readaheadPage } from '../include/pagemap.js';
import type { Phys } from '../include/units.js';
import { machine } from '../machine.js';
import { putPage, unlockPage } from '../mm/filemap/page-cache.js';
import type { Task } from '../sched/task.js';
import { blocksPerPage, type GetBlock, inodeOf, zeroUser } from './buffer.js';
import { blockReadFullPage, pageEndio } from './buffer-read.js';

/** Consecutive blocks of a file that one look-up found. */
export interface BlockRun {
  /** Are they on disk with valid content? Holes and unwritten blocks are not. */
  readonly mapped: boolean;
  /** How many, at least 1. */
  readonly len: number;
  /** The disk block of each, one after the other, if mapped. */
  readonly phys: readonly Phys[];
  /** The generation of each. */
  readonly gens: readonly number[];
}

/** Looks up at most `maxBlocks` blocks from `iblock` under one hold of the filesystem's inner lock. */
export type MapBlocks = (inode: Inode, iblock: number, maxBlocks: number) => Task<BlockRun | number>;

/**
 * Read one page.
 *
 * @param page - Locked, in the cache, not uptodate. Unlocked here or when the read ends.
 * @param getBlock - Asks the filesystem where a block is.
 * @param mapBlocks - Does so for several blocks at once, if the filesystem can.
 * @returns `0`; a failure shows as PG_error.
 * @context Sleeps. Page lock; it is handed to the I/O.
 * @see fs/mpage.c `mpage_readpage()`, fs/ext4/readpage.c `ext4_mpage_readpages()` (v5.15)
 */
export function* mpageReadpage(
  page: Page,
  getBlock: GetBlock,
  mapBlocks: MapBlocks = oneByOne(getBlock),
): Task<number> {
  const reader = new MpageReader(inodeOf(page), getBlock, mapBlocks);
  yield* reader.readPage(page, 1);
  yield* reader.submit();
  return 0;
}

/**
 * Read the pages of a request; one look-up and one request may serve several of them.
 *
 * @param rac - The request; all its pages are taken.
 * @param getBlock - Asks the filesystem where a block is.
 * @param mapBlocks - Does so for several blocks at once, if the filesystem can.
 * @context Sleeps. Page locks; they are handed to the I/O, and the pages put.
 * @see fs/mpage.c `mpage_readahead()`, fs/ext4/readpage.c `ext4_mpage_readpages()` (v5.15)
 */
export function* mpageReadahead(
  rac: ReadaheadControl,
  getBlock: GetBlock,
  mapBlocks: MapBlocks = oneByOne(getBlock),
): Task<void> {
  const reader = new MpageReader(rac.mapping.host, getBlock, mapBlocks);
  for (;;) {
    const left = rac.pages.length;
    const page = readaheadPage(rac);
    if (page === null) break;
    yield* reader.readPage(page, left);
    putPage(page);
  }
  yield* reader.submit();
}

function oneByOne(getBlock: GetBlock): MapBlocks {
  return (inode, iblock) => mapBlock(inode, iblock, getBlock);
}

function* mapBlock(inode: Inode, iblock: number, getBlock: GetBlock): Task<BlockRun | number> {
  const found = yield* getBlock(inode, iblock, false);
  if (typeof found === 'number') return found;
  return { mapped: found.mapped, len: 1, phys: [found.phys], gens: [found.gen] };
}

/** What was found out about a page: its run of mapped blocks, followed by holes. */
type Plan = 'confused' | 'failed' | readonly BioVec[];

class MpageReader {
  readonly #inode: Inode;
  readonly #getBlock: GetBlock;
  readonly #mapBlocks: MapBlocks;
  /** The request being put together. */
  #vecs: BioVec[] = [];
  /** The last look-up, and the block it began at. */
  #run: BlockRun | null = null;
  #runStart = 0;

  constructor(inode: Inode, getBlock: GetBlock, mapBlocks: MapBlocks) {
    this.#inode = inode;
    this.#getBlock = getBlock;
    this.#mapBlocks = mapBlocks;
  }

  /** Add a page to the request, or settle it at once. `left` counts it and the pages after it. */
  *readPage(page: Page, left: number): Task<void> {
    const plan = page.buffers.load() === null ? yield* this.#plan(page, left) : 'confused';
    if (plan === 'confused') {
      yield* this.submit();
      if (page.uptodate.load()) yield* unlockPage(page);
      else yield* blockReadFullPage(page, this.#getBlock);
      return;
    }
    if (plan === 'failed') {
      page.error.store(true);
      zeroUser(page, 0, PAGE_SIZE);
      yield* unlockPage(page);
      return;
    }
    zeroUser(page, plan.length * machine.blockSize, PAGE_SIZE);
    if (plan.length === 0) {
      yield* pageEndio(page, true, 'mpage_readpage');
      return;
    }
    const last = this.#vecs.at(-1);
    if (last !== undefined && last.phys + 1 !== (plan[0] as BioVec).phys) yield* this.submit();
    this.#vecs.push(...plan);
    if (plan.length < blocksPerPage()) yield* this.submit();
  }

  /** Send what was put together. */
  *submit(): Task<void> {
    const vecs = this.#vecs;
    if (vecs.length === 0) return;
    this.#vecs = [];
    const pages = [...new Set(vecs.map((vec) => vec.page))];
    for (const page of pages) page.lock.handOff();
    yield* submitBio(this.#inode.iSb.sBdev, {
      rw: 'R',
      ino: this.#inode.iIno,
      vecs,
      endIo: (error) => mpageEndIo(pages, error),
    });
  }

  *#plan(page: Page, left: number): Task<Plan> {
    const blocks = blocksPerPage();
    const first = page.index * blocks;
    // Sampled with the page in the cache and locked: a truncate that has not reached it yet will wait for it.
    const start = page.index * PAGE_SIZE;
    const size = yield* iSizeWithin(this.#inode, start, start + left * PAGE_SIZE);
    const end = Math.ceil(size / machine.blockSize);
    if (this.#run?.mapped !== true) this.#run = null; // a hole is looked up again for each page
    const plan: BioVec[] = [];
    for (let block = 0; block < blocks; block++) {
      const iblock = first + block;
      // Blocks of an earlier look-up are taken as they are, even if the file shrank: truncate waits for this page.
      if (iblock >= end && !this.#knows(iblock)) break;
      const run = yield* this.#lookUp(iblock, end - iblock);
      if (typeof run === 'number') return 'failed';
      if (!run.mapped) continue;
      const at = iblock - this.#runStart;
      const phys = run.phys[at] as Phys;
      // Data after a hole, or somewhere else on the disk: more than one piece.
      if (plan.length !== block || (block > 0 && (plan[block - 1] as BioVec).phys + 1 !== phys))
        return 'confused';
      plan.push({ page, block, phys, gen: run.gens[at] as number });
    }
    return plan;
  }

  #knows(iblock: number): boolean {
    return this.#run !== null && iblock < this.#runStart + this.#run.len;
  }

  *#lookUp(iblock: number, maxBlocks: number): Task<BlockRun | number> {
    if (this.#knows(iblock)) return this.#run as BlockRun;
    const found = yield* this.#mapBlocks(this.#inode, iblock, maxBlocks);
    if (typeof found === 'number') return found;
    this.#run = found;
    this.#runStart = iblock;
    return found;
  }
}

/** @see fs/mpage.c `mpage_end_io()` (v5.15) */
function* mpageEndIo(pages: readonly Page[], error: number): Task<void> {
  for (const page of pages) {
    if (error !== 0) page.error.store(true);
    yield* pageEndio(page, error === 0, 'mpage_end_io');
  }
}
