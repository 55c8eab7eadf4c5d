/**
 * read(2), write(2), mmap(2), truncate(2) and page faults.
 *
 * A read takes no lock but that of one page at a time, and leaves holes as they are; a fault and a write bring in pages
 * of zeroes. Writes and truncation hold i_rwsem exclusive.
 *
 * @see mm/shmem.c (v3.15, v5.15)
 */
import {
  type AddressSpace,
  type AddressSpaceOperations,
  ATTR_SIZE,
  type Cells,
  copyToUser,
  EFAULT,
  EINVAL,
  ENOMEM,
  EPERM,
  type File,
  type FileOperations,
  filemapInvalidateLockShared,
  filemapInvalidateUnlockShared,
  filemapMapPages,
  fput,
  genericErrorRemovePage,
  genericFileWriteIter,
  type Iattr,
  type Inode,
  type InodeOperations,
  type IovIter,
  inodeNewsizeOk,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  type Loff,
  loff,
  machine,
  maybeUnlockMmapForIo,
  mightFault,
  PAGE_SIZE,
  type Page,
  pageIndex,
  putPage,
  type SharedVar,
  schedule,
  showCells,
  spinLock,
  spinUnlock,
  type Task,
  unlockPage,
  unmapMappingRange,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  type VmFault,
  type VmOperations,
  zeroCells,
} from '@fsport/core';
import { FallocWaiter, finishWait, prepareToWait } from './falloc-waitq.js';
import { shmemFallocate } from './fallocate.js';
import { __setPageDirtyNoWriteback, shmemGetpage, shmemWritepage } from './getpage.js';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE } from './memfd.js';
import { profileOf, SHMEM_I } from './shmem.js';
import { END_OF_FILE, shmemTruncateRange } from './truncate.js';

/**
 * Read.
 *
 * @returns Bytes, or an errno if there are none.
 * @context Sleeps. Takes and releases page locks.
 * @see `shmem_file_read_iter()` (v5.15)
 */
function* shmemFileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  let done = 0;
  while (to.count > 0) {
    const { kiPos: pos } = iocb;
    if (pos >= (yield* iSizeRead(inode))) break;
    const page = yield* shmemGetpage(inode, pageIndex(pos), to.isPipe ? 'SGP_CACHE' : 'SGP_READ');
    if (typeof page === 'number') {
      // Truncated meanwhile.
      if (page === -EINVAL || done > 0) break;
      return page;
    }
    if (page !== null) {
      if (to.isPipe) yield* __setPageDirtyNoWriteback(page);
      yield* unlockPage(page);
    }
    // Again: a truncation may have come in between, and its zeroes must not be read as data.
    const isize = yield* iSizeRead(inode);
    const offset = pos % PAGE_SIZE;
    const bytes = Math.min(isize - pos, PAGE_SIZE - offset, to.count);
    const cells = bytes <= 0 ? [] : yield* copyPageToIter(page, offset, bytes);
    const copied = iocb.kiUser === undefined ? cells.length : yield* copyToUser(iocb.kiUser, done, cells);
    if (page !== null) putPage(page);
    if (bytes <= 0) break;
    to.cells.push(cells.slice(0, copied));
    to.count -= copied;
    iocb.kiPos = loff(pos + copied);
    done += copied;
    if (copied < bytes) return done > 0 ? done : -EFAULT;
  }
  return done;
}

/** Copy from a page, or from the zero page, to the user. */
function* copyPageToIter(page: Page | null, offset: number, bytes: number): Task<Cells> {
  mightFault('copy_page_to_iter');
  if (page === null) return zeroCells(bytes);
  const first = page.content[Math.floor(offset / machine.blockSize)] as SharedVar<Cells>;
  return yield* first.readSection('copy_page_to_iter', () => page.loadBytes(offset, bytes), showCells);
}

/**
 * Get a page to write to.
 *
 * @returns The page, locked; `-EPERM` if the file is sealed against it; or `-ENOMEM`.
 * @see `shmem_write_begin()` (v5.15)
 */
function* shmemWriteBegin(_file: File, mapping: AddressSpace, pos: Loff, len: number): Task<Page | number> {
  const { host: inode } = mapping;
  const seals = SHMEM_I(inode).seals.load();
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
  if ((seals & F_SEAL_GROW) !== 0 && pos + len > inode.iSize.load()) return -EPERM;
  return (yield* shmemGetpage(inode, pageIndex(pos), 'SGP_WRITE')) ?? -ENOMEM;
}

/**
 * Finish a write: what a new page was not written to is zeroed.
 *
 * @returns Bytes accepted.
 * @see `shmem_write_end()` (v5.15)
 */
function* shmemWriteEnd(
  ...[, mapping, pos, , copied, page]: Parameters<NonNullable<AddressSpaceOperations['writeEnd']>>
): Task<number> {
  const { host: inode } = mapping;
  if (pos + copied > inode.iSize.load()) yield* iSizeWrite(inode, pos + copied);
  if (!page.uptodate.load()) {
    const from = pos % PAGE_SIZE;
    yield* page.uptodate.section('SetPageUptodate', () => {
      page.storeBytes(0, zeroCells(from));
      page.storeBytes(from + copied, zeroCells(PAGE_SIZE - from - copied));
      page.uptodate.store(true);
    });
  }
  yield* __setPageDirtyNoWriteback(page);
  yield* unlockPage(page);
  putPage(page);
  return copied;
}

