// Deliberate faults: one step of the unmodified model left out, weakened, or at another place. Each names the check that
// must catch it, and the property that must fail.
//
// Locks come in two forms. Where one is missing, the locking table notices before anything has happened. Where one is
// hollow, it keeps nobody out but satisfies every assertion, so that the oracles have to.

import {
  answered,
  hollow,
  leftOut,
  type Mutant,
  type StepFault,
  weakened,
  without,
} from '@fsport/conformance';
import {
  current,
  downRead,
  type Inode,
  iSizeRead,
  machine,
  PageLock,
  type Rwsem,
  type Step,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';

const INVALIDATE = 'mapping.invalidate_lock';
const I_DATA_SEM = 'ext4_inode_info.i_data_sem';

/** The lock against fills is released before the blocks change, not after. */
function releasedEarly(within: string): StepFault {
  const released = new Set<unknown>();
  return {
    within,
    steps: {
      *[`down_write(${I_DATA_SEM})`](step) {
        if (!released.has(current.task)) yield* upWrite(theInode().iMapping.invalidateLock);
        released.add(current.task);
        return yield* step;
      },
      [`up_write(${INVALIDATE})`]: leftOut,
    },
  };
}

/** The file of the check. */
function theInode(): Inode {
  return [...(machine.superBlocks[0]?.inodes.values() ?? [])][0] as Inode;
}

/** Has the task just unlocked a page that is no longer in the cache? */
function unlockedTruncatedPage(): boolean {
  const { object, verb } = current.events.step[current.events.count - 1] as Step<unknown>;
  if (!(object instanceof PageLock) || verb !== 'unlock_page') return false;
  return machine.pages.some((page) => page.lock === object && page.mapping.load() === null);
}

/** The truncated exit of filemap_update_page() forgets the lock that all others release. */
function forgottenUnlock(): StepFault {
  return {
    within: 'filemapUpdatePage',
    steps: {
      *[`up_read(${INVALIDATE})`](step) {
        if (!unlockedTruncatedPage()) yield* step;
      },
    },
  };
}

/** The lock is taken again on top of the page lock. */
function underPageLock(): StepFault {
  return {
    within: 'filemapFault',
    steps: {
      *'trylock_page(PG_locked)'(step) {
        const taken = yield* step;
        const { invalidateLock } = theInode().iMapping;
        if (taken === true) {
          yield* downRead(invalidateLock);
          yield* upRead(invalidateLock);
        }
        return taken;
      },
    },
  };
}

/** A read that must not wait waits for the lock. */
function waitsForLock(): StepFault {
  return {
    within: 'filemapUpdatePage',
    steps: {
      *[`down_read_trylock(${INVALIDATE})`](_, object) {
        yield* downRead(object as Rwsem);
        return true;
      },
    },
  };
}

/** The new size is stored after the pages were dropped. */
function sizeStoredLate(): StepFault {
  let store: Task<unknown> | null = null;
  return {
    within: 'ext4Setattr',
    steps: {
      'i_size_write(i_size)': (step) => {
        store = step;
        return answered(undefined);
      },
      *'down_read(jbd2_handle)'(step) {
        if (store !== null) yield* store;
        store = null;
        return yield* step;
      },
    },
  };
}

/** Readahead samples the size before it inserts the pages. */
function sizeSampledEarly(): StepFault {
  const sampled = new Map<unknown, number>();
  return {
    within: 'pageCacheRaUnbounded',
    steps: {
      *'add_to_page_cache_lru(i_pages)'(step) {
        sampled.set(current.task, yield* iSizeRead(theInode()));
        return yield* step;
      },
      'i_size_read(i_size)': () => answered(sampled.get(current.task)),
    },
  };
}

/** Steps that are left out. */
function skipped(step: string, within: string): StepFault {
  return { within, steps: { [step]: leftOut } };
}

const PREAD = 'pair/pread-vs-punch-hole.page';
const FAULT = 'pair/read-fault-vs-punch-hole.page';

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

const V5_15: readonly Row[] = [
  // Who fills takes invalidate_lock shared.
  [
    'readahead-without-lock',
    'race/e3-fadvise-vs-punch',
    'contract',
    () => without(INVALIDATE, 'pageCacheRaUnbounded'),
    'M2',
  ],
  [
    'readahead-with-hollow-lock',
    'race/e3-fadvise-vs-punch',
    'stale-data',
    () => hollow(INVALIDATE, 'pageCacheRaUnbounded'),
    'M2',
  ],
  ['create-page-without-lock', PREAD, 'contract', () => without(INVALIDATE, 'filemapCreatePage'), 'M3'],
  ['create-page-with-hollow-lock', PREAD, 'stale-data', () => hollow(INVALIDATE, 'filemapCreatePage'), 'M3'],
  [
    'update-page-without-lock',
    'race/e5-sub-page-read-vs-punch',
    'contract',
    () => without(INVALIDATE, 'filemapUpdatePage'),
    'M4',
  ],
  [
    'update-page-with-hollow-lock',
    'race/e5-sub-page-read-vs-punch',
    'stale-data',
    () => hollow(INVALIDATE, 'filemapUpdatePage'),
    'M4',
  ],
  ['fault-without-lock', FAULT, 'contract', () => without(INVALIDATE, 'filemapFault'), '1.8'],
  ['fault-with-hollow-lock', FAULT, 'stale-data', () => hollow(INVALIDATE, 'filemapFault'), '1.8'],
  [
    'mkwrite-without-lock',
    'pair/mkwrite-vs-punch-hole.block',
    'corruption',
    () => without(INVALIDATE, 'ext4PageMkwrite'),
    '1.11, W-2',
  ],
  // And gives it back, in time and always.
  ['update-page-forgets-unlock-if-truncated', PREAD, 'lock-discipline', forgottenUnlock, 'M1'],
  [
    'update-page-keeps-lock-over-copy',
    PREAD,
    'lock-discipline',
    () => skipped(`up_read(${INVALIDATE})`, 'filemapUpdatePage'),
    'M7',
  ],
  [
    'update-page-waits-under-nowait',
    'pair/uring-nowait-read-vs-punch-hole.page',
    'lock-discipline',
    waitsForLock,
    'M30',
  ],
  ['fault-takes-lock-under-page-lock', FAULT, 'deadlock', underPageLock, 'M6'],
  // Who invalidates takes it exclusive, until the blocks have changed.
  [
    'punch-takes-lock-shared',
    'race/e1-read-vs-punch',
    'contract',
    () => weakened(INVALIDATE, 'ext4PunchHole'),
    'M12',
  ],
  [
    'punch-with-hollow-lock',
    'race/e1-read-vs-punch',
    'stale-data',
    () => hollow(INVALIDATE, 'ext4PunchHole'),
    'M12',
  ],
  [
    'punch-unlocks-before-freeing',
    'race/e1-read-vs-punch',
    'stale-data',
    () => releasedEarly('ext4PunchHole'),
    'M8',
  ],
  [
    'zero-range-unlocks-before-converting',
    'race/e7-zero-range-vs-read',
    'lost-zeroing',
    () => releasedEarly('ext4ZeroRange'),
    'M8',
  ],
  [
    'collapse-unlocks-before-shifting',
    'race/e8-collapse-vs-read',
    'stale-data',
    () => releasedEarly('ext4CollapseRange'),
    'M8',
  ],
  [
    'insert-unlocks-before-shifting',
    'pair/pread-vs-insert-range.page',
    'stale-data',
    () => releasedEarly('ext4InsertRange'),
    'M8',
  ],
  // What the lock is not for.
  [
    'punch-without-i-rwsem',
    'pair/buffered-write-vs-punch-hole.page',
    'stale-data',
    () => without('inode.i_rwsem', 'ext4PunchHole'),
    'M16',
  ],
  [
    'truncate-ignores-writeback',
    'pair/writeback-vs-truncate-down.page',
    'corruption',
    () => skipped('wait_on_page_writeback(PG_writeback)', 'truncateInodePagesRange'),
    'M21',
  ],
  [
    'truncate-leaves-page-mapped',
    FAULT,
    'stale-pte',
    () => skipped('zap_pte_range(pte)', 'truncateCleanupPage'),
    'M22',
  ],
  [
    'grown-file-keeps-page-writable',
    'triple/store-grow-store',
    'lost-write',
    () => skipped('page_mkclean_one(pte)', 'pagecacheIsizeExtended'),
    'M29',
  ],
];

/** Before there was the lock, truncation was guarded by i_size alone. */
const V5_14: readonly Row[] = [
  ['truncate-stores-size-late', 'race/e6-truncate-vs-read', 'stale-data', sizeStoredLate, 'M18'],
  ['readahead-samples-size-early', 'race/e6-truncate-vs-read', 'stale-data', sizeSampledEarly, 'M35'],
];

function mutantsOf(profile: string, rows: readonly Row[]): Mutant[] {
  return rows.map(([name, caughtBy, property, fault, see]) => ({
    name,
    profile,
    caughtBy,
    property,
    fault,
    see,
  }));
}

/** All of them. */
export const MUTANTS: readonly Mutant[] = [...mutantsOf('v5.15', V5_15), ...mutantsOf('v5.14', V5_14)];
