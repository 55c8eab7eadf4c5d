/**
 * Pages to and from the disk.
 *
 * Writeback asks for each block where it goes: the COW fork before the data fork. What it found is used again as long as
 * neither fork has changed. It holds the page lock, which whoever removes the page needs, and takes ILOCK under it.
 *
 * @see fs/xfs/xfs_aops.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type AddressSpaceOperations,
  EAGAIN,
  type File,
  genericErrorRemovePage,
  type Inode,
  type IomapIoend,
  type IomapWritebackOps,
  type IomapWritepageCtx,
  ioendSize,
  iomapFinishIoend,
  iomapInvalidatepage,
  iomapIsPartiallyUptodate,
  iomapReadahead,
  iomapReadpage,
  iomapReleasepage,
  iomapWritepage,
  iomapWritepages,
  machine,
  noopDirectIO,
  PAGE_SIZE,
  type Page,
  type ReadaheadControl,
  setPageDirtyNobuffers,
  type Task,
  type WritebackControl,
} from '@fsport/core';
import { endOf, lookup, type Run, stateOf, trim, xfsBmapiAllocate, xfsBmbtToIomap } from './xfs-bmap.js';
import {
  xfsInodeHasCowData,
  xfsReflinkCancelCowRange,
  xfsReflinkConvertCow,
  xfsReflinkEndCow,
} from './xfs-cow.js';
import {
  maxBlocks,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_ILOCK_SHARED,
  type XfsIfork,
  xfsIlock,
  xfsIunlock,
  xfsTransLogInode,
} from './xfs-inode.js';
import {
  raiseDiskSize,
  xfsBmapPunchDelallocRange,
  xfsIomapWriteUnwritten,
  xfsReadIomapOps,
} from './xfs-iomap.js';

/** A walk over dirty pages, and the state of the forks when a piece was mapped. @see `struct xfs_writepage_ctx` (v5.15) */
interface XfsWritepageCtx extends IomapWritepageCtx {
  dataSeq: number;
  cowSeq: number;
}

/** Does a request reach beyond the size that a crash would leave? Fast and loose. @see `xfs_ioend_is_append()` (v5.15) */
function isAppend(ioend: IomapIoend): boolean {
  return ioend.offset + ioendSize(ioend) > XFS_I(ioend.inode).iDiskSize.load();
}

/** @context Sleeps. Takes ILOCK exclusive. @see fs/xfs/xfs_aops.c `xfs_setfilesize()` (v5.15) */
export function* xfsSetfilesize(inode: Inode, pos: number, size: number): Task<void> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  raiseDiskSize(inode, pos + size);
  xfsTransLogInode(inode);
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
}

/**
 * End of a write: what it replaced goes, what was unwritten becomes valid; then its pages may be dropped.
 *
 * @context In the completion. Takes ILOCK exclusive.
 * @departs Each request by itself, where a worker takes all of an inode that have ended.
 * @see fs/xfs/xfs_aops.c `xfs_end_ioend()` (v5.15)
 */
function* xfsEndIoend(ioend: IomapIoend, error: number): Task<void> {
  const { inode, offset, shared, type } = ioend;
  const size = ioendSize(ioend);
  if (error !== 0) {
    const { blockSize } = machine;
    const [first, end] = [offset / blockSize, (offset + size) / blockSize];
    if (shared) yield* xfsReflinkCancelCowRange(inode, first, end, true);
  } else {
    if (shared) yield* xfsReflinkEndCow(inode, offset, size);
    else if (type === 'unwritten') yield* xfsIomapWriteUnwritten(inode, offset, size, false);
    if (isAppend(ioend)) yield* xfsSetfilesize(inode, offset, size);
  }
  yield* iomapFinishIoend(ioend, error);
}

/**
 * Is the piece mapped last still what it was?
 *
 * @see fs/xfs/xfs_aops.c `xfs_imap_valid()` (v5.15)
 */
function* xfsImapValid(wpc: XfsWritepageCtx, inode: Inode, pos: number): Task<boolean> {
  const { iomap } = wpc;
  const { iDf } = XFS_I(inode);
  if (iomap === null || pos < iomap.offset || pos >= iomap.offset + iomap.length) return false;
  if (iomap.shared === true) return true;
  return yield* iDf.ifSeq.readSection('xfs_imap_valid', () => seqsMatch(wpc, inode));
}

/** Neither fork has changed. Joins the step in progress. */
function seqsMatch({ dataSeq, cowSeq }: XfsWritepageCtx, inode: Inode): boolean {
  const { iDf, iCowfp } = XFS_I(inode);
  return dataSeq === iDf.ifSeq.load() && (!xfsInodeHasCowData(inode) || cowSeq === iCowfp.ifSeq.load());
}

/**
 * Where does a block go? What is only reserved is allocated.
 *
 * @returns `0`, or `-ENOSPC`, `-EAGAIN`.
 * @context Sleeps. Page lock; takes ILOCK shared to look, then exclusive to allocate.
 * @see fs/xfs/xfs_aops.c `xfs_map_blocks()` (v5.15)
 */
