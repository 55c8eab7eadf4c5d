/**
 * The only way `vma.vmOps` are called: each wrapper checks the fault protocol before and after.
 *
 * A handler is entered with mmap_lock held. RETRY says that it was released (unless RETRY_NOWAIT forbids it);
 * every other result leaves it held. LOCKED says that `vmf.page` is locked and still in the cache.
 *
 * @see include/linux/mm.h `struct vm_operations_struct` (v5.15)
 */
import {
  FAULT_FLAG_RETRY_NOWAIT,
  VM_FAULT_ERROR,
  VM_FAULT_LOCKED,
  VM_FAULT_RETRY,
} from '../include/flags.js';
import type { Pgoff } from '../include/units.js';
import type { VmFault, VmFaultHandler } from '../include/vm-fault.js';
import { heldMode } from '../locking/lockdep.js';
import type { Task } from '../sched/task.js';
import { broken, type Call, demand, holds, pageLocksHeld, present } from './check.js';
import type { VM_OPERATIONS } from './table.js';

function faultCall(op: keyof typeof VM_OPERATIONS, vmf: VmFault): Call {
  const call: Call = { op, mapping: vmf.vma.vmFile.fMapping, index: vmf.pgoff };
  demand(heldMode(vmf.vma.vmMm.mmapLock) !== null, call, 'mmap_lock', 'called with mmap_lock not held');
  return call;
}

/** What holds for every result of a fault handler. */
function checkFault(call: Call, vmf: VmFault, result: number, before: number, mmapHeld: boolean): void {
  const retry = (result & VM_FAULT_RETRY) !== 0;
  const keepsMmap = !retry || (vmf.flags & FAULT_FLAG_RETRY_NOWAIT) !== 0;
  demand(!retry || (result & VM_FAULT_ERROR) === 0, call, 'result', 'returned RETRY together with an error');
  demand(
    mmapHeld === keepsMmap,
    call,
    'mmap_lock',
    `returned ${retry ? 'RETRY' : 'without RETRY'} with mmap_lock ${mmapHeld ? 'held' : 'released'}`,
  );
  if ((result & VM_FAULT_LOCKED) === 0) {
    demand(
      pageLocksHeld() === before,
      call,
      'page-unlocked',
      'returned without LOCKED, and left a page locked',
    );
    return;
  }
  const { page } = vmf;
  if (page === null || !holds(page)) broken(call, 'page-locked', 'returned LOCKED without the page lock');
  const cached = page.mapping.peek() === call.mapping;
  demand(cached, call, 'page-mapping', 'returned LOCKED with a page that is not in the cache any more');
}

function* callHandler(op: keyof typeof VM_OPERATIONS, vmf: VmFault, handler: VmFaultHandler): Task<number> {
  const call = faultCall(op, vmf);
  const { mmapLock } = vmf.vma.vmMm;
  const before = pageLocksHeld();
  const result = yield* handler(vmf);
  checkFault(call, vmf, result, before, heldMode(mmapLock) !== null);
  return result;
}

/**
 * Bring in the page that was touched.
 *
 * @returns `VM_FAULT_*`: LOCKED with `vmf.page` locked, RETRY with mmap_lock released (unless RETRY_NOWAIT), ...
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. mmap_lock shared.
 */
export function callFault(vmf: VmFault): Task<number> {
  return callHandler('fault', vmf, vmf.vma.vmOps.fault);
}

/**
 * Map what is cached around the address, from `start` up to and including `last`.
 *
 * @returns VM_FAULT_NOPAGE if the address got mapped, else 0.
 * @throws ContractError `CONTRACT`.
 * @context mmap_lock shared.
 */
export function* callMapPages(vmf: VmFault, start: Pgoff, last: Pgoff): Task<number> {
  const mapPages = present(vmf.vma.vmOps.mapPages, faultCall('map_pages', vmf));
  return yield* callHandler('map_pages', vmf, (fault) => mapPages(fault, start, last));
}

/**
 * Ask whether a page may become writable.
 *
 * @returns `VM_FAULT_*`: LOCKED with the page locked and still in the cache, `0` unlocked, NOPAGE, or an error.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. mmap_lock shared, the page not locked; must not return RETRY.
 */
export function* callPageMkwrite(vmf: VmFault): Task<number> {
  const call = faultCall('page_mkwrite', vmf);
  const locked = vmf.page !== null && holds(vmf.page);
  demand(!locked, call, 'page-unlocked', 'called with the page lock, which the operation takes itself');
  const result = yield* callHandler('page_mkwrite', vmf, present(vmf.vma.vmOps.pageMkwrite, call));
  demand((result & VM_FAULT_RETRY) === 0, call, 'result', 'returned RETRY, which its caller cannot follow');
  return result;
}

/**
 * Ask whether an entry that points straight to storage may become writable.
 *
 * @returns `VM_FAULT_*`: NOPAGE if it is done or the address should be accessed again, `0` if it is for the caller to do,
 *   or an error.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. mmap_lock shared; must not return RETRY.
 * @see mm/memory.c `wp_pfn_shared()` (v5.15)
 */
export function* callPfnMkwrite(vmf: VmFault): Task<number> {
  const call = faultCall('pfn_mkwrite', vmf);
  const result = yield* callHandler('pfn_mkwrite', vmf, present(vmf.vma.vmOps.pfnMkwrite, call));
  demand((result & VM_FAULT_RETRY) === 0, call, 'result', 'returned RETRY, which its caller cannot follow');
  return result;
}
