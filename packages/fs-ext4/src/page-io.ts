/**
 * Writeback: find dirty pages, allocate what was delayed, submit, convert when the I/O has ended.
 *
 * Order of locks: s_writepages_rwsem, transaction, page locks in index order, i_data_sem. Neither i_rwsem nor the lock
 * against invalidations: whoever removes pages waits for their page lock and their writeback, and only then frees
 * the blocks.
 *
 * @see fs/ext4/inode.c, fs/ext4/page-io.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type BioVec,
  type BufferHead,
  blocksPerPage,
  ContractError,
  clearPageDirtyForIo,
  downRead,
  downWrite,
  endPageWriteback,
  getPage,
  type Inode,
  iSizeRead,
  isPage,
  lockPage,
  machine,
  mappingSetError,
  PAGE_SIZE,
  type Page,
  type Phys,
  pageIndex,
  putPage,
  setPageDirtyNobuffers,
  setPageWriteback,
  submitBio,
  type Task,
  unlockPage,
  upRead,
  upWrite,
  type WritebackControl,
  waitOnPageWriteback,
  zeroUser,
} from '@fsport/core';
import { EXT4_I, EXT4_SB, ext4JournalStart, ext4JournalStop } from './ext4.js';
import {
  EXT4_GET_BLOCKS_CREATE,
  EXT4_GET_BLOCKS_DELALLOC_RESERVE,
  EXT4_GET_BLOCKS_IO_CREATE_EXT,
  ext4ConvertUnwrittenExtents,
  ext4MapBlocks,
} from './extents.js';

/** Pages whose blocks are mapped, on their way to the disk together. @see fs/ext4/ext4.h `ext4_io_end_t` */
class IoEnd {
  /** The blocks to write, for each page. */
  readonly writes: { readonly page: Page; readonly vecs: readonly BioVec[] }[] = [];
  /** Blocks of the file to convert afterwards, as `[first, end]`. */
  readonly unwritten: [first: number, end: number][] = [];
}

/** Blocks that need mapping. @see `struct ext4_map_blocks` inside `struct mpage_da_data` */
interface DaExtent {
  readonly lblk: number;
  len: number;
  readonly delay: boolean;
}

/** One walk over the dirty pages. @see fs/ext4/inode.c `struct mpage_da_data` (v5.15) */
class MpageDaData {
  readonly inode: Inode;
  readonly wbc: WritebackControl;
  readonly lastPage: number;
  firstPage: number;
  /** A transaction is running, so blocks can be mapped. */
  doMap = false;
  /** Nothing is left behind `firstPage`. */
  scannedUntilEnd = false;
  extent: DaExtent | null = null;
  /** Pages that are locked, in index order. */
  locked: Page[] = [];
  ioEnd = new IoEnd();

  constructor(mapping: AddressSpace, wbc: WritebackControl) {
    this.inode = mapping.host;
    this.wbc = wbc;
    this.firstPage = pageIndex(wbc.rangeStart);
    this.lastPage = Math.min(pageIndex(wbc.rangeEnd), mapping.capacity - 1);
  }
}

/**
 * Write the dirty pages of a range. Pages that need no block go first, without a transaction.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes s_writepages_rwsem shared, then a transaction, page locks, i_data_sem exclusive.
 * @departs Pages are not tagged before the walk, which goes through a bounded file once, in index order.
 * @see fs/ext4/inode.c `ext4_writepages()` (v5.15)
 */
export function* ext4Writepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  const { sWritepagesRwsem } = EXT4_SB(mapping.host.iSb);
  yield* downRead(sWritepagesRwsem);
  let err = 0;
  if (mapping.nrpages.load() > 0) {
    const mpd = new MpageDaData(mapping, wbc);
    yield* mpagePrepareExtentToMap(mpd);
    yield* mpageReleaseUnusedPages(mpd);
    yield* ext4IoSubmit(mpd);
    mpd.doMap = true;
    while (!mpd.scannedUntilEnd && err === 0) {
      yield* ext4JournalStart(mpd.inode);
      yield* mpagePrepareExtentToMap(mpd);
      if (mpd.extent !== null) err = yield* mpageMapAndSubmitExtent(mpd);
      yield* ext4JournalStop(mpd.inode);
      yield* mpageReleaseUnusedPages(mpd);
      yield* ext4IoSubmit(mpd);
    }
  }
  yield* upRead(sWritepagesRwsem);
  return err;
}

