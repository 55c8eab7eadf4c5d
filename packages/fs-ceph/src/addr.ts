/**
 * Pages: filled from the object store, written back by position, mapped.
 *
 * A fill runs under references on FILE_RD; readahead that nobody with references has started tries to take them, and
 * gives up otherwise. A page stays locked from its insertion to the reply.
 *
 * @departs No snapshots, no fscache, no inline data: a file is in the object store from its first byte.
 * @departs One request for each page that is written.
 * @see fs/ceph/addr.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type Cells,
  current,
  ENOMEM,
  endPageWriteback,
  FGP_CREAT,
  FGP_LOCK,
  FGP_WRITE,
  type File,
  filemapFault,
  filemapMapPages,
  type Inode,
  iSizeRead,
  iSizeWrite,
  type Loff,
  lockPage,
  mappingSetError,
  PAGE_SIZE,
  type Page,
  pagecacheGetPage,
  pageIndex,
  postMessage,
  putPage,
  type ReadaheadControl,
  readaheadPage,
  receivePage,
  type ServedBlock,
  type ServerFile,
  type SharedVar,
  sendMessage,
  sendReceive,
  serverRead,
  serverWrite,
  setPageDirty,
  setPageWriteback,
  type Task,
  type TaskStruct,
  unlockPage,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  type VmFault,
  type VmOperations,
  type WritebackControl,
  writeCachePages,
  zeroUser,
} from '@fsport/core';
import {
  CEPH_CAP_FILE_RD,
  CEPH_CAP_FILE_WR,
  cephGetCaps,
  cephInode,
  cephPutCapRefs,
  cephTryGetCaps,
} from './caps.js';

/** Ask for pages; they are unlocked when the reply arrives, and what comes after that is done. */
function askFor(inode: Inode, pages: readonly Page[], then: () => void): Task<void> {
  const { server } = cephInode(inode);
  for (const page of pages) page.lock.handOff();
  return sendMessage({
    verb: 'CEPH_OSD_OP_READ',
    serve: () => serverRead(server, pages),
    receive: (reply) => receivePages(server, pages, reply, then),
  });
}

function* receivePages(
  server: ServerFile,
  pages: readonly Page[],
  reply: readonly ServedBlock[] | number,
  then: () => void,
): Task<void> {
  for (const [nth, page] of pages.entries()) yield* receivePage(server, page, nth, reply);
  then();
}

/**
 * Fill a locked page.
 *
 * @returns `0`; a failure shows as PG_error.
 * @context Sleeps. Page lock, handed to the reply. References on FILE_RD held.
 * @see fs/netfs/read_helper.c `netfs_readpage()` (v5.15)
 */
export function* cephReadpage(_file: File | null, page: Page): Task<number> {
  const inode = page.mapping.load()?.host as Inode;
  yield* askFor(inode, [page], () => {});
  return 0;
}

/**
 * Fill the pages of a readahead request. Under a read or a fault there are references; advice has to take them, until
 * the reply.
 *
 * @context Sleeps. Page locks, handed to the reply.
 * @departs Verdict matrix, row `truncate`: the facts say `safe`, of what reads show; both releases deadlock. read_pages() calls
 *   ceph_readahead() when page_cache_ra_unbounded() has inserted and locked the pages. Without a context of a read or a fault
 *   it calls ceph_try_get_caps(), whose try_get_cap_refs() first finishes a truncation that is pending, whether it may wait
 *   or not: __ceph_do_pending_vmtruncate() takes i_truncate_mutex, and truncate_pagecache() waits for those very pages. If
 *   setattr is at it already, it has the mutex and waits for the pages, and advice for the mutex. Until v5.12
 *   start_read() asked for capabilities before it inserted pages.
 * @see `ceph_readahead()`, fs/ceph/caps.c `try_get_cap_refs()` (v5.14, v5.15)
 */
