// Deliberate faults: one step of the unmodified model left out, weakened, or at another place. Each names the check that
// must catch it, and the property that must fail.
//
// xfs is protected twice in v5.15: where a fill takes i_rwsem and the invalidate lock, only both faults together show.

import { answered, hollow, leftOut, type Mutant, type StepFault, without } from '@fsport/conformance';
import { current, downRead, downWrite, type Inode, machine, type Rwsem, upWrite } from '@fsport/core';

const INVALIDATE = 'mapping.invalidate_lock';
const I_MMAPLOCK = 'xfs_inode.i_mmaplock';
const I_RWSEM = 'inode.i_rwsem';

function both(...faults: readonly StepFault[]): StepFault {
  const [first] = faults as readonly [StepFault];
  return { within: first.within, steps: Object.assign({}, ...faults.map(({ steps }) => steps)) };
}

/** Steps that are left out. */
function skipped(step: string, within: string): StepFault {
  return { within, steps: { [step]: leftOut } };
}

/** The file of a number. */
function theInode(ino: number): Inode {
  return machine.superBlocks[0]?.inodes.get(ino) as Inode;
}

/** Two locks are taken in the order of the arguments: a clone from 12 into 13 begins with 12, the other one with 13. */
function asTheyCome(): StepFault {
  const swapped = new Map<unknown, Rwsem>();
  const other = (sem: Rwsem): Rwsem => {
    const [one, two] = [theInode(12).iRwsem, theInode(13).iRwsem];
    return sem === one ? two : one;
  };
  // One of the two tasks takes them the other way round.
  const swaps = (): boolean => current.task?.name.startsWith('d') === true;
  return {
    within: 'lockTwoNondirectories',
    steps: {
      'rwsem_queue_writer(inode.i_rwsem)': (step) => (swaps() ? answered(undefined) : step),
      *'down_write(inode.i_rwsem)'(step, object) {
        if (!swaps()) return yield* step;
        const sem = other(object as Rwsem);
        swapped.set(current.task, sem);
        return yield* downWrite(sem);
      },
    },
  };
}

/** An error path of a swap that forgets one of the two locks. */
function forgetsOne(): StepFault {
  let released = 0;
  return {
    within: 'xfsIunlock2IoMmap',
    steps: { [`up_write(${INVALIDATE})`]: (step) => (++released === 2 ? answered(undefined) : step) },
  };
}

/** MMAPLOCK is let go before the blocks change. */
function releasedEarly(): StepFault {
  const released = new Set<unknown>();
  return {
    within: 'xfsFileFallocate',
    steps: {
      *'down_write(xfs_inode.i_lock)'(step) {
        if (!released.has(current.task)) yield* upWrite(theInode(12).iMapping.invalidateLock);
        released.add(current.task);
        return yield* step;
      },
      [`up_write(${INVALIDATE})`]: leftOut,
    },
  };
}

const PREAD = 'pair/pread-vs-punch-hole.page';
const FAULT = 'pair/read-fault-vs-punch-hole.page';
const WILLNEED = 'race/e3-fadvise-vs-punch';
const X3 = 'race/x3-clone-vs-store';

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

/** Before there was the shared lock, i_rwsem alone kept reads and advice away, and MMAPLOCK faults. */
const V5_14: readonly Row[] = [
  ['read-without-iolock', PREAD, 'stale-data', () => hollow(I_RWSEM, 'xfsFileReadIter'), '3.2, X1'],
  ['willneed-without-iolock', WILLNEED, 'stale-data', () => hollow(I_RWSEM, 'xfsFileFadvise'), '3.2'],
  ['fault-without-mmaplock', FAULT, 'stale-data', () => without(I_MMAPLOCK, 'xfsFilemapFault'), '3.2, X2'],
  ['punch-without-mmaplock', FAULT, 'stale-data', () => hollow(I_MMAPLOCK, 'xfsFileFallocate'), 'M12'],
  ['clone-without-mmaplock', X3, 'stale-data', () => without(I_MMAPLOCK, 'xfsFileRemapRange'), 'M33'],
];

const V5_15: readonly Row[] = [
  [
    'read-without-both',
    PREAD,
    'stale-data',
    () => both(hollow(I_RWSEM, 'xfsFileReadIter'), hollow(INVALIDATE, 'xfsFileReadIter')),
    '3.2, X1',
  ],
  ['fault-without-invalidate-lock', FAULT, 'stale-data', () => hollow(INVALIDATE, 'filemapFault'), '3.2, X2'],
  ['punch-without-mmaplock', FAULT, 'contract', () => without(INVALIDATE, 'xfsFileFallocate'), 'M13'],
  ['punch-with-hollow-mmaplock', FAULT, 'stale-data', () => hollow(INVALIDATE, 'xfsFileFallocate'), 'M12'],
  ['punch-unlocks-before-freeing', FAULT, 'stale-data', releasedEarly, 'M8'],
  ['clone-with-hollow-mmaplock', X3, 'stale-data', () => hollow(INVALIDATE, 'xfsFileRemapRange'), 'M33'],
  [
    'mkwrite-without-mmaplock',
    'race/x3-clone-vs-store-beside',
    'lost-write',
    () => without(INVALIDATE, 'xfsFilemapPageMkwrite'),
    '3.2, X3',
  ],
  ['two-files-in-any-order', 'race/x4-clones-crosswise', 'deadlock', asTheyCome, 'M10'],
  ['swapext-keeps-a-lock', 'race/swapext-vs-load', 'lock-discipline', forgetsOne, '3.2, swapext'],
  [
    'clone-forgets-to-count',
    'race/x3-clone-vs-load',
    'stale-data',
    () => skipped('xfs_refcount_increase_extent(disk)', 'xfsFileRemapRange'),
    '5.1, S-1',
  ],
  [
    'written-block-keeps-its-share-of-the-old-one',
    'race/cow-write-vs-read-of-other',
    'fsck',
    () => skipped('xfs_free_extent(disk)', 'xfsReflinkEndCow'),
    '5.9',
  ],
  [
    'dedupe-reads-with-invalidate-lock',
    'race/x4-dedupes-crosswise',
    'deadlock',
    () => ({
      within: 'readCachePage',
      steps: {
        *'find_get_page(i_pages)'(step) {
          yield* downRead(theInode(12).iMapping.invalidateLock);
          return yield* step;
        },
      },
    }),
    'M11',
  ],
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
export const MUTANTS: readonly Mutant[] = [...mutantsOf('v5.14', V5_14), ...mutantsOf('v5.15', V5_15)];
