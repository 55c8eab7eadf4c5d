/**
 * madvise(2): advice on a range of memory. What reaches the file (WILLNEED, REMOVE) pins it and drops
 * mmap_lock first, because the filesystem takes i_rwsem and invalidate_lock, which rank above and next to it;
 * the mapping may be gone when the lock is taken again.
 *
 * @see mm/madvise.c (v5.14, v5.15)
 */
import { vfsFallocate } from '../fs/open.js';
import { EACCES, EFAULT, EINTR, EINVAL, ENOMEM } from '../include/errno.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_WRITE,
  MADV_DONTNEED,
  MADV_NORMAL,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  POSIX_FADV_WILLNEED,
  VM_FAULT_ERROR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_LOCKED,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WRITE,
} from '../include/flags.js';
import { daxMapping, type File, isInMemory } from '../include/fs.js';
import type { MmStruct, VmAreaStruct } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Loff, loff } from '../include/units.js';
import { downRead, downWriteKillable, upRead, upWrite } from '../locking/rwsem.js';
import type { Task } from '../sched/task.js';
import { vfsFadvise } from './fadvise.js';
import { fput, getFile } from './internal.js';
import { handleMmFault, zapPageRange } from './memory.js';
import { findVma } from './mmap.js';

const BEHAVIORS: readonly number[] = [
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_REMOVE,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
];

/** Does it change the mapping itself? @see `madvise_need_mmap_write()` (v5.15) */
function needsMmapWrite(behavior: number): boolean {
  return behavior === MADV_NORMAL || behavior === MADV_RANDOM || behavior === MADV_SEQUENTIAL;
}

function vmaEnd(vma: VmAreaStruct): number {
  return vma.vmStart + vma.nrPages;
}

/**
 * Advice on a range of memory.
 *
 * @param startVpn - First virtual page number.
 * @param nrPages - Number of pages.
 * @param behavior - `MADV_*`.
 * @returns `0`; `-EINVAL`; `-EINTR`; `-ENOMEM` if a part is not mapped; or what the operation returned.
 * @context Sleeps. Takes mmap_lock, shared unless the mapping itself changes.
 * @departs A mapping is not split: MADV_NORMAL, RANDOM and SEQUENTIAL apply to the whole of each mapping touched.
 * @see `do_madvise()` (v5.15)
 */
export function* doMadvise(mm: MmStruct, startVpn: number, nrPages: number, behavior: number): Task<number> {
  if (!BEHAVIORS.includes(behavior) || nrPages < 0) return -EINVAL;
  if (nrPages === 0) return 0;
  if (!needsMmapWrite(behavior)) {
    yield* downRead(mm.mmapLock);
    const error = yield* walkVmas(mm, startVpn, startVpn + nrPages, behavior);
    yield* upRead(mm.mmapLock);
    return error;
  }
  if ((yield* downWriteKillable(mm.mmapLock)) !== 0) return -EINTR;
  const error = yield* walkVmas(mm, startVpn, startVpn + nrPages, behavior);
  yield* upWrite(mm.mmapLock);
  return error;
}

/** Apply it mapping by mapping. Looked up anew each time: mmap_lock may have been dropped. */
function* walkVmas(mm: MmStruct, startVpn: number, end: number, behavior: number): Task<number> {
  let unmapped = 0;
  for (let start = startVpn; start < end; ) {
    const vma = findVma(mm, start);
    if (vma === null) return -ENOMEM;
    if (start < vma.vmStart) {
      unmapped = -ENOMEM;
      start = vma.vmStart;
      if (start >= end) break;
    }
    const upto = Math.min(vmaEnd(vma), end);
    const error = yield* madviseVma(vma, start, upto, behavior);
    if (error !== 0) return error;
    start = upto;
  }
  return unmapped;
}

