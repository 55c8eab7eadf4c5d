// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { leftOut, type Mutant, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'truncate-without-lock',
    profile: 'v5.15',
    caughtBy: 'race/e6-truncate-vs-read',
    property: 'contract',
    fault: () => without(INVALIDATE, 'ext2Setsize'),
    see: 'M12',
  },
  {
    name: 'truncate-ignores-writeback',
    profile: 'v5.15',
    caughtBy: 'pair/writeback-vs-truncate-down.page',
    property: 'corruption',
    fault: () => ({
      within: 'truncateInodePagesRange',
      steps: { 'wait_on_page_writeback(PG_writeback)': leftOut },
    }),
    see: 'M21',
  },
  {
    name: 'truncate-leaves-page-mapped',
    profile: 'v5.15',
    caughtBy: 'pair/read-fault-vs-truncate-down.page',
    property: 'stale-pte',
    fault: () => ({ within: 'truncatePagecache', steps: { 'zap_pte_range(pte)': leftOut } }),
    see: 'M22',
  },
];
