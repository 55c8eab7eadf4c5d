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
import { countMapping, loadPfn, samePfn, storePfn } from '../../block/pmem.js';
import { hasPage, type MmStruct, type Page, type Pfn, type Pte } from '../../include/mm-types.js';
import { machine } from '../../machine.js';
import type { Cells } from '../../provenance.js';
import type { Task } from '../../sched/task.js';
import { putPage } from '../filemap/page-cache.js';

/**
 * Do two entries say the same? Compared by value, as the hardware word is.
 *
 * @see include/linux/pgtable.h `pte_same()` (v5.15)
 */
export function pteSame(a: Pte | null, b: Pte | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.write !== b.write || a.dirty !== b.dirty) return false;
  return hasPage(a) ? hasPage(b) && a.page === b.page : !hasPage(b) && samePfn(a.pfn, b.pfn);
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
 * Map memory that is storage.
 *
 * @param mkwrite - Stores go through. Then an entry that maps the same memory already is made so, too.
 * @returns Whether it is mapped now; if not, something else is.
 * @context May be preempted. One step under the page-table lock.
 * @see mm/memory.c `insert_pfn()`, `vmf_insert_mixed()`, `vmf_insert_mixed_mkwrite()` (v5.15)
 */
export function insertPfn(mm: MmStruct, vpn: number, pfn: Pfn, mkwrite: boolean): Task<boolean> {
  const pte = mm.ptes.at(vpn);
  return pte.section(
    'insert_pfn',
    () => {
      const entry = pte.load();
      if (entry !== null && (!mkwrite || hasPage(entry) || !samePfn(entry.pfn, pfn))) return false;
      pte.store({ pfn, write: mkwrite, dirty: mkwrite });
      if (entry === null) countMapping(pfn, 1);
      return true;
    },
    (mapped) => (mapped ? pte.show(pte.peek()) : 'taken'),
  );
}

/** Read bytes through an entry, as part of the step in progress. */
export function loadThrough(entry: Pte, offset: number, length: number): Cells {
  return hasPage(entry) ? entry.page.loadBytes(offset, length) : loadPfn(entry.pfn, offset, length);
}

/** Write bytes through an entry, as part of the step in progress. */
export function storeThrough(entry: Pte, offset: number, cells: Cells): void {
  if (hasPage(entry)) entry.page.storeBytes(offset, cells);
  else storePfn(entry.pfn, offset, cells);
}

/**
 * What removing an entry means for its page: it gets the dirty bit, and loses a mapping and a reference. Part of the
 * step that removes the entry.
 *
 * A store through an entry whose page has left the cache has nowhere to go: the observer is told. An entry that points
 * straight to storage has no page that could be told, and what was stored is where it belongs.
 */
export function pageRemoveRmap(entry: Pte): void {
  if (!hasPage(entry)) {
    countMapping(entry.pfn, -1);
    return;
  }
  const { page } = entry;
  if (entry.dirty && !page.anon) {
    if (page.mapping.load() === null) machine.observer.dirtyPteLost?.(page);
    else if (!page.dirty.load()) page.dirty.store(true);
  }
  page.mapcount.add(-1);
  putPage(page);
}
