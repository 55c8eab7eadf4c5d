/**
 * Page faults on files.
 *
 * {@link filemapFault} finds or fills the page and returns it locked. A cached, uptodate page is served without
 * invalidate_lock: page lock, `page.mapping`, i_size and the invalidator's rule "unmap under the page lock before
 * removing" are enough. The lock is taken to insert or fill (v5.15), never while holding a page lock, above which
 * it ranks. Before any wait for I/O mmap_lock is dropped, once per fault.
 *
 * @see mm/filemap.c (v5.14, v5.15)
 */
import { AOP_TRUNCATED_PAGE } from '../../include/errno.js';
import {
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_RETRY_NOWAIT,
  FAULT_FLAG_TRIED,
  FGP_CREAT,
  FGP_FOR_MMAP,
  VM_FAULT_LOCKED,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_RAND_READ,
  VM_SEQ_READ,
} from '../../include/flags.js';
import { type AddressSpace, type File, type FileRaState, iSizeWithin, isPage } from '../../include/fs.js';
import type { MmStruct, Page, VmOperations } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { type Pgoff, pgoff } from '../../include/units.js';
import type { VmFault } from '../../include/vm-fault.js';
import { upRead } from '../../locking/rwsem.js';
import type { Task } from '../../sched/task.js';
import { fput, maybeUnlockMmapForIo } from '../internal.js';
import { doSetPte } from '../memory/pte.js';
import { setPageDirty } from '../page-writeback/dirty.js';
import {
  doPageCacheRa,
  pageCacheAsyncReadahead,
  pageCacheSyncReadahead,
  updateFileRa,
} from '../readahead.js';
import {
  filemapInvalidateLockShared,
  filemapInvalidateUnlockShared,
  takesInvalidateLock,
} from './invalidate-lock.js';
import {
  findGetPage,
  getPage,
  letTruncationEnd,
  lockPage,
  lockPageKillable,
  pagecacheGetPage,
  putPage,
  trylockPage,
  unlockPage,
} from './page-cache.js';
import { filemapReadPage } from './read.js';

/** So many more misses than hits, and reading around a fault is given up. @see `MMAP_LOTSAMISS` */
const MMAP_LOTSAMISS = 100;

/** A fault in progress. What is needed of the mapping is kept here: it may be gone once mmap_lock was dropped. */
interface FileFault {
  readonly vmf: VmFault;
  readonly mm: MmStruct;
  readonly file: File;
  readonly mapping: AddressSpace;
  /** The pin that stands for the dropped mmap_lock. */
  fpin: File | null;
  /** invalidate_lock is held shared. */
  locked: boolean;
}

/** Take invalidate_lock, if it is not held and this release has it. */
function* holdOffInvalidation(fault: FileFault): Task<void> {
  if (fault.locked || !takesInvalidateLock(fault.mapping)) return;
  yield* filemapInvalidateLockShared(fault.mapping);
  fault.locked = true;
}

/** Release invalidate_lock, if it is held. */
function* allowInvalidation(fault: FileFault): Task<void> {
  if (!fault.locked) return;
  yield* filemapInvalidateUnlockShared(fault.mapping);
  fault.locked = false;
}

/** Let go of mmap_lock before a wait, if this fault may. */
function* dropMmapLock(fault: FileFault): Task<void> {
  fault.fpin = yield* maybeUnlockMmapForIo(fault.vmf, fault.fpin);
}

/** mmap_lock was dropped: give everything back, and let the driver find the mapping again. */
function* outRetry(fault: FileFault, page: Page | null, result: number): Task<number> {
  if (page !== null) putPage(page);
  yield* allowInvalidation(fault);
  if (fault.fpin !== null) fput(fault.fpin);
  return result | VM_FAULT_RETRY;
}

/** Is the page beyond the end of the file now? */
function* beyondEnd(mapping: AddressSpace, index: Pgoff): Task<boolean> {
  const start = index * PAGE_SIZE;
  return (yield* iSizeWithin(mapping.host, start, start + 1)) === start;
}

/**
 * Bring in the page that was touched.
 *
 * @returns VM_FAULT_LOCKED with `vmf.page` locked and referenced, or VM_FAULT_RETRY with mmap_lock released (unless
 *   FAULT_FLAG_RETRY_NOWAIT), either with VM_FAULT_MAJOR if the page was not cached; VM_FAULT_SIGBUS beyond the file or if it
 *   cannot be read; VM_FAULT_OOM.
 * @context Sleeps. mmap_lock shared. Takes and releases invalidate_lock shared if the page is not there and uptodate
 *   (v5.15). A page that is created and then found to be beyond the end of the file stays in the cache.
 * @departs See letTruncationEnd().
 * @see `filemap_fault()` [FF] (v5.14, v5.15)
 */
