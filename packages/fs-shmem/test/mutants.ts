// Deliberate faults: one step of the unmodified model left out. Each names the check that must catch it, and the property
// that must fail.

import { answered, leftOut, type Mutant, type StepFault } from '@fsport/conformance';

/** Steps that are left out. */
function skipped(within: string, ...steps: readonly string[]): StepFault {
  return { within, steps: Object.fromEntries(steps.map((step) => [step, leftOut])) };
}

/** A section under i_lock without it. */
function withoutILock(within: string): StepFault {
  return skipped(within, 'spin_lock(inode.i_lock)', 'spin_unlock(inode.i_lock)');
}

/** `i_private` is set and never cleared. */
function endNotPublished(): StepFault {
  let stores = 0;
  return {
    within: 'punchWithWaitq',
    steps: { 'i_private(i_private)': (step) => (++stores === 1 ? step : answered(undefined)) },
  };
}

const FAULT = 'pair/read-fault-vs-punch-hole.page';

/** Name, profile, check, property, fault, and where it is described: kernel-facts.md, 3.9 or section 6. */
type Row = readonly [
  name: string,
  profile: string,
  caughtBy: string,
  property: string,
  fault: () => StepFault,
  see: string,
];

const V5_15 = 'v5.15';

const ROWS: readonly Row[] = [
  [
    'punch-ends-without-i-lock',
    V5_15,
    FAULT,
    'use-after-return',
    () => withoutILock('punchWithWaitq'),
    '3.9: clear i_private without i_lock',
  ],
  [
    'fault-waits-without-i-lock',
    V5_15,
    FAULT,
    'use-after-return',
    () => withoutILock('shmemFaultWait'),
    'M28: finish_wait without i_lock',
  ],
  [
    'punch-forgets-its-sleepers',
    V5_15,
    FAULT,
    'use-after-return',
    () => ({ within: 'punchWithWaitq', steps: { 'wake_up_all(shmem_falloc_waitq)': () => answered([]) } }),
    '3.9: forget wake_up_all, and the queue is not empty when it goes',
  ],
  [
    'punch-wakes-nobody',
    V5_15,
    FAULT,
    'deadlock',
    () => skipped('wakeUpAll', 'default_wake_function(wait_queue_entry)'),
    '3.9, 5.6: lost wakeup',
  ],
  [
    'woken-sleeper-stays-on-queue',
    V5_15,
    FAULT,
    'use-after-return',
    () => skipped('wakeUpAll', 'list_del_init(shmem_falloc_waitq)'),
    'M28: a wake function that does not unlink',
  ],
  [
    'punch-does-not-say-that-it-has-ended',
    V5_15,
    'swap/reclaim-vs-punch',
    'fsck',
    endNotPublished,
    '5.9: i_private is null',
  ],
  [
    'fault-retries-with-mmap-lock',
    V5_15,
    FAULT,
    'contract',
    () => skipped('maybeUnlockMmapForIo', 'up_read(mm.mmap_lock)'),
    '3.9: wait without RETRY',
  ],
  [
    'punch-leaves-page-mapped',
    V5_15,
    FAULT,
    'stale-pte',
    () => skipped('truncateCleanupPage', 'zap_pte_range(pte)'),
    'M22',
  ],
  [
    'swapped-in-page-is-clean',
    V5_15,
    'swap/swap-in-vs-reclaim',
    'stale-data',
    () => skipped('shmemSwapinPage', '__set_page_dirty_no_writeback(PG_dirty)'),
    '3.9: swap entries',
  ],
];

/** All of them. */
export const MUTANTS: readonly Mutant[] = ROWS.map(([name, profile, caughtBy, property, fault, see]) => ({
  name,
  profile,
  caughtBy,
  property,
  fault,
  see,
}));
