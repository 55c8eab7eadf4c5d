/**
 * Reading, writing, mapping: where the glock is taken.
 *
 * A read first takes what is cached, without the glock and without I/O. What it does not get so, it reads under the glock,
 * and copies to the program's memory under it. A fault holds mmap_lock, and takes the glock.
 *
 * @departs No direct I/O.
 * @see fs/gfs2/file.c (v5.14, v5.15)
 */
import {
  blockPageMkwriteReturn,
  type Cells,
  EAGAIN,
  EOPNOTSUPP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  genericFileFsync,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type Inode,
  IOCB_NOIO,
  type IovIter,
  inodeLock,
  inodeUnlock,
  iomapFileBufferedWrite,
  type Kiocb,
  type Loff,
  lockPage,
  loff,
  PAGE_SIZE,
  type Page,
  setPageDirty,
  type Task,
  unlockPage,
  VM_FAULT_SIGBUS,
  type VmFault,
  type VmOperations,
} from '@fsport/core';
import { __gfs2PunchHole, gfs2IomapGet, gfs2IomapOps } from './bmap.js';
import { gfs2GlockDqExclusive, gfs2GlockDqShared, gfs2GlockNqExclusive, gfs2GlockNqShared } from './glock.js';

/**
 * Read, through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes the glock shared, and holds it while the program's memory is written to, which may fault.
 * @see `gfs2_file_read_iter()` (v5.14, v5.15)
 */
function* gfs2FileReadIter(iocb: Kiocb, to: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  iocb.kiFlags |= IOCB_NOIO;
  const cached = yield* genericFileReadIter(iocb, to);
  iocb.kiFlags &= ~IOCB_NOIO;
  if (cached >= 0 ? to.count === 0 : cached !== -EAGAIN) return cached;
  yield* gfs2GlockNqShared(inode);
  const result = yield* genericFileReadIter(iocb, to);
  yield* gfs2GlockDqShared(inode);
  const written = Math.max(cached, 0) + Math.max(result, 0);
  return written > 0 ? written : result;
}

/** Write, through the cache. @returns Bytes, or an errno. @context Sleeps. Takes i_rwsem exclusive, and the glock for each piece. @see `gfs2_file_write_iter()` (v5.15) */
function* gfs2FileWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) result = yield* iomapFileBufferedWrite(iocb, cells.slice(0, result), gfs2IomapOps);
  if (result > 0) iocb.kiPos = loff(iocb.kiPos + result);
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** @context Sleeps. mmap_lock shared; takes the glock shared. @see `gfs2_fault()` (v5.14, v5.15) */
export function* gfs2Fault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  yield* gfs2GlockNqShared(inode);
  const result = yield* filemapFault(vmf);
  yield* gfs2GlockDqShared(inode);
  return result;
}

/**
 * A page is about to become writable: its block is allocated.
 *
 * @returns VM_FAULT_LOCKED, VM_FAULT_NOPAGE if the page is not cached any more, or VM_FAULT_SIGBUS beyond the file.
 * @context Sleeps. mmap_lock shared; takes the glock exclusive, in it the page lock.
 * @departs No freezing of the filesystem.
 * @see `gfs2_page_mkwrite()` (v5.14, v5.15)
 */
export function* gfs2PageMkwrite({ vma, page }: VmFault): Task<number> {
  const { fInode: inode } = vma.vmFile;
  const locked = page as Page;
  yield* gfs2GlockNqExclusive(inode);
  const err = yield* mkwrite(inode, locked);
  yield* gfs2GlockDqExclusive(inode);
  if (err > 0) return VM_FAULT_SIGBUS;
  if (err === 0) yield* setPageDirty(locked);
  return blockPageMkwriteReturn(err);
}

/** @returns `0` with the page locked; an errno without; or `1` if it is beyond the end of the file. */
function* mkwrite(inode: Inode, page: Page): Task<number> {
  const offset = page.index * PAGE_SIZE;
  if (offset >= inode.iSize.load()) return 1; // it changes under the glock alone
  yield* lockPage(page);
  let err = page.uptodate.load() && page.mapping.load() === inode.iMapping ? 0 : -EAGAIN;
  if (err === 0) {
    const iomap = yield* gfs2IomapGet(inode, offset, true); // gfs2_allocate_page_backing()
    if (typeof iomap === 'number') err = iomap;
  }
  if (err !== 0) yield* unlockPage(page);
  return err;
}

const GFS2_VM_OPS: VmOperations = {
  fault: gfs2Fault,
  mapPages: filemapMapPages,
  pageMkwrite: gfs2PageMkwrite,
};

/** @see `gfs2_mmap()` (v5.15) */
function gfs2Mmap(): VmOperations {
  return GFS2_VM_OPS;
}

/**
 * Punch a hole: nothing else is modelled.
 *
 * @returns `0`, or `-EOPNOTSUPP`.
 * @context Sleeps. Takes i_rwsem, then the glock, exclusive.
 * @departs Plain fallocate, which gfs2 has, is refused.
 * @see `gfs2_fallocate()` (v5.14, v5.15)
 */
function* gfs2Fallocate({ fInode: inode }: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if (mode !== (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) return -EOPNOTSUPP;
  yield* inodeLock(inode);
  yield* gfs2GlockNqExclusive(inode);
  const err = yield* __gfs2PunchHole(inode, offset, len);
  yield* gfs2GlockDqExclusive(inode);
  yield* inodeUnlock(inode);
  return err;
}

/** @see `gfs2_file_fops` (v5.15) */
export const gfs2FileFops = {
  readIter: gfs2FileReadIter,
  writeIter: gfs2FileWriteIter,
  fsync: genericFileFsync,
  mmap: gfs2Mmap,
  fallocate: gfs2Fallocate,
} satisfies FileOperations;
