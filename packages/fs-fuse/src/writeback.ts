/**
 * Writing pages of the cache to the server.
 *
 * What is sent is a copy: the page is clean, and its writeback over, as soon as it was copied. So whoever makes it dirty
 * again, or fills it again, waits for the request instead ({@link fuseWaitOnPageWriteback}), and who must not have the
 * server written to meanwhile says so ({@link fuseSetNowrite}).
 *
 * @departs Copying a page, and sending it or putting it in the queue, are one step, under the page lock: PG_writeback, which
 *   the kernel sets in between, is never seen. One request for each page.
 * @see fs/fuse/file.c, fs/fuse/dir.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type Cells,
  clearPageDirtyForIo,
  type File,
  filemapCheckErrors,
  filemapWriteAndWaitRange,
  fileWriteAndWaitRange,
  type Inode,
  inodeLock,
  inodeUnlock,
  LLONG_MAX,
  type Loff,
  mappingSetError,
  PAGE_SIZE,
  type Page,
  type Pgoff,
  postMessage,
  type SharedVar,
  serverWrite,
  setPageDirty,
  type Task,
  takesInvalidateLock,
  unlockPage,
  type WritebackControl,
  writeCachePages,
} from '@fsport/core';
import { getFuseInode, type WritepageArgs, type Writes } from './fuse-i.js';

/**
 * Send a page, as much of it as is in the file by now. Joins the step in progress.
 *
 * @context fi->lock.
 * @see `fuse_send_writepage()` (v5.15)
 */
function fuseSendWritepage(inode: Inode, args: WritepageArgs): void {
  const { server, writes } = getFuseInode(inode);
  const pos = args.index * PAGE_SIZE;
  const len = Math.min(PAGE_SIZE, inode.iSize.load() - pos);
  if (len <= 0) return;
  const state = writes.load();
  writes.store({ ...state, sent: [...state.sent, args] });
  postMessage({
    verb: 'FUSE_WRITE',
    serve: () => serverWrite(server, pos, args.cells.slice(0, len)),
    receive: (result) => fuseWritepageEnd(inode, args, result),
  });
}

/** @context Where the reply is taken in. @see `fuse_writepage_end()`, `fuse_writepage_finish()` (v5.15) */
function* fuseWritepageEnd(inode: Inode, args: WritepageArgs, result: number): Task<void> {
  const { writes } = getFuseInode(inode);
  if (result < 0) yield* mappingSetError(inode.iMapping, result);
  yield* writes.section('fuse_writepage_end', () => {
    const state = writes.load();
    writes.store({ ...state, sent: state.sent.filter((other) => other !== args) });
  });
}

/** Write a locked page that was just cleaned. @see `fuse_writepage_locked()` (v5.15) */
function* fuseWritepageLocked(inode: Inode, page: Page): Task<void> {
  const { writes } = getFuseInode(inode);
  const first = page.content[0] as SharedVar<Cells>;
  const cells = yield* first.readSection('copy_highpage', () => page.loadBytes(0, PAGE_SIZE));
  const args: WritepageArgs = { index: page.index, cells };
  const state = writes.load();
  if (state.nowrite) writes.store({ ...state, queued: [...state.queued, args] });
  else fuseSendWritepage(inode, args);
}

/** Write dirty pages of a range. @returns `0`. @context Sleeps. Takes page locks. @see `fuse_writepages()` (v5.15) */
export function fuseWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return writeCachePages(mapping, wbc, (page) => fuseWritepagesFill(mapping.host, page));
}

/** @see `fuse_writepages_fill()` (v5.15) */
function* fuseWritepagesFill(inode: Inode, page: Page): Task<number> {
  yield* fuseWritepageLocked(inode, page);
  yield* unlockPage(page);
  return 0;
}

/** Is a copy of a page on its way to the server? @see `fuse_page_is_writeback()` (v5.15) */
function fusePageIsWriteback({ sent, queued }: Writes, index: Pgoff): boolean {
  return [...sent, ...queued].some((args) => args.index === index);
}

/**
 * Write a page that was just cleaned, for reclaim. One of which a copy is on its way stays dirty.
 *
 * @returns `0`.
 * @context Sleeps. The page lock is released.
 * @see `fuse_writepage()` (v5.15)
 */
