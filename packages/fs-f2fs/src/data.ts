/**
 * Pages and their blocks: fills, writes, writeback.
 *
 * Nothing is overwritten on the disk: writing a page back gives it a new block and frees the old one. Who fills a page holds its
 * lock from the look-up to the arrival, and who writes it back holds it too, so that no fill reads a block that writeback
 * frees.
 *
 * @departs No inline data, compression, encryption, atomic or pinned files, and no updates in place, which f2fs does for some
 *   calls of fsync(2).
 * @see fs/f2fs/data.c, fs/f2fs/segment.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type AddressSpaceOperations,
  AOP_WRITEPAGE_ACTIVATE,
  bytesInFile,
  ContractError,
  clearPageDirtyForIo,
  EAGAIN,
  EIO,
  ENOENT,
  ENOMEM,
  endPageWriteback,
  FGP_CREAT,
  FGP_LOCK,
  FGP_WRITE,
  type File,
  genericErrorRemovePage,
  type Inode,
  type Loff,
  lockPage,
  loff,
  mappingSetError,
  mpageReadahead,
  mpageReadpage,
  PAGE_SIZE,
  type Page,
  pagecacheGetPage,
  pageEndio,
  pageIndex,
  pgoff,
  phys,
  putPage,
  setPageDirty,
  setPageDirtyNobuffers,
  setPageWriteback,
  submitBio,
  type Task,
  takeBlock,
  truncatePagecache,
  unlockPage,
  type WritebackControl,
  waitOnPageWriteback,
  writeCachePages,
  zeroUser,
} from '@fsport/core';
import {
  type BlockAddr,
  F2FS_I,
  f2fsISizeWrite,
  f2fsLockOp,
  f2fsTrylockOp,
  f2fsUnlockOp,
  maxFileBlocks,
  NEW_ADDR,
  NULL_ADDR,
  withNodeChange,
  withoutGcAndFills,
} from './f2fs.js';
import { f2fsGetBlock, f2fsMapBlocks, f2fsReserveBlock, f2fsTruncateHole, replaceAddr } from './node.js';

/** Unlock a page and put it. @see fs/f2fs/f2fs.h `f2fs_put_page()` (v5.15) */
export function* f2fsPutPage(page: Page): Task<void> {
  yield* unlockPage(page);
  putPage(page);
}

function grabCachePage(mapping: AddressSpace, index: number): Task<Page | null> {
  return pagecacheGetPage(mapping, pgoff(index), FGP_LOCK | FGP_WRITE | FGP_CREAT);
}

/** Read the block of a locked page; the page is unlocked when it has arrived. @see `f2fs_submit_page_read()` (v5.15) */
function* f2fsSubmitPageRead(inode: Inode, page: Page, { phys: block, gen }: BlockAddr): Task<void> {
  page.lock.handOff();
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'R',
    ino: inode.iIno,
    vecs: [{ page, block: 0, phys: block, gen }],
    endIo: (error) => pageEndio(page, error === 0, 'f2fs_read_end_io'),
  });
}

/** A reserved block reads as zeroes; joins the step in progress. */
function fillWithZeroes(page: Page): void {
  zeroUser(page, 0, PAGE_SIZE);
  page.uptodate.store(true);
}

/**
 * Find or create a page and begin to fill it: f2fs's own way, past readpage.
 *
 * @returns The page, not locked by the caller; `-ENOENT` for a hole; or `-ENOMEM`.
 * @context Sleeps. Takes the page lock, no lock against invalidations: the caller keeps them away, or is one, so that
 *   the address that is looked up as the page is locked stays.
 * @see fs/f2fs/data.c `f2fs_get_read_data_page()` (v5.15)
 */
export function* f2fsGetReadDataPage(inode: Inode, index: number): Task<Page | number> {
  const page = yield* grabCachePage(inode.iMapping, index);
  if (page === null) return -ENOMEM;
  const addr = F2FS_I(inode).addr.at(index).load();
  if (addr === NULL_ADDR) {
    yield* f2fsPutPage(page);
    return -ENOENT;
  }
  if (page.uptodate.load()) {
    yield* unlockPage(page);
  } else if (addr === NEW_ADDR) {
    fillWithZeroes(page);
    yield* unlockPage(page);
  } else {
    yield* f2fsSubmitPageRead(inode, page, addr);
  }
  return page;
}

