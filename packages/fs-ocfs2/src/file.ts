/**
 * System calls on a file.
 *
 * Truncation drops pages first and frees clusters last, as everybody does. A hole punch takes its clusters out of the file
 * first and drops the pages after that. Both hold ip_alloc_sem over all of it, and neither takes invalidate_lock, in v5.15
 * neither.
 *
 * @see fs/ocfs2/file.c (v5.14, v5.15)
 */
import {
  __genericFileWriteIter,
  ATTR_SIZE,
  type Cells,
  downWrite,
  EOPNOTSUPP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type File,
  type FileOperations,
  fileWriteAndWaitRange,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type Iattr,
  type Inode,
  IOCB_NOWAIT,
  type IovIter,
  inodeDioWait,
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  iSizeWrite,
  type Kiocb,
  type Loff,
  loff,
  machine,
  PAGE_SIZE,
  type Task,
  truncateInodePages,
  truncateInodePagesRange,
  unmapMappingRange,
  upWrite,
} from '@fsport/core';
import { ocfs2FlushTruncateLog, ocfs2ZeroRangeForTruncate, removeClusters } from './alloc.js';
import { ocfs2InodeLock, ocfs2InodeUnlock, ocfs2RwLock, ocfs2RwUnlock } from './dlmglue.js';
import { ocfs2Mmap } from './mmap.js';
import { OCFS2_I } from './ocfs2.js';

/**
 * @returns Bytes; `-EOPNOTSUPP` if it must not wait, which only direct reads know how to; or an errno.
 * @context Sleeps. Takes no lock on this node: readpage does.
 * @see fs/ocfs2/file.c `ocfs2_file_read_iter()` (v5.14, v5.15)
 */
function* ocfs2FileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) return -EOPNOTSUPP;
  const { fInode: inode } = iocb.kiFilp;
  // For what another node has made of the size.
  ocfs2InodeLock(inode, false);
  ocfs2InodeUnlock(inode, false);
  return yield* genericFileReadIter(iocb, to);
}

/**
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes and releases i_rwsem exclusive; ip_alloc_sem for each page.
 * @departs There is nothing to prepare: no clusters are shared between files, and no file is set-uid.
 * @see fs/ocfs2/file.c `ocfs2_file_write_iter()` (v5.14, v5.15)
 */
function* ocfs2FileWriteIter(iocb: Kiocb, from: Cells): Task<number> {
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) return -EOPNOTSUPP;
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  ocfs2RwLock(inode, true);
  let result = genericWriteChecks(iocb, from.length);
  if (result > 0) result = yield* __genericFileWriteIter(iocb, from.slice(0, result));
  ocfs2RwUnlock(inode, true);
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** Zero what of a range does not fill a cluster. @see fs/ocfs2/file.c `ocfs2_zero_partial_clusters()` (v5.15) */
function* ocfs2ZeroPartialClusters(inode: Inode, start: number, len: number): Task<number> {
  const { blockSize } = machine;
  if (start % blockSize === 0 && (start + len) % blockSize === 0) return 0;
  // Behind the end of the file there is nothing: a cluster is a block.
  const end = Math.min(start + len, inode.iSize.load()); // i_rwsem
  if (start >= end) return 0;
  if (start % blockSize !== 0) {
    const first = Math.min(end, Math.ceil(start / blockSize) * blockSize);
    const err = yield* ocfs2ZeroRangeForTruncate(inode, start, first);
    if (err !== 0 || first === end) return err;
  }
  return yield* ocfs2ZeroRangeForTruncate(inode, Math.floor(end / blockSize) * blockSize, end);
}

/**
 * Punch a hole: zero the edges, take the clusters out of the file, drop their pages.
 *
 * A dirty page of the hole can be written back until it is dropped, to a cluster that is not the file's any more.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. ip_alloc_sem exclusive. Takes and releases page locks.
 * @see fs/ocfs2/file.c `ocfs2_remove_inode_range()`, `ocfs2_truncate_cluster_pages()` (v5.14, v5.15)
 */
