/**
 * From a page to the page-table entries that point to it: through the mappings of its file that cover its index.
 *
 * `i_mmap_rwsem` shared keeps the list of mappings still. The page lock keeps new entries from being made; entries
 * may vanish at any time.
 *
 * @departs Private copies are not found this way, here as in the kernel, where they have an anon_vma instead; the
 *   model neither reclaims nor shares them.
 * @see mm/rmap.c (v5.14, v5.15)
 */
import { ContractError } from '../errors.js';
import { VM_SHARED } from '../include/flags.js';
import { hasPage, type Page, type Pte, type VmAreaStruct } from '../include/mm-types.js';
import { downRead, upRead } from '../locking/rwsem.js';
import type { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { pageRemoveRmap } from './memory/pte.js';

/** What to do with an entry that may point to a page. Returns whether it changed it. @see include/linux/rmap.h `rmap_one` (v5.15) */
type RmapOne = (page: Page, pte: SharedVar<Pte | null>, vma: VmAreaStruct) => Task<boolean>;

/**
 * Visit the entry of this page in each mapping that covers it.
 *
 * @returns How many of them were changed.
 * @see `rmap_walk_file()` (v5.15)
 */
function* rmapWalkFile(page: Page, caller: string, rmapOne: RmapOne): Task<number> {
  if (!page.lock.isLocked) throw new ContractError('PAGE_NOT_LOCKED', { page: page.index, in: caller });
  const mapping = page.mapping.load();
  if (mapping === null) return 0;
  let changed = 0;
  yield* downRead(mapping.iMmapRwsem);
  for (const vma of mapping.iMmap.load()) {
    const at = page.index - vma.vmPgoff;
    if (at < 0 || at >= vma.nrPages) continue;
    if (yield* rmapOne(page, vma.vmMm.ptes.at(vma.vmStart + at), vma)) changed++;
  }
  yield* upRead(mapping.iMmapRwsem);
  return changed;
}

/**
 * Make every shared mapping of a page read-only and clean: the next store has to ask page_mkwrite again. It is for
 * the caller to mark the page dirty if the result is not zero.
 *
 * @returns Number of entries that were writable or dirty.
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context Sleeps. Page lock held. Takes i_mmap_rwsem shared. A page that is not mapped costs no step.
 * @see mm/rmap.c `page_mkclean()` (v5.15)
 */
export function* pageMkclean(page: Page): Task<number> {
  // Under the page lock a page that is not mapped stays so.
  if (page.mapcount.load() === 0) return 0;
  return yield* rmapWalkFile(page, 'page_mkclean', pageMkcleanOne);
}

/** @see mm/rmap.c `page_mkclean_one()` (v5.15) */
function* pageMkcleanOne(page: Page, pte: SharedVar<Pte | null>, vma: VmAreaStruct): Task<boolean> {
  if ((vma.vmFlags & VM_SHARED) === 0) return false; // never writable
  return yield* pte.section('page_mkclean_one', () => {
    const entry = pte.load();
    if (!hasPage(entry) || entry.page !== page || !(entry.write || entry.dirty)) return false;
    pte.store({ page, write: false, dirty: false });
    return true;
  });
}

/**
 * Remove every entry that points to a page; dirty ones make the page dirty.
 *
 * @returns Whether the page is not mapped any more.
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context Sleeps. Page lock held. Takes i_mmap_rwsem shared. A page that is not mapped costs no step.
 * @departs VM_LOCKED is not looked at: pages of a locked mapping are not offered to reclaim, and broken memory is
 *   unmapped all the same.
 * @see mm/rmap.c `try_to_unmap()` (v5.15)
 */
export function* tryToUnmap(page: Page): Task<boolean> {
  if (page.mapcount.load() === 0) return true;
  yield* rmapWalkFile(page, 'try_to_unmap', tryToUnmapOne);
  return page.mapcount.load() === 0;
}

/** @see mm/rmap.c `try_to_unmap_one()` (v5.15) */
function tryToUnmapOne(page: Page, pte: SharedVar<Pte | null>): Task<boolean> {
  return pte.section(
    'try_to_unmap_one',
    () => {
      const entry = pte.load();
      if (!hasPage(entry) || entry.page !== page) return false;
      pte.store(null);
      pageRemoveRmap(entry);
      return true;
    },
    () => '',
  );
}