/**
 * Get a valid page, locked.
 *
 * @returns The page; `-ENOENT` for a hole; `-EIO`; or `-ENOMEM`.
 * @context Sleeps. The page lock is taken; see {@link f2fsGetReadDataPage}.
 * @see fs/f2fs/data.c `f2fs_get_lock_data_page()` (v5.15)
 */
export function* f2fsGetLockDataPage(inode: Inode, index: number): Task<Page | number> {
  for (;;) {
    const page = yield* f2fsGetReadDataPage(inode, index);
    if (typeof page === 'number') return page;
    yield* lockPage(page);
    const cached = page.mapping.load() === inode.iMapping;
    if (cached && page.uptodate.load()) return page;
    yield* f2fsPutPage(page);
    if (cached) return -EIO;
  }
}

/**
 * Get a valid page, locked, and a block for it.
 *
 * @param newISize - The file becomes as long as the page reaches.
 * @returns The page, `-EIO`, or `-ENOMEM`.
 * @context Sleeps. cp_rwsem shared; the page lock is taken.
 * @see fs/f2fs/data.c `f2fs_get_new_data_page()` (v5.15)
 */
export function* f2fsGetNewDataPage(inode: Inode, index: number, newISize: boolean): Task<Page | number> {
  let page: Page | number | null = yield* grabCachePage(inode.iMapping, index);
  if (page === null) return -ENOMEM;
  const addr = yield* f2fsReserveBlock(inode, index);
  if (!page.uptodate.load()) {
    if (addr === NEW_ADDR) {
      fillWithZeroes(page);
    } else {
      yield* f2fsPutPage(page);
      page = yield* f2fsGetLockDataPage(inode, index);
      if (typeof page === 'number') return page;
    }
  }
  const end = (index + 1) * PAGE_SIZE;
  if (newISize && inode.iSize.load() < end) yield* f2fsISizeWrite(inode, end);
  return page;
}

/**
 * Free every block from a position on, and zero the rest of its page.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. The lock against fills exclusive, unless the inode goes away; takes cp_rwsem shared, a page lock.
 * @see fs/f2fs/file.c `f2fs_truncate_blocks()`, `f2fs_do_truncate_blocks()` (v5.15)
 */
export function* f2fsTruncateBlocks(inode: Inode, from: number): Task<number> {
  yield* f2fsLockOp(inode);
  yield* f2fsTruncateHole(inode, Math.ceil(from / PAGE_SIZE), maxFileBlocks());
  yield* f2fsUnlockOp(inode);
  F2FS_I(inode).keepIsize = false;
  return yield* truncatePartialDataPage(inode, from);
}

/** @see fs/f2fs/file.c `truncate_partial_data_page()` (v5.15) */
function* truncatePartialDataPage(inode: Inode, from: number): Task<number> {
  const offset = from % PAGE_SIZE;
  if (offset === 0) return 0;
  const page = yield* f2fsGetLockDataPage(inode, pageIndex(from));
  if (typeof page === 'number') return page === -ENOENT ? 0 : page;
  yield* f2fsZeroDataPage(page, offset, PAGE_SIZE);
  return 0;
}

/** Zero a part of a valid locked page, then unlock and put it. @context Sleeps: waits for its writeback. */
export function* f2fsZeroDataPage(page: Page, start: number, end: number): Task<void> {
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
  zeroUser(page, start, end);
  yield* setPageDirty(page);
  yield* f2fsPutPage(page);
}

/**
 * Take back what a write got beyond the end of the file and did not use.
 *
 * @param to - Where the write would have ended.
 * @context Sleeps. i_rwsem exclusive; takes i_gc_rwsem[WRITE] and the lock against fills exclusive.
 * @see fs/f2fs/data.c `f2fs_write_failed()` (v5.14, v5.15)
 */
function* f2fsWriteFailed(inode: Inode, to: number): Task<void> {
  const size = inode.iSize.load(); // i_rwsem
  if (to <= size) return;
  yield* withoutGcAndFills(inode, trim(inode, size));
}

