/**
 * Dirty pages, and writing them back.
 *
 * A page's way to the disk: dirty -> locked, cleaned for I/O (mappings write-protected, PG_dirty cleared) ->
 * under writeback, unlocked -> written. Takes neither i_rwsem nor invalidate_lock: who removes a page waits for
 * its page lock and its writeback.
 *
 * @departs No dirty throttling and no congestion: they only delay.
 * @see mm/page-writeback.c, mm/filemap.c (v5.14, v5.15)
 */
import { callWritepage, callWritepages } from '../contracts.js';
import { ContractError } from '../errors.js';
import { AOP_WRITEPAGE_ACTIVATE, EIO } from '../include/errno.js';
import { type AddressSpace, daxMapping, type File, isDaxEntry, isPage, pageIndex } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { LLONG_MAX, type Loff, loff, type Pgoff, pgoff } from '../include/units.js';
import type { WritebackControl } from '../include/writeback.js';
import { READ } from '../sched/access.js';
import { current } from '../sched/current.js';
import type { Task } from '../sched/task.js';
import {
  getPage,
  lockPage,
  PAGEVEC_SIZE,
  putPage,
  unlockPage,
  waitOnPageWriteback,
} from './filemap/page-cache.js';
import { filemapCheckErrors, mappingSetError, setPageDirty } from './page-writeback/dirty.js';
import { pageMkclean } from './rmap.js';

export * from './page-writeback/dirty.js';

/** Marks by which pages are found without locking each. */
export type PagecacheTag = 'PAGECACHE_TAG_DIRTY' | 'PAGECACHE_TAG_WRITEBACK';

/** Is this page marked? Joins the step in progress. */
function tagged(page: Page, tag: PagecacheTag): boolean {
  if (tag === 'PAGECACHE_TAG_WRITEBACK') return page.writeback.load();
  return page.dirty.load() || page.towrite.load();
}

/** Tagged pages from `start` up to and including `last`, as part of the step in progress. */
function* taggedPages(
  mapping: AddressSpace,
  start: number,
  last: number,
  tag: PagecacheTag,
): Generator<Page, void> {
  const end = Math.min(last, mapping.capacity - 1);
  for (let index = start; index <= end; index++) {
    const slot = mapping.iPages.at(index).load();
    if (isPage(slot) && tagged(slot, tag)) yield slot;
  }
}

/**
 * Is any page of the cache tagged?
 *
 * @context May be preempted. One step: the kernel reads one word at the root of i_pages.
 * @see include/linux/fs.h `mapping_tagged()` (v5.15)
 */
export function mappingTagged(mapping: AddressSpace, tag: PagecacheTag): Task<boolean> {
  return mapping.iPages.at(0).readSection('mapping_tagged', () => anyTagged(mapping, tag));
}

function anyTagged(mapping: AddressSpace, tag: PagecacheTag): boolean {
  if (tag === 'PAGECACHE_TAG_DIRTY' && anyMarkedEntry(mapping)) return true;
  return taggedPages(mapping, 0, mapping.capacity - 1, tag).next().done !== true;
}

/** Is a DAX entry marked dirty? */
function anyMarkedEntry(mapping: AddressSpace): boolean {
  if (!daxMapping(mapping)) return false;
  for (let index = 0; index < mapping.capacity; index++) {
    const slot = mapping.iPages.at(index).load();
    if (isDaxEntry(slot) && slot.marked) return true;
  }
  return false;
}

/**
 * Up to PAGEVEC_SIZE tagged pages, each with a reference.
 *
 * @departs One step for all: the marks of 64 neighbours are one word in the kernel.
 */
function findGetPagesRangeTag(
  mapping: AddressSpace,
  start: Pgoff,
  last: Pgoff,
  tag: PagecacheTag,
): Task<readonly Page[]> {
  return mapping.iPages.at(start).readSection(
    'find_get_pages_range_tag',
    () => {
      const pages: Page[] = [];
      for (const page of taggedPages(mapping, start, last, tag)) {
        getPage(page);
        if (pages.push(page) === PAGEVEC_SIZE) break;
      }
      return pages;
    },
    (pages) => (pages.length === 0 ? 'none' : `page ${pages.map((page) => page.index).join(', ')}`),
  );
}

/**
 * Clean a page that is about to be written: write-protect it everywhere first, so that a later store sets it
 * dirty again.
 *
 * @returns Whether it was dirty, so must be written.
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context Sleeps. Page lock held; takes i_mmap_rwsem shared if the page is mapped.
 * @see `clear_page_dirty_for_io()` (v5.15)
 */
export function* clearPageDirtyForIo(page: Page): Task<boolean> {
  if (!page.lock.isLocked) {
    throw new ContractError('PAGE_NOT_LOCKED', { page: page.index, in: 'clear_page_dirty_for_io' });
  }
  // What a page-table entry knew goes into the page before the page is cleaned: a store is not lost.
  if ((yield* pageMkclean(page)) > 0) yield* setPageDirty(page);
  return yield* page.dirty.section('clear_page_dirty_for_io', () => {
    if (!page.dirty.load()) return false;
    page.dirty.store(false);
    page.towrite.store(true);
    return true;
  });
}