export function* cephReadahead(rac: ReadaheadControl): Task<void> {
  const { host: inode } = rac.mapping;
  const covered = cephInode(inode).rwContexts.includes(current.task as TaskStruct);
  if (!covered && !(yield* cephTryGetCaps(inode, CEPH_CAP_FILE_RD))) return;
  const pages: Page[] = [];
  for (let page = readaheadPage(rac); page !== null; page = readaheadPage(rac)) pages.push(page);
  yield* askFor(inode, pages, () => {
    for (const page of pages) putPage(page);
    if (!covered) cephPutCapRefs(inode, CEPH_CAP_FILE_RD);
  });
}

/**
 * Get a page for a write. What the write does not define is read from the store, or zero beyond the end.
 *
 * @returns The page, locked; `-ENOMEM`; or `-EIO`.
 * @context Sleeps. i_rwsem exclusive, references on FILE_WR; takes the page lock.
 * @see `ceph_write_begin()`, fs/netfs/read_helper.c `netfs_write_begin()` (v5.14, v5.15)
 */
export function* cephWriteBegin(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
): Task<Page | number> {
  const { host: inode } = mapping;
  const index = pageIndex(pos);
  const page = yield* pagecacheGetPage(mapping, index, FGP_LOCK | FGP_WRITE | FGP_CREAT);
  if (page === null) return -ENOMEM;
  if (page.uptodate.load() || len === PAGE_SIZE) return page;
  const offset = pos % PAGE_SIZE;
  const size = yield* iSizeRead(inode);
  if (index * PAGE_SIZE >= size || (offset === 0 && pos + len >= size)) {
    zeroUser(page, 0, offset);
    zeroUser(page, offset + len, PAGE_SIZE);
    return page;
  }
  const { server } = cephInode(inode);
  const reply = yield* sendReceive('CEPH_OSD_OP_READ', () => serverRead(server, [page]));
  yield* receivePage(server, page, 0, reply, false);
  if (typeof reply !== 'number') return page;
  yield* unlockPage(page);
  putPage(page);
  return reply;
}

/**
 * Finish a write.
 *
 * @returns Bytes accepted; `0` for a short copy to a page that is not valid.
 * @context Sleeps. i_rwsem exclusive, page lock held; the page is unlocked and put.
 * @see `ceph_write_end()` (v5.14, v5.15)
 */
export function* cephWriteEnd(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const { host: inode } = mapping;
  const accepted = page.uptodate.load() || copied === len ? copied : 0;
  if (accepted > 0) {
    if (!page.uptodate.load()) yield* page.uptodate.write(true, 'SetPageUptodate');
    const end = pos + accepted;
    if (end > inode.iSize.load()) yield* iSizeWrite(inode, end); // under i_rwsem and FILE_WR
    yield* setPageDirty(page);
  }
  yield* unlockPage(page);
  putPage(page);
  return accepted;
}

/**
 * What is sent of a page: the bytes inside the file, and how many truncations are known that gave it that size.
 *
 * @returns `null` for a page beyond the end.
 * @departs The size and the number are sampled together under i_ceph_lock, as in the kernel, but for each page and in the
 *   step that copies it.
 * @see `get_oldest_context()` (v5.15)
 */
function copyPage(inode: Inode, page: Page): Task<{ cells: Cells; seq: number } | null> {
  const first = page.content[0] as SharedVar<Cells>;
  return first.readSection('send CEPH_OSD_OP_WRITE', () => {
    const len = Math.min(PAGE_SIZE, inode.iSize.load() - page.index * PAGE_SIZE);
    const { truncateSeq: seq } = cephInode(inode).caps.load();
    return len <= 0 ? null : { cells: page.loadBytes(0, len), seq };
  });
}

/**
 * Write dirty pages of a range.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes page locks. No references: FILE_BUFFER stays as long as a page is dirty.
 * @see `ceph_writepages_start()` (v5.14, v5.15)
 */
export function cephWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return writeCachePages(mapping, wbc, (page) => cephWritepage(page, mapping));
}

