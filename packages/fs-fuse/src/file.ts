/**
 * Reading, writing, mapping and changing files, through the page cache or, for a DAX file, without one.
 *
 * The server changes its file first, and what is cached of it is dropped when it has answered. Of a file with a page cache
 * no lock keeps fills and stores out meanwhile: what is filled before the server changes the file is dropped, but what is
 * stored to the same page is dropped with it.
 *
 * @departs The connection has a writeback cache: write(2) dirties pages, and i_size is the client's to say. Pages are read one
 *   by one: no readahead.
 * @see fs/fuse/file.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type Cells,
  ENOMEM,
  EOPNOTSUPP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  FGP_CREAT,
  FGP_LOCK,
  FGP_WRITE,
  type File,
  type FileOperations,
  filemapFault,
  filemapMapPages,
  genericFileReadIter,
  genericFileWriteIter,
  type Inode,
  type IovIter,
  inodeLock,
  inodeNewsizeOk,
  inodeUnlock,
  iSizeWrite,
  type Kiocb,
  type Loff,
  lockPage,
  loff,
  PAGE_SIZE,
  type Page,
  pagecacheGetPage,
  pageIndex,
  putPage,
  receivePage,
  serverCopy,
  serverRead,
  setPageDirty,
  type Task,
  truncateInodePagesRange,
  truncatePagecacheRange,
  unlockPage,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  type VmFault,
  type VmOperations,
  zeroUser,
} from '@fsport/core';
import { FUSE_DAX_VM_OPS, fuseDaxReadIter, fuseDaxWriteIter } from './dax.js';
import { fuseDaxBreakLayouts } from './dax-range.js';
import {
  FUSE_IS_DAX,
  fuseInvalidateLock,
  fuseInvalidateUnlock,
  fuseSimpleRequest,
  getFuseInode,
} from './fuse-i.js';
import { serverFallocate } from './server.js';
import { fuseFsync, fuseWaitOnPageWriteback, fuseWritebackRange } from './writeback.js';

/** Ask the server for a page. It is not unlocked. @returns `0`, or an errno. @see `fuse_do_readpage()` (v5.15) */
function* fuseDoReadpage(inode: Inode, page: Page, unlock: boolean): Task<number> {
  const { server } = getFuseInode(inode);
  // A copy of what was in the page before may still be on its way.
  yield* fuseWaitOnPageWriteback(inode, page.index);
  const reply = yield* fuseSimpleRequest('FUSE_READ', () => serverRead(server, [page]));
  yield* receivePage(server, page, 0, reply, unlock);
  return typeof reply === 'number' ? reply : 0;
}

/** Fill a locked page, and wait for it. @returns `0`, or an errno. @context Sleeps. Page lock; it is gone on return. @see `fuse_readpage()` (v5.15) */
export function fuseReadpage(_file: File | null, page: Page): Task<number> {
  return fuseDoReadpage((page.mapping.load() as AddressSpace).host, page, true);
}

/**
 * Get a page for a write to a part of it.
 *
 * @returns The page, locked; or an errno.
 * @context Sleeps. i_rwsem exclusive; takes the page lock.
 * @see `fuse_write_begin()` (v5.14, v5.15)
 */
export function* fuseWriteBegin(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
): Task<Page | number> {
  const { host: inode } = mapping;
  const page = yield* pagecacheGetPage(mapping, pageIndex(pos), FGP_LOCK | FGP_WRITE | FGP_CREAT);
  if (page === null) return -ENOMEM;
  yield* fuseWaitOnPageWriteback(inode, page.index);
  if (page.uptodate.load() || len === PAGE_SIZE) return page;
  if (inode.iSize.load() <= page.index * PAGE_SIZE) {
    zeroUser(page, 0, pos % PAGE_SIZE);
    return page;
  }
  const err = yield* fuseDoReadpage(inode, page, false);
  if (err === 0) return page;
  yield* unlockPage(page);
  putPage(page);
  return err;
}

/**
 * Finish a write.
 *
 * @returns Bytes accepted.
 * @context Sleeps. i_rwsem exclusive, page lock; the page is unlocked and put.
 * @see `fuse_write_end()` (v5.14, v5.15)
 */
export function* fuseWriteEnd(
  _file: File,
  { host: inode }: AddressSpace,
  pos: Loff,
  _len: number,
  copied: number,
  page: Page,
): Task<number> {
  if (copied > 0) {
    const end = pos + copied;
    if (!page.uptodate.load()) {
      zeroUser(page, end % PAGE_SIZE || PAGE_SIZE, PAGE_SIZE);
      yield* page.uptodate.write(true, 'SetPageUptodate');
    }
    if (end > inode.iSize.load()) yield* iSizeWrite(inode, end); // sizes grow under i_rwsem
    yield* setPageDirty(page);
  }
  yield* unlockPage(page);
  putPage(page);
  return copied;
}

/** Read. @returns Bytes, or an errno. @context Sleeps. @see `fuse_file_read_iter()` (v5.15) */
function fuseFileReadIter(iocb: Kiocb, iter: IovIter): Task<number> {
  return FUSE_IS_DAX(iocb.kiFilp.fInode) ? fuseDaxReadIter(iocb, iter) : genericFileReadIter(iocb, iter);
}

/** Write. @returns Bytes, or an errno. @context Sleeps. Takes i_rwsem exclusive. @see `fuse_file_write_iter()` (v5.15) */
function fuseFileWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  return FUSE_IS_DAX(iocb.kiFilp.fInode) ? fuseDaxWriteIter(iocb, cells) : genericFileWriteIter(iocb, cells);
}

