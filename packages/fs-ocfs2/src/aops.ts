/**
 * Operations on pages.
 *
 * A fill is called with the page locked, and ip_alloc_sem ranks above that: it is only tried. If it is busy, the page is let go,
 * the semaphore waited for, and the fill started over. In v5.15 whoever called holds invalidate_lock shared meanwhile, for
 * which nobody in ocfs2 asks.
 *
 * @see fs/ocfs2/aops.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type AddressSpaceOperations,
  AOP_TRUNCATED_PAGE,
  blockInvalidatepage,
  blockIsPartiallyUptodate,
  blockReadFullPage,
  blockWriteBegin,
  blockWriteEnd,
  blockWriteFullPage,
  downRead,
  downReadTrylock,
  downWrite,
  type File,
  genericErrorRemovePage,
  type Inode,
  inodeOf,
  iSizeWrite,
  type Loff,
  mpageReadahead,
  PAGE_SIZE,
  type Page,
  pageEndio,
  putPage,
  type ReadaheadControl,
  readaheadPage,
  setPageDirtyBuffers,
  type Task,
  tryToFreeBuffers,
  unlockPage,
  upRead,
  upWrite,
  zeroUser,
} from '@fsport/core';
import { ocfs2GetBlock, ocfs2WriteGetBlock } from './alloc.js';
import { ocfs2InodeLock, ocfs2InodeUnlock } from './dlmglue.js';
import { OCFS2_I } from './ocfs2.js';

/**
 * Fill a page.
 *
 * @returns `0`, or AOP_TRUNCATED_PAGE if it must be looked up again.
 * @context Sleeps. Page lock, handed to the I/O or released; takes and releases ip_alloc_sem shared.
 * @see fs/ocfs2/aops.c `ocfs2_readpage()` (v5.14, v5.15)
 */
function* ocfs2Readpage(_file: File | null, page: Page): Task<number> {
  const inode = inodeOf(page);
  const { ipAllocSem } = OCFS2_I(inode);
  ocfs2InodeLock(inode, false);
  if (!(yield* downReadTrylock(ipAllocSem))) {
    yield* unlockPage(page);
    yield* waitForIpAllocSem(inode);
    ocfs2InodeUnlock(inode, false);
    return AOP_TRUNCATED_PAGE;
  }
  // Joins the step that took the semaphore: what makes the file longer without it could as well have come before.
  if (page.index * PAGE_SIZE >= inode.iSize.load()) {
    zeroUser(page, 0, PAGE_SIZE);
    yield* pageEndio(page, true, 'ocfs2_readpage');
  } else {
    yield* blockReadFullPage(page, ocfs2GetBlock);
  }
  yield* upRead(ipAllocSem);
  ocfs2InodeUnlock(inode, false);
  return 0;
}

/**
 * Fill the pages of a readahead request, or leave them if ip_alloc_sem is busy.
 *
 * @context Sleeps. Page locks, handed to the I/O or released; tries and releases ip_alloc_sem shared.
 * @departs If it is busy, the caller waits here until it is not, with no page locked. The kernel returns, and its next step in a
 *   read or a fault is readpage, which waits in the same way; advice would return sooner. Pages that it inserts in between
 *   are not filled, and go with those of the invalidation or are filled after it.
 * @see fs/ocfs2/aops.c `ocfs2_readahead()` (v5.14, v5.15)
 */
function* ocfs2Readahead(rac: ReadaheadControl): Task<void> {
  const { host: inode } = rac.mapping;
  const { ipAllocSem } = OCFS2_I(inode);
  ocfs2InodeLock(inode, false);
  if (yield* downReadTrylock(ipAllocSem)) {
    if (rac.index * PAGE_SIZE < inode.iSize.load()) yield* mpageReadahead(rac, ocfs2GetBlock);
    yield* upRead(ipAllocSem);
  } else {
    for (let page = readaheadPage(rac); page !== null; page = readaheadPage(rac)) {
      yield* unlockPage(page);
      putPage(page);
    }
    yield* waitForIpAllocSem(inode);
  }
  ocfs2InodeUnlock(inode, false);
}

/** Wait until nobody changes the extent map, so as not to come back at once. @context Sleeps. No page lock held. */
function* waitForIpAllocSem(inode: Inode): Task<void> {
  const { ipAllocSem } = OCFS2_I(inode);
  yield* downRead(ipAllocSem);
  yield* upRead(ipAllocSem);
}

/**
 * Find or create the page of a write, locked, and get its cluster.
 *
 * @returns The page, `-ENOMEM`, `-EIO` or `-ENOSPC`.
 * @context Sleeps. i_rwsem exclusive; ip_alloc_sem exclusive and the page lock are taken, and kept until write_end.
 * @departs Nothing lies in a file behind its end, so that no tail is zeroed before a write behind a gap.
 * @see fs/ocfs2/aops.c `ocfs2_write_begin()`, `ocfs2_write_begin_nolock()` (v5.14, v5.15)
 */
function* ocfs2WriteBegin(_file: File, mapping: AddressSpace, pos: Loff, len: number): Task<Page | number> {
  const { host: inode } = mapping;
  const { ipAllocSem } = OCFS2_I(inode);
  ocfs2InodeLock(inode, true);
  yield* downWrite(ipAllocSem);
  const page = yield* blockWriteBegin(mapping, pos, len, ocfs2WriteGetBlock);
  if (typeof page !== 'number') return page;
  yield* upWrite(ipAllocSem);
  ocfs2InodeUnlock(inode, true);
  return page;
}

/**
 * Take over what was copied, and extend the file.
 *
 * @returns Bytes accepted.
 * @context Sleeps. i_rwsem and ip_alloc_sem exclusive, page lock; the last two are released.
 * @see fs/ocfs2/aops.c `ocfs2_write_end()`, `ocfs2_write_end_nolock()` (v5.14, v5.15)
 */
function* ocfs2WriteEnd(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const { host: inode } = mapping;
  const accepted = yield* blockWriteEnd(page, pos, len, copied);
  if (pos + accepted > inode.iSize.load()) yield* iSizeWrite(inode, pos + accepted); // ip_alloc_sem
  yield* unlockPage(page);
  putPage(page);
  yield* upWrite(OCFS2_I(inode).ipAllocSem);
  ocfs2InodeUnlock(inode, true);
  return accepted;
}

/** Page-cache operations. @see fs/ocfs2/aops.c `ocfs2_aops` (v5.15) */
export const ocfs2Aops = {
  readpage: ocfs2Readpage,
  readahead: ocfs2Readahead,
  // Where a buffer is mapped it is believed, and no lock is taken that a removal of its cluster holds.
  writepage: (page, wbc) => blockWriteFullPage(page, ocfs2GetBlock, wbc),
  writeBegin: ocfs2WriteBegin,
  writeEnd: ocfs2WriteEnd,
  setPageDirty: setPageDirtyBuffers,
  invalidatepage: blockInvalidatepage,
  releasepage: tryToFreeBuffers,
  isPartiallyUptodate: blockIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;
