/**
 * Filling pages through iomap.
 *
 * The pages are in the cache and locked; the piece is looked up and the size of the file sampled after that. Looking up
 * and arriving are separate events under the same page lock. Reads of adjacent blocks become one request.
 *
 * @departs The size is sampled once for each piece of a page where the kernel samples it twice, to split the piece and
 *   to decide what to zero: whoever changes it in between waits for the page lock.
 * @see fs/iomap/buffered-io.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { type Inode, iSizeWithin } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type ReadaheadControl, readaheadPage } from '../include/pagemap.js';
import { machine } from '../machine.js';
import { putPage } from '../mm/filemap/page-cache.js';
import type { Task } from '../sched/task.js';
import { inodeOf, zeroUser } from './buffer.js';
import { pageEndio } from './buffer-read.js';
import {
  adjustReadRange,
  blockAt,
  blockNeedsZeroing,
  type Iomap,
  type IomapOps,
  iomapIter,
  iomapPageCreate,
  setRangeUptodate,
} from './iomap.js';

/** A fill in progress. @see fs/iomap/buffered-io.c `struct iomap_readpage_ctx` (v5.15) */
class IomapReadpageCtx {
  readonly inode: Inode;
  /** The page being worked on. */
  page: Page | null = null;
  /** It is, in part, in a request, which will unlock it. */
  inBio = false;
  /** The request being put together. */
  vecs: BioVec[] = [];

  constructor(inode: Inode) {
    this.inode = inode;
  }

  /** Send what was put together. */
  *submit(): Task<void> {
    const { vecs, inode } = this;
    if (vecs.length === 0) return;
    this.vecs = [];
    const pages = [...new Set(vecs.map((vec) => vec.page))];
    for (const page of pages) page.lock.handOff();
    yield* submitBio(inode.iSb.sBdev, {
      rw: 'R',
      ino: inode.iIno,
      vecs,
      endIo: (error) => iomapReadEndIo(vecs, error),
    });
  }

  /** Done with the page: unlock it, unless a request will. */
  *finish(): Task<void> {
    const { page } = this;
    this.page = null;
    if (page === null || this.inBio) return;
    yield* pageEndio(page, !page.error.load() && allValid(page), 'iomap_readpage');
  }
}

function allValid(page: Page): boolean {
  return (
    page.iop
      .load()
      ?.load()
      .uptodate.every((valid) => valid) ?? true
  );
}

/**
 * Fill a locked page.
 *
 * @param page - In the cache, not uptodate. Unlocked here or when the read ends.
 * @param ops - The filesystem.
 * @returns `0`; a failure shows as PG_error.
 * @context Sleeps. Page lock, handed to the I/O.
 * @see fs/iomap/buffered-io.c `iomap_readpage()` (v5.15)
 */
export function* iomapReadpage(page: Page, ops: IomapOps): Task<number> {
  const ctx = new IomapReadpageCtx(inodeOf(page));
  ctx.page = page;
  const iter = { inode: ctx.inode, pos: page.index * PAGE_SIZE, len: PAGE_SIZE, flags: 0 };
  const err = yield* iomapIter(iter, ops, (iomap, length) => readpageIter(ctx, iomap, iter.pos, length));
  if (err < 0) page.error.store(true);
  yield* ctx.submit();
  yield* ctx.finish();
  return 0;
}

/**
 * Fill the pages of a readahead request.
 *
 * @param rac - The request; all its pages are taken, except after an error of the filesystem.
 * @param ops - The filesystem.
 * @context Sleeps. Page locks, handed to the I/O, and the pages put.
 * @see fs/iomap/buffered-io.c `iomap_readahead()` (v5.15)
 */
export function* iomapReadahead(rac: ReadaheadControl, ops: IomapOps): Task<void> {
  const ctx = new IomapReadpageCtx(rac.mapping.host);
  const iter = {
    inode: ctx.inode,
    pos: rac.index * PAGE_SIZE,
    len: rac.pages.length * PAGE_SIZE,
    flags: 0,
  };
  yield* iomapIter(iter, ops, (iomap, length) => readaheadIter(ctx, rac, iomap, iter.pos, length));
  yield* ctx.submit();
  yield* putCurrent(ctx);
}

