/**
 * Reading, writing and mapping a file.
 *
 * A page is filled whole, from one reply. A write to a part of a page that is not valid reads the page first; the write
 * holds i_rwsem, which nobody who discards a range at the server takes.
 *
 * @departs No byte-range locks: lock_sem is taken, and the list is always empty.
 * @see fs/cifs/file.c (v5.14, v5.15)
 */
import {
  __genericFileWriteIter,
  type AddressSpace,
  type Cells,
  downRead,
  ENOMEM,
  FGP_CREAT,
  FGP_LOCK,
  FGP_WRITE,
  type File,
  filemapFault,
  filemapMapPages,
  genericFileReadIter,
  genericWriteChecks,
  genericWriteSync,
  type IovIter,
  inodeLock,
  inodeUnlock,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  type Loff,
  lockPage,
  PAGE_SIZE,
  type Page,
  pagecacheGetPage,
  pageIndex,
  putPage,
  setPageDirty,
  type Task,
  unlockPage,
  upRead,
  VM_FAULT_LOCKED,
  type VmFault,
  type VmOperations,
  zeroUser,
} from '@fsport/core';
import { CIFS_I } from './cifsglob.js';
import { cifsReadpage } from './read.js';
import { SMB2_write } from './smb2pdu.js';

/**
 * Read, through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes lock_sem shared. Not i_rwsem.
 * @see `cifs_strict_readv()` (v5.15)
 */
export function* cifsStrictReadv(iocb: Kiocb, iter: IovIter): Task<number> {
  const { lockSem } = CIFS_I(iocb.kiFilp.fInode);
  yield* downRead(lockSem);
  const result = yield* genericFileReadIter(iocb, iter);
  yield* upRead(lockSem);
  return result;
}

/**
 * Write, through the cache.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. Takes i_rwsem exclusive, then lock_sem shared.
 * @see `cifs_strict_writev()`, `cifs_writev()` (v5.15)
 */
export function* cifsStrictWritev(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const { lockSem } = CIFS_I(inode);
  yield* inodeLock(inode);
  yield* downRead(lockSem);
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) result = yield* __genericFileWriteIter(iocb, cells.slice(0, result));
  yield* upRead(lockSem);
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/**
 * Get a page for a write to a part of it. If what is not written will be needed, it is read from the server, once: if
 * that fails, the page stays as it is and {@link cifsWriteEnd} writes through.
 *
 * @returns The page, locked; or `-ENOMEM`.
 * @context Sleeps. i_rwsem exclusive; takes the page lock.
 * @see `cifs_write_begin()` (v5.14, v5.15)
 */
export function* cifsWriteBegin(
  file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
): Task<Page | number> {
  const { host: inode } = mapping;
  const index = pageIndex(pos);
  const [start, offset] = [index * PAGE_SIZE, pos % PAGE_SIZE];
  for (let tries = 0; ; tries++) {
    const page = yield* pagecacheGetPage(mapping, index, FGP_LOCK | FGP_WRITE | FGP_CREAT);
    if (page === null) return -ENOMEM;
    if (tries > 0 || page.uptodate.load() || len === PAGE_SIZE) return page;
    const size = yield* iSizeRead(inode);
    if (start >= size || (offset === 0 && pos + len >= size)) {
      zeroUser(page, 0, offset);
      zeroUser(page, offset + len, PAGE_SIZE);
      CIFS_I(inode).checked.add(page);
      return page;
    }
    yield* cifsReadpage(file, page);
    putPage(page);
  }
}

/**
 * Finish a write. What went into a page that is not valid goes to the server at once.
 *
 * @returns Bytes accepted, or an errno.
 * @context Sleeps. i_rwsem exclusive, page lock held; the page is unlocked and put.
 * @see `cifs_write_end()` (v5.14, v5.15)
 */
export function* cifsWriteEnd(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const { host: inode } = mapping;
  // All of the page is defined: by this write, and by zeroes around it.
  const whole = CIFS_I(inode).checked.delete(page) ? copied === len : copied === PAGE_SIZE;
  if (whole && !page.uptodate.load()) yield* page.uptodate.write(true, 'SetPageUptodate');
  let accepted = copied;
  if (page.uptodate.load()) yield* setPageDirty(page);
  else accepted = yield* SMB2_write(inode, pos, page.loadBytes(pos % PAGE_SIZE, copied));
  const end = pos + accepted;
  if (accepted > 0 && end > inode.iSize.load()) yield* iSizeWrite(inode, end); // sizes grow under i_rwsem
  yield* unlockPage(page);
  putPage(page);
  return accepted;
}

/**
 * A page is about to become writable. Nobody looks whether it is still the file's.
 *
 * @returns VM_FAULT_LOCKED.
 * @context Sleeps. mmap_lock shared; takes the page lock.
 * @see `cifs_page_mkwrite()` (v5.14, v5.15)
 */
export function* cifsPageMkwrite({ page }: VmFault): Task<number> {
  yield* lockPage(page as Page);
  return VM_FAULT_LOCKED;
}

const CIFS_FILE_VM_OPS: VmOperations = {
  fault: filemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: cifsPageMkwrite,
};

/** @see `cifs_file_strict_mmap()` (v5.15) */
export function cifsFileStrictMmap(_file: File): VmOperations {
  return CIFS_FILE_VM_OPS;
}
