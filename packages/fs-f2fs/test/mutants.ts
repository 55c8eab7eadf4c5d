// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { hollow, type Mutant, without } from '@fsport/conformance';

const GC = 'f2fs_inode_info.i_gc_rwsem_write';
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
    caughtBy: 'pair/pread-vs-punch-hole.page',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'punchHole'),
    see: 'M12',
  },
  {
    name: 'zero-range-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'race/e7-zero-range-vs-read',
    property: 'lost-zeroing',
    fault: () => hollow(INVALIDATE, 'f2fsZeroRange'),
    see: 'M12',
  },
];
