// Shows the order in which locks are taken: what the lock graph sees when each operation runs once, and a fault waits for a
// hole punch, is the order that the README gives (kernel-facts 2.1, 3.9).

import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  ksysFallocate,
  ksysFtruncate,
  ksysPread64,
  ksysPwrite64,
  LockGraph,
  loff,
  useLocking,
} from '@fsport/core';
import shmem from '@fsport/fs-shmem';
import { expect, test } from '@jest/globals';
import { Race } from './race.js';

const COMMON = [
  'inode.i_rwsem:X -> PG_locked:X',
  'inode.i_rwsem:X -> inode.i_lock:X',
  'inode.i_rwsem:X -> mapping.i_mmap_rwsem:X',
  'mm.mmap_lock:S -> PG_locked:X',
  'mm.mmap_lock:X -> mapping.i_mmap_rwsem:X', // mmap(2)
];

const OWN: Readonly<Record<string, readonly string[]>> = {
  // A page that a fault has put back is unmapped under its lock.
  'v3.15': ['PG_locked:X -> mapping.i_mmap_rwsem:X'],
  'v5.15': ['mm.mmap_lock:S -> inode.i_lock:X'],
  'v5.15+shmem-invalidate-lock': [
    'inode.i_rwsem:X -> mapping.invalidate_lock:X',
    'mapping.invalidate_lock:S -> PG_locked:X',
    'mapping.invalidate_lock:X -> PG_locked:X',
    'mapping.invalidate_lock:X -> mapping.i_mmap_rwsem:X',
    'mm.mmap_lock:S -> mapping.invalidate_lock:S',
  ],
};

test.each(shmem.follows)('%s', (profile) => {
  const graph = new LockGraph();
  useLocking({ graph, fair: () => false });
  const race = new Race(profile, 'ABC', [1, 1], [1]);
  // The fault once the punch has begun; it puts back what the punch then has to unmap.
  race.run(() => (race.task('p').pending?.verb === 'find_get_entries' ? 'f' : 'p'));
  const { world } = race;
  const { file } = world;
  world.run(ksysPwrite64(file, loff(0), world.cells('xy')));
  world.run(ksysPread64(file, loff(0), 8));
  world.run(ksysFallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, loff(0), loff(4)));
  world.run(ksysFallocate(file, 0, loff(0), loff(32)));
  world.run(ksysFtruncate(file, loff(4)));
  const edges = graph
    .edges()
    .map((edge) => edge.replaceAll('shmem ', ''))
    .sort();
  expect(edges).toEqual([...COMMON, ...(OWN[profile] as readonly string[])].sort());
  expect(graph.report([])).toEqual([]);
});
