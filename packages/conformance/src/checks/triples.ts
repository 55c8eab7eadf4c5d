/** Checks in which a third task matters: a second reader, the flusher, reclaim, a queued writer. */
import type { Op } from '../ops.js';
import type { Check, TaskSpec } from '../types.js';
import { PAIR_GEOMETRIES, type PairGeometry } from './geometry.js';
import { ALL_CHECKERS, SERIES } from './pairs.js';

const G = PAIR_GEOMETRIES[0] as PairGeometry;
const PUNCH: Op = { op: 'fallocate', mode: 'punch', ...G.range };

function triple(id: string, rest: Pick<Check, 'summary' | 'tasks'> & Partial<Check>): Check {
  return {
    id: `triple/${id}`,
    groups: ['auto', 'punch'],
    requires: { punchHole: true },
    row: null,
    pair: null,
    geometry: G.geometry,
    raPages: 0,
    files: [G.file],
    setUp: [],
    checkers: ALL_CHECKERS,
    faults: {},
    fair: false,
    fixedBy: SERIES,
    see: 'Documentation/filesystems/locking.rst (v5.15)',
    ...rest,
  };
}

const PUNCHER: TaskSpec = { letter: 'p', ops: [PUNCH] };

/** All of them. */
export const TRIPLES: readonly Check[] = [
  triple('load-store-punch', {
    summary: 'Two mappings of one page, one read and one written, survive a hole punch.',
    requires: { punchHole: true, mmap: true, write: true },
    groups: ['auto', 'punch', 'fault'],
    tasks: [
      PUNCHER,
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
  }),
  triple('store-flush-punch', {
    summary: 'A store, the flusher and a hole punch never write to a freed block.',
    requires: { punchHole: true, mmap: true, write: true, writeback: true },
    groups: ['auto', 'punch', 'fault', 'writeback'],
    tasks: [
      PUNCHER,
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
  }),
  triple('load-reclaim-punch', {
    summary: 'Reclaim takes no lock against fills and still frees nothing that is in use.',
    requires: { punchHole: true, mmap: true },
    groups: ['auto', 'punch', 'fault'],
    tasks: [
      PUNCHER,
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
      { letter: 'k', ops: [{ op: 'reclaim', pos: 8 }] },
    ],
  }),
  triple('load-munmap-punch', {
    summary: 'A fault with a writer of mmap_lock and a hole punch in the queue never deadlocks.',
    requires: { punchHole: true, mmap: true },
    groups: ['auto', 'punch', 'fault', 'lockdep'],
    fair: true,
    tasks: [PUNCHER, { letter: 'f', ops: [{ op: 'load', pos: 8 }, { op: 'munmap' }] }],
  }),
  triple('remove-vs-write', {
    summary: 'madvise(REMOVE) drops mmap_lock before it takes i_rwsem.',
    requires: { punchHole: true, mmap: true, write: true },
    groups: ['auto', 'punch', 'lockdep'],
    fair: true,
    tasks: [
      { letter: 'v', ops: [{ op: 'madvise', advice: 'REMOVE', pos: 8, len: 8 }] },
      { letter: 'w', ops: [{ op: 'pwrite', pos: 8, data: 'xy' }] },
    ],
  }),
  triple('store-grow-store', {
    summary:
      'A page that is mapped writable when the file grows asks for the new block before it is stored to.',
    requires: { mmap: true, write: true, truncate: true, writeback: true, subPageBlocks: true },
    groups: ['auto', 'truncate', 'fault', 'writeback'],
    geometry: { name: 'eof', pageSize: 8, blockSize: 4 },
    files: [{ ino: 12, size: 12, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] }],
    tasks: [
      {
        letter: 'm',
        ops: [
          { op: 'store', pos: 8, data: 'x' },
          { op: 'ftruncate', size: 16 },
          { op: 'store', pos: 12, data: 'y' },
        ],
      },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
    see: 'mm/truncate.c pagecache_isize_extended() (v5.15)',
  }),
  triple('read-error-vs-punch', {
    summary: 'A read that fails leaves no lock, no reference and no stale page behind.',
    groups: ['auto', 'punch', 'faults'],
    faults: { readIo: true, allocPage: true },
    // Which bytes a failed read shows is not the point; v5.14 races here as everywhere.
    checkers: ['lock-discipline', 'refcount', 'lock-order'],
    tasks: [PUNCHER, { letter: 'r', ops: [{ op: 'pread', ...G.wanted }] }],
  }),
];
