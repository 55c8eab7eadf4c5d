/**
 * Writing back through iomap: ask where each valid block of a dirty page goes now, and send it there.
 *
 * Adjacent blocks of one kind become one {@link IomapIoend}. Neither i_rwsem nor the lock against invalidations is
 * taken: whoever removes pages waits for their page lock and their writeback, and frees the blocks after that.
 *
 * @departs One request for each ioend, however long. Ioends that need work after the I/O end one by one: the kernel
 *   sorts and merges those that ended together, which is one of the orders explored here.
 * @see fs/iomap/buffered-io.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { type AddressSpace, bytesInFile, type Inode } from '../include/fs.js';
import { zeroUserSegment } from '../include/highmem.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import type { WritebackControl } from '../include/writeback.js';
import { machine } from '../machine.js';
import { unlockPage } from '../mm/filemap/page-cache.js';
import {
  endPageWriteback,
  mappingSetError,
  setPageDirtyNobuffers,
  setPageWriteback,
  writeCachePages,
} from '../mm/page-writeback.js';
import type { Task } from '../sched/task.js';
import { inodeOf } from './buffer.js';
import { blockAt, type Iomap, iomapPageCreate } from './iomap.js';

/** Blocks on their way to the disk together. @see include/linux/iomap.h `struct iomap_ioend` (v5.15) */
export interface IomapIoend {
  /** The file. */
  readonly inode: Inode;
  /** What its blocks were when they were mapped. */
  readonly type: Iomap['type'];
  /** They replace blocks that are shared. */
  readonly shared: boolean;
  /** First byte in the file. */
  readonly offset: number;
  /** What to write. */
  readonly vecs: BioVec[];
  /** Runs when the I/O has ended; {@link iomapFinishIoend} unless the filesystem has something to do before. */
  endIo: (ioend: IomapIoend, error: number) => Task<void>;
}

/** Bytes of an ioend. */
export function ioendSize({ vecs }: IomapIoend): number {
  return vecs.length * machine.blockSize;
}

/** One walk over the dirty pages. @see include/linux/iomap.h `struct iomap_writepage_ctx` (v5.15) */
export interface IomapWritepageCtx {
  /** The piece that was mapped last, or `null`. */
  iomap: Iomap | null;
  /** The ioend that may still grow, or `null`. */
  ioend: IomapIoend | null;
}

/** What writeback asks of a filesystem. @see include/linux/iomap.h `struct iomap_writeback_ops` (v5.15) */
export interface IomapWritebackOps {
  /** Make sure that `wpc.iomap` covers a position, and is allocated unless it is a hole. Returns `0` or an errno. */
  readonly mapBlocks: (wpc: IomapWritepageCtx, inode: Inode, offset: number) => Task<number>;
  /** An ioend is about to be submitted; its `endIo` may be replaced. Returns `0` or an errno. */
  readonly prepareIoend?: (ioend: IomapIoend, status: number) => Task<number>;
  /** A page could not be mapped from this position on. */
  readonly discardPage?: (page: Page, fileoff: number) => Task<void>;
}

/**
 * Write the dirty pages of a range.
 *
 * @param wpc - A fresh one; the filesystem may have added to it.
 * @returns `0`, or the first errno.
 * @context Sleeps. Takes and releases page locks.
 * @see fs/iomap/buffered-io.c `iomap_writepages()` (v5.15)
 */
export function* iomapWritepages(
  mapping: AddressSpace,
  wbc: WritebackControl,
  wpc: IomapWritepageCtx,
  ops: IomapWritebackOps,
): Task<number> {
  const err = yield* writeCachePages(mapping, wbc, (page) => iomapDoWritepage(page, wpc, ops));
  if (wpc.ioend === null) return err;
  return yield* submitIoend(wpc.ioend, ops, err);
}

/**
 * Write one page, for reclaim.
 *
 * @param page - Locked, and just cleaned; unlocked when the writing has begun.
 * @param wpc - A fresh one; the filesystem may have added to it.
 * @returns `0`, or an errno.
 * @context Sleeps. Page lock, released.
 * @departs Reclaim is always kswapd, which may write: a task that allocates memory would keep the page dirty.
 * @see fs/iomap/buffered-io.c `iomap_writepage()` (v5.15)
 */
export function* iomapWritepage(page: Page, wpc: IomapWritepageCtx, ops: IomapWritebackOps): Task<number> {
  const err = yield* iomapDoWritepage(page, wpc, ops);
  if (wpc.ioend === null) return err;
  return yield* submitIoend(wpc.ioend, ops, err);
}

/**
 * Write one locked page that was just cleaned. Pages wholly beyond the end of the file stay dirty: somebody is
 * truncating them.
 *
 * @returns `0`, or an errno.
 * @see fs/iomap/buffered-io.c `iomap_do_writepage()` (v5.15)
 */
