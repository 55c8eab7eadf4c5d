// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { hollow, leftOut, type Mutant, without } from '@fsport/conformance';

const GC = 'f2fs_inode_info.i_gc_rwsem_write';
const MMAP_SEM = 'f2fs_inode_info.i_mmap_sem';
const INVALIDATE = 'mapping.invalidate_lock';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'punch-without-gc-lock',
    profile: 'v5.15',
    caughtBy: 'race/f6-gc-vs-punch',
    property: 'stale-data',
    fault: () => without(GC, 'punchHole'),
    see: 'M32',
  },
  {
    name: 'punch-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'race/f1-readahead-vs-punch-with-edge',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'punchHole'),
    see: 'M12',
  },
  {
    name: 'punch-with-hollow-mmap-sem',
    profile: 'v5.14',
    caughtBy: 'race/f2-fault-vs-punch',
    property: 'stale-data',
    fault: () => hollow(MMAP_SEM, 'punchHole'),
    see: 'F2',
  },
  {
    name: 'punch-without-unmap',
    profile: 'v5.14',
    caughtBy: 'race/f3-mapped-page-vs-punch',
    property: 'stale-pte',
    fault: () => ({ within: 'truncateCleanupPage', steps: { 'zap_pte_range(pte)': leftOut } }),
    see: 'F3, M22',
  },
  {
    name: 'zero-range-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'race/e7-zero-range-vs-read',
    property: 'lost-zeroing',
    fault: () => hollow(INVALIDATE, 'f2fsZeroRange'),
    see: 'M12',
  },
  {
    name: 'collapse-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'race/f4-collapse-vs-readahead',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'f2fsCollapseRange'),
    see: 'F4, M12',
  },
  {
    name: 'punch-keeps-lock',
    profile: 'v5.15',
    caughtBy: 'pair/pread-vs-punch-hole.page',
    property: 'lock-discipline',
    fault: () => ({ within: 'punchHole', steps: { [`up_write(${INVALIDATE})`]: leftOut } }),
    see: 'K-1',
  },
];