function* trim(inode: Inode, size: number): Task<void> {
  yield* truncatePagecache(inode, loff(size));
  yield* f2fsTruncateBlocks(inode, size);
}

/** The block of a page that is about to be written in part. @see `prepare_write_begin()` (v5.15) */
function* prepareWriteBegin(inode: Inode, page: Page): Task<BlockAddr> {
  const { index } = page;
  if (index * PAGE_SIZE < inode.iSize.load()) {
    const addr = F2FS_I(inode).addr.at(index).load(); // i_rwsem and the page lock: nobody changes it
    if (addr !== NULL_ADDR) return addr;
  }
  return yield* withNodeChange(inode, f2fsReserveBlock(inode, index));
}

/**
 * Prepare a write: find or create the page, reserve its block, read what the write leaves of it.
 *
 * @returns The page, locked, or an errno.
 * @context Sleeps. i_rwsem exclusive; the page lock is taken, under it node_change shared.
 * @see fs/f2fs/data.c `f2fs_write_begin()` (v5.15)
 */
function* f2fsWriteBegin(_file: File, mapping: AddressSpace, pos: Loff, len: number): Task<Page | number> {
  const inode = mapping.host;
  for (;;) {
    const page = yield* grabCachePage(mapping, pageIndex(pos));
    if (page === null) {
      yield* f2fsWriteFailed(inode, pos + len);
      return -ENOMEM;
    }
    // A whole page has its block already: it was reserved before the write began.
    if (len === PAGE_SIZE) return yield* stable(page);
    const addr = yield* prepareWriteBegin(inode, page);
    yield* stable(page);
    if (page.uptodate.load()) return page;
    if (pos % PAGE_SIZE === 0 && pos + len >= inode.iSize.load()) {
      zeroUser(page, len, PAGE_SIZE);
      return page;
    }
    if (addr === NEW_ADDR) {
      fillWithZeroes(page);
      return page;
    }
    yield* f2fsSubmitPageRead(inode, page, addr);
    yield* lockPage(page);
    const cached = page.mapping.load() === mapping;
    if (cached && page.uptodate.load()) return page;
    yield* f2fsPutPage(page);
    if (!cached) continue; // truncated
    yield* f2fsWriteFailed(inode, pos + len);
    return -EIO;
  }
}

/** A page that is being written must not change. @see `f2fs_wait_on_page_writeback()` (v5.15) */
function* stable(page: Page): Task<Page> {
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
  return page;
}

/**
 * Finish a write.
 *
 * @returns Bytes accepted.
 * @context Sleeps. i_rwsem exclusive; the page lock is released.
 * @see fs/f2fs/data.c `f2fs_write_end()` (v5.15)
 */
function* f2fsWriteEnd(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const inode = mapping.host;
  const accepted = !page.uptodate.load() && copied !== len ? 0 : copied;
  if (accepted > 0) {
    yield* f2fsSetDataPageDirty(page);
    if (pos + accepted > inode.iSize.load()) yield* f2fsISizeWrite(inode, pos + accepted);
  }
  yield* f2fsPutPage(page);
  return accepted;
}

/** Mark a page dirty; what is dirty is valid. @see fs/f2fs/data.c `f2fs_set_data_page_dirty()` (v5.15) */
function* f2fsSetDataPageDirty(page: Page): Task<boolean> {
  if (!page.uptodate.load()) page.uptodate.store(true);
  return yield* setPageDirtyNobuffers(page);
}

/**
 * Write a page that was just cleaned to a new place.
 *
 * @returns `0`; `-EAGAIN` if a checkpoint is in the way.
 * @context Sleeps. Page lock; tries cp_rwsem: who holds that waits for page locks.
 * @departs Always out of place.
 * @see fs/f2fs/data.c `f2fs_do_write_data_page()`, fs/f2fs/segment.c `f2fs_outplace_write_data()` (v5.15)
 */
export function* f2fsDoWriteDataPage(page: Page, inode: Inode): Task<number> {
  if (!(yield* f2fsTrylockOp(inode))) return -EAGAIN;
  if (F2FS_I(inode).addr.at(page.index).load() === NULL_ADDR) {
    page.uptodate.store(false); // already truncated: nobody may believe what it shows
  } else {
    yield* setPageWriteback(page);
    page.error.store(false);
    yield* submitBio(inode.iSb.sBdev, {
      rw: 'W',
      ino: inode.iIno,
      vecs: [{ page, block: 0, ...(yield* outplace(page, inode)) }],
      endIo: (error) => f2fsWriteEndIo(page, inode, error),
    });
  }
  yield* f2fsUnlockOp(inode);
  return 0;
}

