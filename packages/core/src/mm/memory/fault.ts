/**
 * The fault driver: from "this address cannot be accessed like this" to a page-table entry that can.
 *
 * It is entered with mmap_lock shared. The filesystem's `fault` returns the page locked, so that it cannot leave the
 * cache before the entry exists. Before a page becomes writable through a shared mapping, `page_mkwrite` is asked,
 * without the page lock: what was checked before is checked again after it, by page_mkwrite.
 *
 * @departs Only what files need: no anonymous mappings, swap, huge pages, NUMA, copies shared by fork.
 * @see mm/memory.c (v5.14, v5.15)
 */
import { countMapping, isZeroPfn, loadPfn } from '../../block/pmem.js';
import { callFault, callMapPages, callPageMkwrite, callPfnMkwrite } from '../../contracts.js';
import { ContractError } from '../../errors.js';
import {
  FAULT_FLAG_MKWRITE,
  FAULT_FLAG_WRITE,
  VM_FAULT_DONE_COW,
  VM_FAULT_ERROR,
  VM_FAULT_HWPOISON,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_RETRY,
  VM_FAULT_SIGSEGV,
  VM_SHARED,
  VM_WRITE,
} from '../../include/flags.js';
import {
  hasPage,
  type MmStruct,
  Page,
  type PagePte,
  type Pfn,
  type PfnPte,
  type Pte,
} from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { pgoff } from '../../include/units.js';
import type { VmFault } from '../../include/vm-fault.js';
import { heldMode } from '../../locking/lockdep.js';
import { machine } from '../../machine.js';
import { type Cells, showCells } from '../../provenance.js';
import { current } from '../../sched/current.js';
import type { SharedVar } from '../../sched/shared-var.js';
import type { Task } from '../../sched/task.js';
import { getPage, lockPage, putPage, unlockPage } from '../filemap/page-cache.js';
import { fput, maybeUnlockMmapForIo } from '../internal.js';
import { findVma } from '../mmap.js';
import { setPageDirty } from '../page-writeback/dirty.js';
import { doSetPte, pteSame } from './pte.js';

/** Results after which there is no page to go on with. */
const NO_PAGE = VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY;

/**
 * Handle a fault.
 *
 * @param vpn - Virtual page number.
 * @param flags - `FAULT_FLAG_*`.
 * @returns `VM_FAULT_*`. Without an error, access the address again. With VM_FAULT_RETRY mmap_lock was released
 *   (unless FAULT_FLAG_RETRY_NOWAIT): set FAULT_FLAG_TRIED and start over. VM_FAULT_SIGSEGV if nothing is mapped there, or
 *   not for writing.
 * @throws ContractError `LOCK_NOT_HELD` without mmap_lock.
 * @context Sleeps. mmap_lock shared; released if the result says so.
 * @see mm/memory.c `handle_mm_fault()`, arch/x86/mm/fault.c `access_error()` (v5.15)
 */
export function* handleMmFault(mm: MmStruct, vpn: number, flags: number): Task<number> {
  if (heldMode(mm.mmapLock) === null) {
    const task = current.task?.title;
    throw new ContractError('LOCK_NOT_HELD', { task, verb: 'handle_mm_fault', lock: mm.mmapLock.name });
  }
  const vma = findVma(mm, vpn);
  if (vma === null || vpn < vma.vmStart) return VM_FAULT_SIGSEGV;
  if ((flags & FAULT_FLAG_WRITE) !== 0 && (vma.vmFlags & VM_WRITE) === 0) return VM_FAULT_SIGSEGV;
  const index = pgoff(vma.vmPgoff + vpn - vma.vmStart);
  return yield* handlePteFault({ vma, vpn, pgoff: index, flags, page: null, cowPage: null });
}

function isShared(vmf: VmFault): boolean {
  return (vmf.vma.vmFlags & VM_SHARED) !== 0;
}

function mustAskMkwrite(vmf: VmFault): boolean {
  return vmf.vma.vmOps.pageMkwrite !== undefined;
}

/** Does the filesystem want to be asked before an entry becomes writable? */
function mustAskBefore(vmf: VmFault, entry: Pte): boolean {
  return hasPage(entry) ? mustAskMkwrite(vmf) : vmf.vma.vmOps.pfnMkwrite !== undefined;
}