/**
 * Bring in the page that was touched.
 *
 * @returns VM_FAULT_LOCKED; VM_FAULT_RETRY or VM_FAULT_NOPAGE after waiting for a hole punch; VM_FAULT_SIGBUS beyond the
 *   end of the file; VM_FAULT_OOM.
 * @context Sleeps. mmap_lock shared.
 * @see `shmem_fault()` (v3.15, v5.15)
 */
function* shmemFault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  const { faultGuard } = profileOf(inode);
  if (faultGuard === 'waitq') {
    const waited = yield* shmemFaultWait(vmf, inode);
    if (waited !== 0) return waited;
  }
  const locked = faultGuard === 'invalidate_lock';
  if (locked) yield* filemapInvalidateLockShared(inode.iMapping);
  const page = yield* shmemGetpage(inode, vmf.pgoff, 'SGP_CACHE');
  if (locked) yield* filemapInvalidateUnlockShared(inode.iMapping);
  if (page === null || typeof page === 'number') return page === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
  vmf.page = page;
  return VM_FAULT_LOCKED;
}

/**
 * Wait if the page is being punched out, so that faults don't bring back what the punch removes. A fault that comes here
 * just before the punch begins gets through: they only need to be rare.
 *
 * @returns `0` if there is nothing to wait for; VM_FAULT_RETRY, mmap_lock released; or VM_FAULT_NOPAGE: access again.
 * @see `shmem_fault()` (v5.15)
 */
function* shmemFaultWait(vmf: VmFault, inode: Inode): Task<number> {
  const { iPrivate, iLock } = SHMEM_I(inode);
  if ((yield* iPrivate.read('i_private')) === null) return 0;
  yield* spinLock(iLock);
  const falloc = iPrivate.load();
  const waitq = falloc?.waitq ?? null;
  if (falloc === null || waitq === null || vmf.pgoff < falloc.start || vmf.pgoff >= falloc.next.load()) {
    yield* spinUnlock(iLock);
    return 0;
  }
  const fpin = yield* maybeUnlockMmapForIo(vmf, null);
  const waiter = new FallocWaiter();
  yield* prepareToWait(waitq, waiter);
  yield* spinUnlock(iLock);
  yield* schedule(waiter);
  // The queue is mostly gone by now. Under i_lock the waker has done with this entry, and it is not touched.
  yield* spinLock(iLock);
  yield* finishWait(waitq, waiter);
  yield* spinUnlock(iLock);
  if (fpin === null) return VM_FAULT_NOPAGE;
  fput(fpin);
  return VM_FAULT_RETRY;
}

/**
 * Change the size.
 *
 * @returns `0`, `-EPERM` if the file is sealed against it, or `-EFBIG`.
 * @context Sleeps. i_rwsem exclusive; no other lock keeps anybody away.
 * @see `shmem_setattr()` (v5.15)
 */
function* shmemSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const { iaSize: newsize } = attr;
  const oldsize = inode.iSize.load(); // stable under i_rwsem
  const error = inodeNewsizeOk(inode, newsize);
  if (error !== 0) return error;
  const seals = SHMEM_I(inode).seals.load();
  if (newsize < oldsize && (seals & F_SEAL_SHRINK) !== 0) return -EPERM;
  if (newsize > oldsize && (seals & F_SEAL_GROW) !== 0) return -EPERM;
  // The size first: from now on nobody brings back what is beyond it.
  if (newsize !== oldsize) yield* iSizeWrite(inode, newsize);
  if (newsize > oldsize) return 0;
  const holebegin = Math.ceil(newsize / PAGE_SIZE) * PAGE_SIZE;
  if (oldsize > holebegin) yield* unmapMappingRange(inode.iMapping, holebegin, 0, true);
  yield* shmemTruncateRange(inode, newsize, END_OF_FILE);
  // Private copies made since the first unmap outlive the pages they were made of.
  if (oldsize > holebegin) yield* unmapMappingRange(inode.iMapping, holebegin, 0, true);
  return 0;
}

/**
 * Remove what is in memory and in swap.
 *
 * @context Sleeps. Nobody else has the inode.
 * @see `shmem_evict_inode()` (v5.15)
 */
export function shmemEvictInode(inode: Inode): Task<void> {
  return shmemTruncateRange(inode, loff(0), END_OF_FILE);
}

const vmOps: VmOperations = { fault: shmemFault, mapPages: filemapMapPages };

/** There is nothing more durable than memory. @see fs/libfs.c `noop_fsync()` (v5.15) */
// biome-ignore lint/correctness/useYield: it does nothing
function* noopFsync(): Task<number> {
  return 0;
}

/** @see `shmem_aops` (v5.15) */
export const shmemAops = {
  writepage: shmemWritepage,
  setPageDirty: __setPageDirtyNoWriteback,
  writeBegin: shmemWriteBegin,
  writeEnd: shmemWriteEnd,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;

/** @see `shmem_inode_operations` (v5.15) */
export const shmemInodeOperations = { setattr: shmemSetattr } satisfies InodeOperations;

/** @see `shmem_file_operations` (v5.15) */
export const shmemFileOperations = {
  readIter: shmemFileReadIter,
  writeIter: genericFileWriteIter,
  fallocate: shmemFallocate,
  fsync: noopFsync,
  mmap: () => vmOps,
} satisfies FileOperations;
