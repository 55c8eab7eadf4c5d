/**
 * Entries of a DAX file: what stands in the place of pages, and is locked as they are.
 *
 * An entry is changed under its lock or, by who removes it, when nobody holds that lock. The lock belongs to the index
 * and not to the entry: who has waited for it looks what is there now.
 *
 * @see fs/dax.c (v5.14, v5.15)
 */
import { ContractError } from '../../errors.js';
import { type AddressSpace, type DaxEntry, type Inode, isDaxEntry, type Slot } from '../../include/fs.js';
import { type Pgoff, phys } from '../../include/units.js';
import { AwaitUnlockedStep, ExclusiveLock, LockStep, UnlockStep } from '../../locking/mutex.js';
import type { SharedVar } from '../../sched/shared-var.js';
import type { Task } from '../../sched/task.js';

/** `DAX_LOCKED` of the entry at an index, with its waiters. @see fs/dax.c `dax_entry_waitqueue()` (v5.15) */
class DaxEntryLock extends ExclusiveLock {}

/** An entry that is only locked. */
const EMPTY: DaxEntry = { dax: 'empty', phys: phys(-1), marked: false };

/** Access the bytes of a file where they are stored: for mount, before anybody uses it. @see `S_DAX` (v5.15) */
export function setDax(inode: Inode): void {
  const { iMapping: mapping } = inode;
  mapping.daxEntryLocks = Array.from(
    { length: mapping.capacity },
    (_, at) => new DaxEntryLock('DAX_LOCKED', at),
  );
}

function entryLock(mapping: AddressSpace, index: Pgoff): ExclusiveLock {
  return (mapping.daxEntryLocks as readonly ExclusiveLock[])[index] as ExclusiveLock;
}

/** Change a slot as part of the step in progress, and count what stands in it. */
function storeEntry(mapping: AddressSpace, slot: SharedVar<Slot>, entry: DaxEntry | null): void {
  const before = isDaxEntry(slot.load());
  slot.store(entry);
  if (before !== (entry !== null)) mapping.nrpages.add(entry === null ? -1 : 1);
}

/** Wait for the lock of an entry and take it. @context Sleeps. One step, with what looks at the slot right after it. */
export function daxLockEntry(mapping: AddressSpace, index: Pgoff, verb: string): Task<void> {
  return new LockStep(entryLock(mapping, index), verb);
}

/** Release it. @see `dax_unlock_entry()` (v5.15) */
export function daxUnlockEntry(mapping: AddressSpace, index: Pgoff): Task<void> {
  return new UnlockStep(entryLock(mapping, index), 'dax_unlock_entry');
}

/** Wait until nobody holds it. @context Sleeps. @see `get_unlocked_entry()` (v5.15) */
export function* getUnlockedEntry(mapping: AddressSpace, index: Pgoff): Task<DaxEntry | null> {
  yield* new AwaitUnlockedStep(entryLock(mapping, index), 'get_unlocked_entry');
  const entry = mapping.iPages.at(index).load();
  return isDaxEntry(entry) ? entry : null;
}

/**
 * Find the entry of an index, or make an empty one, and lock it.
 *
 * @context Sleeps. Takes the lock of the entry.
 * @see `grab_mapping_entry()` (v5.15)
 */
export function* grabMappingEntry(mapping: AddressSpace, index: Pgoff): Task<DaxEntry> {
  yield* daxLockEntry(mapping, index, 'grab_mapping_entry');
  const slot = mapping.iPages.at(index);
  const entry = slot.load();
  if (isDaxEntry(entry)) return entry;
  storeEntry(mapping, slot, EMPTY);
  return EMPTY;
}

/**
 * Put what was found out into an entry.
 *
 * @context May be preempted. The entry is locked. One step under the lock of i_pages.
 * @see `dax_insert_entry()`, the part under the lock (v5.15)
 */
export function storeLockedEntry(mapping: AddressSpace, index: Pgoff, entry: DaxEntry): Task<void> {
  const slot = mapping.iPages.at(index);
  return slot.section(
    'dax_insert_entry',
    () => storeEntry(mapping, slot, entry),
    () => slot.show(entry),
  );
}

/** Remove an entry that nobody has locked. @see `__dax_invalidate_entry()` (v5.15) */
function* __daxInvalidateEntry(mapping: AddressSpace, index: Pgoff, trunc: boolean): Task<boolean> {
  const entry = yield* getUnlockedEntry(mapping, index);
  if (entry === null || (!trunc && entry.marked)) return false;
  storeEntry(mapping, mapping.iPages.at(index), null);
  return true;
}

/**
 * Remove an entry because what it stands for goes away.
 *
 * @throws ContractError `DAX_ENTRY_GONE` if there is none: somebody else invalidates at the same time, which the lock of
 *   the caller should have prevented.
 * @context Sleeps. The filesystem's lock against faults, exclusive. One step.
 * @see `dax_delete_mapping_entry()` (v5.15)
 */
export function* daxDeleteMappingEntry(mapping: AddressSpace, index: Pgoff): Task<void> {
  if (yield* __daxInvalidateEntry(mapping, index, true)) return;
  throw new ContractError('DAX_ENTRY_GONE', { ino: mapping.host.iIno, index });
}

/**
 * Remove an entry if it is clean.
 *
 * @returns Whether it was removed.
 * @context Sleeps. One step.
 * @see `dax_invalidate_mapping_entry_sync()` (v5.15)
 */
export function daxInvalidateMappingEntrySync(mapping: AddressSpace, index: Pgoff): Task<boolean> {
  return __daxInvalidateEntry(mapping, index, false);
}
