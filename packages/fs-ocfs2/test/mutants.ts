// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { answered, leftOut, type Mutant, without } from '@fsport/conformance';

const ALLOC_SEM = 'ocfs2_inode_info.ip_alloc_sem';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'truncate-without-ip_alloc_sem',
    profile: 'v5.15',
    caughtBy: 'race/e6-truncate-vs-read',
    property: 'stale-data',
    fault: () => without(ALLOC_SEM, 'ocfs2TruncateFile'),
    see: '3.11, truncate',
  },
  {
    name: 'readpage-without-ip_alloc_sem',
    profile: 'v5.14',
    caughtBy: 'race/e6-truncate-vs-read',
    property: 'stale-data',
    fault: () => ({
      within: 'ocfs2Readpage',
      steps: {
        [`down_read_trylock(${ALLOC_SEM})`]: () => answered(true),
        [`up_read(${ALLOC_SEM})`]: leftOut,
      },
    }),
    see: '3.11, readpage',
  },
  {
    name: 'readpage-waits-with-the-page-locked',
    profile: 'v5.15',
    caughtBy: 'pair/pread-vs-punch-hole.page',
    property: 'contract',
    fault: () => ({ within: 'ocfs2Readpage', steps: { 'unlock_page(PG_locked)': leftOut } }),
    see: '2.2, trylock inversion',
  },
  {
    name: 'truncate-ignores-writeback',
    profile: 'v5.15',
    caughtBy: 'race/o1-writeback-vs-truncate',
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
    fault: () => ({ within: 'ocfs2TruncateFile', steps: { 'zap_pte_range(pte)': leftOut } }),
    see: 'M22',
  },
  {
    name: 'punch-forgets-what-is-in-the-truncate-log',
    profile: 'v5.14',
    caughtBy: 'race/o2-read-in-flight-vs-punch',
    property: 'fsck',
    fault: () => ({
      within: 'ocfs2RemoveInodeRange',
      steps: { 'ocfs2_flush_truncate_log(ocfs2_truncate_log)': () => answered([]) },
    }),
    see: '3.11, punch',
  },
];
