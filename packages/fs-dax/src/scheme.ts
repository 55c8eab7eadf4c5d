/**
 * What keeps faults and truncations apart, release by release: this is all that the profiles differ in.
 *
 * | release | a fault holds | a truncation holds over size, entries and blocks | a read holds |
 * | --- | --- | --- | --- |
 * | v3.19 | nothing | nothing | nothing |
 * | v4.0 | i_mmap_rwsem shared, with i_size read in it | nothing; to unmap, i_mmap_rwsem exclusive | i_rwsem exclusive |
 * | v5.14 | dax_sem shared | dax_sem exclusive | i_rwsem shared |
 * | v5.15 | invalidate_lock shared | invalidate_lock exclusive | i_rwsem shared |
 */
import {
  daxIomapFault,
  downRead,
  ext2InvalidateSem,
  type Inode,
  type KernelRelease,
  type Task,
  upRead,
  type VmFault,
  type VmFaultHandler,
} from '@fsport/core';
import { doDaxFault } from './dax.js';
import { xipFileFault } from './filemap-xip.js';
import { ext2IomapOps } from './iomap.js';

/** How one release does it. */
export interface Scheme {
  /** The fault handler. */
  readonly fault: VmFaultHandler;
  /** Is it asked before an entry becomes writable that points to a page, as the one of a hole does? */
  readonly asksForPages: boolean;
  /** Is it asked before an entry becomes writable that points to a block? */
  readonly asksForBlocks: boolean;
  /** Does a truncation take {@link ext2InvalidateSem}, and wait for devices? */
  readonly locksOut: boolean;
  /** How a read holds i_rwsem. */
  readonly readLock: 'none' | 'exclusive' | 'shared';
}

/**
 * Map the block of an address, with truncations kept out.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared. Takes dax_sem (v5.14) or invalidate_lock (v5.15) shared.
 * @departs Freezing and the time of the last change are not modelled.
 * @see fs/ext2/file.c `ext2_dax_fault()` (v5.14, v5.15)
 */
function* ext2DaxFault(vmf: VmFault): Task<number> {
  const sem = ext2InvalidateSem(vmf.vma.vmFile.fInode);
  yield* downRead(sem);
  const result = yield* daxIomapFault(vmf, ext2IomapOps);
  yield* upRead(sem);
  return result;
}

const XIP: Scheme = {
  fault: xipFileFault,
  asksForPages: false,
  asksForBlocks: false,
  locksOut: false,
  readLock: 'none',
};
const FIRST_DAX: Scheme = { ...XIP, fault: doDaxFault, asksForPages: true, readLock: 'exclusive' };
const LOCKED: Scheme = {
  fault: ext2DaxFault,
  asksForPages: false,
  asksForBlocks: true,
  locksOut: true,
  readLock: 'shared',
};

const SCHEMES: Readonly<Record<KernelRelease, Scheme>> = {
  'v3.15': XIP,
  'v3.19': XIP,
  'v4.0': FIRST_DAX,
  'v5.14': LOCKED,
  'v5.15': LOCKED,
};

/** How it is done where a file is mounted. */
export function schemeOf(inode: Inode): Scheme {
  return SCHEMES[inode.iSb.release];
}