export function* filemapFault(vmf: VmFault): Task<number> {
  const { vmMm: mm, vmFile: file } = vmf.vma;
  const { fMapping: mapping } = file;
  const fault: FileFault = { vmf, mm, file, mapping, fpin: null, locked: false };
  if (yield* beyondEnd(mapping, vmf.pgoff)) return VM_FAULT_SIGBUS;
  let result = 0;
  let page = yield* findGetPage(mapping, vmf.pgoff);
  if (page === null) {
    result = VM_FAULT_MAJOR;
    yield* doSyncMmapReadahead(fault);
  } else {
    // Readahead comes first, because it takes invalidate_lock itself.
    if ((vmf.flags & FAULT_FLAG_TRIED) === 0) yield* doAsyncMmapReadahead(fault, page);
    if (!page.uptodate.load()) yield* holdOffInvalidation(fault);
  }
  let removed = false;
  for (;;) {
    if (page === null) {
      yield* holdOffInvalidation(fault);
      if (removed || mapping.truncatingAgain.load()) yield* letTruncationEnd(mapping, removed);
      page = yield* pagecacheGetPage(mapping, vmf.pgoff, FGP_CREAT | FGP_FOR_MMAP);
      if (page === null) {
        if (fault.fpin !== null) return yield* outRetry(fault, null, result);
        yield* allowInvalidation(fault);
        return VM_FAULT_OOM;
      }
    }
    if (!(yield* lockPageMaybeDropMmap(fault, page))) return yield* outRetry(fault, page, result);
    const cached = page.mapping.load() === mapping;
    if (cached && page.uptodate.load()) break;
    if (cached && (fault.locked || !takesInvalidateLock(mapping))) {
      const error = yield* readLockedPage(fault, page);
      if (fault.fpin !== null) return yield* outRetry(fault, page, result);
      putPage(page);
      if (error !== 0 && error !== AOP_TRUNCATED_PAGE) {
        yield* allowInvalidation(fault);
        return VM_FAULT_SIGBUS;
      }
    } else {
      // It left the cache; or it was uptodate and is not any more, and invalidate_lock ranks above the page lock.
      yield* unlockPage(page);
      putPage(page);
      removed = !cached;
    }
    page = null;
  }
  if (fault.fpin !== null) {
    yield* unlockPage(page);
    return yield* outRetry(fault, page, result);
  }
  yield* allowInvalidation(fault);
  // Under the page lock, which a truncate that stored a smaller size before must get.
  if (yield* beyondEnd(mapping, vmf.pgoff)) {
    yield* unlockPage(page);
    putPage(page);
    return VM_FAULT_SIGBUS;
  }
  vmf.page = page;
  return result | VM_FAULT_LOCKED;
}

/** The page is locked and not valid: an earlier read failed, or it is new. Fill it, without mmap_lock if possible. */
function* readLockedPage(fault: FileFault, page: Page): Task<number> {
  yield* dropMmapLock(fault);
  return yield* filemapReadPage(fault.file, page);
}

/**
 * Lock a page; drop mmap_lock before waiting for it.
 *
 * @returns `false` if it was not locked: the fault must not wait (mmap_lock is still held), or the task was killed
 *   (mmap_lock is released in any case).
 * @see `lock_page_maybe_drop_mmap()` [LP] (v5.15)
 */
function* lockPageMaybeDropMmap(fault: FileFault, page: Page): Task<boolean> {
  const { flags } = fault.vmf;
  if (yield* trylockPage(page)) return true;
  if ((flags & FAULT_FLAG_RETRY_NOWAIT) !== 0) return false;
  yield* dropMmapLock(fault);
  if ((flags & FAULT_FLAG_KILLABLE) === 0) {
    yield* lockPage(page);
    return true;
  }
  if (yield* lockPageKillable(page)) return true;
  // RETRY makes the driver look for the signal, and RETRY says that mmap_lock was released.
  if (fault.fpin === null) yield* upRead(fault.mm.mmapLock);
  return false;
}

/**
 * Count a miss, or a hit, of the faults on a file.
 *
 * @returns The count.
 */
function countMmapMiss(file: File, ra: FileRaState, change: number): number {
  const mmapMiss = Math.min(Math.max(0, ra.mmapMiss + change), MMAP_LOTSAMISS * 10);
  if (mmapMiss !== ra.mmapMiss) updateFileRa(file, { mmapMiss });
  return mmapMiss;
}

