/**
 * Truncate, hole punch, buffered writes, page_mkwrite.
 *
 * Whoever removes blocks does it in this order: i_rwsem, wait for direct I/O, the lock against fills, pages out of
 * the cache, a transaction, i_data_sem, blocks. Truncate also stores the new size before the first page goes.
 *
 * @departs No inline data, encryption, verity, data=journal or DAX; break_layouts() has nothing to wait for.
 * @see fs/ext4/inode.c, fs/ext4/truncate.h (v5.14, v5.15)
 */
import {
  __blockWriteBegin,
  type AddressSpace,
  type AddressSpaceOperations,
  ATTR_SIZE,
  type BufferHead,
  blockInvalidatepage,
  blockIsPartiallyUptodate,
  blockPageMkwrite,
  blockPageMkwriteReturn,
  blockTruncatePage,
  blockZeroRange,
  downWrite,
  ENOMEM,
  type File,
  filemapWriteAndWaitRange,
  genericErrorRemovePage,
  genericWriteEnd,
  grabCachePageWriteBegin,
  type Iattr,
  type Inode,
  inodeDioWait,
  inodeLock,
  inodeUnlock,
  iSizeWrite,
  type Loff,
  lockPage,
  loff,
  machine,
  noopDirectIO,
  PAGE_SIZE,
  type Page,
  pagecacheIsizeExtended,
  putPage,
  setPageDirtyBuffers,
  type Task,
  truncateInodePages,
  truncatePagecache,
  truncatePagecacheRange,
  tryToFreeBuffers,
  unlockPage,
  upWrite,
  type VmFault,
} from '@fsport/core';
import {
  EXT4_I,
  ext4InvalidateLock,
  ext4InvalidateLockShared,
  ext4InvalidateUnlock,
  ext4InvalidateUnlockShared,
  ext4JournalStart,
  ext4JournalStop,
  ext4UpdateIDisksize,
  maxBlocks,
} from './ext4.js';
import { ext4DaGetBlockPrep, ext4ExtRemoveSpace, ext4GetBlock } from './extents.js';
import { ext4Writepage, ext4Writepages } from './page-io.js';
import { ext4Readahead, ext4Readpage } from './readpage.js';

/** In v5.14 a delayed write runs inside a transaction, for the sake of i_disksize; v5.15 dropped it. */
function daWriteStartsTransaction(inode: Inode): boolean {
  return inode.iSb.release === 'v5.14';
}

/**
 * Prepare a delayed write: find or create the page, reserve or find its blocks.
 *
 * @returns The page, locked, or an errno.
 * @context Sleeps. i_rwsem exclusive; in v5.14 a transaction is started; the page lock is taken.
 * @departs Delayed allocation is not given up when space gets short.
 * @see fs/ext4/inode.c `ext4_da_write_begin()` (v5.14, v5.15)
 */
function* ext4DaWriteBegin(_file: File, mapping: AddressSpace, pos: Loff, len: number): Task<Page | number> {
  const inode = mapping.host;
  const transaction = daWriteStartsTransaction(inode);
  for (;;) {
    const page = yield* grabCachePageWriteBegin(mapping, pos);
    if (page === null) return -ENOMEM;
    if (transaction) {
      // A transaction ranks above page locks.
      yield* unlockPage(page);
      yield* ext4JournalStart(inode);
      yield* lockPage(page);
      if (page.mapping.load() !== mapping) {
        yield* unlockPage(page);
        putPage(page);
        yield* ext4JournalStop(inode);
        continue;
      }
    }
    const err = yield* __blockWriteBegin(page, pos, len, ext4DaGetBlockPrep);
    if (err === 0) return page;
    yield* unlockPage(page);
    putPage(page);
    if (transaction) yield* ext4JournalStop(inode);
    // Blocks beyond the end may have been reserved for nothing.
    if (pos + len > inode.iSize.load()) yield* ext4TruncateFailedWrite(inode);
    return err;
  }
}

/**
 * Finish a delayed write.
 *
 * @returns Bytes accepted.
 * @context Sleeps. i_rwsem exclusive; the page lock is released; may take i_data_sem exclusive.
 * @departs i_disksize is raised under the condition of v5.15 in both releases: it matters only after a crash.
 * @see fs/ext4/inode.c `ext4_da_write_end()` (v5.14, v5.15)
 */
function* ext4DaWriteEnd(
  file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const inode = mapping.host;
  // A delayed block raises i_disksize when it is allocated. One that is there already has to do it now.
  if (copied > 0 && pos + copied > inode.iSize.load() && endsInAllocatedBlock(page, pos + copied - 1)) {
    yield* ext4UpdateIDisksize(inode, pos + copied);
  }
  const accepted = yield* genericWriteEnd(file, mapping, pos, len, copied, page);
  if (daWriteStartsTransaction(inode)) yield* ext4JournalStop(inode);
  return accepted;
}

