/**
 * Making stores through mappings of a DAX file durable: what was stored is where it belongs, and what was marked is
 * marked no more, so that the next store is noticed.
 *
 * @departs The processor's caches, which are what is flushed, are not modelled. What is dirty is not marked a second time
 *   (`PAGECACHE_TAG_TOWRITE`) before the walk: entries that become dirty behind it stay so.
 * @see fs/dax.c (v5.14, v5.15)
 */
import { type AddressSpace, isDaxEntry } from '../../include/fs.js';
import { hasPage } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { type Pgoff, pgoff } from '../../include/units.js';
import type { WritebackControl } from '../../include/writeback.js';
import { downRead, upRead } from '../../locking/rwsem.js';
import type { Task } from '../../sched/task.js';
import { daxLockEntry, daxUnlockEntry, storeLockedEntry } from './entry.js';

/**
 * Make a range durable.
 *
 * @returns `0`.
 * @context Sleeps. Takes the locks of entries, and in them i_mmap_rwsem shared.
 * @see fs/dax.c `dax_writeback_mapping_range()` (v5.15)
 */
export function* daxWritebackMappingRange(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  const first = Math.floor(wbc.rangeStart / PAGE_SIZE);
  const end = Math.min(Math.floor(wbc.rangeEnd / PAGE_SIZE) + 1, mapping.capacity);
  for (let index = first; index < end; index++) yield* daxWritebackOne(mapping, pgoff(index));
  return 0;
}

/** @see fs/dax.c `dax_writeback_one()` (v5.15) */
function* daxWritebackOne(mapping: AddressSpace, index: Pgoff): Task<void> {
  const slot = mapping.iPages.at(index);
  const found = yield* slot.read('xas_for_each_marked');
  if (!isDaxEntry(found) || !found.marked) return;
  yield* daxLockEntry(mapping, index, 'get_unlocked_entry');
  const entry = slot.load();
  if (isDaxEntry(entry) && entry.marked) {
    yield* daxEntryMkclean(mapping, index);
    yield* storeLockedEntry(mapping, index, { ...entry, marked: false });
  }
  yield* daxUnlockEntry(mapping, index);
}

/** Make every entry that maps an index read-only, so that the next store is noticed. @see fs/dax.c `dax_entry_mkclean()` (v5.15) */
function* daxEntryMkclean(mapping: AddressSpace, index: Pgoff): Task<void> {
  yield* downRead(mapping.iMmapRwsem);
  for (const vma of mapping.iMmap.load()) {
    const at = index - vma.vmPgoff;
    if (at < 0 || at >= vma.nrPages) continue;
    const pte = vma.vmMm.ptes.at(vma.vmStart + at);
    yield* pte.section('pfn_mkclean_range', () => {
      const entry = pte.load();
      if (entry !== null && !hasPage(entry) && (entry.write || entry.dirty))
        pte.store({ pfn: entry.pfn, write: false, dirty: false });
    });
  }
  yield* upRead(mapping.iMmapRwsem);
}