/**
 * Lock dirty pages and submit those that are mapped, up to the end of the first run of blocks that needs mapping.
 *
 * @see fs/ext4/inode.c `mpage_prepare_extent_to_map()` (v5.15)
 */
function* mpagePrepareExtentToMap(mpd: MpageDaData): Task<void> {
  const { iMapping: mapping } = mpd.inode;
  mpd.extent = null;
  for (let index = mpd.firstPage; index <= mpd.lastPage; index++) {
    const page = yield* findDirtyPage(mapping, index);
    if (page === null) continue;
    if (mpd.extent !== null && index !== (mpd.locked.at(-1) as Page).index + 1) {
      putPage(page);
      return;
    }
    yield* lockPage(page);
    const busy = page.writeback.load();
    // Truncated, written by somebody else, or being written.
    if (page.mapping.load() !== mapping || !page.dirty.load() || (busy && mpd.wbc.sync === 'WB_SYNC_NONE')) {
      yield* unlockPage(page);
      putPage(page);
      continue;
    }
    if (busy) yield* waitOnPageWriteback(page);
    if (mpd.extent === null) mpd.firstPage = index;
    mpd.locked.push(page);
    if (!(yield* mpageProcessPageBufs(mpd, page, 0))) return;
  }
  mpd.scannedUntilEnd = true;
}

/** One look at a slot: the page if it is dirty, with a reference. @see `pagevec_lookup_range_tag()` (v5.15) */
function findDirtyPage(mapping: AddressSpace, index: number): Task<Page | null> {
  const slot = mapping.iPages.at(index);
  return slot.readSection(
    'pagevec_lookup_range_tag',
    () => {
      const page = slot.load();
      if (!isPage(page) || !page.dirty.load()) return null;
      getPage(page);
      return page;
    },
    (page) => (page === null ? 'none' : `page ${page.index}`),
  );
}

/** The buffers of a dirty page: mkwrite and write_begin made them. @see `page_buffers()` (v5.15) */
function buffersOf(page: Page): readonly BufferHead[] {
  const buffers = page.buffers.load();
  if (buffers !== null) return buffers;
  throw new ContractError('CONTRACT', { op: 'page_buffers', rule: 'page-private', page: page.index });
}

/**
 * Add the blocks of a page that need mapping to the run; submit the page if none does.
 *
 * @returns Whether the walk may go on with the next page.
 * @see fs/ext4/inode.c `mpage_process_page_bufs()` (v5.15)
 */
function* mpageProcessPageBufs(mpd: MpageDaData, page: Page, from: number): Task<boolean> {
  const blocks = Math.ceil((yield* iSizeRead(mpd.inode)) / machine.blockSize);
  const buffers = buffersOf(page);
  let lblk = page.index * blocksPerPage() + from;
  for (const bh of buffers.slice(from)) {
    if (lblk >= blocks || !mpageAddBhToExtent(mpd, lblk, bh)) {
      if (mpd.extent !== null || !mpd.doMap) return false;
      break;
    }
    lblk++;
  }
  if (mpd.extent === null) yield* mpageSubmitPage(mpd, page);
  if (lblk < blocks) return true;
  mpd.scannedUntilEnd = true;
  return false;
}

/** @returns Whether the block was added, or needs no mapping. @see `mpage_add_bh_to_extent()` (v5.15) */
function mpageAddBhToExtent(mpd: MpageDaData, lblk: number, bh: BufferHead): boolean {
  const { dirty, mapped, delay, unwritten } = bh.load();
  const { extent } = mpd;
  if (!dirty || !mapped || !(delay || unwritten)) return extent === null;
  if (extent === null) {
    if (!mpd.doMap) return false;
    mpd.extent = { lblk, len: 1, delay };
    return true;
  }
  if (lblk !== extent.lblk + extent.len || delay !== extent.delay) return false;
  extent.len++;
  return true;
}