/** @see fs/iomap/buffered-io.c `iomap_readahead_iter()` (v5.15) */
function* readaheadIter(
  ctx: IomapReadpageCtx,
  rac: ReadaheadControl,
  iomap: Iomap,
  pos: number,
  length: number,
): Task<number> {
  for (let done = 0; done < length; ) {
    const at = pos + done;
    if (ctx.page === null || at % PAGE_SIZE === 0) {
      yield* putCurrent(ctx);
      ctx.page = readaheadPage(rac);
      ctx.inBio = false;
    }
    done += yield* readpageIter(ctx, iomap, at, length - done);
  }
  return length;
}

function* putCurrent(ctx: IomapReadpageCtx): Task<void> {
  const { page } = ctx;
  if (page === null) return;
  yield* ctx.finish();
  putPage(page);
}

/**
 * Read or zero the next blocks of a page.
 *
 * @returns Bytes dealt with: blocks that are valid already, and those that are read or zeroed.
 * @see fs/iomap/buffered-io.c `iomap_readpage_iter()` (v5.15)
 */
function* readpageIter(ctx: IomapReadpageCtx, iomap: Iomap, pos: number, length: number): Task<number> {
  const page = ctx.page as Page;
  const start = pos % PAGE_SIZE;
  const size = yield* iSizeWithin(ctx.inode, pos - start, pos - start + PAGE_SIZE);
  const iop = iomapPageCreate(page);
  const upto = Math.min(PAGE_SIZE, start + length);
  const range = adjustReadRange(page, start, upto, size);
  if (range === null) return upto - start;
  const { from, to } = range;
  if (blockNeedsZeroing(iomap, pos - start + from, size)) {
    zeroUser(page, from, to);
    setRangeUptodate(page, from, to);
    return to - start;
  }
  const { blockSize } = machine;
  const blocks = (to - from) / blockSize;
  ctx.inBio = true;
  iop?.set({ readPending: iop.load().readPending + blocks });
  const vecs = Array.from({ length: blocks }, (_, i): BioVec => {
    const at = from + i * blockSize;
    return { page, block: at / blockSize, ...blockAt(iomap, pos - start + at) };
  });
  const last = ctx.vecs.at(-1);
  if (last !== undefined && last.phys + 1 !== (vecs[0] as BioVec).phys) yield* ctx.submit();
  ctx.vecs.push(...vecs);
  return to - start;
}

/**
 * A request has ended: its blocks are valid, and pages with nothing left to read are unlocked.
 *
 * @context In the completion. Page locks, released.
 * @departs PG_uptodate and the page lock change in one step, as in pageEndio().
 * @see fs/iomap/buffered-io.c `iomap_read_end_io()`, `iomap_read_page_end_io()` (v5.15)
 */
function* iomapReadEndIo(vecs: readonly BioVec[], error: number): Task<void> {
  for (const page of new Set(vecs.map((vec) => vec.page))) {
    const blocks = vecs.filter((vec) => vec.page === page).map((vec) => vec.block);
    yield* page.uptodate.section('iomap_read_page_end_io', () => {
      endRead(page, blocks, error);
      return page.uptodate.load() ? 'uptodate' : 'not uptodate';
    });
  }
}

function endRead(page: Page, blocks: readonly number[], error: number): void {
  const { blockSize } = machine;
  if (error !== 0) {
    page.uptodate.store(false);
    page.error.store(true);
  } else if (!page.error.load()) {
    let valid = false;
    for (const block of blocks) valid = setRangeUptodate(page, block * blockSize, (block + 1) * blockSize);
    if (valid) page.uptodate.store(true);
  }
  const iop = page.iop.load();
  const readPending = (iop?.load().readPending ?? blocks.length) - blocks.length;
  iop?.set({ readPending });
  if (readPending === 0) page.lock.drop('unlock_page');
}
