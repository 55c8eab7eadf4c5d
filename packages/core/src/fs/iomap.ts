/**
 * iomap: generic I/O on a filesystem that says where a range of a file is, and nothing else.
 *
 * A filesystem gives {@link IomapOps}. Generic code asks it for the piece of the file at a position
 * ({@link iomapIter}), works on the pages of that piece, and goes on with the next one. Pages hold no mappings: where a
 * block is, is asked for each read and each writeback anew, so that nothing can outlive its block except a request.
 * What a page with several blocks keeps is which of them are valid ({@link IomapPage}).
 *
 * A piece is looked up before the page is locked in a write, and with the page locked in a fill, in page_mkwrite and in
 * writeback. {@link IomapPage} is protected by the page lock, except that the end of a request changes it.
 *
 * The rest is in iomap-read.ts, iomap-write.ts, iomap-writeback.ts and direct-io.ts.
 *
 * @departs No inline data, no buffer heads under iomap, no seek, fiemap, swap files, migration.
 * @see fs/iomap/iter.c, fs/iomap/buffered-io.c, include/linux/iomap.h (v5.14, v5.15)
 */
import { ContractError } from '../errors.js';
import { EIO } from '../include/errno.js';
import type { Inode } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import type { Phys } from '../include/units.js';
import { machine } from '../machine.js';
import { getPage, putPage } from '../mm/filemap/page-cache.js';
import { cancelDirtyPage } from '../mm/page-writeback.js';
import { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { blocksPerPage } from './buffer.js';

/** What is at a place of a file. @see include/linux/iomap.h `IOMAP_HOLE` and its like (v5.15) */
export type IomapType = 'hole' | 'delalloc' | 'unwritten' | 'mapped';

/** A piece of a file, at block boundaries. Never changed in place. @see include/linux/iomap.h `struct iomap` (v5.15) */
export interface Iomap {
  /** What is there. */
  readonly type: IomapType;
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** The disk block of each block, if it is unwritten or mapped. */
  readonly phys: readonly Phys[];
  /** The generation of each. */
  readonly gens: readonly number[];
  /** `IOMAP_F_NEW`: it was allocated just now. */
  readonly isNew?: boolean;
  /** `IOMAP_F_SHARED`: what is there now is shared, and written elsewhere. */
  readonly shared?: boolean;
  /** Where to read what a write leaves of a block, if not here. @see the `srcmap` argument of `iomap_begin` (v5.15) */
  readonly srcmap?: Iomap;
}

/** iomap_begin: for a write; allocate. @see include/linux/iomap.h */
export const IOMAP_WRITE = 1 << 0;
/** iomap_begin: to zero; a hole may stay. */
export const IOMAP_ZERO = 1 << 1;
/** iomap_begin: for page_mkwrite. */
export const IOMAP_FAULT = 1 << 3;
/** iomap_begin: for direct I/O. */
export const IOMAP_DIRECT = 1 << 4;
/** iomap_begin: to unshare. */
export const IOMAP_UNSHARE = 1 << 7;

/** How a filesystem says where its files are. @see include/linux/iomap.h `struct iomap_ops` (v5.15) */
export interface IomapOps {
  /**
   * Find, or for a write make, the piece at a position: it contains `pos`, and need not reach `pos + length`.
   * Returns it, or an errno.
   */
  readonly iomapBegin: (inode: Inode, pos: number, length: number, flags: number) => Task<Iomap | number>;
  /** `written` bytes of the `length` asked for were used. Returns `0` or an errno. */
  readonly iomapEnd?: (
    inode: Inode,
    pos: number,
    length: number,
    written: number,
    flags: number,
    iomap: Iomap,
  ) => Task<number>;
}

/** Where a walk over a range is. @see include/linux/iomap.h `struct iomap_iter` (v5.15) */
export interface IomapIter {
  /** The file. */
  readonly inode: Inode;
  /** Where the walk is, bytes; advanced. */
  pos: number;
  /** Bytes that are left. */
  len: number;
  /** `IOMAP_*`. */
  readonly flags: number;
}

/** Where to read what is there. @see include/linux/iomap.h `iomap_iter_srcmap()` (v5.15) */
export function iomapIterSrcmap(iomap: Iomap): Iomap {
  return iomap.srcmap === undefined || iomap.srcmap.type === 'hole' ? iomap : iomap.srcmap;
}

/** Bytes of a walk that a piece covers. @see include/linux/iomap.h `iomap_length()` (v5.15) */
function iomapLength({ pos, len }: IomapIter, iomap: Iomap): number {
  const source = iomapIterSrcmap(iomap);
  const end = Math.min(iomap.offset + iomap.length, source.offset + source.length);
  return Math.min(len, end - pos);
}

/** What a filesystem did that returned a piece of no bytes. */
function endless(inode: Inode, pos: number): ContractError {
  return new ContractError(
    'CONTRACT',
    { op: 'iomap_begin', rule: 'length', pos },
    `iomap_begin() returned a piece of no bytes for byte ${pos} of inode ${inode.iIno}: the kernel warns of that ` +
      '(fs/iomap/iter.c iomap_iter_done(), v5.15), and asks again without end',
  );
}

/**
 * Walk over a range piece by piece.
 *
 * @param iter - The range; its position is advanced by what was done.
 * @param ops - The filesystem.
 * @param body - Works on the first `length` bytes of the walk. Returns how many it did, or an errno.
 * @returns `0`, or the first errno.
 * @throws ContractError `CONTRACT` if the filesystem returns a piece of no bytes.
 * @context Sleeps.
 * @departs A piece of no bytes ends the execution. Both releases warn about it; then v5.14 gives up with `-EIO`, and v5.15
 *   asks for the piece again without end.
 * @see fs/iomap/iter.c `iomap_iter()` (v5.15), fs/iomap/apply.c `iomap_apply()` (v5.14)
 */
export function* iomapIter(
  iter: IomapIter,
  ops: IomapOps,
  body: (iomap: Iomap, length: number) => Task<number>,
): Task<number> {
  const { inode, flags } = iter;
  while (iter.len > 0) {
    const { pos } = iter;
    const iomap = yield* ops.iomapBegin(inode, pos, iter.len, flags);
    if (typeof iomap === 'number') return iomap;
    if (iomap.length === 0) throw endless(inode, pos);
    const length = iomapLength(iter, iomap);
    const processed = yield* body(iomap, length);
    const done = Math.max(processed, 0);
    const err = ops.iomapEnd === undefined ? 0 : yield* ops.iomapEnd(inode, pos, length, done, flags, iomap);
    if (processed <= 0) return processed < 0 ? processed : err;
    iter.pos += done;
    iter.len -= done;
    if (err < 0 && done === 0) return err;
  }
  return 0;
}

/** State of the blocks of a page. Never changed in place. */
export interface IomapPageState {
  /** Which blocks are valid. */
  readonly uptodate: readonly boolean[];
  /** Blocks still to be read before the page can be unlocked. */
  readonly readPending: number;
  /** Blocks still to be written before writeback of the page has ended. */
  readonly writePending: number;
}

/** What a page with several blocks knows about them. @see fs/iomap/buffered-io.c `struct iomap_page` (v5.15) */
export class IomapPage extends SharedVar<IomapPageState> {
  /**
   * @param page - The page.
   * @param uptodate - Whether all of it is valid.
   */
  constructor(page: Page, uptodate: boolean) {
    const blocks = new Array<boolean>(blocksPerPage()).fill(uptodate);
    super('iomap_page', { uptodate: blocks, readPending: 0, writePending: 0 }, page.index);
  }

  /** Change some of it as part of the step in progress. */
  set(change: Partial<IomapPageState>): void {
    this.store({ ...this.load(), ...change });
  }
}

/**
 * What a page knows about its blocks; made if it knows nothing. A page of one block needs none.
 *
 * @context Page lock. Joins the step in progress: it can be seen only under the page lock.
 * @see fs/iomap/buffered-io.c `iomap_page_create()` (v5.15)
 */
export function iomapPageCreate(page: Page): IomapPage | null {
  const present = page.iop.load();
  if (present !== null || blocksPerPage() === 1) return present;
  const iop = new IomapPage(page, page.uptodate.load());
  getPage(page);
  page.iop.store(iop);
  return iop;
}

/** Forget it. @context Page lock. One step. @see fs/iomap/buffered-io.c `iomap_page_release()` (v5.15) */
function iomapPageRelease(page: Page): Task<void> {
  return page.iop.section('iomap_page_release', () => {
    if (page.iop.load() === null) return;
    page.iop.store(null);
    putPage(page);
  });
}

/**
 * Bytes of a page are valid now. Joins the step in progress.
 *
 * @param page - Locked.
 * @param from - First byte in the page.
 * @param to - Byte after the last.
 * @returns Whether the whole page is valid; it is marked so only by the caller.
 * @see fs/iomap/buffered-io.c `iomap_set_range_uptodate()` (v5.15)
 */
export function setRangeUptodate(page: Page, from: number, to: number): boolean {
  const iop = page.iop.load();
  if (iop === null) return true;
  const first = Math.floor(from / machine.blockSize);
  const last = Math.floor((to - 1) / machine.blockSize);
  const uptodate = iop.load().uptodate.map((valid, block) => valid || (block >= first && block <= last));
  iop.set({ uptodate });
  return uptodate.every((valid) => valid);
}

/** Blocks of a page, as bytes of it. */
export interface ReadRange {
  /** First byte in the page. */
  readonly from: number;
  /** Byte after the last. */
  readonly to: number;
}

/**
 * The first blocks of a range of a page that are not valid: up to the next one that is, and up to the end of the file,
 * because what lies beyond is zeroed and not read.
 *
 * @param page - Locked.
 * @param from - First byte in the page.
 * @param to - Byte after the last.
 * @param size - `i_size`, as sampled.
 * @returns The blocks, or `null` if all are valid. Joins the step in progress.
 * @see fs/iomap/buffered-io.c `iomap_adjust_read_range()` (v5.15)
 */
export function adjustReadRange(page: Page, from: number, to: number, size: number): ReadRange | null {
  const { blockSize } = machine;
  const valid = page.iop.load()?.load().uptodate;
  let first = Math.floor(from / blockSize);
  let end = Math.ceil(to / blockSize);
  if (valid !== undefined) {
    while (first < end && valid[first] === true) first++;
    const next = valid.indexOf(true, first);
    if (next >= 0) end = Math.min(end, next);
  }
  if (first >= end) return null;
  const eof = Math.ceil((size - page.index * PAGE_SIZE) / blockSize);
  if (eof > first) end = Math.min(end, eof);
  return { from: first * blockSize, to: end * blockSize };
}

/**
 * Is a byte range of a page that is not uptodate valid all the same, because its blocks are?
 *
 * @context May be preempted. Page lock.
 * @see fs/iomap/buffered-io.c `iomap_is_partially_uptodate()` (v5.15)
 */
export function iomapIsPartiallyUptodate(page: Page, from: number, count: number): Task<boolean> {
  return page.iop.readSection('iomap_is_partially_uptodate', () => {
    const { blockSize } = machine;
    const last = from + Math.min(PAGE_SIZE - from, count) - 1;
    const blocks = page.iop.load()?.load().uptodate ?? [];
    const wanted = blocks.slice(Math.floor(from / blockSize), Math.floor(last / blockSize) + 1);
    return wanted.length > 0 && wanted.every((valid) => valid);
  });
}

/**
 * Let go of what a page knows about its blocks.
 *
 * @returns `false` if the page is dirty or under writeback.
 * @context May be preempted. Page lock.
 * @see fs/iomap/buffered-io.c `iomap_releasepage()` (v5.15)
 */
export function* iomapReleasepage(page: Page): Task<boolean> {
  if (page.dirty.load() || page.writeback.load()) return false;
  yield* iomapPageRelease(page);
  return true;
}

/**
 * Forget a page that is invalidated as a whole. Of a part of it nothing is known that could be forgotten.
 *
 * @context May be preempted. Page lock; in v5.15 also invalidate_lock exclusive.
 * @see fs/iomap/buffered-io.c `iomap_invalidatepage()` (v5.15)
 */
export function* iomapInvalidatepage(page: Page, offset: number, length: number): Task<void> {
  if (offset !== 0 || length !== PAGE_SIZE) return;
  yield* cancelDirtyPage(page);
  yield* iomapPageRelease(page);
}

/** The disk block and its generation at a byte of a piece. */
export function blockAt(iomap: Iomap, pos: number): { readonly phys: Phys; readonly gen: number } {
  const at = Math.floor((pos - iomap.offset) / machine.blockSize);
  return { phys: iomap.phys[at] as Phys, gen: iomap.gens[at] as number };
}

/**
 * Must a block be zeroed instead of read?
 *
 * @param size - `i_size`, as sampled.
 * @see fs/iomap/buffered-io.c `iomap_block_needs_zeroing()` (v5.15)
 */
export function blockNeedsZeroing(iomap: Iomap, pos: number, size: number): boolean {
  const source = iomapIterSrcmap(iomap);
  return source.type !== 'mapped' || source.isNew === true || pos >= size;
}

/** The error that a request leaves. */
export function ioError(failed: boolean): number {
  return failed ? -EIO : 0;
}