function* iomapDoWritepage(page: Page, wpc: IomapWritepageCtx, ops: IomapWritebackOps): Task<number> {
  const inode = inodeOf(page);
  const inFile = yield* bytesInFile(inode, page.index);
  if (inFile === 0) {
    yield* setPageDirtyNobuffers(page);
    yield* unlockPage(page);
    return 0;
  }
  // The page may be mapped, and what a process stored beyond the end must not reach the disk.
  if (inFile < PAGE_SIZE) yield* zeroUserSegment(page, inFile, PAGE_SIZE);
  return yield* iomapWritepageMap(page, inode, inFile, wpc, ops);
}

/** @see fs/iomap/buffered-io.c `iomap_writepage_map()` (v5.15) */
function* iomapWritepageMap(
  page: Page,
  inode: Inode,
  inFile: number,
  wpc: IomapWritepageCtx,
  ops: IomapWritebackOps,
): Task<number> {
  const { blockSize } = machine;
  const iop = iomapPageCreate(page);
  const finished: IomapIoend[] = [];
  let count = 0;
  let error = 0;
  let from = 0;
  for (; from < inFile && error === 0; from += blockSize) {
    if (iop?.load().uptodate[from / blockSize] === false) continue;
    const pos = page.index * PAGE_SIZE + from;
    error = yield* ops.mapBlocks(wpc, inode, pos);
    if (error !== 0) break;
    if (wpc.iomap === null || wpc.iomap.type === 'hole') continue;
    addToIoend(wpc, wpc.iomap, inode, page, pos, finished);
    iop?.set({ writePending: iop.load().writePending + 1 });
    count++;
  }
  if (error !== 0) {
    if (ops.discardPage !== undefined) yield* ops.discardPage(page, page.index * PAGE_SIZE + from);
    if (count === 0) {
      page.uptodate.store(false);
      yield* unlockPage(page);
      yield* mappingSetError(inode.iMapping, error);
      return error;
    }
  }
  yield* setPageWriteback(page);
  yield* unlockPage(page);
  for (const ioend of finished) error = (yield* submitIoend(ioend, ops, error)) || error;
  // Nothing to write: a part of the page was truncated meanwhile.
  if (count === 0) yield* endPageWriteback(page);
  yield* mappingSetError(inode.iMapping, error);
  return error;
}

/** @see fs/iomap/buffered-io.c `iomap_add_to_ioend()`, `iomap_can_add_to_ioend()` (v5.15) */
function addToIoend(
  wpc: IomapWritepageCtx,
  iomap: Iomap,
  inode: Inode,
  page: Page,
  pos: number,
  finished: IomapIoend[],
): void {
  const { type, shared = false } = iomap;
  const vec: BioVec = { page, block: (pos % PAGE_SIZE) / machine.blockSize, ...blockAt(iomap, pos) };
  const { ioend } = wpc;
  const fits =
    ioend !== null &&
    ioend.shared === shared &&
    ioend.type === type &&
    ioend.offset + ioendSize(ioend) === pos &&
    (ioend.vecs.at(-1) as BioVec).phys + 1 === vec.phys;
  if (fits) {
    ioend.vecs.push(vec);
    return;
  }
  if (ioend !== null) finished.push(ioend);
  wpc.ioend = { inode, type, shared, offset: pos, vecs: [vec], endIo: iomapFinishIoend };
}

/** @see fs/iomap/buffered-io.c `iomap_submit_ioend()` (v5.15) */
function* submitIoend(ioend: IomapIoend, ops: IomapWritebackOps, status: number): Task<number> {
  const { inode, vecs } = ioend;
  const error = ops.prepareIoend === undefined ? status : yield* ops.prepareIoend(ioend, status);
  if (error !== 0) {
    yield* ioend.endIo(ioend, error);
    return error;
  }
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'W',
    ino: inode.iIno,
    vecs,
    endIo: (failed) => ioend.endIo(ioend, failed),
  });
  return 0;
}

/**
 * Let go of the pages of an ioend: their writeback has ended with the last of their blocks.
 *
 * @context In the completion.
 * @see fs/iomap/buffered-io.c `iomap_finish_ioend()`, `iomap_finish_page_writeback()` (v5.15)
 */
export function* iomapFinishIoend(ioend: IomapIoend, error: number): Task<void> {
  const { inode, vecs } = ioend;
  for (const page of new Set(vecs.map((vec) => vec.page))) {
    if (error !== 0) {
      page.error.store(true);
      yield* mappingSetError(inode.iMapping, error);
    }
    if (yield* lastBlocksOf(page, vecs.filter((vec) => vec.page === page).length)) {
      yield* endPageWriteback(page);
    }
  }
}

/** Have all blocks of a page been written? @see the atomic `write_bytes_pending` of `struct iomap_page` (v5.15) */
function* lastBlocksOf(page: Page, blocks: number): Task<boolean> {
  const iop = page.iop.load();
  if (iop === null) return true;
  return yield* iop.section('iomap_finish_page_writeback', () => {
    const writePending = iop.load().writePending - blocks;
    iop.set({ writePending });
    return writePending === 0;
  });
}
