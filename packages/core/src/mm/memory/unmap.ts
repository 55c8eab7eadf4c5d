/**
 * Removing page-table entries: by file range, for whoever removes pages from the cache, and by address.
 *
 * `i_mmap_rwsem` exclusive keeps the list of mappings, and everybody who walks it, away. It does not keep faults
 * away: what they may map afterwards is decided by the page lock and `page.mapping`.
 *
 * @see mm/memory.c (v5.14, v5.15)
 */
import { ContractError } from '../../errors.js';
import type { AddressSpace } from '../../include/fs.js';
import { hasPage, type Page, type VmAreaStruct } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { downWrite, upWrite } from '../../locking/rwsem.js';
import type { Task } from '../../sched/task.js';
import { pageRemoveRmap } from './pte.js';

/**
 * Remove one entry.
 *
 * @param only - Only if its page is in this cache now, or if it has none and points to storage; `null` for whatever is
 *   there, private copies included.
 * @context May be preempted. One step under the page-table lock.
 * @see mm/memory.c `zap_pte_range()` (v5.15)
 */
function zapPte(vma: VmAreaStruct, vpn: number, only: AddressSpace | null): Task<string> {
  const pte = vma.vmMm.ptes.at(vpn);
  return pte.section('zap_pte_range', () => {
    const entry = pte.load();
    if (entry === null) return 'none';
    if (only !== null && hasPage(entry) && (entry.page.anon || entry.page.mapping.load() !== only))
      return 'kept';
    pte.store(null);
    pageRemoveRmap(entry);
    return pte.show(entry);
  });
}

/**
 * Remove all entries of a range of addresses, private copies included. The cache is not touched.
 *
 * @param vma - Mapping; the range is clipped to it.
 * @param startVpn - First virtual page number.
 * @param nr - Number of pages.
 * @context May be preempted. mmap_lock held in any mode.
 * @see mm/memory.c `zap_page_range()` (v5.15)
 */
export function* zapPageRange(vma: VmAreaStruct, startVpn: number, nr: number): Task<void> {
  const end = Math.min(startVpn + nr, vma.vmStart + vma.nrPages);
  for (let vpn = Math.max(startVpn, vma.vmStart); vpn < end; vpn++) yield* zapPte(vma, vpn, null);
}

/**
 * Remove the entries of a range of a file, in every process.
 *
 * @param start - First page index.
 * @param nr - Number of pages; 0 for all that follow.
 * @param evenCows - Remove everything. Otherwise only entries whose page is in this cache at that moment: private
 *   copies stay, and so do entries of a page that has already left the cache.
 * @context Sleeps. Takes i_mmap_rwsem exclusive.
 * @see mm/memory.c `unmap_mapping_pages()` (v5.15)
 */
export function* unmapMappingPages(
  mapping: AddressSpace,
  start: number,
  nr: number,
  evenCows: boolean,
): Task<void> {
  const end = nr === 0 ? Number.POSITIVE_INFINITY : start + nr;
  yield* downWrite(mapping.iMmapRwsem);
  for (const vma of mapping.iMmap.load()) {
    const upto = Math.min(end, vma.vmPgoff + vma.nrPages);
    for (let index = Math.max(start, vma.vmPgoff); index < upto; index++) {
      yield* zapPte(vma, vma.vmStart + index - vma.vmPgoff, evenCows ? null : mapping);
    }
  }
  yield* upWrite(mapping.iMmapRwsem);
}

/**
 * Remove the entries of a byte range of a file. The range is rounded outward to pages.
 *
 * @param holebegin - First byte, of a page.
 * @param holelen - Bytes; 0 for all that follow.
 * @param evenCows - As for {@link unmapMappingPages}.
 * @context Sleeps. Takes i_mmap_rwsem exclusive.
 * @see mm/memory.c `unmap_mapping_range()` (v5.15)
 */
export function unmapMappingRange(
  mapping: AddressSpace,
  holebegin: number,
  holelen: number,
  evenCows: boolean,
): Task<void> {
  const start = Math.floor(holebegin / PAGE_SIZE);
  return unmapMappingPages(mapping, start, Math.ceil(holelen / PAGE_SIZE), evenCows);
}

/**
 * Remove the entries of one page that is about to leave the cache. Under its page lock no new one can be made.
 *
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context Sleeps. Page lock held, page in the cache. Takes i_mmap_rwsem exclusive.
 * @see mm/memory.c `unmap_mapping_page()` (v5.15)
 */
export function* unmapMappingPage(page: Page): Task<void> {
  if (!page.lock.isLocked) {
    throw new ContractError('PAGE_NOT_LOCKED', { page: page.index, in: 'unmap_mapping_page' });
  }
  const mapping = page.mapping.load();
  if (mapping !== null) yield* unmapMappingPages(mapping, page.index, 1, false);
}
