// Deliberate faults: one step of the unmodified model left out or made hollow. Each names the check that must catch it, and
// the property that must fail.

import { hollow, leftOut, type Mutant, without } from '@fsport/conformance';

const INVALIDATE = 'mapping.invalidate_lock';
const MMAP_SEM = 'zonefs_inode_info.i_mmap_sem';
const I_RWSEM = 'inode.i_rwsem';

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'truncate-without-lock',
    profile: 'v5.15',
    caughtBy: 'zone/load-vs-reset',
    property: 'contract',
    fault: () => without(INVALIDATE, 'zonefsFileTruncate'),
    see: 'M12',
  },
  {
    name: 'truncate-whose-lock-keeps-nobody-out',
    profile: 'v5.15',
    caughtBy: 'zone/z3-fadvise-vs-reset',
    property: 'deadlock',
    fault: () => hollow(INVALIDATE, 'zonefsFileTruncate'),
    see: 'M36',
  },
  {
    name: 'fault-without-lock',
    profile: 'v5.14',
    caughtBy: 'zone/load-vs-reset',
    property: 'deadlock',
    fault: () => without(MMAP_SEM, 'zonefsFilemapFault'),
    see: 'B17',
  },
  {
    name: 'read-without-i_rwsem',
    profile: 'v5.14',
    caughtBy: 'zone/read-vs-reset',
    property: 'deadlock',
    fault: () => without(I_RWSEM, 'zonefsFileReadIter'),
    see: '3.4, buffered read',
  },
  {
    name: 'read-without-i_rwsem',
    profile: 'v5.15',
    caughtBy: 'zone/z1-read-vs-reset-and-append',
    property: 'stale-data',
    fault: () => without(I_RWSEM, 'zonefsFileReadIter'),
    see: '3.4, Z1',
  },
  {
    name: 'truncate-leaves-page-mapped',
    profile: 'v5.15',
    caughtBy: 'zone/load-vs-reset',
    property: 'stale-pte',
    fault: () => ({ within: 'truncatePagecache', steps: { 'zap_pte_range(pte)': leftOut } }),
    see: 'M22',
  },
  {
    name: 'finish-keeps-the-size',
    profile: 'v5.15',
    caughtBy: 'zone/read-vs-finish',
    property: 'lost-write',
    fault: () => ({ within: 'zonefsFileTruncate', steps: { 'i_size_write(i_size)': leftOut } }),
    see: '3.4, truncate',
  },
  {
    name: 'reset-leaves-the-device-as-it-is',
    profile: 'v5.15',
    caughtBy: 'zone/append-vs-reset',
    property: 'fsck',
    fault: () => ({ within: 'zonefsFileTruncate', steps: { 'blkdev_zone_mgmt(zone.wp)': leftOut } }),
    see: '3.4, truncate',
  },
];
