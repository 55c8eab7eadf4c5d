/**
 * Memory of a program that a device uses: kept for as long as it does.
 *
 * @see mm/gup.c (v5.14, v5.15)
 */
import type { DiskBlock } from '../block/device.js';
import { countPin } from '../block/pmem.js';
import { EFAULT } from '../include/errno.js';
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_RETRY,
} from '../include/flags.js';
import { hasPage, type MmStruct, type Pte } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { downRead, upRead } from '../locking/rwsem.js';
import { machine } from '../machine.js';
import { type Cells, showCells } from '../provenance.js';
import { hasDevmapPages } from '../release.js';
import type { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { getPage, putPage } from './filemap/page-cache.js';
import { handleMmFault } from './memory/fault.js';
import { loadThrough } from './memory/pte.js';

/**
 * Keep the memory at an address for a device, and fault it in if it is not there.
 *
 * @param vpn - Virtual page number.
 * @param write - The device is going to write to it.
 * @returns The entry as it was when its memory was kept, or `-EFAULT`.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 * @see mm/gup.c `pin_user_pages_fast()`, `gup_pte_range()` (v5.15)
 */
export function* pinUserPage(mm: MmStruct, vpn: number, write: boolean): Task<Pte | number> {
  for (;;) {
    const entry = yield* gupFast(mm, vpn, write);
    if (entry !== null) {
      // Before v4.5 storage has no struct page that could be kept.
      return hasPage(entry) || hasDevmapPages(machine.release) ? entry : -EFAULT;
    }
    yield* downRead(mm.mmapLock);
    const result = yield* handleMmFault(mm, vpn, FAULT_FLAG_ALLOW_RETRY | (write ? FAULT_FLAG_WRITE : 0));
    if ((result & VM_FAULT_RETRY) === 0) yield* upRead(mm.mmapLock);
    if ((result & VM_FAULT_ERROR) !== 0) return -EFAULT;
  }
}

/**
 * @departs Looking at the entry, taking the reference and looking again are one step: if the entry has changed in between,
 *   the kernel lets go of the reference, and it was never there.
 */
function gupFast(mm: MmStruct, vpn: number, write: boolean): Task<Pte | null> {
  const pte = mm.ptes.at(vpn);
  return pte.readSection(
    'gup_pte_range',
    () => {
      const entry = pte.load();
      if (entry === null || (write && !entry.write)) return null;
      if (hasPage(entry)) getPage(entry.page);
      else if (hasDevmapPages(machine.release)) countPin(entry.pfn, 1);
      return entry;
    },
    (entry) => pte.show(entry),
  );
}

/**
 * A device reads a byte of a program's memory, as it does for a direct write from a mapping.
 *
 * @param vaddr - Byte address.
 * @returns The byte, or `-EFAULT`.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 * @departs The transfer is a step of the task that asked for it, and not of a completion: nobody can tell them apart.
 */
export function* deviceLoad(mm: MmStruct, vaddr: number): Task<Cells | number> {
  const pin = yield* pinUserPage(mm, Math.floor(vaddr / PAGE_SIZE), false);
  if (typeof pin === 'number') return pin;
  const memory = memoryOf(pin);
  const cells = yield* memory.readSection('dma', () => loadThrough(pin, vaddr % PAGE_SIZE, 1), showCells);
  yield* memory.section('unpin_user_page', () => unpinUserPage(pin));
  return cells;
}

/** What stands for the memory behind an entry in a step. */
function memoryOf(entry: Pte): SharedVar<Cells> | SharedVar<DiskBlock> {
  return hasPage(entry)
    ? (entry.page.content[0] as SharedVar<Cells>)
    : entry.pfn.bdev.blocks.at(Math.max(0, entry.pfn.phys));
}

/** The device is done. Joins the step in progress. @see mm/gup.c `unpin_user_page()` (v5.15) */
export function unpinUserPage(entry: Pte): void {
  if (hasPage(entry)) putPage(entry.page);
  else countPin(entry.pfn, -1);
}