/** Decide by the entry as it is now. @see `handle_pte_fault()`, `do_fault()` (v5.15) */
function* handlePteFault(vmf: VmFault): Task<number> {
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const pte = vmf.vma.vmMm.ptes.at(vmf.vpn);
  const entry = yield* pte.section('handle_pte_fault', () => {
    const found = pte.load();
    if (found === null || !write) return found;
    if (!found.write) {
      if (hasPage(found)) getPage(found.page);
      // Nobody wants to be asked: it becomes writable under the same lock.
      if (isShared(vmf) && !mustAskBefore(vmf, found)) pte.store({ ...found, write: true, dirty: true });
    } else if (!found.dirty) {
      pte.store({ ...found, dirty: true });
    }
    return found;
  });
  if (entry !== null) return write && !entry.write ? yield* doWpPage(vmf, entry) : 0;
  if (!write) return yield* doReadFault(vmf);
  return yield* isShared(vmf) ? doSharedFault(vmf) : doCowFault(vmf);
}

/**
 * Get the page from the filesystem.
 *
 * @returns `VM_FAULT_*`; with none of {@link NO_PAGE}, `vmf.page` is locked.
 * @see `__do_fault()` (v5.15)
 */
function* doFault(vmf: VmFault): Task<number> {
  const result = yield* callFault(vmf);
  if ((result & (NO_PAGE | VM_FAULT_DONE_COW)) !== 0) return result;
  const page = vmf.page as Page;
  if (page.hwpoison.load()) {
    if ((result & VM_FAULT_LOCKED) !== 0) yield* unlockPage(page);
    putPage(page);
    vmf.page = null;
    return VM_FAULT_HWPOISON;
  }
  if ((result & VM_FAULT_LOCKED) === 0) yield* lockPage(page);
  return result;
}

/** Map the page, or the private copy of it. @returns `0`, or VM_FAULT_NOPAGE. @see `finish_fault()` (v5.15) */
export function* finishFault(vmf: VmFault): Task<number> {
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const page = vmf.cowPage ?? (vmf.page as Page);
  return (yield* doSetPte(vmf.vma.vmMm, vmf.vpn, page, write)) ? 0 : VM_FAULT_NOPAGE;
}

/**
 * Map what is cached around the address.
 *
 * @departs The window is not clipped to a page table: the model has one for all.
 * @see `do_fault_around()` (v5.15)
 */
function* doFaultAround(vmf: VmFault): Task<number> {
  const { vma, vpn } = vmf;
  const { faultAroundPages } = machine.config;
  const first = Math.max(vpn - (vpn % faultAroundPages), vma.vmStart);
  const last = Math.min(first + faultAroundPages, vma.vmStart + vma.nrPages) - 1;
  const index = (at: number): VmFault['pgoff'] => pgoff(vmf.pgoff + at - vpn);
  return yield* callMapPages(vmf, index(first), index(last));
}

/** A load. The entry is read-only, so that the first store asks page_mkwrite. @see `do_read_fault()` (v5.15) */
function* doReadFault(vmf: VmFault): Task<number> {
  if (vmf.vma.vmOps.mapPages !== undefined && machine.config.faultAroundPages > 1) {
    const result = yield* doFaultAround(vmf);
    if (result !== 0) return result;
  }
  let result = yield* doFault(vmf);
  if ((result & NO_PAGE) !== 0) return result;
  const page = vmf.page as Page;
  result |= yield* finishFault(vmf);
  yield* unlockPage(page);
  if ((result & NO_PAGE) !== 0) putPage(page);
  return result;
}

/** A store to a private mapping: the process gets a copy of its own. @see `do_cow_fault()` (v5.15) */
function* doCowFault(vmf: VmFault): Task<number> {
  const copy = new Page(vmf.pgoff, false, true);
  vmf.cowPage = copy;
  let result = yield* doFault(vmf);
  if ((result & VM_FAULT_DONE_COW) !== 0) return result;
  if ((result & NO_PAGE) === 0) {
    const page = vmf.page as Page;
    yield* copyUserHighpage(copy, page);
    result |= yield* finishFault(vmf);
    yield* unlockPage(page);
    putPage(page);
  }
  if ((result & NO_PAGE) !== 0) putPage(copy);
  return result;
}

