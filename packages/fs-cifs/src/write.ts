/**
 * Writing pages back: by position, so that there is no block to go to the wrong place.
 *
 * A page is locked until its content was sent and under writeback until the server has answered. Neither i_rwsem nor
 * invalidate_lock.
 *
 * @departs One request for each page; the kernel gathers neighbours, whose replies then come together, which is one of the
 *   orders explored here.
 * @see fs/cifs/file.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  bytesInFile,
  type Cells,
  clearPageDirtyForIo,
  endPageWriteback,
  type File,
  fileWriteAndWaitRange,
  type Loff,
  mappingSetError,
  PAGE_SIZE,
  type Page,
  postMessage,
  type SharedVar,
  serverWrite,
  setPageWriteback,
  type Task,
  unlockPage,
  type WritebackControl,
  waitOnPageWriteback,
  writeCachePages,
} from '@fsport/core';
import { CIFS_I } from './cifsglob.js';
import { SMB2_write } from './smb2pdu.js';

/** Copy what is sent. One step. */
function copyPage(page: Page, len: number): Task<Cells> {
  const first = page.content[0] as SharedVar<Cells>;
  return first.readSection('send SMB2_WRITE', () => page.loadBytes(0, len));
}

/**
 * Write dirty pages of a range.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes page locks.
 * @see `cifs_writepages()` (v5.14, v5.15)
 */
export function cifsWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return writeCachePages(mapping, wbc, (page) => sendPage(mapping, page));
}

/** @see `wdata_prepare_pages()`, `wdata_send_pages()` (v5.15) */
function* sendPage(mapping: AddressSpace, page: Page): Task<number> {
  const { host: inode } = mapping;
  yield* setPageWriteback(page);
  const len = yield* bytesInFile(inode, page.index);
  if (len > 0) {
    const cells = yield* copyPage(page, len);
    postMessage({
      verb: 'SMB2_WRITE',
      serve: () => serverWrite(CIFS_I(inode).server, page.index * PAGE_SIZE, cells),
      receive: (result) => cifsWritevComplete(mapping, page, result),
    });
  }
  yield* unlockPage(page);
  if (len === 0) yield* endPageWriteback(page);
  return 0;
}

/** @context In the worker that takes the reply in. @see `cifs_writev_complete()` (v5.15) */
function* cifsWritevComplete(mapping: AddressSpace, page: Page, result: number): Task<void> {
  if (result < 0) {
    page.error.store(true);
    yield* mappingSetError(mapping, result);
  }
  yield* endPageWriteback(page);
}

/**
 * Write a clean-for-I/O page and wait for the reply, all of it under the page lock.
 *
 * @returns `0`, or an errno.
 * @see `cifs_writepage_locked()` (v5.15)
 */
function* cifsWritepageLocked(mapping: AddressSpace, page: Page): Task<number> {
  const { host: inode } = mapping;
  yield* setPageWriteback(page);
  const len = yield* bytesInFile(inode, page.index);
  const written = len > 0 ? yield* SMB2_write(inode, page.index * PAGE_SIZE, page.loadBytes(0, len)) : 0;
  if (written < 0) {
    page.error.store(true);
    yield* mappingSetError(mapping, written);
  }
  yield* endPageWriteback(page);
  return Math.min(written, 0);
}

/** Write one locked page, for reclaim. @returns `0`, or an errno. @context Sleeps. @see `cifs_writepage()` (v5.15) */
export function* cifsWritepage(page: Page): Task<number> {
  const result = yield* cifsWritepageLocked(page.mapping.load() as AddressSpace, page);
  yield* unlockPage(page);
  return result;
}

/** Write a page that is in the way of an invalidation. @context Sleeps. @see `cifs_launder_page()` (v5.15) */
export function* cifsLaunderPage(page: Page): Task<number> {
  yield* waitOnPageWriteback(page);
  if (!(yield* clearPageDirtyForIo(page))) return 0;
  return yield* cifsWritepageLocked(page.mapping.load() as AddressSpace, page);
}

/**
 * Make a range durable.
 *
 * @returns `0`, or an errno.
 * @context Sleeps.
 * @departs The server is not asked to flush: it does not crash.
 * @see `cifs_strict_fsync()` (v5.15)
 */
export function cifsStrictFsync(file: File, start: Loff, last: Loff): Task<number> {
  return fileWriteAndWaitRange(file, start, last);
}
