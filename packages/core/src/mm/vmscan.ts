/**
 * Reclaim: a clean page that nobody uses may vanish from the cache at any time.
 *
 * It never waits for a page lock and takes neither i_rwsem nor invalidate_lock. Whoever has a reference to a page
 * keeps it: the last test, for exactly the references of the cache and of reclaim itself, is made together with
 * the removal under the lock of i_pages.
 *
 * @see mm/vmscan.c (v5.14, v5.15)
 */
import { callReleasepage, callWritepage } from '../contracts.js';
import { AOP_WRITEPAGE_ACTIVATE } from '../include/errno.js';
import { type AddressSpace, isInMemory, type ShadowEntry } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { LLONG_MAX, loff, type Pgoff } from '../include/units.js';
import type { WritebackControl } from '../include/writeback.js';
import { choose, type Task } from '../sched/task.js';
import { findGetPage, putPage, removeFromSlot, trylockPage, unlockPage } from './filemap/page-cache.js';
import { clearPageDirtyForIo, mappingSetError } from './page-writeback.js';
import { tryToUnmap } from './rmap.js';

const SHADOW: ShadowEntry = { shadow: true };

/** References of a page that only the cache and the caller have. */
const CACHE_AND_CALLER = 2;

/**
 * Remove a page from the cache if it is clean and nobody else has a reference.
 *
 * @param page - In the cache, locked; with the caller's reference and nothing attached.
 * @param reclaimed - By reclaim: leave a shadow, unless the inode is being torn down or the page cache is the data.
 * @returns Whether it was removed; the caller's reference stays.
 * @context May be preempted. Page lock held. One step under the lock of i_pages.
 * @see mm/vmscan.c `__remove_mapping()` (v5.15)
 */
export function* __removeMapping(mapping: AddressSpace, page: Page, reclaimed: boolean): Task<boolean> {
  const slot = mapping.iPages.at(page.index);
  const removed = yield* slot.section('__remove_mapping', () => {
    // References first: who has one may dirty the page and then drop it.
    if (page.refs.load() !== CACHE_AND_CALLER || page.dirty.load()) return false;
    const leavesShadow = reclaimed && !isInMemory(mapping) && !mapping.exiting.load();
    removeFromSlot(page, mapping, slot, leavesShadow ? SHADOW : null);
    return true;
  });
  if (!removed) return false;
  mapping.aOps.freepage?.(page);
  putPage(page);
  return true;
}

/**
 * Try to free pages.
 *
 * @param pages - With a reference each, which is dropped.
 * @returns How many left the cache.
 * @context Does not sleep on pages. Takes page locks, and i_mmap_rwsem shared for mapped pages.
 * @departs The reasons to spare a page that reads no shared state here (how often it was used, how many dirty
 *   pages there are, who reclaims) are one choice: whether a dirty page is written or left alone.
 * @see mm/vmscan.c `shrink_page_list()` [RE] (v5.15)
 */
export function* shrinkPageList(pages: readonly Page[]): Task<number> {
  let reclaimed = 0;
  for (const page of pages) {
    if (yield* shrinkPage(page)) reclaimed++;
    putPage(page);
  }
  return reclaimed;
}

/** One page of the list. Whatever happens, it is unlocked in the end, by us or by its writeback. */
function* shrinkPage(page: Page): Task<boolean> {
  if (!(yield* trylockPage(page))) return false;
  const fate = yield* reclaimLocked(page);
  if (fate !== 'unlocked') yield* unlockPage(page);
  return fate === 'removed';
}

function* reclaimLocked(page: Page): Task<'removed' | 'kept' | 'unlocked'> {
  const mapping = page.mapping.load();
  if (mapping === null || page.writeback.load()) return 'kept';
  if (page.mapcount.load() > 0) {
    yield* tryToUnmap(page);
    if (page.mapcount.load() > 0) return 'kept';
  }
  if (page.dirty.load()) {
    const written = yield* pageout(mapping, page);
    if (written !== 'clean') return written;
  }
  if (page.hasPrivate() && !(yield* callReleasepage(page))) return 'kept';
  return (yield* __removeMapping(mapping, page, true)) ? 'removed' : 'kept';
}

const FOR_RECLAIM: WritebackControl = { sync: 'WB_SYNC_NONE', rangeStart: loff(0), rangeEnd: LLONG_MAX };

/**
 * Perhaps write a dirty page.
 *
 * @returns `clean` if it can go at once, `kept` if it was left alone, `unlocked` if it is on its way to the disk.
 * @see mm/vmscan.c `pageout()` (v5.15)
 */
function* pageout(mapping: AddressSpace, page: Page): Task<'clean' | 'kept' | 'unlocked'> {
  if (mapping.aOps.writepage === undefined || (yield* choose('pageout', 2)) === 0) return 'kept';
  // Somebody else has a reference: writing it would not free it.
  if (page.refs.load() - (page.hasPrivate() ? 1 : 0) !== CACHE_AND_CALLER) return 'kept';
  if (!(yield* clearPageDirtyForIo(page))) return 'clean';
  const error = yield* callWritepage(page, FOR_RECLAIM);
  if (error === AOP_WRITEPAGE_ACTIVATE) return 'kept';
  if (error < 0) yield* mappingSetError(mapping, error);
  if (page.writeback.load() || page.dirty.load()) return 'unlocked';
  // Written at once, as on a RAM disk: go on if nobody was faster.
  if (!(yield* trylockPage(page))) return 'unlocked';
  return page.mapping.load() !== mapping || page.dirty.load() || page.writeback.load() ? 'kept' : 'clean';
}

/**
 * Take the page of an index off the list of idle pages and try to free it.
 *
 * @returns Whether a page left the cache.
 * @context Does not sleep on pages. Takes page locks, and i_mmap_rwsem shared for mapped pages.
 * @departs Which pages reclaim looks at, and when, is up to the scenario: there is no list of idle pages.
 * @see mm/vmscan.c `isolate_lru_page()` (v5.15)
 */
export function* reclaimPage(mapping: AddressSpace, index: Pgoff): Task<boolean> {
  const page = yield* findGetPage(mapping, index, 'isolate_lru_page');
  return page !== null && (yield* shrinkPageList([page])) === 1;
}
