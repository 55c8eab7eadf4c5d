/** Helpers that several files of mm/ share. @see mm/internal.h (v5.14, v5.15) */
import { FAULT_FLAG_ALLOW_RETRY, FAULT_FLAG_RETRY_NOWAIT, FAULT_FLAG_TRIED } from '../include/flags.js';
import type { File } from '../include/fs.js';
import type { VmFault } from '../include/vm-fault.js';
import { upRead } from '../locking/rwsem.js';
import type { Task } from '../sched/task.js';

/** Flags that decide whether a fault may let go of mmap_lock: once, and never if it must not wait. */
const MAY_DROP = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED | FAULT_FLAG_RETRY_NOWAIT;

/**
 * Let go of mmap_lock before waiting for I/O, if this fault may still do so. The file is pinned instead: the
 * mapping may go away, and must not be touched any more.
 *
 * @param fpin - The pin, if the lock was already dropped.
 * @returns The pin: the fault must end with VM_FAULT_RETRY and {@link fput}. `null` if mmap_lock is still held.
 * @context mmap_lock shared; may release it.
 * @see mm/internal.h `maybe_unlock_mmap_for_io()` (v5.15)
 */
export function* maybeUnlockMmapForIo(vmf: VmFault, fpin: File | null): Task<File | null> {
  if (fpin !== null || (vmf.flags & MAY_DROP) !== FAULT_FLAG_ALLOW_RETRY) return fpin;
  const { vmFile: file, vmMm: mm } = vmf.vma;
  getFile(file);
  yield* upRead(mm.mmapLock);
  return file;
}

/** Pin a file as part of the step in progress. @see include/linux/fs.h `get_file()` (v5.15) */
export function getFile(file: File): void {
  file.fCount.add(1);
}

/** Drop a pin as part of the step in progress. @see fs/file_table.c `fput()` (v5.15) */
export function fput(file: File): void {
  file.fCount.add(-1);
}
