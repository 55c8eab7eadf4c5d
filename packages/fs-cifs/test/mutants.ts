// Faults of the model that the suite must catch, each with the check and the property that catch it. M15 and M16 of the
// mutation catalogue (a mkwrite that does not look, a punch without i_rwsem) are what cifs is: K5 and K2 in expected.json.

import { hollow, leftOut, type Mutant, type StepFault, weakened, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';

/** The lock is never given back. */
function forgottenUnlock(): StepFault {
  return { within: 'smb3PunchHole', steps: { [`up_write(${INVALIDATE})`]: leftOut } };
}

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

const V5_15: readonly Row[] = [
  [
    'punch-with-hollow-lock',
    'race/k1-fault-vs-punch',
    'stale-data',
    () => hollow(INVALIDATE, 'smb3PunchHole'),
    'M8, M12',
  ],
  [
    'punch-takes-lock-shared',
    'race/c2-partial-punch-vs-fault',
    'stale-data',
    () => weakened(INVALIDATE, 'smb3PunchHole'),
    'M12',
  ],
  ['punch-keeps-lock', 'race/k1-fault-vs-punch', 'lock-discipline', forgottenUnlock, 'M14'],
  [
    'readahead-without-lock',
    'race/e3-fadvise-vs-punch',
    'contract',
    () => without(INVALIDATE, 'pageCacheRaUnbounded'),
    'M2',
  ],
  [
    'write-without-i-rwsem',
    'pair/buffered-write-vs-truncate-down.page',
    'contract',
    () => without('inode.i_rwsem', 'cifsStrictWritev'),
    'M16',
  ],
  [
    'truncate-ignores-writeback',
    'pair/writeback-vs-punch-hole.page',
    'lost-zeroing',
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
