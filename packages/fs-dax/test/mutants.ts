// Deliberate faults: one step of the unmodified model left out, or a lock that keeps nobody out. Each names the check that must
// catch it, and the property that must fail.

import { answered, hollow, leftOut, type Mutant, type StepFault, without } from '@fsport/conformance';
import { current, type Task } from '@fsport/core';

const DAX_SEM = 'ext2_inode_info.dax_sem';
const INVALIDATE = 'mapping.invalidate_lock';

/** The new size is stored when the file has been unmapped, and not before. */
function sizeStoredLate(): StepFault {
  let store: Task<unknown> | null = null;
  return {
    within: 'ext2Setsize',
    steps: {
      'i_size_write(i_size)': (step) => {
        store = step;
        return answered(undefined);
      },
      *'mutex_lock(ext2_inode_info.truncate_mutex)'(step) {
        if (store !== null) yield* store;
        store = null;
        return yield* step;
      },
    },
  };
}

/** i_size is read a second time, and what was read is not looked at. */
const UNCHECKED: StepFault = {
  within: 'daxInsertMapping',
  steps: { 'i_size_read(i_size)': () => answered(Number.POSITIVE_INFINITY) },
};

/** Nobody has the file mapped, it seems: so no device can use it. */
const DEVICES_FORGOTTEN: StepFault = {
  within: 'daxBreakLayout',
  steps: { 'mapping_mapped(mapping.i_mmap)': () => answered([]) },
};

/** The file is looked through for devices a second time as if nobody had it mapped. */
function lookedThroughOnce(): StepFault {
  const looked = new Set<unknown>();
  return {
    within: 'daxBreakLayout',
    steps: {
      *'mapping_mapped(mapping.i_mmap)'(step) {
        if (looked.has(current.task)) return [];
        looked.add(current.task);
        return yield* step;
      },
    },
  };
}

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'size-stored-after-unmap',
    profile: 'v4.0',
    caughtBy: 'race/t2-dax-load-vs-truncate',
    property: 'stale-pte',
    fault: sizeStoredLate,
    see: 'M18',
  },
  {
    name: 'fault-without-second-look-at-size',
    profile: 'v4.0',
    caughtBy: 'race/t2-dax-load-vs-truncate',
    property: 'stale-pte',
    fault: () => UNCHECKED,
    see: 'M19',
  },
  {
    name: 'size-looked-at-without-i_mmap_rwsem',
    profile: 'v4.0',
    caughtBy: 'race/t2-dax-load-vs-truncate',
    property: 'stale-pte',
    fault: () => without('mapping.i_mmap_rwsem', 'daxInsertMapping'),
    see: 'M20',
  },
  {
    name: 'fault-with-hollow-dax-sem',
    profile: 'v5.14',
    caughtBy: 'race/t2-dax-load-vs-truncate',
    property: 'stale-pte',
    fault: () => hollow(DAX_SEM, 'ext2DaxFault'),
    see: 'T2',
  },
  {
    name: 'fault-with-hollow-invalidate-lock',
    profile: 'v5.15',
    caughtBy: 'race/t2-dax-store-vs-truncate',
    property: 'stale-pte',
    fault: () => hollow(INVALIDATE, 'ext2DaxFault'),
    see: 'T2',
  },
  {
    name: 'truncate-without-break-layouts',
    profile: 'v5.15',
    caughtBy: 'race/dax-device-vs-truncate',
    property: 'stale-pte',
    fault: () => DEVICES_FORGOTTEN,
    see: 'P-2: what ext2 does',
  },
  {
    name: 'truncate-looks-for-devices-once',
    profile: 'v5.14',
    caughtBy: 'race/dax-device-again-vs-truncate',
    property: 'stale-pte',
    fault: lookedThroughOnce,
    see: 'P-2: let go of the lock, wait, take it, and trust what was seen before',
  },
  {
    name: 'zeroes-stay-mapped',
    profile: 'v5.15',
    caughtBy: 'race/dax-hole-store-vs-load',
    property: 'stale-pte',
    fault: () => ({ within: 'daxInsertEntry', steps: { 'zap_pte_range(pte)': leftOut } }),
    see: 'xip_sparse_page, and the page of zeroes after it',
  },
  {
    name: 'writeback-leaves-mappings-writable',
    profile: 'v5.15',
    caughtBy: 'race/dax-store-vs-writeback',
    property: 'stale-pte',
    fault: () => ({ within: 'daxWritebackOne', steps: { 'pfn_mkclean_range(pte)': leftOut } }),
    see: 'P-4',
  },
];
