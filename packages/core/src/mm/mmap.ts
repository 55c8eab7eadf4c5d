/**
 * Mappings of files into processes: made, found and removed whole.
 *
 * The list of mappings of a process is protected by `mmap_lock`, the list of mappings of a file by `i_mmap_rwsem`.
 *
 * @see mm/mmap.c (v5.14, v5.15)
 */
import { ENODEV } from '../include/errno.js';
import type { File } from '../include/fs.js';
import { type MmStruct, VmAreaStruct } from '../include/mm-types.js';
import type { Pgoff } from '../include/units.js';
import { downgradeWrite, downWrite, upRead, upWrite } from '../locking/rwsem.js';
import type { Task } from '../sched/task.js';
import { fput, getFile } from './internal.js';
import { zapPageRange } from './memory/unmap.js';

/**
 * The first mapping that ends behind an address. It may begin behind it, too.
 *
 * @param vpn - Virtual page number.
 * @returns The mapping, or `null`.
 * @context Joins the step in progress. mmap_lock held.
 * @see `find_vma()` (v5.15)
 */
export function findVma(mm: MmStruct, vpn: number): VmAreaStruct | null {
  return mm.mmap.load().find((vma) => vpn < vma.vmStart + vma.nrPages) ?? null;
}

/**
 * Map a part of a file.
 *
 * @param pgoff - First page index in the file.
 * @param nrPages - Number of pages.
 * @param flags - `VM_SHARED` or not, `VM_WRITE` or not, advice.
 * @param startVpn - First virtual page number; nothing is mapped there.
 * @returns The mapping; `-ENODEV` if the filesystem has no mmap; or an error of the filesystem.
 * @context Sleeps. Takes mmap_lock exclusive, in it i_mmap_rwsem exclusive.
 * @see `do_mmap()`, `mmap_region()`, `vma_link()` (v5.15)
 */
export function* doMmap(
  mm: MmStruct,
  file: File,
  pgoff: Pgoff,
  nrPages: number,
  flags: number,
  startVpn: number,
): Task<VmAreaStruct | number> {
  const { mmap } = file.fOp;
  const { fMapping: mapping } = file;
  const vmOps = mmap === undefined ? -ENODEV : mmap(file, flags);
  if (typeof vmOps === 'number') return vmOps;
  yield* downWrite(mm.mmapLock);
  getFile(file);
  const vma = new VmAreaStruct(mm, file, startVpn, nrPages, pgoff, flags, vmOps);
  yield* downWrite(mapping.iMmapRwsem);
  mm.mmap.store([...mm.mmap.load(), vma].sort((a, b) => a.vmStart - b.vmStart));
  mapping.iMmap.store([...mapping.iMmap.load(), vma]);
  yield* upWrite(mapping.iMmapRwsem);
  yield* upWrite(mm.mmapLock);
  return vma;
}

/**
 * Unmap a whole mapping. Its entries are removed under mmap_lock shared: faults elsewhere go on, and here they find
 * no mapping.
 *
 * @param vma - Mapping; nothing happens if it is already gone.
 * @context Sleeps. Takes mmap_lock exclusive and downgrades it; i_mmap_rwsem exclusive.
 * @see `__do_munmap()`, `unmap_region()`, `unlink_file_vma()` (v5.15)
 */
export function* doMunmap(mm: MmStruct, vma: VmAreaStruct): Task<void> {
  yield* downWrite(mm.mmapLock);
  if (!mm.mmap.load().includes(vma)) {
    yield* upWrite(mm.mmapLock);
    return;
  }
  mm.mmap.store(mm.mmap.load().filter((other) => other !== vma));
  yield* downgradeWrite(mm.mmapLock);
  // Entries first: who walks the mappings of the file still finds this one, and with it every entry.
  yield* zapPageRange(vma, vma.vmStart, vma.nrPages);
  const { fMapping: mapping } = vma.vmFile;
  yield* downWrite(mapping.iMmapRwsem);
  mapping.iMmap.store(mapping.iMmap.load().filter((other) => other !== vma));
  yield* upWrite(mapping.iMmapRwsem);
  fput(vma.vmFile);
  yield* upRead(mm.mmapLock);
}
