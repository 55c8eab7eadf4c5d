// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { hollow, leftOut, type Mutant, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'single-invalidation-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'pair/pread-vs-punch-hole.page',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'blkdevFallocate'),
    see: 'M37',
  },
  {
    name: 'fallocate-without-lock',
    profile: 'v5.15',
    caughtBy: 'pair/pread-vs-zero-range.page',
    property: 'contract',
    fault: () => without(INVALIDATE, 'blkdevFallocate'),
    see: 'M37',
  },
  {
    name: 'fault-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'pair/read-fault-vs-punch-hole.page',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'filemapFault'),
    see: '1.8',
  },
  {
    name: 'read-with-hollow-lock',
    profile: 'v5.15',
    caughtBy: 'race/b1-zeroout-vs-read',
    property: 'stale-data',
    fault: () => hollow(INVALIDATE, 'filemapCreatePage'),
    see: 'M3',
  },
  {
    name: 'fallocate-keeps-lock',
    profile: 'v5.15',
    caughtBy: 'race/b2-zeroout-vs-page-write',
    property: 'lock-discipline',
    fault: () => ({ within: 'blkdevFallocate', steps: { [`up_write(${INVALIDATE})`]: leftOut } }),
    see: 'K-1',
  },
];