/**
 * A page is about to become writable.
 *
 * @returns VM_FAULT_LOCKED, or VM_FAULT_NOPAGE if it is not cached any more.
 * @context Sleeps. mmap_lock shared; takes the page lock. Nothing keeps out who changes the file at the server.
 * @see `fuse_page_mkwrite()` (v5.14, v5.15)
 */
export function* fusePageMkwrite({ vma, page }: VmFault): Task<number> {
  const { fInode: inode, fMapping: mapping } = vma.vmFile;
  const locked = page as Page;
  yield* lockPage(locked);
  if (locked.mapping.load() !== mapping) {
    yield* unlockPage(locked);
    return VM_FAULT_NOPAGE;
  }
  yield* fuseWaitOnPageWriteback(inode, locked.index);
  return VM_FAULT_LOCKED;
}

const FUSE_FILE_VM_OPS: VmOperations = {
  fault: filemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: fusePageMkwrite,
};

/** @departs munmap(2) writes nothing back. @see `fuse_file_mmap()`, `fuse_dax_mmap()` (v5.15) */
function fuseFileMmap({ fInode: inode }: File): VmOperations {
  return FUSE_IS_DAX(inode) ? FUSE_DAX_VM_OPS : FUSE_FILE_VM_OPS;
}

/**
 * Allocate, punch or zero a range.
 *
 * @returns `0`, `-EOPNOTSUPP`, or an errno.
 * @context Sleeps. Takes i_rwsem exclusive, unless it only allocates inside the file, and then
 *   {@link fuseInvalidateLock} for a DAX file: around the request and until the cache is dropped.
 * @see `fuse_file_fallocate()` (v5.14, v5.15)
 */
function* fuseFileFallocate({ fInode: inode }: File, mode: number, offset: Loff, len: Loff): Task<number> {
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0) return -EOPNOTSUPP;
  const zeroes = (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0;
  const lockInode = zeroes || (mode & FALLOC_FL_KEEP_SIZE) === 0;
  const blockFaults = FUSE_IS_DAX(inode) && lockInode;
  if (lockInode) yield* inodeLock(inode);
  if (blockFaults) {
    yield* fuseInvalidateLock(inode);
    yield* fuseDaxBreakLayouts(inode);
  }
  const err = yield* fallocate(inode, mode, offset, len, zeroes);
  if (blockFaults) yield* fuseInvalidateUnlock(inode);
  if (lockInode) yield* inodeUnlock(inode);
  return err;
}

function* fallocate(inode: Inode, mode: number, offset: Loff, len: Loff, zeroes: boolean): Task<number> {
  const { server } = getFuseInode(inode);
  const end = offset + len;
  const last = loff(end - 1);
  let err = zeroes ? yield* fuseWritebackRange(inode, offset, last) : 0;
  const extend = (mode & FALLOC_FL_KEEP_SIZE) === 0 && end > inode.iSize.load();
  if (err === 0 && extend) err = inodeNewsizeOk(inode, loff(end));
  if (err === 0)
    err = yield* fuseSimpleRequest('FUSE_FALLOCATE', () => serverFallocate(server, mode, offset, len));
  if (err !== 0) return err;
  if (extend) yield* iSizeWrite(inode, end);
  if (zeroes) yield* truncatePagecacheRange(inode, offset, last);
  return 0;
}

/**
 * Copy bytes to another file, at the server. Whole pages are dropped from the cache afterwards: what was stored meanwhile
 * to the rest of the first and the last one is lost.
 *
 * @returns Bytes copied, or an errno.
 * @context Sleeps. Takes i_rwsem of the source exclusive and releases it, then that of the target; no lock against fills.
 * @see `__fuse_copy_file_range()` (v5.14, v5.15)
 */
function* fuseCopyFileRange(
  { fInode: source }: File,
  posIn: Loff,
  { fInode: target }: File,
  posOut: Loff,
  len: number,
): Task<number> {
  yield* inodeLock(source);
  let err = yield* fuseWritebackRange(source, posIn, loff(posIn + len - 1));
  yield* inodeUnlock(source);
  if (err !== 0) return err;
  yield* inodeLock(target);
  err = yield* fuseWritebackRange(target, posOut, loff(posOut + len - 1));
  const copied = err === 0 ? yield* copyAtServer(source, posIn, target, posOut, len) : err;
  yield* inodeUnlock(target);
  return copied;
}

function* copyAtServer(source: Inode, posIn: Loff, target: Inode, posOut: Loff, len: number): Task<number> {
  const [from, to] = [getFuseInode(source).server, getFuseInode(target).server];
  const copied = yield* fuseSimpleRequest('FUSE_COPY_FILE_RANGE', () =>
    serverCopy(from, posIn, to, posOut, len),
  );
  const end = posOut + copied;
  const first = loff(posOut - (posOut % PAGE_SIZE));
  if (copied > 0)
    yield* truncateInodePagesRange(target.iMapping, first, loff(Math.ceil(end / PAGE_SIZE) * PAGE_SIZE - 1));
  if (end > target.iSize.load()) yield* iSizeWrite(target, end);
  return copied;
}

/** @see `fuse_file_operations` (v5.15) */
export const fuseFileOperations = {
  readIter: fuseFileReadIter,
  writeIter: fuseFileWriteIter,
  fsync: fuseFsync,
  mmap: fuseFileMmap,
  fallocate: fuseFileFallocate,
  copyFileRange: fuseCopyFileRange,
} satisfies FileOperations;
