/**
 * Page-table entries: what one section under the page-table lock does to one of them.
 *
 * An entry holds a reference to its page and counts in `page._mapcount`. The processor reads entries and sets their
 * dirty bit without any lock; everybody else changes them here.
 *
 * @departs Each entry is a variable of its own. The kernel's lock covers a whole page table, which orders changes
 *   of neighbours, but the processor, which sees the entries, looks at one at a time.
 * @departs The flush of the TLB joins the change of the entry: the kernel flushes before it frees the page, and
 *   nobody may rely on a moment in between.
 * @see mm/memory.c (v5.14, v5.15)
 */
import type { MmStruct, Page, Pte } from '../../include/mm-types.js';
import { machine } from '../../machine.js';
import type { Task } from '../../sched/task.js';
import { putPage } from '../filemap/page-cache.js';

/**
 * Do two entries say the same? Compared by value, as the hardware word is.
 *
 * @see include/linux/pgtable.h `pte_same()` (v5.15)
 */
export function pteSame(a: Pte | null, b: Pte | null): boolean {
  if (a === null || b === null) return a === b;
  return a.page === b.page && a.write === b.write && a.dirty === b.dirty;
}

/**
 * Map a page, unless something is mapped there already. The reference of the caller becomes that of the entry.
 *
 * @param write - Stores go through; the entry starts out dirty, because a store is why it is made.
 * @returns Whether it was mapped.
 * @context May be preempted. One step under the page-table lock.
 * @see mm/memory.c `do_set_pte()` (v5.15)
 */
export function doSetPte(mm: MmStruct, vpn: number, page: Page, write: boolean): Task<boolean> {
  const pte = mm.ptes.at(vpn);
  return pte.section(
    'do_set_pte',
    () => {
      if (pte.load() !== null) return false;
      pte.store({ page, write, dirty: write });
      page.mapcount.add(1);
      return true;
    },
    (mapped) => (mapped ? pte.show(pte.peek()) : 'taken'),
  );
}

/**
 * What removing an entry means for its page: it gets the dirty bit, and loses a mapping and a reference. Part of the
 * step that removes the entry.
 *
 * A store through an entry whose page has left the cache has nowhere to go: the observer is told.
 */
export function pageRemoveRmap(entry: Pte): void {
  const { page } = entry;
  if (entry.dirty && !page.anon) {
    if (page.mapping.load() === null) machine.observer.dirtyPteLost?.(page);
    else if (!page.dirty.load()) page.dirty.store(true);
  }
  page.mapcount.add(-1);
  putPage(page);
}
