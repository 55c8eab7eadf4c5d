/**
 * `mapping->invalidate_lock`: new in v5.15, shared by whoever fills the page cache, exclusive for whoever
 * removes pages and then changes the blocks behind them.
 *
 * Under the exclusive hold no fill of the range is in flight and none can start. It does not protect
 * content, and it is never held while copying to or from user memory.
 *
 * @see include/linux/fs.h, mm/filemap.c (v5.15)
 */
import type { AddressSpace } from '../../include/fs.js';
import { downRead, downReadTrylock, downWrite, iocbReadLock, upRead, upWrite } from '../../locking/rwsem.js';
import { hasInvalidateLock } from '../../release.js';
import type { Task } from '../../sched/task.js';

/** Does generic code take the lock on this mapping? Not before v5.15. */
export function takesInvalidateLock(mapping: AddressSpace): boolean {
  return hasInvalidateLock(mapping.host.iSb.release);
}

/** Keep everybody from filling the cache. @context Sleeps. @see `filemap_invalidate_lock()` (v5.15) */
export function filemapInvalidateLock(mapping: AddressSpace): Task<void> {
  return downWrite(mapping.invalidateLock);
}

/** @see `filemap_invalidate_unlock()` (v5.15) */
export function filemapInvalidateUnlock(mapping: AddressSpace): Task<void> {
  return upWrite(mapping.invalidateLock);
}

/** Keep everybody from invalidating. @context Sleeps. @see `filemap_invalidate_lock_shared()` (v5.15) */
export function filemapInvalidateLockShared(mapping: AddressSpace): Task<void> {
  return downRead(mapping.invalidateLock);
}

/** The same without waiting. @returns Whether it was taken. @see `filemap_invalidate_trylock_shared()` (v5.15) */
export function filemapInvalidateTrylockShared(mapping: AddressSpace): Task<boolean> {
  return downReadTrylock(mapping.invalidateLock);
}

/** @see `filemap_invalidate_unlock_shared()` (v5.15) */
export function filemapInvalidateUnlockShared(mapping: AddressSpace): Task<void> {
  return upRead(mapping.invalidateLock);
}

/**
 * Lock two mappings against fills, in one order for everybody.
 *
 * @param mapping1 - A mapping or `null`.
 * @param mapping2 - Another, the same, or `null`.
 * @context Sleeps.
 * @departs The kernel orders by address; the model by the object's identity, which is as arbitrary and stays
 *   the same from run to run.
 * @see `filemap_invalidate_lock_two()` (v5.15)
 */
export function* filemapInvalidateLockTwo(
  mapping1: AddressSpace | null,
  mapping2: AddressSpace | null,
): Task<void> {
  const [first, second] = inOrder(mapping1, mapping2);
  if (first !== null) yield* downWrite(first.invalidateLock);
  if (second !== null && second !== first) yield* downWrite(second.invalidateLock, 1);
}

/** @see `filemap_invalidate_unlock_two()` (v5.15) */
export function* filemapInvalidateUnlockTwo(
  mapping1: AddressSpace | null,
  mapping2: AddressSpace | null,
): Task<void> {
  if (mapping1 !== null) yield* upWrite(mapping1.invalidateLock);
  if (mapping2 !== null && mapping2 !== mapping1) yield* upWrite(mapping2.invalidateLock);
}

function inOrder(a: AddressSpace | null, b: AddressSpace | null): [AddressSpace | null, AddressSpace | null] {
  if (a === null || b === null || a.invalidateLock.id <= b.invalidateLock.id) return [a, b];
  return [b, a];
}

/** Shared hold for a read that may not be allowed to wait. @returns `0`, `-EAGAIN`, or `-EINTR`. */
export function filemapInvalidateLockIocb(mapping: AddressSpace, nowait: boolean): Task<number> {
  return iocbReadLock(mapping.invalidateLock, nowait);
}
