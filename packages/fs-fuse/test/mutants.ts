// Faults of the model that the suite must catch, each with the check and the property that catch it.

import { answered, hollow, leftOut, type Mutant, type StepFault, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';

/** The second fault finds no range, keeps the lock while it waits, and so need not take it again. */
function waitsWithLock(): StepFault {
  let [ups, downs] = [0, 0];
  return {
    within: 'fuseDaxFault',
    steps: {
      [`up_read(${INVALIDATE})`]: (step, object) => (++ups === 2 ? leftOut(step, object) : step),
      [`down_read(${INVALIDATE})`]: (step, object) => (++downs === 3 ? leftOut(step, object) : step),
    },
  };
}

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

const V5_15: readonly Row[] = [
  ['fault-waits-with-lock', 'race/fuse-fault-without-range', 'deadlock', waitsWithLock, 'M25'],
  [
    'reclaim-with-hollow-lock',
    'race/fuse-load-vs-reclaim',
    'deadlock',
    () => hollow(INVALIDATE, 'lookupAndReclaimDmap'),
    'M12; 2.2, fuse DAX: dax->sem and the locks of entries, whose order this lock alone makes harmless',
  ],
  [
    'reclaim-without-dax-sem',
    'race/fuse-read-vs-reclaim',
    'stale-data',
    () => without('fuse_inode_dax.sem', 'reclaimAt'),
    '3.6, order of the locks',
  ],
  [
    'truncate-with-hollow-lock',
    'race/t2-dax-load-vs-truncate',
    'stale-pte',
    () => hollow(INVALIDATE, 'fuseDoSetattr'),
    'M8',
  ],
  [
    'truncate-keeps-lock',
    'pair/read-fault-vs-truncate-down.page',
    'lock-discipline',
    () => ({ within: 'fuseDoSetattr', steps: { [`up_write(${INVALIDATE})`]: leftOut } }),
    'M14',
  ],
  [
    'truncate-lets-writes-through',
    'race/u1-writeback-vs-truncate-at-server',
    'lost-zeroing',
    () => ({
      within: 'truncate',
      steps: { 'fuse_set_nowrite(fuse_inode.writectr)': () => answered({ sent: [] }) },
    }),
    '3.6, FUSE_NOWRITE',
  ],
  [
    'punch-without-dropping-cache',
    'race/u1-read-vs-punch-at-server',
    'stale-data',
    () => ({ within: 'fuseFileFallocate', steps: { 'mapping_empty(i_pages)': () => answered(true) } }),
    'U1',
  ],
];

/** All of them. */
export const MUTANTS: readonly Mutant[] = V5_15.map(([name, caughtBy, property, fault, see]) => ({
  name,
  profile: 'v5.15',
  caughtBy,
  property,
  fault,
  see,
}));
