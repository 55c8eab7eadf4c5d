/** A page fault on its way through the layers. @see include/linux/mm.h `struct vm_fault` (v5.15) */
import type { Task } from '../sched/task.js';
import type { Page, VmAreaStruct } from './mm-types.js';
import type { Pgoff } from './units.js';

/** One fault. */
export interface VmFault {
  /** The mapping that was touched. Must not be used once mmap_lock was dropped. */
  readonly vma: VmAreaStruct;
  /** Virtual page number. */
  readonly vpn: number;
  /** Page index in the file. */
  readonly pgoff: Pgoff;
  /** `FAULT_FLAG_*`. */
  flags: number;
  /** The page found, once there is one. */
  page: Page | null;
  /** The private copy of a write to a private mapping. */
  cowPage: Page | null;
}

/** Handles a fault. @returns `VM_FAULT_*`. */
export type VmFaultHandler = (vmf: VmFault) => Task<number>;

/** Maps what is cached from `start` up to and including `last`. @returns VM_FAULT_NOPAGE if the address got mapped, else 0. */
export type VmMapPages = (vmf: VmFault, start: Pgoff, last: Pgoff) => Task<number>;