/**
 * Write the dirty pages of a range, one after the other.
 *
 * @param wbc - The range and how patiently.
 * @param writepage - Writes one page that was just cleaned: locked when called, unlocked when it returns.
 * @returns `0`, or the first error. With WB_SYNC_NONE the first error ends the walk.
 * @context Sleeps. Takes and releases page locks.
 * @departs PAGECACHE_TAG_TOWRITE is not modelled: it keeps the walk from running after pages that are dirtied
 *   behind it, which a walk in index order over a bounded file does not do anyway.
 * @see `write_cache_pages()` [WB] (v5.15)
 */
export function* writeCachePages(
  mapping: AddressSpace,
  wbc: WritebackControl,
  writepage: (page: Page, wbc: WritebackControl) => Task<number>,
): Task<number> {
  const last = pageIndex(wbc.rangeEnd);
  let result = 0;
  for (let index = pageIndex(wbc.rangeStart); index < mapping.capacity; ) {
    const pages = yield* findGetPagesRangeTag(mapping, index, last, 'PAGECACHE_TAG_DIRTY');
    for (const page of pages) {
      const error = yield* writeOne(page, mapping, wbc, writepage);
      if (result === 0) result = error;
      if (error !== 0 && wbc.sync === 'WB_SYNC_NONE') break;
    }
    for (const page of pages) putPage(page);
    if (pages.length < PAGEVEC_SIZE || (result !== 0 && wbc.sync === 'WB_SYNC_NONE')) break;
    index = pgoff((pages.at(-1) as Page).index + 1);
  }
  return result;
}

function* writeOne(
  page: Page,
  mapping: AddressSpace,
  wbc: WritebackControl,
  writepage: (page: Page, wbc: WritebackControl) => Task<number>,
): Task<number> {
  yield* lockPage(page);
  if (!(yield* cleanForWriting(page, mapping, wbc))) {
    yield* unlockPage(page);
    return 0;
  }
  const error = yield* writepage(page, wbc);
  if (error !== AOP_WRITEPAGE_ACTIVATE) return error;
  yield* unlockPage(page);
  return 0;
}

/** The tests on a page that was just locked. It may have been truncated, or written by somebody else. */
function* cleanForWriting(page: Page, mapping: AddressSpace, wbc: WritebackControl): Task<boolean> {
  if (page.mapping.load() !== mapping || !page.dirty.load()) return false;
  if (page.writeback.load()) {
    if (wbc.sync === 'WB_SYNC_NONE') return false;
    yield* waitOnPageWriteback(page);
  }
  return yield* clearPageDirtyForIo(page);
}

/**
 * Write dirty pages with the filesystem's writepage.
 *
 * @returns `0`, or the first error.
 * @context Sleeps. Takes and releases page locks.
 * @see `generic_writepages()` (v5.15)
 */
export function* genericWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  if (mapping.aOps.writepage === undefined) return 0;
  return yield* writeCachePages(mapping, wbc, (page, control) => __writepage(page, control, mapping));
}

/** @see `__writepage()` (v5.15) */
function* __writepage(page: Page, wbc: WritebackControl, mapping: AddressSpace): Task<number> {
  const error = yield* callWritepage(page, wbc);
  if (error < 0) yield* mappingSetError(mapping, error);
  return error;
}

/**
 * Write dirty pages in the way of the filesystem.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases page locks.
 * @see `do_writepages()` (v5.15)
 */
export function doWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return mapping.aOps.writepages === undefined
    ? genericWritepages(mapping, wbc)
    : callWritepages(mapping, wbc);
}

/**
 * Write the dirty pages of a byte range.
 *
 * @param last - Last byte, inclusive.
 * @param sync - WB_SYNC_ALL also writes pages that are under writeback already.
 * @returns `0`, or an errno.
 * @context Sleeps. Does not wait for the I/O.
 * @see mm/filemap.c `__filemap_fdatawrite_range()`, `filemap_fdatawrite_range()` (v5.15)
 */
export function* filemapFdatawriteRange(
  mapping: AddressSpace,
  start: Loff,
  last: Loff,
  sync: WritebackControl['sync'] = 'WB_SYNC_ALL',
): Task<number> {
  if (!(yield* mappingTagged(mapping, 'PAGECACHE_TAG_DIRTY'))) return 0;
  return yield* doWritepages(mapping, { sync, rangeStart: start, rangeEnd: last });
}

/** Start writing all dirty pages. @returns `0`, or an errno. @see mm/filemap.c `filemap_flush()` (v5.15) */
export function filemapFlush(mapping: AddressSpace): Task<number> {
  return filemapFdatawriteRange(mapping, loff(0), LLONG_MAX, 'WB_SYNC_NONE');
}

