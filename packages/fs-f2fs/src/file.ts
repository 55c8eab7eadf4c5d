/**
 * read(2), write(2), mmap(2), truncate(2).
 *
 * Buffered reads take no lock of f2fs's: what keeps them away from invalidations is in the generic code, or, in v5.14,
 * nothing.
 *
 * @see fs/f2fs/file.c (v5.14, v5.15)
 */
import {
  ATTR_SIZE,
  blockPageMkwriteReturn,
  type Cells,
  EFAULT,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  fileWriteAndWaitRange,
  genericFileReadIter,
  genericPerformWrite,
  genericWriteChecks,
  genericWriteSync,
  type Iattr,
  type Inode,
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  iSizeWithin,
  type Kiocb,
  type Loff,
  lockPage,
  loff,
  PAGE_SIZE,
  type Page,
  setPageDirty,
  type Task,
  takesInvalidateLock,
  truncateSetsize,
  unlockPage,
  type VmFault,
  type VmOperations,
  waitOnPageWriteback,
  zeroUser,
} from '@fsport/core';
import { f2fsIoctl } from './checkpoint.js';
import { f2fsTruncateBlocks } from './data.js';
import {
  f2fsInvalidateLockShared,
  f2fsInvalidateUnlockShared,
  withNodeChange,
  withoutGcAndFills,
} from './f2fs.js';
import { f2fsFallocate } from './fallocate.js';
import { f2fsMoveFileRange } from './move-range.js';
import { f2fsReserveBlock } from './node.js';

/** Reserve the blocks of the whole pages that a write covers. @see fs/f2fs/data.c `f2fs_preallocate_blocks()` (v5.15) */
function* f2fsPreallocateBlocks(inode: Inode, pos: number, len: number): Task<void> {
  const end = Math.floor((pos + len) / PAGE_SIZE);
  for (let index = Math.ceil(pos / PAGE_SIZE); index < end; index++) {
    yield* withNodeChange(inode, f2fsReserveBlock(inode, index));
  }
}

/**
 * Write through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive; if less was written than wanted beyond the end of the file,
 *   i_gc_rwsem[WRITE] and the lock against fills as well.
 * @see fs/f2fs/file.c `f2fs_file_write_iter()` (v5.14, v5.15)
 */
function* f2fsFileWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, from.length);
  if (result > 0) {
    const target = iocb.kiPos + result;
    yield* f2fsPreallocateBlocks(inode, iocb.kiPos, result);
    result = yield* genericPerformWrite(iocb, from.slice(0, result));
    // What was reserved and not written must go again.
    if (inode.iSize.load() < target)
      yield* withoutGcAndFills(inode, f2fsTruncateBlocks(inode, inode.iSize.load()));
  }
  yield* inodeUnlock(inode);
  if (result <= 0) return result;
  iocb.kiPos = loff(iocb.kiPos + result);
  return yield* genericWriteSync(iocb, result);
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes i_gc_rwsem[WRITE] and the lock against fills exclusive, also to grow.
 * @see fs/f2fs/file.c `f2fs_setattr()` (v5.14, v5.15)
 */
export function* f2fsSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const err = inodeNewsizeOk(inode, attr.iaSize);
  return err === 0 ? yield* withoutGcAndFills(inode, resize(inode, attr.iaSize)) : err;
}

/** The size, the pages, then, unless the file grows, the blocks. */
function* resize(inode: Inode, size: Loff): Task<number> {
  const oldSize = inode.iSize.load(); // i_rwsem
  yield* truncateSetsize(inode, size);
  return size <= oldSize ? yield* f2fsTruncateBlocks(inode, size) : 0;
}

/**
 * A page is about to become writable: reserve a block for it.
 *
 * @returns `VM_FAULT_*`; VM_FAULT_LOCKED with the page locked.
 * @context Sleeps. mmap_lock shared; takes the lock against fills shared, the page lock, node_change shared. Not cp_rwsem: who
 *   holds that waits for page locks.
 * @departs Filesystem freezing is not modelled.
 * @see fs/f2fs/file.c `f2fs_vm_page_mkwrite()` (v5.14, v5.15)
 */
function* f2fsVmPageMkwrite(vmf: VmFault): Task<number> {
  const inode = vmf.vma.vmFile.fInode;
  yield* f2fsInvalidateLockShared(inode);
  const err = yield* mkwrite(vmf.page as Page, inode);
  yield* f2fsInvalidateUnlockShared(inode);
  return blockPageMkwriteReturn(err);
}

function* mkwrite(page: Page, inode: Inode): Task<number> {
  yield* lockPage(page);
  const pos = page.index * PAGE_SIZE;
  const size = yield* iSizeWithin(inode, pos - 1, pos + PAGE_SIZE);
  if (page.mapping.load() !== inode.iMapping || pos > size || !page.uptodate.load()) {
    yield* unlockPage(page);
    return -EFAULT;
  }
  yield* withNodeChange(inode, f2fsReserveBlock(inode, page.index));
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
  zeroUser(page, size - pos, PAGE_SIZE);
  yield* setPageDirty(page);
  return 0;
}

/**
 * A page fault in v5.14: f2fs wraps all of it, readahead included, in its own lock.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared; takes and releases i_mmap_sem shared.
 * @see fs/f2fs/file.c `f2fs_filemap_fault()` (v5.14)
 */
function* f2fsFilemapFault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile; // the mapping may be gone when filemap_fault() returns
  yield* f2fsInvalidateLockShared(inode);
  const result = yield* filemapFault(vmf);
  yield* f2fsInvalidateUnlockShared(inode);
  return result;
}

const V5_14_FILE_VM_OPS: VmOperations = {
  fault: f2fsFilemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: f2fsVmPageMkwrite,
};

/** v5.15: filemap_fault() takes the lock by itself, and only if a page must be filled. */
const FILE_VM_OPS: VmOperations = { ...V5_14_FILE_VM_OPS, fault: filemapFault };

/** @see fs/f2fs/file.c `f2fs_file_mmap()` (v5.14, v5.15) */
function f2fsFileMmap(file: File): VmOperations {
  return takesInvalidateLock(file.fMapping) ? FILE_VM_OPS : V5_14_FILE_VM_OPS;
}

/** File operations. @see fs/f2fs/file.c `f2fs_file_operations` (v5.15) */
export const f2fsFileOperations = {
  readIter: genericFileReadIter,
  writeIter: f2fsFileWriteIter,
  fallocate: f2fsFallocate,
  moveFileRange: f2fsMoveFileRange,
  fsync: fileWriteAndWaitRange,
  unlockedIoctl: f2fsIoctl,
  mmap: f2fsFileMmap,
} satisfies FileOperations;

/** Inode operations. @see fs/f2fs/file.c `f2fs_file_inode_operations` (v5.15) */
export const f2fsFileInodeOperations = { setattr: f2fsSetattr };
