/**
 * Seals: what may never be done to a file again. They are added under i_rwsem, and looked at under it by whoever would
 * break them, so that a seal is never added in the middle of a write.
 *
 * @departs Who maps a file for writing later is not refused, and nobody waits for pages that are pinned.
 * @see mm/memfd.c, include/uapi/linux/fcntl.h (v5.15)
 */
import {
  EBUSY,
  EINVAL,
  EPERM,
  type File,
  inodeLock,
  inodeUnlock,
  type Task,
  VM_SHARED,
  VM_WRITE,
} from '@fsport/core';
import { profileOf, SHMEM_I } from './shmem.js';

/** No more seals. */
export const F_SEAL_SEAL = 0x01;
/** The file does not get smaller. */
export const F_SEAL_SHRINK = 0x02;
/** The file does not get larger. */
export const F_SEAL_GROW = 0x04;
/** The content does not change. */
export const F_SEAL_WRITE = 0x08;
/** The content changes only through mappings that exist. */
export const F_SEAL_FUTURE_WRITE = 0x10;

/**
 * fcntl(2) with F_ADD_SEALS.
 *
 * @param seals - `F_SEAL_*`.
 * @returns `0`; `-EINVAL` where there are no seals, or none of that kind; `-EPERM` if there may be no more of them; `-EBUSY`
 *   if the content is to be sealed and can still be changed through a mapping.
 * @context Sleeps. Takes and releases i_rwsem exclusive.
 * @see mm/memfd.c `memfd_add_seals()` (v5.15)
 */
export function* memfdAddSeals(file: File, seals: number): Task<number> {
  const { fInode: inode } = file;
  if (!profileOf(inode).sealing || (seals & ~0x1f) !== 0) return -EINVAL;
  yield* inodeLock(inode);
  const error = addSeals(file, seals);
  yield* inodeUnlock(inode);
  return error;
}

function addSeals(file: File, seals: number): number {
  const { seals: current } = SHMEM_I(file.fInode);
  const old = current.load();
  if ((old & F_SEAL_SEAL) !== 0) return -EPERM;
  const writable = file.fMapping.iMmap
    .load()
    .some(({ vmFlags }) => (vmFlags & VM_SHARED) !== 0 && (vmFlags & VM_WRITE) !== 0);
  if ((seals & F_SEAL_WRITE) !== 0 && (old & F_SEAL_WRITE) === 0 && writable) return -EBUSY;
  current.store(old | seals);
  return 0;
}