/** Allocate a block, let the map point there, free the old one: one hold of the node page. */
function outplace(page: Page, inode: Inode): Task<BlockAddr> {
  const { sBdev } = inode.iSb;
  const slot = F2FS_I(inode).addr.at(page.index);
  return slot.section('f2fs_outplace_write_data', () => {
    const block = takeBlock(sBdev, inode.iIno);
    if (block < 0) throw new ContractError('BLOCK_STATE', { ino: inode.iIno, reserved: 1, free: 0 });
    const to: BlockAddr = { phys: phys(block), gen: sBdev.blocks.at(block).load().gen };
    replaceAddr(inode, slot, to);
    return to;
  });
}

/** @see fs/f2fs/data.c `f2fs_write_end_io()` (v5.15) */
function* f2fsWriteEndIo(page: Page, inode: Inode, error: number): Task<void> {
  if (error !== 0) yield* mappingSetError(inode.iMapping, error);
  yield* endPageWriteback(page);
}

/**
 * Write a page that was just cleaned, as far as it is inside the file.
 *
 * @returns `0`, or AOP_WRITEPAGE_ACTIVATE with the page locked and dirty again.
 * @context Sleeps. The page lock is released.
 * @see fs/f2fs/data.c `f2fs_write_single_data_page()` (v5.15)
 */
function* f2fsWriteSingleDataPage(page: Page): Task<number> {
  const inode = (page.mapping.load() as AddressSpace).host;
  const inFile = yield* bytesInFile(inode, page.index);
  if (inFile > 0) {
    // The page may be mapped, and what a process stored beyond the end must not reach the disk.
    zeroUser(page, inFile, PAGE_SIZE);
    if ((yield* f2fsDoWriteDataPage(page, inode)) === -EAGAIN) {
      yield* setPageDirty(page);
      return AOP_WRITEPAGE_ACTIVATE;
    }
  }
  yield* unlockPage(page);
  return 0;
}

/** Write the dirty pages of a range. @see fs/f2fs/data.c `f2fs_write_cache_pages()` (v5.15) */
function f2fsWriteDataPages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return writeCachePages(mapping, wbc, f2fsWriteSingleDataPage);
}

/**
 * Move a page to another place on the disk.
 *
 * @param victim - Where it was when GC chose it.
 * @returns `0`; `-ENOENT` if it is somewhere else by now; or an errno.
 * @context Sleeps. i_gc_rwsem[WRITE] exclusive: nobody removes the block; takes the page lock.
 * @see fs/f2fs/gc.c `move_data_page()` with FG_GC (v5.15)
 */
export function* moveDataPage(inode: Inode, index: number, victim: BlockAddr): Task<number> {
  const page = yield* f2fsGetLockDataPage(inode, index);
  if (typeof page === 'number') return page;
  let err = -ENOENT;
  if (F2FS_I(inode).addr.at(index).load().phys === victim.phys) {
    const isDirty = page.dirty.load();
    yield* stable(page);
    yield* setPageDirty(page);
    yield* clearPageDirtyForIo(page);
    err = yield* f2fsDoWriteDataPage(page, inode);
    if (err !== 0 && isDirty) yield* setPageDirty(page);
  }
  yield* f2fsPutPage(page);
  return err;
}

/** Page-cache operations. @see fs/f2fs/data.c `f2fs_dblock_aops` (v5.15) */
export const f2fsDblockAops = {
  readpage: (_file, page) => mpageReadpage(page, f2fsGetBlock, f2fsMapBlocks),
  readahead: (rac) => mpageReadahead(rac, f2fsGetBlock, f2fsMapBlocks),
  writepage: f2fsWriteSingleDataPage,
  writepages: f2fsWriteDataPages,
  writeBegin: f2fsWriteBegin,
  writeEnd: f2fsWriteEnd,
  setPageDirty: f2fsSetDataPageDirty,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;