export function* fuseWritepage(page: Page): Task<number> {
  const { host: inode } = page.mapping.load() as AddressSpace;
  const writes = yield* getFuseInode(inode).writes.read('fuse_page_is_writeback');
  if (fusePageIsWriteback(writes, page.index)) yield* setPageDirty(page);
  else yield* fuseWritepageLocked(inode, page);
  yield* unlockPage(page);
  return 0;
}

/** Write a page that is in the way of an invalidation, and wait for it. @context Sleeps. Page lock. @see `fuse_launder_page()` (v5.15) */
export function* fuseLaunderPage(page: Page): Task<number> {
  const inode = (page.mapping.load() as AddressSpace).host;
  if (yield* clearPageDirtyForIo(page)) {
    yield* fuseWritepageLocked(inode, page);
    yield* fuseWaitOnPageWriteback(inode, page.index);
  }
  return 0;
}

/**
 * Wait until no copy of a page is on its way to the server.
 *
 * @context Sleeps. The page is locked: no other copy is sent.
 * @see `fuse_wait_on_page_writeback()` (v5.15)
 */
export function* fuseWaitOnPageWriteback(inode: Inode, index: Pgoff): Task<void> {
  const { writes } = getFuseInode(inode);
  if (!fusePageIsWriteback(writes.load(), index)) return;
  yield* writes.waitUntil((now) => !fusePageIsWriteback(now, index), 'fuse_wait_on_page_writeback');
}

/**
 * Let nothing be sent, and wait for what was.
 *
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/fuse/dir.c `fuse_set_nowrite()` (v5.15)
 */
export function* fuseSetNowrite(inode: Inode): Task<void> {
  const { writes } = getFuseInode(inode);
  const { sent } = yield* writes.section('fuse_set_nowrite', () => {
    const state = { ...writes.load(), nowrite: true };
    writes.store(state);
    return state;
  });
  if (sent.length > 0) yield* writes.waitUntil((now) => now.sent.length === 0, 'wait_event(page_waitq)');
}

/**
 * Send what had to wait.
 *
 * @param also - What else is done under the same lock.
 * @context One step under fi->lock.
 * @see fs/fuse/dir.c `__fuse_release_nowrite()`, fs/fuse/file.c `fuse_flush_writepages()` (v5.15)
 */
export function* fuseReleaseNowrite(inode: Inode, also: () => void = () => {}): Task<void> {
  const { writes } = getFuseInode(inode);
  const { queued } = yield* writes.section('fuse_release_nowrite', () => {
    const state = writes.load();
    writes.store({ nowrite: false, sent: state.sent, queued: [] });
    also();
    return state;
  });
  for (const args of queued) fuseSendWritepage(inode, args);
}

/** Wait for what was sent. @context Sleeps. i_rwsem exclusive. @see `fuse_sync_writes()` (v5.15) */
export function* fuseSyncWrites(inode: Inode): Task<void> {
  yield* fuseSetNowrite(inode);
  yield* fuseReleaseNowrite(inode);
}

/**
 * Make a range known to the server. From v5.15 on all behind it too: the server must know of it how long the file is.
 *
 * @param last - Last byte, inclusive.
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see `fuse_writeback_range()` (v5.14, v5.15), commit 59bda8ecee2f "fuse: flush extending writes"
 */
export function* fuseWritebackRange(inode: Inode, start: Loff, last: Loff): Task<number> {
  const upto = takesInvalidateLock(inode.iMapping) ? LLONG_MAX : last; // v5.15, for another reason
  const err = yield* filemapWriteAndWaitRange(inode.iMapping, start, upto);
  if (err === 0) yield* fuseSyncWrites(inode);
  return err;
}

/**
 * Make a range durable.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes i_rwsem exclusive.
 * @departs The server is not asked to flush: it does not crash.
 * @see `fuse_fsync()` (v5.15)
 */
export function* fuseFsync(file: File, start: Loff, last: Loff): Task<number> {
  const { fInode: inode } = file;
  yield* inodeLock(inode);
  let err = yield* fileWriteAndWaitRange(file, start, last);
  if (err === 0) {
    yield* fuseSyncWrites(inode);
    err = yield* filemapCheckErrors(inode.iMapping);
  }
  yield* inodeUnlock(inode);
  return err;
}