function* madviseVma(vma: VmAreaStruct, start: number, end: number, behavior: number): Task<number> {
  switch (behavior) {
    case MADV_WILLNEED:
      return yield* madviseWillneed(vma, start, end);
    case MADV_REMOVE:
      return yield* madviseRemove(vma, start, end);
    case MADV_DONTNEED:
      if ((vma.vmFlags & VM_LOCKED) !== 0) return -EINVAL;
      yield* zapPageRange(vma, start, end - start);
      return 0;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
      return yield* madvisePopulate(vma.vmMm, start, end, behavior === MADV_POPULATE_WRITE);
    default:
      vma.vmFlags &= ~(VM_RAND_READ | VM_SEQ_READ);
      if (behavior === MADV_RANDOM) vma.vmFlags |= VM_RAND_READ;
      if (behavior === MADV_SEQUENTIAL) vma.vmFlags |= VM_SEQ_READ;
      return 0;
  }
}

/** The file position behind a virtual page. */
function fileOffset(vma: VmAreaStruct, vpn: number): Loff {
  return loff((vpn - vma.vmStart + vma.vmPgoff) * PAGE_SIZE);
}

/**
 * Call the filesystem without mmap_lock. The file is pinned: the mapping, and its hold on the file, may go.
 *
 * @context mmap_lock shared, dropped and taken again.
 */
function* withoutMmapLock(mm: MmStruct, file: File, body: () => Task<number>): Task<number> {
  getFile(file);
  yield* upRead(mm.mmapLock);
  const result = yield* body();
  fput(file);
  yield* downRead(mm.mmapLock);
  return result;
}

/**
 * Read the range into the cache.
 *
 * @departs Where the page cache is the data, the kernel starts to read from swap, into a cache of its own that is not
 *   modelled: here nothing happens.
 * @see `madvise_willneed()` (v5.15)
 */
function* madviseWillneed(vma: VmAreaStruct, start: number, end: number): Task<number> {
  const file = vma.vmFile;
  if (isInMemory(file.fMapping) || daxMapping(file.fMapping)) return 0;
  const offset = fileOffset(vma, start);
  yield* withoutMmapLock(vma.vmMm, file, () =>
    vfsFadvise(file, offset, (end - start) * PAGE_SIZE, POSIX_FADV_WILLNEED),
  );
  return 0;
}

/** Punch the range out of the file. @see `madvise_remove()` (v5.15) */
function* madviseRemove(vma: VmAreaStruct, start: number, end: number): Task<number> {
  if ((vma.vmFlags & VM_LOCKED) !== 0) return -EINVAL;
  if ((vma.vmFlags & VM_SHARED) === 0 || (vma.vmFlags & VM_WRITE) === 0) return -EACCES;
  const file = vma.vmFile;
  const offset = fileOffset(vma, start);
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return yield* withoutMmapLock(vma.vmMm, file, () =>
    vfsFallocate(file, mode, offset, loff((end - start) * PAGE_SIZE)),
  );
}

/**
 * Fault every page of a range in.
 *
 * @returns `0`; `-EINVAL` if a mapping may not be written; `-EFAULT` beyond the file; `-ENOMEM`.
 * @context mmap_lock shared, may be dropped and taken again.
 * @see `madvise_populate()` (v5.15), mm/gup.c `faultin_vma_page_range()`
 */
function* madvisePopulate(mm: MmStruct, startVpn: number, end: number, write: boolean): Task<number> {
  for (let vpn = startVpn; vpn < end; ) {
    const vma = findVma(mm, vpn);
    if (vma === null || vpn < vma.vmStart) return -ENOMEM;
    if (write && (vma.vmFlags & VM_WRITE) === 0) return -EINVAL;
    const pte = yield* mm.ptes.at(vpn).read('follow_page');
    if (pte !== null && (pte.write || !write)) {
      vpn++;
      continue;
    }
    const flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | (write ? FAULT_FLAG_WRITE : 0);
    const result = yield* handleMmFault(mm, vpn, flags);
    if ((result & VM_FAULT_RETRY) !== 0) yield* downRead(mm.mmapLock);
    else if ((result & VM_FAULT_ERROR) !== 0) return (result & VM_FAULT_OOM) !== 0 ? -ENOMEM : -EFAULT;
  }
  return 0;
}