function* xfsMapBlocks(ctx: IomapWritepageCtx, inode: Inode, pos: number): Task<number> {
  const wpc = ctx as XfsWritepageCtx;
  if (yield* xfsImapValid(wpc, inode, pos)) return 0;
  const { iDf, iCowfp } = XFS_I(inode);
  const lblk = pos / machine.blockSize;
  for (let retries = 0; ; retries++) {
    yield* xfsIlock(inode, XFS_ILOCK_SHARED);
    const cow = xfsInodeHasCowData(inode) ? lookup(iCowfp, lblk, maxBlocks()) : null;
    const inCow = cow !== null && stateOf(cow) !== 'hole';
    wpc.cowSeq = iCowfp.ifSeq.load();
    // What is in the COW fork later on must be looked up there again.
    const end = cow === null ? maxBlocks() : endOf(cow);
    const run = lookup(iDf, lblk, end);
    wpc.dataSeq = iDf.ifSeq.load();
    yield* xfsIunlock(inode, XFS_ILOCK_SHARED);
    if (!inCow && stateOf(run) !== 'delalloc') {
      wpc.iomap = xfsBmbtToIomap(run);
      return 0;
    }
    const made = yield* xfsConvertBlocks(wpc, inode, inCow ? iCowfp : iDf, lblk);
    if (typeof made === 'number') {
      // Somebody else's write to the COW fork has ended meanwhile, or it was truncated.
      if (made === -EAGAIN && inCow && retries === 0) continue;
      return made;
    }
    wpc.iomap = inCow ? xfsBmbtToIomap(made, { shared: true }) : xfsBmbtToIomap(trim(made, end));
    return 0;
  }
}

/**
 * Allocate what is reserved at a block.
 *
 * @returns The run, `-ENOSPC`, or `-EAGAIN` if nothing is there any more.
 * @context Sleeps. Takes ILOCK exclusive.
 * @see fs/xfs/libxfs/xfs_bmap.c `xfs_bmapi_convert_delalloc()` (v5.15)
 */
function* xfsConvertBlocks(
  wpc: XfsWritepageCtx,
  inode: Inode,
  fork: XfsIfork,
  lblk: number,
): Task<Run | number> {
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  const present = lookup(fork, lblk, maxBlocks());
  let made: Run | number = present;
  if (stateOf(present) === 'hole') made = -EAGAIN;
  else if (stateOf(present) === 'delalloc') made = yield* xfsBmapiAllocate(inode, fork, present);
  if (fork === XFS_I(inode).iDf) wpc.dataSeq = fork.ifSeq.load();
  else wpc.cowSeq = fork.ifSeq.load();
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
  return made;
}

/** @see fs/xfs/xfs_aops.c `xfs_prepare_ioend()` (v5.15) */
function* xfsPrepareIoend(ioend: IomapIoend, status: number): Task<number> {
  const { inode, offset, shared, type } = ioend;
  if (status === 0 && shared) yield* xfsReflinkConvertCow(inode, offset, ioendSize(ioend));
  if (isAppend(ioend) || type === 'unwritten' || shared) ioend.endIo = xfsEndIoend;
  return status;
}

/**
 * A page could not be mapped: forget what was reserved for it.
 *
 * @context Sleeps. Page lock; takes ILOCK exclusive.
 * @see fs/xfs/xfs_aops.c `xfs_discard_page()` (v5.15)
 */
function* xfsDiscardPage(page: Page, fileoff: number): Task<void> {
  const { host: inode } = page.mapping.load() as AddressSpace;
  const { blockSize } = machine;
  const end = (page.index + 1) * PAGE_SIZE;
  yield* xfsBmapPunchDelallocRange(inode, fileoff / blockSize, end / blockSize);
  yield* iomapInvalidatepage(page, fileoff % PAGE_SIZE, end - fileoff);
}

const WRITEBACK_OPS: IomapWritebackOps = {
  mapBlocks: xfsMapBlocks,
  prepareIoend: xfsPrepareIoend,
  discardPage: xfsDiscardPage,
};

/** Nothing is mapped yet. */
const FRESH: XfsWritepageCtx = { iomap: null, ioend: null, dataSeq: -1, cowSeq: -1 };

/** @see fs/xfs/xfs_aops.c `xfs_vm_writepage()` (v5.14) */
function xfsVmWritepage(page: Page): Task<number> {
  return iomapWritepage(page, { ...FRESH }, WRITEBACK_OPS);
}

/** @see fs/xfs/xfs_aops.c `xfs_vm_writepages()` (v5.15) */
function xfsVmWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return iomapWritepages(mapping, wbc, { ...FRESH }, WRITEBACK_OPS);
}

/** @see fs/xfs/xfs_aops.c `xfs_vm_readpage()` (v5.15) */
function xfsVmReadpage(_file: File | null, page: Page): Task<number> {
  return iomapReadpage(page, xfsReadIomapOps);
}

/** @see fs/xfs/xfs_aops.c `xfs_vm_readahead()` (v5.15) */
function xfsVmReadahead(rac: ReadaheadControl): Task<void> {
  return iomapReadahead(rac, xfsReadIomapOps);
}

/** Page-cache operations. @see fs/xfs/xfs_aops.c `xfs_address_space_operations` (v5.15) */
export const xfsAddressSpaceOperations = {
  readpage: xfsVmReadpage,
  readahead: xfsVmReadahead,
  writepages: xfsVmWritepages,
  directIO: noopDirectIO,
  setPageDirty: setPageDirtyNobuffers,
  invalidatepage: iomapInvalidatepage,
  releasepage: iomapReleasepage,
  isPartiallyUptodate: iomapIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;

/** Those of v5.14, where reclaim may write a page. @see fs/xfs/xfs_aops.c `xfs_address_space_operations` (v5.14) */
export const V5_14_ADDRESS_SPACE_OPERATIONS = {
  ...xfsAddressSpaceOperations,
  writepage: xfsVmWritepage,
} satisfies AddressSpaceOperations;
