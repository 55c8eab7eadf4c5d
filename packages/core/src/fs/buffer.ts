/**
 * Buffer heads: what a page knows about each of its blocks, and where that block is on disk.
 *
 * A page gets buffers when it is written, zeroed in part, or read in a way that one request cannot do
 * ({@link createPageBuffers}); it loses them when it leaves the cache ({@link blockInvalidatepage}) or memory
 * is short ({@link tryToFreeBuffers}). A buffer that says "mapped to block 7" is believed by the next write
 * without asking the filesystem again: that is how a mapping that outlives its block becomes corruption.
 *
 * The list of buffers is changed under the page lock, and so is each buffer, except that a dirty page may
 * dirty them ({@link setPageDirtyBuffers}, one step, as under `mapping->private_lock`).
 *
 * @departs No `BH_Lock`: reads hold the page lock and writes hold PG_writeback, and whoever would wait for the
 *   buffer waits for one of those first.
 * @see fs/buffer.c, include/linux/buffer_head.h (v5.14, v5.15)
 */
import { callReleasepage } from '../contracts.js';
import type { AddressSpace, Inode } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Phys, phys } from '../include/units.js';
import { machine } from '../machine.js';
import { getPage, putPage } from '../mm/filemap/page-cache.js';
import { zeroCells } from '../provenance.js';
import { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';

/** State of one buffer. Never changed in place. @see `enum bh_state_bits` (v5.15) */
export interface BufferState {
  /** `BH_Mapped`: `phys` is valid, or the block is reserved (`delay`). */
  readonly mapped: boolean;
  /** Disk block, or `-1`. */
  readonly phys: Phys;
  /** Generation of the block when it was looked up. */
  readonly gen: number;
  /** `BH_Uptodate`: content valid. */
  readonly uptodate: boolean;
  /** `BH_Dirty`: must be written. */
  readonly dirty: boolean;
  /** `BH_New`: just allocated; content on disk is somebody's old bytes. */
  readonly new: boolean;
  /** `BH_Delay`: block reserved, not allocated. */
  readonly delay: boolean;
  /** `BH_Unwritten`: allocated, reads as zero. */
  readonly unwritten: boolean;
}

const NO_BLOCK = phys(-1);

const UNMAPPED: BufferState = {
  mapped: false,
  phys: NO_BLOCK,
  gen: -1,
  uptodate: false,
  dirty: false,
  new: false,
  delay: false,
  unwritten: false,
};

/** The state of one block of a page. @see `struct buffer_head` (v5.15) */
export class BufferHead extends SharedVar<BufferState> {
  /** @param block - Block in the file, for names. */
  constructor(block: number) {
    super('b_state', UNMAPPED, block);
    this.show = showBuffer;
  }

  /** Change some of its bits as part of the step in progress. */
  set(bits: Partial<BufferState>): void {
    this.store({ ...this.load(), ...bits });
  }
}

function showBuffer(state: BufferState): string {
  const where = state.delay ? 'reserved' : state.mapped ? `block ${state.phys}` : 'unmapped';
  return `${where}${state.uptodate ? ' uptodate' : ''}${state.dirty ? ' dirty' : ''}`;
}

/** Where one block of a file is: what a filesystem's get_block puts into a buffer. */
export type BlockMapping = Pick<BufferState, 'mapped' | 'phys' | 'gen' | 'new' | 'unwritten' | 'delay'>;

/**
 * Asks the filesystem where a block of a file is; with `create` it makes sure that there is one.
 * Returns the mapping (of a hole: not mapped), or an errno.
 *
 * @see include/linux/fs.h `get_block_t` (v5.15)
 */
export type GetBlock = (inode: Inode, iblock: number, create: boolean) => Task<BlockMapping | number>;

/** Blocks in a page. */
export function blocksPerPage(): number {
  return PAGE_SIZE / machine.blockSize;
}

/** Bytes of one block of a page that a range covers. */
export interface BlockSpan {
  /** First byte of the block, in the page. */
  readonly start: number;
  /** Byte after the block, in the page. */
  readonly end: number;
}

/** Where a block lies in its page. */
export function blockSpan(block: number): BlockSpan {
  return { start: block * machine.blockSize, end: (block + 1) * machine.blockSize };
}

/** The inode of a page that the caller has locked in the cache. */
export function inodeOf(page: Page): Inode {
  return (page.mapping.load() as AddressSpace).host;
}

/**
 * The buffers of a page, made if it has none. Those of a page that is uptodate or dirty are so too.
 *
 * @context Page lock. Joins the step in progress: the buffers can be seen only under the page lock, and by who
 *   dirties the page, who sees all or none.
 * @see fs/buffer.c `create_page_buffers()`, `create_empty_buffers()` (v5.15)
 */
export function createPageBuffers(page: Page): readonly BufferHead[] {
  const present = page.buffers.load();
  if (present !== null) return present;
  const blocks = blocksPerPage();
  const buffers = Array.from({ length: blocks }, (_, i) => new BufferHead(page.index * blocks + i));
  const [uptodate, dirty] = [page.uptodate.load(), page.dirty.load()];
  if (uptodate || dirty) for (const bh of buffers) bh.set({ uptodate, dirty });
  getPage(page);
  page.buffers.store(buffers);
  return buffers;
}

/** Put a mapping into a buffer, as part of the step in progress. @see `map_bh()` (v5.15) */
export function mapBh(bh: BufferHead, to: BlockMapping): void {
  const { mapped, phys: block, gen, unwritten, delay } = to;
  bh.set({ mapped, phys: block, gen, new: to.new, unwritten, delay });
}

/** A buffer and its page must be written; joins the step in progress. @see `mark_buffer_dirty()` (v5.15) */
export function markBufferDirty(page: Page, bh: BufferHead): void {
  bh.set({ dirty: true });
  page.dirty.store(true);
}

/**
 * Mark a page dirty, and all its buffers.
 *
 * @returns Whether the page was clean.
 * @context May be preempted. One step, under `mapping->private_lock` in the kernel.
 * @see fs/buffer.c `__set_page_dirty_buffers()` (v5.15)
 */
export function setPageDirtyBuffers(page: Page): Task<boolean> {
  return page.dirty.section('__set_page_dirty_buffers', () => {
    for (const bh of page.buffers.load() ?? []) bh.set({ dirty: true });
    const clean = !page.dirty.load();
    if (clean) page.dirty.store(true);
    return clean;
  });
}

/**
 * Forget the mappings of a part of a locked page; of the whole page, let go of the buffers too.
 *
 * @param page - The page.
 * @param offset - First byte.
 * @param length - Bytes; only blocks that lie wholly inside are forgotten.
 * @context May be preempted. Page lock; in v5.15 also invalidate_lock exclusive, except where the inode goes away.
 * @see fs/buffer.c `block_invalidatepage()` (v5.15)
 */
export function* blockInvalidatepage(page: Page, offset: number, length: number): Task<void> {
  if (page.buffers.load() === null) return;
  yield* page.buffers.section('block_invalidatepage', () => {
    for (const [block, bh] of (page.buffers.load() ?? []).entries()) {
      const { start, end } = blockSpan(block);
      if (start < offset || end > offset + length) continue;
      bh.set({ mapped: false, dirty: false, new: false, delay: false, unwritten: false });
    }
  });
  // Nothing of the page is mapped any more, so nothing can be written: the buffers may go.
  if (length === PAGE_SIZE) yield* callReleasepage(page);
}

/**
 * Let go of the buffers of a page if none of them is in use.
 *
 * @returns Whether the page has no buffers now.
 * @context May be preempted. Page lock. One step, under `mapping->private_lock` in the kernel.
 * @see fs/buffer.c `try_to_free_buffers()` (v5.15)
 */
export function tryToFreeBuffers(page: Page): Task<boolean> {
  return page.buffers.section('try_to_free_buffers', () => {
    const buffers = page.buffers.load();
    if (buffers === null) return true;
    if (page.writeback.load() || buffers.some((bh) => bh.load().dirty)) return false;
    page.buffers.store(null);
    // Somebody cleaned every buffer: then there is nothing left that the page could be dirty for.
    if (page.dirty.load()) page.dirty.store(false);
    putPage(page);
    return true;
  });
}

/**
 * Is a byte range of a page that is not uptodate valid all the same, because its blocks are?
 *
 * @context May be preempted. Page lock.
 * @see fs/buffer.c `block_is_partially_uptodate()` (v5.15)
 */
export function blockIsPartiallyUptodate(page: Page, from: number, count: number): Task<boolean> {
  return page.buffers.readSection('block_is_partially_uptodate', () => {
    const buffers = page.buffers.load();
    if (buffers === null) return false;
    const to = from + Math.min(PAGE_SIZE - from, count);
    // The first and the last block: that is the page, and the page is not uptodate.
    if (from < machine.blockSize && to > PAGE_SIZE - machine.blockSize) return false;
    return buffers.every((bh, block) => {
      const { start, end } = blockSpan(block);
      return end <= from || start >= to || bh.load().uptodate;
    });
  });
}

/** Zero bytes of a page as part of the step in progress. @see include/linux/highmem.h `zero_user()` (v5.15) */
export function zeroUser(page: Page, start: number, end: number): void {
  if (end > start) page.storeBytes(start, zeroCells(end - start));
}