/** @see fs/ext4/inode.c `ext4_da_should_update_i_disksize()` (v5.15) */
function endsInAllocatedBlock(page: Page, last: number): boolean {
  const buffers = page.buffers.load() as readonly BufferHead[];
  const block = Math.floor((last % PAGE_SIZE) / machine.blockSize);
  const { mapped, delay, unwritten } = (buffers[block] as BufferHead).load();
  return mapped && !delay && !unwritten;
}

/**
 * Take back what a write got beyond the end of the file and did not use.
 *
 * @context Sleeps. i_rwsem exclusive; takes the lock against fills, then as {@link ext4Truncate}.
 * @see fs/ext4/truncate.h `ext4_truncate_failed_write()` (v5.14, v5.15)
 */
export function* ext4TruncateFailedWrite(inode: Inode): Task<void> {
  yield* ext4InvalidateLock(inode);
  yield* truncateInodePages(inode.iMapping, loff(inode.iSize.load()));
  yield* ext4Truncate(inode);
  yield* ext4InvalidateUnlock(inode);
}

function* ext4Invalidatepage(page: Page, offset: number, length: number): Task<void> {
  if (machine.trace.active) {
    const ino = page.mapping.peek()?.host.iIno ?? 0;
    machine.trace.emit('ext4_invalidatepage', { ino, index: page.index, offset, len: length });
  }
  yield* blockInvalidatepage(page, offset, length);
}