/** Write one locked page. @returns `0`. @context Sleeps. The page lock is released. @see `ceph_writepage()` (v5.15) */
function* cephWritepage(page: Page, mapping: AddressSpace): Task<number> {
  const { host: inode } = mapping;
  const { server, serverTruncateSeq } = cephInode(inode);
  yield* setPageWriteback(page);
  const sent = yield* copyPage(inode, page);
  if (sent !== null) {
    const { cells, seq } = sent;
    postMessage({
      verb: 'CEPH_OSD_OP_WRITE',
      serve: () => serverWrite(server, page.index * PAGE_SIZE, cells, () => serverTruncateSeq.load() > seq),
      receive: (result) => writepagesFinish(mapping, page, result),
    });
  }
  yield* unlockPage(page);
  if (sent === null) yield* endPageWriteback(page);
  return 0;
}

/** @context In the worker that takes the reply in. @see `writepages_finish()` (v5.15) */
function* writepagesFinish(mapping: AddressSpace, page: Page, result: number): Task<void> {
  if (result < 0) {
    page.error.store(true);
    yield* mappingSetError(mapping, result);
  }
  yield* endPageWriteback(page);
}

/**
 * A page fault, under references on FILE_RD.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared.
 * @departs Verdict matrix, row `mkwrite`: the facts say `safe`, of ceph_page_mkwrite() alone. A store to a page that is not
 *   mapped begins here, because do_shared_fault() calls __do_fault() before do_page_mkwrite(): in v5.14 the page is filled
 *   without invalidate_lock between the removal of the page and that of the object, as under a load, and page_mkwrite
 *   makes dirty what should be gone. So the row is a race where that of read faults is one.
 * @see `ceph_filemap_fault()`, mm/memory.c `do_shared_fault()` (v5.14, v5.15)
 */
function* cephFilemapFault(vmf: VmFault): Task<number> {
  const { vmFile: file } = vmf.vma; // the mapping may be gone when filemap_fault() returns
  yield* cephGetCaps(file.fInode, CEPH_CAP_FILE_RD);
  const { rwContexts } = cephInode(file.fInode);
  rwContexts.push(current.task as TaskStruct);
  const result = yield* filemapFault(vmf);
  rwContexts.splice(rwContexts.lastIndexOf(current.task as TaskStruct), 1);
  cephPutCapRefs(file.fInode, CEPH_CAP_FILE_RD);
  return result;
}

/**
 * A page is about to become writable, under references on FILE_WR. Not under invalidate_lock.
 *
 * @returns VM_FAULT_LOCKED with the page locked, or VM_FAULT_NOPAGE if it was truncated.
 * @context Sleeps. mmap_lock shared; takes the page lock.
 * @departs No freezing of filesystems.
 * @see `ceph_page_mkwrite()`, include/linux/pagemap.h `page_mkwrite_check_truncate()` (v5.14, v5.15)
 */
function* cephPageMkwrite(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  const page = vmf.page as Page;
  yield* cephGetCaps(inode, CEPH_CAP_FILE_WR);
  yield* lockPage(page);
  let result = VM_FAULT_NOPAGE;
  if (page.mapping.load() === inode.iMapping && page.index * PAGE_SIZE < (yield* iSizeRead(inode))) {
    yield* setPageDirty(page);
    result = VM_FAULT_LOCKED;
  } else {
    yield* unlockPage(page);
  }
  cephPutCapRefs(inode, CEPH_CAP_FILE_WR);
  return result;
}

const CEPH_VMOPS: VmOperations = {
  fault: cephFilemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: cephPageMkwrite,
};

/** @see `ceph_mmap()` (v5.15) */
export function cephMmap(_file: File): VmOperations {
  return CEPH_VMOPS;
}

/** @see `ceph_aops` (v5.15) */
export const cephAops = {
  readpage: cephReadpage,
  readahead: cephReadahead,
  writepage: (page: Page): Task<number> => cephWritepage(page, page.mapping.load() as AddressSpace),
  writepages: cephWritepages,
  writeBegin: cephWriteBegin,
  writeEnd: cephWriteEnd,
};
