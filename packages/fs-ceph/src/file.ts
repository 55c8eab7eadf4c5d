/**
 * Reads, writes and hole punching.
 *
 * A hole is punched in steps: the cache is dropped, then the store is told object by object. i_rwsem exclusive keeps
 * reads and writes of this client out, the capabilities those of others; faults and advice of this client are kept out
 * by invalidate_lock, since v5.15.
 *
 * @departs An object is one block, so that every whole block is a request of its own.
 * @see fs/ceph/file.c, fs/ceph/io.c (v5.14, v5.15)
 */
import {
  __genericFileWriteIter,
  type Cells,
  current,
  EOPNOTSUPP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type File,
  type FileOperations,
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  fileWriteAndWaitRange,
  findLockPage,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type Inode,
  type IovIter,
  inodeLock,
  inodeLockShared,
  inodeUnlock,
  inodeUnlockShared,
  iSizeRead,
  type Kiocb,
  type Loff,
  loff,
  machine,
  PAGE_SIZE,
  pageIndex,
  putPage,
  sendReceive,
  serverZero,
  type Task,
  type TaskStruct,
  takesInvalidateLock,
  truncatePagecacheRange,
  unlockPage,
  waitOnPageWriteback,
  zeroUserSegment,
} from '@fsport/core';
import { cephMmap } from './addr.js';
import { CEPH_CAP_FILE_RD, CEPH_CAP_FILE_WR, cephGetCaps, cephInode, cephPutCapRefs } from './caps.js';

/**
 * Read, through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes i_rwsem shared, then references on FILE_RD.
 * @departs FILE_CACHE is always granted: no reads past the cache.
 * @see `ceph_read_iter()` (v5.14, v5.15)
 */
function* cephReadIter(iocb: Kiocb, iter: IovIter): Task<number> {
  const { kiFilp: file } = iocb;
  const { fInode: inode } = file;
  yield* inodeLockShared(inode); // ceph_start_io_read()
  yield* cephGetCaps(inode, CEPH_CAP_FILE_RD);
  const { rwContexts } = cephInode(inode);
  rwContexts.push(current.task as TaskStruct);
  const result = yield* genericFileReadIter(iocb, iter);
  rwContexts.splice(rwContexts.lastIndexOf(current.task as TaskStruct), 1);
  cephPutCapRefs(inode, CEPH_CAP_FILE_RD);
  yield* inodeUnlockShared(inode);
  return result;
}

/**
 * Write, through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes i_rwsem exclusive, then references on FILE_WR.
 * @see `ceph_write_iter()` (v5.14, v5.15)
 */
function* cephWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode); // ceph_start_io_write()
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) {
    yield* cephGetCaps(inode, CEPH_CAP_FILE_WR);
    result = yield* __genericFileWriteIter(iocb, cells.slice(0, result));
    cephPutCapRefs(inode, CEPH_CAP_FILE_WR);
  }
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** Zero a part of a page that is cached; it does not become dirty. @see `ceph_zero_partial_page()` (v5.15) */
function* cephZeroPartialPage(inode: Inode, offset: number, size: number): Task<void> {
  const page = yield* findLockPage(inode.iMapping, pageIndex(offset));
  if (page === null) return;
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
  yield* zeroUserSegment(page, offset % PAGE_SIZE, (offset % PAGE_SIZE) + size);
  yield* unlockPage(page);
  putPage(page);
}

/** @see `ceph_zero_pagecache_range()` (v5.15) */
function* cephZeroPagecacheRange(inode: Inode, offset: number, length: number): Task<void> {
  let [at, left] = [offset, length];
  const toBoundary = Math.min(left, (PAGE_SIZE - (at % PAGE_SIZE)) % PAGE_SIZE);
  if (toBoundary > 0) yield* cephZeroPartialPage(inode, at, toBoundary);
  at += toBoundary;
  left -= toBoundary;
  const whole = left - (left % PAGE_SIZE);
  if (whole > 0) yield* truncatePagecacheRange(inode, loff(at), loff(at + whole - 1));
  if (left > whole) yield* cephZeroPartialPage(inode, at + whole, left - whole);
}

/** One request after the other. @see `ceph_zero_objects()` (v5.15) */
function* cephZeroObjects(inode: Inode, offset: number, length: number): Task<void> {
  const { blockSize } = machine;
  for (let at = offset; at < offset + length; ) {
    const size = Math.min(offset + length - at, blockSize - (at % blockSize));
    const verb = size === blockSize ? 'CEPH_OSD_OP_DELETE' : 'CEPH_OSD_OP_ZERO';
    const pos = at;
    yield* sendReceive(verb, () => serverZero(cephInode(inode).server, pos, size));
    at += size;
  }
}

/**
 * Punch a hole: nothing else can be done.
 *
 * @returns `0`, or `-EOPNOTSUPP`.
 * @context Sleeps. Takes i_rwsem exclusive, references on FILE_WR, and in v5.15 invalidate_lock exclusive: around all
 *   requests to the store.
 * @see `ceph_fallocate()` (v5.14, v5.15)
 */
function* cephFallocate({ fInode: inode }: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if (mode !== (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) return -EOPNOTSUPP;
  const { iMapping: mapping } = inode;
  yield* inodeLock(inode);
  const length = Math.min(len, (yield* iSizeRead(inode)) - offset);
  if (length > 0) {
    const guarded = takesInvalidateLock(mapping); // what the series changed here
    yield* cephGetCaps(inode, CEPH_CAP_FILE_WR);
    if (guarded) yield* filemapInvalidateLock(mapping);
    yield* cephZeroPagecacheRange(inode, offset, length);
    yield* cephZeroObjects(inode, offset, length);
    if (guarded) yield* filemapInvalidateUnlock(mapping);
    cephPutCapRefs(inode, CEPH_CAP_FILE_WR);
  }
  yield* inodeUnlock(inode);
  return 0;
}

/**
 * Make a range durable.
 *
 * @returns `0`, or an errno.
 * @context Sleeps.
 * @departs Capabilities are not flushed: the servers learn of a new size with the data.
 * @see fs/ceph/caps.c `ceph_fsync()` (v5.15)
 */
function cephFsync(file: File, start: Loff, last: Loff): Task<number> {
  return fileWriteAndWaitRange(file, start, last);
}

/** @see `ceph_file_fops` (v5.15) */
export const cephFileFops = {
  readIter: cephReadIter,
  writeIter: cephWriteIter,
  fsync: cephFsync,
  mmap: cephMmap,
  fallocate: cephFallocate,
} satisfies FileOperations;
