/**
 * Loads and stores by programs, and the exception handler behind them.
 *
 * @departs A load or store of one byte is one step with the walk of the page table before it: the processor's
 *   own TLB makes both appear at once, and a flush waits for accesses in progress.
 * @see arch/x86/mm/fault.c (v5.14, v5.15)
 */
import { EFAULT } from '../../include/errno.js';
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
import type { UserBuffer } from '../../include/fs.js';
import type { MmStruct } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { fatalSignalPending } from '../../include/sched/signal.js';
import { downRead, upRead } from '../../locking/rwsem.js';
import { type Cell, type Cells, showByte, showCells } from '../../provenance.js';
import type { Task } from '../../sched/task.js';
import { handleMmFault } from './fault.js';
import { loadThrough, storeThrough } from './pte.js';

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
      () => {
        const entry = pte.load();
        return entry === null ? null : (loadThrough(entry, vaddr % PAGE_SIZE, 1)[0] as Cell);
      },
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
export function userStore(mm: MmStruct, vaddr: number, cell: Cell): Task<'ok' | AccessSignal> {
  return storeWithin('store', mm, vaddr, [cell]);
}

/** Write bytes that are in one page of a program's memory, in one step. */
function* storeWithin(verb: string, mm: MmStruct, vaddr: number, cells: Cells): Task<'ok' | AccessSignal> {
  const vpn = Math.floor(vaddr / PAGE_SIZE);
  const pte = mm.ptes.at(vpn);
  for (;;) {
    const stored = yield* pte.section(
      verb,
      () => {
        const entry = pte.load();
        if (entry === null || !entry.write) return false;
        if (!entry.dirty) pte.store({ ...entry, dirty: true });
        storeThrough(entry, vaddr % PAGE_SIZE, cells);
        return true;
      },
      (done) => (done ? showCells(cells) : 'fault'),
    );
    if (stored) return 'ok';
    const signal = yield* doUserAddrFault(mm, vpn, FAULT_FLAG_WRITE);
    if (signal !== null) return signal;
  }
}

/**
 * Copy to a program's memory.
 *
 * @param at - Bytes into its buffer.
 * @returns Bytes copied: fewer than there are if the rest cannot be written to.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 * @departs What lies in one page arrives in one step: a block is the smallest unit that any checker looks at.
 * @see lib/iov_iter.c `copyout()` (v5.15)
 */
export function* copyToUser(user: UserBuffer, at: number, cells: Cells): Task<number> {
  let done = 0;
  while (done < cells.length) {
    const vaddr = user.vaddr + at + done;
    const piece = cells.slice(done, done + PAGE_SIZE - (vaddr % PAGE_SIZE));
    if ((yield* storeWithin('copy_to_user', user.mm, vaddr, piece)) !== 'ok') break;
    done += piece.length;
  }
  return done;
}

/**
 * Make some of a program's memory present, so that it can be copied from with page faults disabled.
 *
 * @param at - Bytes into its buffer.
 * @returns `0`, or `-EFAULT`.
 * @context Sleeps. Takes mmap_lock shared if it faults.
 * @see lib/iov_iter.c `iov_iter_fault_in_readable()` (v5.15)
 */
export function* faultInReadable(user: UserBuffer, at: number, bytes: number): Task<number> {
  const first = user.vaddr + at;
  const last = first + bytes - 1;
  const onePage = Math.floor(first / PAGE_SIZE) === Math.floor(last / PAGE_SIZE);
  for (const vaddr of onePage ? [first] : [first, last]) {
    if (typeof (yield* userLoad(user.mm, vaddr)) !== 'number') return -EFAULT;
  }
  return 0;
}

/**
 * Look at a program's memory without faulting.
 *
 * @param at - Bytes into its buffer.
 * @param bytes - At most this many.
 * @returns What is present of it, from its first byte.
 * @context No step of its own: the page table and the pages join the step in progress.
 * @see lib/iov_iter.c `copy_page_from_iter_atomic()` (v5.15)
 */
export function loadPresent(user: UserBuffer, at: number, bytes: number): Cells {
  const cells: number[] = [];
  while (cells.length < bytes) {
    const vaddr = user.vaddr + at + cells.length;
    const offset = vaddr % PAGE_SIZE;
    const entry = user.mm.ptes.at(Math.floor(vaddr / PAGE_SIZE)).load();
    if (entry === null) break;
    cells.push(...loadThrough(entry, offset, Math.min(bytes - cells.length, PAGE_SIZE - offset)));
  }
  return cells;
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