/**
 * Copy a page into one that nobody else knows yet.
 *
 * @context May be preempted.
 * @departs One step for the page: a store by another process at the same time is copied or not, whole blocks being the
 *   smallest unit that any checker looks at.
 * @see include/linux/highmem.h `copy_user_highpage()` (v5.15)
 */
function copyUserHighpage(to: Page, from: Page): Task<void> {
  const first = from.content[0] as SharedVar<Cells>;
  return first.readSection(
    'copy_user_highpage',
    () => {
      for (const [block, content] of from.content.entries()) {
        (to.content[block] as SharedVar<Cells>).init(content.load());
        to.source[block] = from.source[block] ?? null;
      }
      to.uptodate.init(true);
    },
    () => showCells(to.peekBytes()),
  );
}

/**
 * Copy storage into a page that nobody else knows yet.
 *
 * @context May be preempted. The page of zeroes costs no step.
 * @see fs/dax.c `copy_cow_page_dax()` (v5.15)
 */
export function* copyUserPfn(to: Page, pfn: Pfn): Task<void> {
  const from = pfn.bdev.blocks;
  const load = (): Cells => loadPfn(pfn, 0, PAGE_SIZE);
  const cells = isZeroPfn(pfn)
    ? load()
    : yield* from.at(pfn.phys).readSection('copy_user_highpage', load, showCells);
  (to.content[0] as SharedVar<Cells>).init(cells);
  to.uptodate.init(true);
}

/**
 * A store to a shared mapping.
 *
 * Between fault and page_mkwrite the page is not locked, and may leave the cache. After page_mkwrite returned it
 * locked nobody looks again whether it has.
 *
 * @see `do_shared_fault()` (v5.15)
 */
