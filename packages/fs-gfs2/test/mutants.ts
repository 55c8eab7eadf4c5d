// Faults of the model that the suite must catch, each with the check and the property that catch it.

import { hollow, leftOut, type Mutant, type StepFault, weakened, without } from '@fsport/conformance';

const GLOCK = 'gfs2_inode.i_gl';

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

const V5_15: readonly Row[] = [
  [
    'read-without-glock',
    'race/e1-read-vs-punch',
    'stale-data',
    () => without(GLOCK, 'gfs2FileReadIter'),
    'M3; 3.10',
  ],
  [
    'fault-without-glock',
    'pair/read-fault-vs-punch-hole.page',
    'stale-data',
    () => without(GLOCK, 'gfs2Fault'),
    'M5; 3.10',
  ],
  [
    'punch-with-hollow-glock',
    'pair/pread-vs-punch-hole.page',
    'stale-data',
    () => hollow(GLOCK, 'gfs2Fallocate'),
    'M8',
  ],
  [
    'punch-takes-glock-shared',
    'pair/read-fault-vs-punch-hole.page',
    'stale-data',
    () => weakened(GLOCK, 'gfs2Fallocate'),
    'M12',
  ],
  [
    'punch-keeps-glock',
    'pair/pread-vs-punch-hole.page',
    'lock-discipline',
    () => ({ within: 'gfs2Fallocate', steps: { [`up_write(${GLOCK})`]: leftOut } }),
    'M14',
  ],
  [
    'truncate-ignores-writeback',
    'pair/writeback-vs-truncate-down.page',
    'corruption',
    () => ({
      within: 'truncateInodePagesRange',
      steps: { 'wait_on_page_writeback(PG_writeback)': leftOut },
    }),
    'M21',
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
