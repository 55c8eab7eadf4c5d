/**
 * Walks over a range of the page cache, as truncation does them: some pages at a time, each with a reference.
 *
 * A look-up takes no lock, so it is one step for each slot: a walk is not a snapshot. Shadows of evicted pages
 * that a walk meets are cleared, because everybody who walks like this clears them next; entries of pages in swap are
 * passed over: they are data, and their filesystem's.
 *
 * @see mm/filemap.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type DaxEntry,
  isDaxEntry,
  isPage,
  type Slot,
  type SwapEntry,
} from '../../include/fs.js';
import type { Page } from '../../include/mm-types.js';
import { type Pgoff, pgoff } from '../../include/units.js';
import type { Task } from '../../sched/task.js';
import { getPage, PAGEVEC_SIZE, putPage, removeFromSlot, trylockPage, unlockPage } from './page-cache.js';

/** What a walk found. */
export interface PageBatch {
  /** The pages, in order, each with a reference. */
  readonly pages: readonly Page[];
  /** Indices of the DAX entries, in order. */
  readonly daxEntries: readonly Pgoff[];
  /** Where to go on. */
  readonly next: Pgoff;
}

/** Drop the references of a batch. @see include/linux/pagevec.h `pagevec_release()` (v5.15) */
export function pagevecRelease(pages: readonly Page[]): void {
  for (const page of pages) putPage(page);
}

/**
 * Look one slot up as {@link findGetEntry} does, in a file that may have DAX entries.
 *
 * @context May be preempted. Takes no lock.
 */
function* findAnyEntry(
  mapping: AddressSpace,
  index: Pgoff,
  verb: string,
): Task<Page | SwapEntry | DaxEntry | null> {
  const slot = mapping.iPages.at(index);
  const entry = yield* slot.readSection<Slot>(
    verb,
    () => {
      const found = slot.load();
      if (isPage(found)) getPage(found);
      return found;
    },
    (found) => slot.show(found),
  );
  if (entry === null || !('shadow' in entry)) return entry;
  yield* slot.compareAndSet(entry, null, 'clear_shadow_entry');
  return null;
}

/**
 * Look one slot up; take a reference if it is a page, clear it if it is a shadow.
 *
 * @param verb - Name of the look-up in traces.
 * @returns The page, an entry of a page in swap, or `null`; a DAX entry is not looked for.
 * @context May be preempted. Takes no lock.
 * @departs Looking, taking the reference and looking again are one step, as for findGetPage().
 * @see mm/filemap.c `find_get_entry()` (v5.15)
 */
export function* findGetEntry(
  mapping: AddressSpace,
  index: Pgoff,
  verb = 'find_get_entry',
): Task<Page | SwapEntry | null> {
  const entry = yield* findAnyEntry(mapping, index, verb);
  return isDaxEntry(entry) ? null : entry;
}

/**
 * The next pages of a range.
 *
 * @param end - Index after the last.
 * @context May be preempted. Takes no lock.
 * @see mm/filemap.c `find_get_entries()` [FGE] (v5.15)
 */
export function* findGetEntries(mapping: AddressSpace, start: Pgoff, end: number): Task<PageBatch> {
  const pages: Page[] = [];
  const daxEntries: Pgoff[] = [];
  let index = start;
  while (index < end && pages.length + daxEntries.length < PAGEVEC_SIZE) {
    const page = yield* findAnyEntry(mapping, index, 'find_get_entries');
    if (isPage(page)) pages.push(page);
    else if (isDaxEntry(page)) daxEntries.push(index);
    index = pgoff(index + 1);
  }
  return { pages, daxEntries, next: index };
}

/**
 * The next pages of a range that can be locked at once. Pages that are locked, under writeback or have left the
 * cache are skipped without a word.
 *
 * @param end - Index after the last.
 * @returns The pages, locked.
 * @context Does not sleep. Takes page locks.
 * @see mm/filemap.c `find_lock_entries()` [FLE] (v5.15)
 */
export function* findLockEntries(mapping: AddressSpace, start: Pgoff, end: number): Task<PageBatch> {
  const pages: Page[] = [];
  const daxEntries: Pgoff[] = [];
  let index = start;
  while (index < end && pages.length + daxEntries.length < PAGEVEC_SIZE) {
    const page = yield* findAnyEntry(mapping, index, 'find_lock_entries');
    if (isPage(page)) {
      if (yield* lockEntry(mapping, page)) pages.push(page);
    } else if (isDaxEntry(page)) {
      daxEntries.push(index);
    }
    index = pgoff(index + 1);
  }
  return { pages, daxEntries, next: index };
}

function* lockEntry(mapping: AddressSpace, page: Page): Task<boolean> {
  if (!(yield* trylockPage(page))) {
    putPage(page);
    return false;
  }
  if (page.mapping.load() === mapping && !page.writeback.load()) return true;
  yield* unlockPage(page);
  putPage(page);
  return false;
}

/**
 * Remove several locked pages at once.
 *
 * @param pages - In the cache, locked by the caller.
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context May be preempted. One step under the lock of i_pages.
 * @see mm/filemap.c `delete_from_page_cache_batch()` (v5.15)
 */
export function* deleteFromPageCacheBatch(mapping: AddressSpace, pages: readonly Page[]): Task<void> {
  const [first] = pages;
  if (first === undefined) return;
  yield* mapping.iPages.at(first.index).section(
    'delete_from_page_cache_batch',
    () => {
      for (const page of pages) removeFromSlot(page, mapping, mapping.iPages.at(page.index), null);
    },
    () => `page ${pages.map((page) => page.index).join(', ')}`,
  );
  for (const page of pages) {
    mapping.aOps.freepage?.(page);
    putPage(page);
  }
}