/** The page is missing: read it and what is around it. @see `do_sync_mmap_readahead()` (v5.15) */
function* doSyncMmapReadahead(fault: FileFault): Task<void> {
  const { vmf, file, mapping } = fault;
  const { vmFlags } = vmf.vma;
  const ra = file.fRa.load();
  if ((vmFlags & VM_RAND_READ) !== 0 || ra.raPages === 0) return;
  if ((vmFlags & VM_SEQ_READ) !== 0) {
    yield* dropMmapLock(fault);
    yield* pageCacheSyncReadahead(mapping, file, vmf.pgoff, ra.raPages);
    return;
  }
  if (countMmapMiss(file, ra, 1) > MMAP_LOTSAMISS) return;
  yield* dropMmapLock(fault);
  const start = pgoff(Math.max(0, vmf.pgoff - Math.floor(ra.raPages / 2)));
  const asyncSize = Math.floor(ra.raPages / 4);
  updateFileRa(file, { start, size: ra.raPages, asyncSize });
  yield* doPageCacheRa({ file, mapping, index: start, pages: [] }, ra.raPages, asyncSize);
}

/** The page is cached: if it has the marker, read the next window. @see `do_async_mmap_readahead()` (v5.15) */
function* doAsyncMmapReadahead(fault: FileFault, page: Page): Task<void> {
  const { vmf, file, mapping } = fault;
  const ra = file.fRa.load();
  if ((vmf.vma.vmFlags & VM_RAND_READ) !== 0 || ra.raPages === 0) return;
  countMmapMiss(file, ra, -1);
  if (!page.readahead.load()) return;
  yield* dropMmapLock(fault);
  yield* pageCacheAsyncReadahead(mapping, file, page, vmf.pgoff, ra.raPages);
}

/**
 * Map what is cached and valid around an address. Never waits, never fills, takes no invalidate_lock.
 *
 * @param start - First page index.
 * @param last - Last page index, inclusive.
 * @returns VM_FAULT_NOPAGE if the address itself got mapped, otherwise `0`.
 * @context May be preempted. mmap_lock shared. Tries page locks.
 * @departs The page-table lock is taken for each entry, not held from the first to the last: who takes it in between
 *   finds the later entries as if it had come first.
 * @see `filemap_map_pages()` [MP] (v5.15)
 */
export function* filemapMapPages(vmf: VmFault, start: Pgoff, last: Pgoff): Task<number> {
  const { vma } = vmf;
  const { fMapping: mapping } = vma.vmFile;
  let result = 0;
  for (let index = start; index <= last; index = pgoff(index + 1)) {
    const page = yield* nextUptodatePage(mapping, index);
    if (page === null) continue;
    countMmapMiss(vma.vmFile, vma.vmFile.fRa.load(), -1);
    // The reference becomes that of the entry.
    const mapped = yield* doSetPte(vma.vmMm, vmf.vpn + index - vmf.pgoff, page, false);
    if (mapped && index === vmf.pgoff) result = VM_FAULT_NOPAGE;
    yield* unlockPage(page);
    if (!mapped) putPage(page);
  }
  return result;
}

/**
 * A page that can be mapped as it is.
 *
 * @returns The page, locked and referenced, or `null`.
 * @see `next_uptodate_page()` (v5.15)
 */
function* nextUptodatePage(mapping: AddressSpace, index: Pgoff): Task<Page | null> {
  const slot = mapping.iPages.at(index);
  const page = yield* slot.readSection(
    'next_uptodate_page',
    () => {
      const found = slot.load();
      if (!isPage(found) || !found.uptodate.load()) return null;
      if (found.readahead.load() || found.hwpoison.load()) return null;
      getPage(found);
      return found;
    },
    (found) => (found === null ? 'none' : `page ${found.index}`),
  );
  if (page === null) return null;
  if (yield* trylockPage(page)) {
    const valid = page.mapping.load() === mapping && page.uptodate.load();
    if (valid && !(yield* beyondEnd(mapping, index))) return page;
    yield* unlockPage(page);
  }
  putPage(page);
  return null;
}

/**
 * A page is about to become writable, for filesystems that have nothing to prepare: it becomes dirty.
 *
 * @returns VM_FAULT_LOCKED with the page locked, or VM_FAULT_NOPAGE if it left the cache.
 * @context Sleeps. mmap_lock shared. Takes the page lock.
 * @departs No freezing of filesystems, no devices that need pages to stay as they are under writeback.
 * @see `filemap_page_mkwrite()` (v5.15)
 */
export function* filemapPageMkwrite(vmf: VmFault): Task<number> {
  const page = vmf.page as Page;
  yield* lockPage(page);
  if (page.mapping.load() !== vmf.vma.vmFile.fMapping) {
    yield* unlockPage(page);
    return VM_FAULT_NOPAGE;
  }
  yield* setPageDirty(page);
  return VM_FAULT_LOCKED;
}

/** Operations of a mapping whose filesystem has none of its own. @see `generic_file_vm_ops` (v5.15) */
export const GENERIC_FILE_VM_OPS: VmOperations = {
  fault: filemapFault,
  mapPages: filemapMapPages,
  pageMkwrite: filemapPageMkwrite,
};

/** Map a file in the generic way. @see `generic_file_mmap()` (v5.15) */
export function genericFileMmap(_file: File): VmOperations {
  return GENERIC_FILE_VM_OPS;
}