function* doSharedFault(vmf: VmFault): Task<number> {
  let result = yield* doFault(vmf);
  if ((result & NO_PAGE) !== 0) return result;
  const page = vmf.page as Page;
  if (mustAskMkwrite(vmf)) {
    yield* unlockPage(page);
    const allowed = yield* doPageMkwrite(vmf, page);
    if (allowed === 0 || (allowed & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) {
      putPage(page);
      return allowed;
    }
  }
  result |= yield* finishFault(vmf);
  if ((result & NO_PAGE) !== 0) {
    yield* unlockPage(page);
    putPage(page);
    return result;
  }
  return result | (yield* faultDirtySharedPage(vmf, page));
}

/**
 * Ask the filesystem whether a page may become writable.
 *
 * @returns VM_FAULT_LOCKED; `0` if the page left the cache: access again; VM_FAULT_NOPAGE or an error.
 * @context Sleeps. Page not locked; locked if the result says so.
 * @see `do_page_mkwrite()` (v5.15)
 */
function* doPageMkwrite(vmf: VmFault, page: Page): Task<number> {
  const { flags } = vmf;
  // No flag that would let it drop mmap_lock.
  vmf.flags = FAULT_FLAG_WRITE | FAULT_FLAG_MKWRITE;
  const result = yield* callPageMkwrite(vmf);
  vmf.flags = flags;
  if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result;
  if ((result & VM_FAULT_LOCKED) !== 0) return result;
  yield* lockPage(page);
  if (page.mapping.load() === null) {
    yield* unlockPage(page);
    return 0;
  }
  return result | VM_FAULT_LOCKED;
}

/**
 * A page was just mapped for writing: mark it dirty and unlock it. Then the writer is throttled, without mmap_lock if
 * this fault may still release it.
 *
 * @returns `0`, or VM_FAULT_RETRY: mmap_lock was released.
 * @context Sleeps. Page lock held; released. May release mmap_lock.
 * @departs Throttling takes no time. That mmap_lock is released for it, and the access repeated, stays.
 * @see `fault_dirty_shared_page()` (v5.15)
 */
function* faultDirtySharedPage(vmf: VmFault, page: Page): Task<number> {
  const dirtied = yield* setPageDirty(page);
  const mapping = page.mapping.load(); // under the page lock; null only if page_mkwrite did not look
  yield* unlockPage(page);
  if (mapping === null || !(dirtied || mustAskMkwrite(vmf))) return 0;
  const fpin = yield* maybeUnlockMmapForIo(vmf, null);
  if (fpin === null) return 0;
  fput(fpin);
  return VM_FAULT_RETRY;
}

/**
 * A store to a read-only entry. The caller took a reference to its page.
 *
 * @departs A private copy is writable from the start and stays so: nothing is shared by fork.
 * @see `do_wp_page()` (v5.15)
 */
function* doWpPage(vmf: VmFault, entry: Pte): Task<number> {
  if (!hasPage(entry)) return yield* isShared(vmf) ? wpPfnShared(vmf, entry) : wpPfnCopy(vmf, entry);
  vmf.page = entry.page;
  return yield* isShared(vmf) ? wpPageShared(vmf, entry) : wpPageCopy(vmf, entry);
}

/**
 * Make an entry of a shared mapping writable that points straight to storage. If the filesystem does not want to be asked,
 * it is so already.
 *
 * @see `wp_pfn_shared()` (v5.15)
 */
function* wpPfnShared(vmf: VmFault, entry: PfnPte): Task<number> {
  if (!mustAskBefore(vmf, entry)) return 0;
  vmf.flags |= FAULT_FLAG_MKWRITE;
  const result = yield* callPfnMkwrite(vmf);
  if ((result & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return result;
  const writable = { pfn: entry.pfn, write: true, dirty: true };
  return (yield* replacePte(vmf, 'finish_mkwrite_fault', entry, writable)) ? 0 : VM_FAULT_NOPAGE;
}

/** Copy storage that a private mapping has read-only. @see `wp_page_copy()` (v5.15) */
function* wpPfnCopy(vmf: VmFault, entry: PfnPte): Task<number> {
  const copy = new Page(vmf.pgoff, false, true);
  yield* copyUserPfn(copy, entry.pfn);
  const replaced = yield* replacePte(vmf, 'wp_page_copy', entry, { page: copy, write: true, dirty: true });
  if (!replaced) putPage(copy);
  return 0;
}

/** Make the entry of a shared mapping writable. @see `wp_page_shared()`, `finish_mkwrite_fault()` (v5.15) */
function* wpPageShared(vmf: VmFault, entry: PagePte): Task<number> {
  const { page } = entry;
  if (mustAskMkwrite(vmf)) {
    const allowed = yield* doPageMkwrite(vmf, page);
    if (allowed === 0 || (allowed & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) {
      putPage(page);
      return allowed;
    }
    // The entry may have been removed while page_mkwrite ran.
    if (!(yield* replacePte(vmf, 'finish_mkwrite_fault', entry, { page, write: true, dirty: true }))) {
      yield* unlockPage(page);
      putPage(page);
      return VM_FAULT_NOPAGE;
    }
  } else {
    yield* lockPage(page);
  }
  const result = yield* faultDirtySharedPage(vmf, page);
  putPage(page);
  return result;
}

/** Copy a file page that a private mapping has read-only. Without its page lock. @see `wp_page_copy()` (v5.15) */
function* wpPageCopy(vmf: VmFault, entry: PagePte): Task<number> {
  const copy = new Page(vmf.pgoff, false, true);
  yield* copyUserHighpage(copy, entry.page);
  const replaced = yield* replacePte(vmf, 'wp_page_copy', entry, { page: copy, write: true, dirty: true });
  putPage(entry.page);
  if (!replaced) putPage(copy);
  return 0;
}

/** Replace an entry unless it has changed. @returns Whether it was. One step under the page-table lock. */
function replacePte(vmf: VmFault, verb: string, expected: Pte, entry: Pte): Task<boolean> {
  const pte = vmf.vma.vmMm.ptes.at(vmf.vpn);
  return pte.section(
    verb,
    () => {
      if (!pteSame(pte.load(), expected)) return false;
      pte.store(entry);
      if (hasPage(entry) && (!hasPage(expected) || entry.page !== expected.page)) {
        entry.page.mapcount.add(1);
        if (hasPage(expected)) {
          expected.page.mapcount.add(-1);
          putPage(expected.page);
        } else {
          countMapping(expected.pfn, -1);
        }
      }
      return true;
    },
    (replaced) => (replaced ? pte.show(entry) : 'changed'),
  );
}