/** Wait for the writeback of a byte range. @see mm/filemap.c `__filemap_fdatawait_range()` (v5.15) */
function* waitForWriteback(mapping: AddressSpace, start: Loff, last: Loff): Task<void> {
  if (last < start) return;
  for (let index = pageIndex(start); index < mapping.capacity; ) {
    const pages = yield* findGetPagesRangeTag(mapping, index, pageIndex(last), 'PAGECACHE_TAG_WRITEBACK');
    for (const page of pages) {
      yield* waitOnPageWriteback(page);
      if (page.error.load()) page.error.store(false);
    }
    for (const page of pages) putPage(page);
    if (pages.length < PAGEVEC_SIZE) return;
    index = pgoff((pages.at(-1) as Page).index + 1);
  }
}

/**
 * Wait for the writeback of a byte range.
 *
 * @param last - Last byte, inclusive.
 * @returns `0`, or an error that nobody has been told of.
 * @context Sleeps.
 * @see mm/filemap.c `filemap_fdatawait_range()` (v5.15)
 */
export function* filemapFdatawaitRange(mapping: AddressSpace, start: Loff, last: Loff): Task<number> {
  yield* waitForWriteback(mapping, start, last);
  return yield* filemapCheckErrors(mapping);
}

/** Are there pages at all, and is one of them dirty? One step. */
function needsWriteback(mapping: AddressSpace): Task<'no pages' | 'clean' | 'dirty'> {
  return mapping.iPages.at(0).readSection('mapping_tagged', () => {
    if (mapping.nrpages.load() === 0) return 'no pages';
    return anyTagged(mapping, 'PAGECACHE_TAG_DIRTY') ? 'dirty' : 'clean';
  });
}

/**
 * Write the dirty pages of a byte range and wait for them.
 *
 * @param lend - Last byte, inclusive.
 * @returns `0`, or an errno; after -EIO it does not wait.
 * @context Sleeps. Takes and releases page locks.
 * @departs nrpages and the tag are looked at in one step: a page that comes or is dirtied in between comes after
 *   the call began, which promises nothing about it.
 * @see mm/filemap.c `filemap_write_and_wait_range()` (v5.15)
 */
export function* filemapWriteAndWaitRange(mapping: AddressSpace, lstart: Loff, lend: Loff): Task<number> {
  const state = yield* needsWriteback(mapping);
  let error = 0;
  if (state === 'dirty') {
    error = yield* doWritepages(mapping, { sync: 'WB_SYNC_ALL', rangeStart: lstart, rangeEnd: lend });
  }
  if (state !== 'no pages' && error !== -EIO) yield* waitForWriteback(mapping, lstart, lend);
  const noted = yield* filemapCheckErrors(mapping);
  return error === 0 ? noted : error;
}

/**
 * The same for fsync(2).
 *
 * @param last - Last byte, inclusive.
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases page locks.
 * @departs An error is told once, to whoever asks first; the kernel tells each open file once.
 * @see mm/filemap.c `file_write_and_wait_range()` (v5.15)
 */
export function fileWriteAndWaitRange(file: File, start: Loff, last: Loff): Task<number> {
  return filemapWriteAndWaitRange(file.fMapping, start, last);
}

/**
 * Would direct I/O on a byte range have to wait for a page?
 *
 * @param last - Last byte, inclusive.
 * @returns Whether a page of the range is dirty, locked or under writeback.
 * @context May be preempted. Takes no lock.
 * @see mm/filemap.c `filemap_range_needs_writeback()` (v5.15)
 */
export function* filemapRangeNeedsWriteback(mapping: AddressSpace, start: Loff, last: Loff): Task<boolean> {
  const anywhere = yield* mapping.iPages.at(0).readSection('mapping_tagged', () => {
    if (mapping.nrpages.load() === 0) return false;
    return anyTagged(mapping, 'PAGECACHE_TAG_DIRTY') || anyTagged(mapping, 'PAGECACHE_TAG_WRITEBACK');
  });
  if (!anywhere) return false;
  return yield* anyPage(mapping, start, last, 'filemap_range_needs_writeback', (page) => {
    current.touch(page.lock, READ);
    return page.dirty.load() || page.lock.isLocked || page.writeback.load();
  });
}

/**
 * Is there a page in a byte range?
 *
 * @param last - Last byte, inclusive.
 * @context May be preempted. Takes no lock.
 * @see mm/filemap.c `filemap_range_has_page()` (v5.15)
 */
export function filemapRangeHasPage(mapping: AddressSpace, start: Loff, last: Loff): Task<boolean> {
  return anyPage(mapping, start, last, 'filemap_range_has_page', () => true);
}

/** Does any page of a byte range pass a test? One step for each slot. */
function* anyPage(
  mapping: AddressSpace,
  start: Loff,
  last: Loff,
  verb: string,
  test: (page: Page) => boolean,
): Task<boolean> {
  if (last < start) return false;
  const end = Math.min(pageIndex(last), mapping.capacity - 1);
  for (let index = pageIndex(start); index <= end; index++) {
    const slot = mapping.iPages.at(index);
    const found = yield* slot.readSection(verb, () => {
      const page = slot.load();
      return isPage(page) && test(page);
    });
    if (found) return true;
  }
  return false;
}