/** Page-cache operations. @see fs/ext4/inode.c `ext4_da_aops` (v5.15) */
export const ext4DaAops = {
  readpage: ext4Readpage,
  readahead: ext4Readahead,
  writepage: ext4Writepage,
  writepages: ext4Writepages,
  writeBegin: ext4DaWriteBegin,
  writeEnd: ext4DaWriteEnd,
  directIO: noopDirectIO,
  setPageDirty: setPageDirtyBuffers,
  invalidatepage: ext4Invalidatepage,
  releasepage: tryToFreeBuffers,
  isPartiallyUptodate: blockIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;

/**
 * Zero the parts of blocks at both ends of a byte range, in the cache.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Transaction held; takes page locks, then i_data_sem shared. Fills the pages itself: whoever
 *   holds the lock against fills must not go through a read.
 * @see fs/ext4/inode.c `ext4_zero_partial_blocks()` (v5.15)
 */
export function* ext4ZeroPartialBlocks(inode: Inode, lstart: number, length: number): Task<number> {
  const { blockSize } = machine;
  const { iMapping } = inode;
  const end = lstart + length;
  const [head, tail] = [lstart % blockSize, end % blockSize];
  if (Math.floor(lstart / blockSize) === Math.floor((end - 1) / blockSize)) {
    if (head === 0 && tail === 0) return 0;
    return yield* blockZeroRange(iMapping, loff(lstart), length, ext4GetBlock);
  }
  if (head !== 0) {
    const err = yield* blockZeroRange(iMapping, loff(lstart), blockSize - head, ext4GetBlock);
    if (err !== 0) return err;
  }
  return yield* blockZeroRange(iMapping, loff(end - tail), tail, ext4GetBlock);
}

/**
 * Before pages are dropped: i_disksize would be raised when they are written, which will not happen now.
 *
 * @context Sleeps. i_rwsem exclusive; may take a transaction and i_data_sem exclusive.
 * @see fs/ext4/inode.c `ext4_update_disksize_before_punch()` (v5.15)
 */
export function* ext4UpdateDisksizeBeforePunch(inode: Inode, offset: number, length: number): Task<void> {
  const size = inode.iSize.load(); // i_rwsem
  if (offset > size || offset + length < size || EXT4_I(inode).iDisksize.load() >= size) return;
  yield* ext4JournalStart(inode);
  yield* ext4UpdateIDisksize(inode, size);
  yield* ext4JournalStop(inode);
}

/**
 * Free the blocks of a byte range and forget their cached pages.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases i_rwsem, then the lock against fills, both exclusive.
 * @departs The tracepoint comes after the lock was taken, as in the kernels whose recorded traces the rules were
 *   made for.
 * @see fs/ext4/inode.c `ext4_punch_hole()` (v5.14, v5.15)
 */
export function* ext4PunchHole(inode: Inode, offset: Loff, len: Loff): Task<number> {
  const { iMapping: mapping } = inode;
  // Before any lock. What is dirtied again until the locks are held is dropped.
  const flushed = yield* filemapWriteAndWaitRange(mapping, offset, loff(offset + len - 1));
  if (flushed !== 0) return flushed;
  yield* inodeLock(inode);
  const size = inode.iSize.load(); // i_rwsem
  let err = 0;
  if (offset < size) {
    const pageEnd = size + PAGE_SIZE - (size % PAGE_SIZE);
    const end = offset + len > size ? pageEnd : offset + len;
    yield* inodeDioWait(inode);
    // v5.14: ext4's own lock, which faults take and read(2) does not. That is the race.
    // v5.15: mapping->invalidate_lock, which everybody takes who fills the cache.
    yield* ext4InvalidateLock(inode);
    err = yield* punch(inode, offset, end);
    yield* ext4InvalidateUnlock(inode);
  }
  yield* inodeUnlock(inode);
  return err;
}

/** Pages first, blocks second: a page that is filled in between would show a block that is somebody else's. */
function* punch(inode: Inode, offset: Loff, end: number): Task<number> {
  const { blockSize } = machine;
  const length = end - offset;
  if (machine.trace.active) {
    machine.trace.emit('ext4_punch_hole', { ino: inode.iIno, offset, len: length });
  }
  const firstBlock = Math.ceil(offset / blockSize);
  const stopBlock = Math.floor(end / blockSize);
  if (stopBlock > firstBlock) {
    yield* ext4UpdateDisksizeBeforePunch(inode, offset, length);
    yield* truncatePagecacheRange(inode, loff(firstBlock * blockSize), loff(stopBlock * blockSize - 1));
  }
  yield* ext4JournalStart(inode);
  const err = yield* ext4ZeroPartialBlocks(inode, offset, length);
  if (err === 0 && stopBlock > firstBlock) {
    const { iDataSem } = EXT4_I(inode);
    yield* downWrite(iDataSem);
    yield* ext4ExtRemoveSpace(inode, firstBlock, stopBlock - 1);
    yield* upWrite(iDataSem);
  }
  yield* ext4JournalStop(inode);
  return err;
}

/**
 * Free every block beyond the end of the file, and zero the rest of the last one.
 *
 * @context Sleeps. i_rwsem and the lock against fills exclusive, unless the inode goes away; takes a transaction, the
 *   page lock of the last page, i_data_sem exclusive.
 * @see fs/ext4/inode.c `ext4_truncate()` (v5.14, v5.15)
 */
export function* ext4Truncate(inode: Inode): Task<void> {
  const event = { ino: inode.iIno };
  if (machine.trace.active) machine.trace.emit('ext4_truncate_enter', event);
  yield* ext4JournalStart(inode);
  yield* ext4TruncateBlocks(inode);
  yield* ext4JournalStop(inode);
  if (machine.trace.active) machine.trace.emit('ext4_truncate_exit', event);
}

/** The part of {@link ext4Truncate} inside the transaction. @see fs/ext4/extents.c `ext4_ext_truncate()` (v5.15) */
export function* ext4TruncateBlocks(inode: Inode): Task<void> {
  const { iDataSem, iDisksize } = EXT4_I(inode);
  const size = inode.iSize.load(); // i_rwsem
  // If the file grows again, the rest of its last block must not show what was there.
  yield* blockTruncatePage(inode.iMapping, loff(size), ext4GetBlock);
  yield* downWrite(iDataSem);
  if (iDisksize.load() !== size) iDisksize.store(size);
  EXT4_I(inode).keepSize = false;
  yield* ext4ExtRemoveSpace(inode, Math.ceil(size / machine.blockSize), maxBlocks() - 1);
  yield* upWrite(iDataSem);
}

/**
 * Change the size of a file.
 *
 * @returns `0`.
 * @context Sleeps. i_rwsem exclusive; takes the lock against fills exclusive, also to grow.
 * @departs Data that a committing transaction still orders is not written out first: there is no crash.
 * @see fs/ext4/inode.c `ext4_setattr()` (v5.14, v5.15)
 */
export function* ext4Setattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const { iDataSem, iDisksize } = EXT4_I(inode);
  const oldsize = inode.iSize.load(); // i_rwsem
  const size = attr.iaSize;
  if (size < oldsize) yield* inodeDioWait(inode);
  yield* ext4InvalidateLock(inode);
  if (size !== oldsize) {
    yield* ext4JournalStart(inode);
    yield* downWrite(iDataSem);
    // The new size before the first page goes: a fill that comes later sees it and maps nothing beyond.
    yield* iSizeWrite(inode, size);
    iDisksize.store(size);
    yield* upWrite(iDataSem);
    yield* ext4JournalStop(inode);
    if (size > oldsize) yield* pagecacheIsizeExtended(inode, loff(oldsize), size);
  }
  yield* truncatePagecache(inode, size);
  if (size <= oldsize) yield* ext4Truncate(inode);
  yield* ext4InvalidateUnlock(inode);
  return 0;
}

/**
 * A page is about to become writable: reserve blocks for it.
 *
 * @returns `VM_FAULT_*`; VM_FAULT_LOCKED with the page locked.
 * @context Sleeps. mmap_lock shared; takes the lock against fills shared, the page lock, i_data_sem shared. Holds the
 *   first over the second, so that no block is reserved while blocks are removed.
 * @departs Filesystem freezing is not modelled.
 * @see fs/ext4/inode.c `ext4_page_mkwrite()` (v5.14, v5.15)
 */
export function* ext4PageMkwrite(vmf: VmFault): Task<number> {
  const inode = vmf.vma.vmFile.fInode;
  yield* ext4InvalidateLockShared(inode);
  const err = yield* blockPageMkwrite(vmf.vma, vmf, ext4DaGetBlockPrep);
  yield* ext4InvalidateUnlockShared(inode);
  return blockPageMkwriteReturn(err);
}
