/**
 * Loads and stores by programs, and the exception handler behind them.
 *
 * @departs A load or store of one byte is one step with the walk of the page table before it: the processor's
 *   own TLB makes both appear at once, and a flush waits for accesses in progress.
 * @see arch/x86/mm/fault.c (v5.14, v5.15)
 */
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGSEGV,
} from '../../include/flags.js';
import type { MmStruct } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { fatalSignalPending } from '../../include/sched/signal.js';
import { downRead, upRead } from '../../locking/rwsem.js';
import { type Cell, showByte } from '../../provenance.js';
import type { Task } from '../../sched/task.js';
import { handleMmFault } from './fault.js';

/** The signal that an access ends with. */
export type AccessSignal = 'SIGBUS' | 'SIGSEGV';

/**
 * A program reads a byte of its memory.
 *
 * @param vaddr - Byte address: virtual page number times page size, plus offset.
 * @returns The byte; `SIGBUS` beyond the file or after a read error; `SIGSEGV` if nothing is mapped there, or if the
 *   task is killed.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 */
export function* userLoad(mm: MmStruct, vaddr: number): Task<Cell | AccessSignal> {
  const vpn = Math.floor(vaddr / PAGE_SIZE);
  const pte = mm.ptes.at(vpn);
  for (;;) {
    const cell = yield* pte.readSection(
      'load',
      () => pte.load()?.page.loadBytes(vaddr % PAGE_SIZE, 1)[0] ?? null,
      (found) => (found === null ? 'fault' : showByte(found)),
    );
    if (cell !== null) return cell;
    const signal = yield* doUserAddrFault(mm, vpn, 0);
    if (signal !== null) return signal;
  }
}

/**
 * A program writes a byte of its memory.
 *
 * @param vaddr - Byte address.
 * @param cell - The byte.
 * @returns `ok`; `SIGBUS` beyond the file, after a read error, or if the filesystem refuses; `SIGSEGV` if nothing is
 *   mapped there, or not for writing, or if the task is killed.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 */
export function* userStore(mm: MmStruct, vaddr: number, cell: Cell): Task<'ok' | AccessSignal> {
  const vpn = Math.floor(vaddr / PAGE_SIZE);
  const pte = mm.ptes.at(vpn);
  for (;;) {
    const stored = yield* pte.section(
      'store',
      () => {
        const entry = pte.load();
        if (entry === null || !entry.write) return false;
        if (!entry.dirty) pte.store({ ...entry, dirty: true });
        entry.page.storeBytes(vaddr % PAGE_SIZE, [cell]);
        return true;
      },
      (done) => (done ? showByte(cell) : 'fault'),
    );
    if (stored) return 'ok';
    const signal = yield* doUserAddrFault(mm, vpn, FAULT_FLAG_WRITE);
    if (signal !== null) return signal;
  }
}

/**
 * An access could not go on: handle the fault, or say what signal the program gets.
 *
 * @param access - FAULT_FLAG_WRITE for a store, otherwise 0.
 * @returns `null` to access again, or the signal.
 * @context Sleeps. Takes and releases mmap_lock shared.
 * @departs Out of memory kills the task that met it; the kernel picks a victim and lets the others try again.
 * @see `do_user_addr_fault()` (v5.15)
 */
function* doUserAddrFault(mm: MmStruct, vpn: number, access: number): Task<AccessSignal | null> {
  let flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | access;
  for (;;) {
    yield* downRead(mm.mmapLock);
    const result = yield* handleMmFault(mm, vpn, flags);
    if ((result & VM_FAULT_RETRY) !== 0) {
      // mmap_lock is gone already.
      if (fatalSignalPending()) return 'SIGSEGV';
      flags |= FAULT_FLAG_TRIED;
      continue;
    }
    yield* upRead(mm.mmapLock);
    if ((result & VM_FAULT_ERROR) === 0) return null;
    return (result & (VM_FAULT_SIGSEGV | VM_FAULT_OOM)) !== 0 ? 'SIGSEGV' : 'SIGBUS';
  }
}
