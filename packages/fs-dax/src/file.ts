/**
 * Reading, writing and mapping.
 *
 * @see fs/ext2/file.c (v3.19, v4.0, v5.14, v5.15)
 */
import {
  type Cells,
  daxIomapRw,
  type File,
  genericWriteChecks,
  genericWriteSync,
  type IovIter,
  inodeLock,
  inodeLockShared,
  inodeUnlock,
  inodeUnlockShared,
  iSizeWrite,
  type Kiocb,
  type Task,
  type VmOperations,
} from '@fsport/core';
import { ext2IomapOps } from './iomap.js';
import { schemeOf } from './scheme.js';

/**
 * Read.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes i_rwsem: shared in v5.x, exclusive in v4.0, not at all in v3.19.
 * @departs v3.19 and v4.0 go block by block through functions of their own, which do what iomap's do.
 * @see fs/ext2/file.c `ext2_dax_read_iter()` (v5.15), fs/dax.c `dax_do_io()` (v4.0), mm/filemap_xip.c `xip_file_read()` (v3.19)
 */
export function* daxReadIter(iocb: Kiocb, iter: IovIter): Task<number> {
  const inode = iocb.kiFilp.fInode;
  const { readLock } = schemeOf(inode);
  if (iter.count === 0) return 0;
  if (readLock === 'shared') yield* inodeLockShared(inode);
  if (readLock === 'exclusive') yield* inodeLock(inode);
  const result = yield* daxIomapRw(iocb, iter, ext2IomapOps);
  if (readLock === 'shared') yield* inodeUnlockShared(inode);
  if (readLock === 'exclusive') yield* inodeUnlock(inode);
  return result;
}

/**
 * Write.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes i_rwsem exclusive.
 * @see fs/ext2/file.c `ext2_dax_write_iter()` (v5.15), mm/filemap_xip.c `xip_file_write()` (v3.19)
 */
export function* daxWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const inode = iocb.kiFilp.fInode;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) {
    result = yield* daxIomapRw(iocb, cells.slice(0, result), ext2IomapOps);
    if (result > 0 && iocb.kiPos > inode.iSize.load()) yield* iSizeWrite(inode, iocb.kiPos);
  }
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** Prepare a mapping. @see fs/ext2/file.c `ext2_file_mmap()`, `ext2_dax_vm_ops` (v4.0, v5.15) */
export function daxMmap(file: File): VmOperations {
  const { fault, asksForPages, asksForBlocks } = schemeOf(file.fInode);
  return {
    fault,
    ...(asksForPages ? { pageMkwrite: fault } : {}),
    ...(asksForBlocks ? { pfnMkwrite: fault } : {}),
  };
}
