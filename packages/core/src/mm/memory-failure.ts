/**
 * Broken memory: a page is taken out of use wherever it is, with whatever it holds.
 *
 * The kernel calls it a temporary hole punch and takes neither i_rwsem nor invalidate_lock for it: the blocks
 * behind the page stay, so what comes back later is what is on the disk. Data that was only in the page is lost,
 * and the next fsync(2) says so.
 *
 * @see mm/memory-failure.c (v5.14, v5.15)
 */
import { callErrorRemovePage } from '../contracts.js';
import { EBUSY, EHWPOISON, EIO } from '../include/errno.js';
import type { Page } from '../include/mm-types.js';
import type { Task } from '../sched/task.js';
import { getPage, lockPage, putPage, unlockPage, waitOnPageWriteback } from './filemap/page-cache.js';
import { mappingSetError } from './page-writeback.js';
import { pageMkclean, tryToUnmap } from './rmap.js';
import { invalidateInodePage } from './truncate.js';

/**
 * Take a page out of use because its memory is broken.
 *
 * @returns `0`; `-EBUSY` if somebody still uses the page, or it left the cache meanwhile; `-EHWPOISON` if that is
 *   known already.
 * @context Sleeps. Takes the page lock, and i_mmap_rwsem shared if the page is mapped. No i_rwsem, no
 *   invalidate_lock.
 * @departs Nobody is killed, and no poisoned entry stays in the page table: the next access faults and reads the
 *   disk. The reference that keeps a broken page from being freed is dropped at the end, so that what still holds
 *   one is a leak. The mutex that serialises memory failures is left out: a scenario has one at a time.
 * @see `memory_failure()` [MF] (v5.15)
 */
export function* memoryFailure(page: Page): Task<number> {
  const found = yield* page.hwpoison.section('TestSetPageHWPoison', () => {
    if (page.hwpoison.load()) return 'known';
    page.hwpoison.store(true);
    if (page.refs.load() === 0) return 'free';
    getPage(page);
    return 'in use';
  });
  if (found === 'known') return -EHWPOISON;
  // The page allocator keeps a broken free page to itself.
  if (found === 'free') return 0;
  yield* lockPage(page);
  if (page.writeback.load()) yield* waitOnPageWriteback(page);
  let result = (yield* hwpoisonUserMappings(page)) ? yield* truncateErrorPage(page) : -EBUSY;
  // Whoever has a reference may still touch the memory. Ours is the only one that is left if all went well.
  if (page.refs.load() > 1) result = -EBUSY;
  yield* unlockPage(page);
  putPage(page);
  return result;
}

/**
 * Remove the page from all page tables, so that what they know of its being dirty is not lost.
 *
 * @returns Whether nobody maps it any more.
 * @see `hwpoison_user_mappings()` (v5.15)
 */
function* hwpoisonUserMappings(page: Page): Task<boolean> {
  if (page.mapcount.load() === 0) return true;
  if (!page.dirty.load() && (yield* pageMkclean(page)) > 0) yield* page.dirty.write(true, 'SetPageDirty');
  yield* tryToUnmap(page);
  return page.mapcount.load() === 0;
}

/**
 * Remove the page from the cache.
 *
 * @returns `0`, or `-EBUSY` if that failed or somebody else was faster.
 * @see `me_pagecache_dirty()`, `me_pagecache_clean()`, `truncate_error_page()` (v5.15)
 */
function* truncateErrorPage(page: Page): Task<number> {
  const mapping = page.mapping.load();
  if (mapping === null) return -EBUSY;
  if (page.dirty.load()) {
    page.error.store(true);
    yield* mappingSetError(mapping, -EIO);
  }
  if (mapping.aOps.errorRemovePage === undefined) return (yield* invalidateInodePage(page)) ? 0 : -EBUSY;
  if ((yield* callErrorRemovePage(mapping, page)) !== 0) return -EBUSY;
  return page.hasPrivate() ? -EBUSY : 0;
}
