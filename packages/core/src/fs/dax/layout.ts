/**
 * Memory of a file that devices use. Who is about to free blocks waits until no device does.
 *
 * A device gets memory through a page-table entry. So the file is unmapped first, under the lock that keeps faults out:
 * whoever comes later finds no entry, and whoever came before is counted.
 *
 * @see fs/dax.c, mm/gup.c (v5.14, v5.15)
 */
import { type AddressSpace, daxMapping, isDaxEntry } from '../../include/fs.js';
import { PAGE_SIZE } from '../../include/page.js';
import { type Pgoff, type Phys, pgoff } from '../../include/units.js';
import { unmapMappingPages } from '../../mm/memory.js';
import type { Task } from '../../sched/task.js';
import { getUnlockedEntry } from './entry.js';

/**
 * A block of a range that a device uses.
 *
 * @param start - First byte.
 * @param last - Last byte, inclusive.
 * @returns The block, or `null`. A file that nobody has mapped is not looked through.
 * @context Sleeps. The filesystem's lock against faults, exclusive. Takes i_mmap_rwsem exclusive, waits for entries.
 * @see fs/dax.c `dax_layout_busy_page_range()` (v5.15)
 */
export function* daxLayoutBusyPageRange(
  mapping: AddressSpace,
  start: number,
  last: number,
): Task<Phys | null> {
  if (!daxMapping(mapping)) return null;
  if ((yield* mapping.iMmap.read('mapping_mapped')).length === 0) return null;
  const first = pgoff(Math.floor(start / PAGE_SIZE));
  const end = Math.min(Math.floor(last / PAGE_SIZE) + 1, mapping.capacity);
  yield* unmapMappingPages(mapping, first, end - first, false);
  for (let index = first; index < end; index = pgoff(index + 1)) {
    const block = yield* daxBusyPage(mapping, index);
    if (block !== null) return block;
  }
  return null;
}

/** The block of an index, if a device uses it. @see fs/dax.c `dax_busy_page()` (v5.15) */
function* daxBusyPage(mapping: AddressSpace, index: Pgoff): Task<Phys | null> {
  const slot = mapping.iPages.at(index);
  if (slot.load() === null) return null;
  const entry = yield* getUnlockedEntry(mapping, index);
  if (!isDaxEntry(entry) || entry.dax !== 'block') return null;
  return mapping.host.iSb.sBdev.blocks.at(entry.phys).load().pins > 0 ? entry.phys : null;
}

/** A block of a file that a device uses. @see fs/dax.c `dax_layout_busy_page()` (v5.15) */
export function daxLayoutBusyPage(mapping: AddressSpace): Task<Phys | null> {
  return daxLayoutBusyPageRange(mapping, 0, Number.POSITIVE_INFINITY);
}

/**
 * Wait until no device uses a range of a file. To wait, the lock against faults is let go: a fault may come in, and a device
 * get memory again, so that all is looked at once more.
 *
 * @param busy - Looks for a block in use; {@link daxLayoutBusyPage} or its like.
 * @param unlock - Lets go of the lock against faults.
 * @param lock - Takes it again.
 * @context Sleeps. The filesystem's lock against faults, exclusive; let go of and taken again.
 * @departs Each filesystem of v5.15 has this loop as its own. A signal does not end the wait.
 * @see fs/ext4/inode.c `ext4_break_layouts()`, fs/xfs/xfs_file.c `xfs_break_dax_layouts()`, fs/fuse/dax.c
 *   `__fuse_dax_break_layouts()` (v5.15), fs/dax.c `dax_break_layout()` (v6.15)
 */
export function* daxBreakLayout(
  mapping: AddressSpace,
  busy: () => Task<Phys | null>,
  unlock: () => Task<void>,
  lock: () => Task<void>,
): Task<void> {
  const { blocks } = mapping.host.iSb.sBdev;
  for (;;) {
    const block = yield* busy();
    if (block === null) return;
    yield* unlock();
    yield* blocks.at(block).waitUntil(({ pins }) => pins === 0, '___wait_var_event');
    yield* lock();
  }
}
