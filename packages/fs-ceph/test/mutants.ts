// Faults of the model that the suite must catch, each with the check and the property that catch it.

import { answered, hollow, leftOut, type Mutant, type StepFault, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';

/** Name, check, property, fault, and where it is described: kernel-facts.md, section 6 unless it says otherwise. */
type Row = readonly [name: string, caughtBy: string, property: string, fault: () => StepFault, see: string];

const V5_15: readonly Row[] = [
  [
    'punch-with-hollow-lock',
    'race/k1-fault-vs-punch',
    'stale-data',
    () => hollow(INVALIDATE, 'cephFallocate'),
    'M8, M12',
  ],
  [
    'punch-keeps-lock',
    'race/c2-partial-punch-vs-fault',
    'lock-discipline',
    () => ({ within: 'cephFallocate', steps: { [`up_write(${INVALIDATE})`]: leftOut } }),
    'M14',
  ],
  [
    'punch-without-i-rwsem',
    'race/k2-write-vs-punch',
    'lost-zeroing',
    () => without('inode.i_rwsem', 'cephFallocate'),
    'M16',
  ],
  [
    'server-forgets-to-wait-for-references',
    'race/e6-truncate-vs-fault',
    'contract',
    () => ({ within: 'awaitUnused', steps: { 'CEPH_CAP_OP_UPDATE(i_rd_ref)': () => answered(0) } }),
    '3.7',
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