/**
 * Map the run, then submit its pages; go on with what else the last of them needs.
 *
 * @returns `0`, or `-ENOSPC`.
 * @context Sleeps. Transaction and page locks held; takes i_data_sem exclusive.
 * @see fs/ext4/inode.c `mpage_map_and_submit_extent()` (v5.15)
 */
function* mpageMapAndSubmitExtent(mpd: MpageDaData): Task<number> {
  const { inode } = mpd;
  let err = 0;
  while (mpd.extent !== null && err === 0) err = yield* mpageMapOneExtent(mpd, mpd.extent);
  const { iDataSem, iDisksize } = EXT4_I(inode);
  if (mpd.firstPage * PAGE_SIZE > iDisksize.load()) {
    yield* downWrite(iDataSem);
    // Not beyond i_size, which a truncate may have lowered; it does so under i_data_sem.
    const disksize = Math.min(mpd.firstPage * PAGE_SIZE, inode.iSize.load());
    if (disksize > iDisksize.load()) iDisksize.store(disksize);
    yield* upWrite(iDataSem);
  }
  return err;
}

/** @see fs/ext4/inode.c `mpage_map_one_extent()`, `mpage_map_and_submit_buffers()` (v5.15) */
function* mpageMapOneExtent(mpd: MpageDaData, extent: DaExtent): Task<number> {
  const { inode } = mpd;
  const { dioreadNolock } = EXT4_SB(inode.iSb);
  const flags =
    (dioreadNolock ? EXT4_GET_BLOCKS_IO_CREATE_EXT : EXT4_GET_BLOCKS_CREATE) |
    (extent.delay ? EXT4_GET_BLOCKS_DELALLOC_RESERVE : 0);
  const made = yield* ext4MapBlocks(inode, extent.lblk, extent.len, flags);
  if (typeof made === 'number') return made;
  const end = extent.lblk + made.len;
  if (made.state === 'unwritten') mpd.ioEnd.unwritten.push([extent.lblk, end]);
  mpd.extent = null;
  for (const page of mpd.locked.slice()) {
    const first = page.index * blocksPerPage();
    for (const [block, bh] of buffersOf(page).entries()) {
      const at = first + block - extent.lblk;
      if (at < 0) continue;
      if (first + block >= end) {
        // The run ends inside this page: its other blocks may need another one.
        yield* mpageProcessPageBufs(mpd, page, block);
        return 0;
      }
      if (bh.load().delay)
        bh.set({ delay: false, phys: made.phys[at] as Phys, gen: made.gens[at] as number });
      bh.set({ unwritten: false });
    }
    yield* mpageSubmitPage(mpd, page);
  }
  return 0;
}

/** Take a page whose blocks are mapped to the I/O: it is unlocked. @see `mpage_submit_page()` (v5.15) */
function* mpageSubmitPage(mpd: MpageDaData, page: Page): Task<void> {
  // Write-protected everywhere first, then the size is sampled: stores beyond it come too late.
  yield* clearPageDirtyForIo(page);
  const size = yield* iSizeRead(mpd.inode);
  yield* ext4BioWritePage(mpd.ioEnd, page, bytesInFile(page, size));
  mpd.firstPage = page.index + 1;
  mpd.locked.splice(mpd.locked.indexOf(page), 1);
  putPage(page);
}

function bytesInFile(page: Page, size: number): number {
  return page.index === pageIndex(size) ? size % PAGE_SIZE : PAGE_SIZE;
}

/**
 * Collect the dirty mapped blocks of a page, and unlock it.
 *
 * @param len - Bytes of the page that are inside the file.
 * @see fs/ext4/page-io.c `ext4_bio_write_page()` (v5.15)
 */
