// Deliberate faults: one step of the unmodified model done otherwise. Each names the check that must catch it, and the
// property that must fail. Add one for each lock that the model takes, and for each step whose place matters.

import type { Mutant } from '@fsport/conformance';
import type { BlockMapping } from '@fsport/core';
import minimal from '@fsport/fs-minimal';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'readpage-takes-blocks-for-holes',
    profile: minimal.follows[0],
    fault: () => ({
      within: 'mpageReadpage',
      steps: {
        *'minimal_get_block(map)'(step) {
          return { ...((yield* step) as BlockMapping), mapped: false };
        },
      },
    }),
    caughtBy: 'pair/pread-vs-reclaim.page',
    property: 'stale-data',
    see: 'fs/mpage.c do_mpage_readpage(): what is not mapped reads as zeroes (v5.15)',
  },
];