function* ocfs2RemoveInodeRange(inode: Inode, byteStart: number, byteLen: number): Task<number> {
  const { blockSize } = machine;
  const err = yield* ocfs2ZeroPartialClusters(inode, byteStart, byteLen);
  if (err !== 0) return err;
  const first = Math.ceil(byteStart / blockSize);
  const end = Math.floor((byteStart + byteLen) / blockSize);
  yield* removeClusters(inode, first, end);
  if (first < end) {
    const [from, to] = [loff(first * blockSize), loff(end * blockSize)];
    yield* unmapMappingRange(inode.iMapping, from, loff(to - from), false);
    yield* truncateInodePagesRange(inode.iMapping, from, loff(to - 1));
  }
  yield* ocfs2FlushTruncateLog(inode.iSb);
  return 0;
}

/**
 * Change the clusters behind a range.
 *
 * @returns `0`, `-EOPNOTSUPP` for all but a hole punch, or an errno.
 * @context Sleeps. Takes and releases i_rwsem, then ip_alloc_sem, exclusive.
 * @departs Nothing is allocated without being written.
 * @see fs/ocfs2/file.c `ocfs2_fallocate()`, `__ocfs2_change_file_space()` (v5.14, v5.15)
 */
function* ocfs2Fallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if (mode !== (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) return -EOPNOTSUPP;
  const { fInode: inode } = file;
  const { ipAllocSem } = OCFS2_I(inode);
  yield* inodeLock(inode);
  ocfs2RwLock(inode, true);
  ocfs2InodeLock(inode, true);
  yield* downWrite(ipAllocSem);
  const err = yield* ocfs2RemoveInodeRange(inode, offset, len);
  yield* upWrite(ipAllocSem);
  ocfs2InodeUnlock(inode, true);
  ocfs2RwUnlock(inode, true);
  yield* inodeUnlock(inode);
  return err;
}

/**
 * Make a file shorter: drop pages, zero the rest of the last cluster, store the size, free clusters.
 *
 * Pages go before the size is stored. Nobody brings one back: that takes ip_alloc_sem.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes and releases ip_alloc_sem exclusive, and page locks.
 * @see fs/ocfs2/file.c `ocfs2_truncate_file()`, `ocfs2_orphan_for_truncate()` (v5.14, v5.15)
 */
function* ocfs2TruncateFile(inode: Inode, newSize: number): Task<number> {
  const { blockSize } = machine;
  const { ipAllocSem } = OCFS2_I(inode);
  yield* downWrite(ipAllocSem);
  const end = Math.ceil(newSize / PAGE_SIZE) * PAGE_SIZE;
  yield* unmapMappingRange(inode.iMapping, loff(end), loff(0), true);
  yield* truncateInodePages(inode.iMapping, loff(newSize));
  const clusterEnd = Math.ceil(newSize / blockSize) * blockSize;
  const err = yield* ocfs2ZeroRangeForTruncate(inode, newSize, clusterEnd);
  if (err === 0) {
    yield* iSizeWrite(inode, newSize);
    yield* removeClusters(inode, clusterEnd / blockSize);
    yield* ocfs2FlushTruncateLog(inode.iSb);
  }
  yield* upWrite(ipAllocSem);
  return err;
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes and releases ip_alloc_sem exclusive to make it shorter.
 * @departs Making it longer has no tail to zero: see ocfs2WriteBegin().
 * @see fs/ocfs2/file.c `ocfs2_setattr()`, `ocfs2_extend_file()` (v5.14, v5.15)
 */
export function* ocfs2Setattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const { iaSize } = attr;
  ocfs2RwLock(inode, true);
  ocfs2InodeLock(inode, true);
  let err = inodeNewsizeOk(inode, iaSize);
  if (err === 0) {
    yield* inodeDioWait(inode);
    if (iaSize <= inode.iSize.load()) err = yield* ocfs2TruncateFile(inode, iaSize);
    else yield* iSizeWrite(inode, iaSize);
  }
  ocfs2InodeUnlock(inode, true);
  ocfs2RwUnlock(inode, true);
  return err;
}

/** File operations. @see fs/ocfs2/file.c `ocfs2_fops` (v5.15) */
export const ocfs2Fops = {
  readIter: ocfs2FileReadIter,
  writeIter: ocfs2FileWriteIter,
  fallocate: ocfs2Fallocate,
  fsync: (file: File, start: Loff, end: Loff) => fileWriteAndWaitRange(file, start, end),
  mmap: ocfs2Mmap,
} satisfies FileOperations;