function* ext4BioWritePage(ioEnd: IoEnd, page: Page, len: number): Task<void> {
  yield* setPageWriteback(page);
  page.error.store(false);
  zeroUser(page, len, PAGE_SIZE);
  const vecs: BioVec[] = [];
  for (const [block, bh] of buffersOf(page).entries()) {
    const { dirty, delay, mapped, unwritten, phys, gen } = bh.load();
    if (block * machine.blockSize >= len) {
      bh.set({ dirty: false, uptodate: true });
    } else if (!dirty || delay || !mapped || unwritten) {
      if (!mapped) bh.set({ dirty: false }); // a hole: nothing to write
    } else {
      bh.set({ new: false, dirty: false });
      vecs.push({ page, block, phys, gen });
    }
  }
  if (vecs.length > 0) ioEnd.writes.push({ page, vecs });
  yield* unlockPage(page);
  if (vecs.length === 0) yield* endPageWriteback(page);
}

/** Unlock what was locked and not submitted. @see `mpage_release_unused_pages()` (v5.15) */
function* mpageReleaseUnusedPages(mpd: MpageDaData): Task<void> {
  for (const page of mpd.locked) {
    yield* unlockPage(page);
    putPage(page);
  }
  mpd.locked = [];
}

/**
 * Send what was collected. Pages with blocks to convert end together, after the conversion; others one by one.
 *
 * @departs One request for each page without blocks to convert; the kernel merges neighbours on the disk, whose
 *   completions then come together, which is one of the orders explored here.
 * @see fs/ext4/page-io.c `ext4_io_submit()` (v5.15)
 */
function* ext4IoSubmit(mpd: MpageDaData): Task<void> {
  const { inode, ioEnd } = mpd;
  const { writes, unwritten } = ioEnd;
  mpd.ioEnd = new IoEnd();
  if (writes.length === 0) return;
  const together = unwritten.length > 0 ? [writes] : writes.map((write) => [write]);
  for (const group of together) {
    const pages = group.map(({ page }) => page);
    yield* submitBio(inode.iSb.sBdev, {
      rw: 'W',
      ino: inode.iIno,
      vecs: group.flatMap(({ vecs }) => vecs),
      endIo: (error) => ext4EndIo(inode, pages, unwritten, error),
    });
  }
}

/**
 * End of a write: convert, then let go of the pages. Only now may their blocks be freed.
 *
 * @context In the completion. Takes a transaction and i_data_sem exclusive if there is something to convert.
 * @departs As in the kernel, blocks are converted even if writing them failed.
 * @see fs/ext4/page-io.c `ext4_end_io_end()`, `ext4_finish_bio()` (v5.15)
 */
function* ext4EndIo(
  inode: Inode,
  pages: readonly Page[],
  unwritten: readonly (readonly [first: number, end: number])[],
  error: number,
): Task<void> {
  if (error !== 0) {
    for (const page of pages) page.error.store(true);
    yield* mappingSetError(inode.iMapping, error);
  }
  if (unwritten.length > 0) {
    yield* ext4JournalStart(inode);
    for (const [first, end] of unwritten) yield* ext4ConvertUnwrittenExtents(inode, first, end);
    yield* ext4JournalStop(inode);
  }
  for (const page of pages) yield* endPageWriteback(page);
}

/**
 * Write one locked page, for reclaim. It cannot allocate: a page of which any part would need it stays dirty.
 *
 * @returns `0`.
 * @context Sleeps. The page lock is released.
 * @departs Only reclaim (PF_MEMALLOC) calls it: a commit of the journal, which writes the parts that it can, is not modelled.
 * @see fs/ext4/inode.c `ext4_writepage()` (v5.15)
 */
export function* ext4Writepage(page: Page, wbc: WritebackControl): Task<number> {
  const mapping = page.mapping.load() as AddressSpace;
  const len = bytesInFile(page, yield* iSizeRead(mapping.host));
  const waiting = buffersOf(page).some((bh, block) => {
    const { dirty, delay, unwritten } = bh.load();
    return block * machine.blockSize < len && dirty && (delay || unwritten);
  });
  if (waiting) {
    yield* setPageDirtyNobuffers(page);
    yield* unlockPage(page);
    return 0;
  }
  const mpd = new MpageDaData(mapping, wbc);
  yield* ext4BioWritePage(mpd.ioEnd, page, len);
  yield* ext4IoSubmit(mpd);
  return 0;
}
