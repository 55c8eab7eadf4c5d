/** Checks in which a third task matters: the flusher, reclaim, a queued writer. A second reader: see E1. */
import type { Op } from '../ops.js';
import type { Check, TaskSpec } from '../types.js';
import { COMMON } from './common.js';
import { PAIR_GEOMETRIES, type PairGeometry } from './geometry.js';

const G = PAIR_GEOMETRIES[0] as PairGeometry;
const LOAD: Op = { op: 'load', pos: G.wanted.pos };
const STORE: Op = { op: 'store', pos: G.wanted.pos, data: 'x' };
const PUNCHER: TaskSpec = { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', ...G.range }] };

function triple(id: string, rest: Pick<Check, 'summary' | 'requires' | 'tasks'> & Partial<Check>): Check {
  return {
    ...COMMON,
    id: `triple/${id}`,
    groups: ['auto', 'punch', 'fault'],
    files: [G.file],
    see: 'Documentation/filesystems/locking.rst (v5.15)',
    ...rest,
  };
}

/** All of them. */
export const TRIPLES: readonly Check[] = [
  triple('store-flush-punch', {
    summary: 'A store, the flusher and a hole punch leave cache, mappings, map and disk in agreement.',
    requires: { punchHole: true, mmap: true, write: true, writeback: true },
    groups: ['auto', 'punch', 'fault', 'writeback'],
    tasks: [PUNCHER, { letter: 'm', ops: [STORE] }, { letter: 'b', ops: [{ op: 'flush' }] }],
  }),
  triple('load-reclaim-punch', {
    summary:
      'A load and a hole punch leave nothing stale, with reclaim beside them, which takes no lock against fills.',
    requires: { punchHole: true, mmap: true },
    tasks: [
      PUNCHER,
      { letter: 'f', ops: [LOAD] },
      { letter: 'k', ops: [{ op: 'reclaim', pos: G.wanted.pos }] },
    ],
  }),
  triple('load-munmap-punch', {
    summary:
      'A fault, with a writer of mmap_lock waiting, and a hole punch do not wait for each other, and leave nothing stale.',
    requires: { punchHole: true, mmap: true },
    groups: ['auto', 'punch', 'fault', 'lockdep'],
    fair: true,
    tasks: [PUNCHER, { letter: 'f', ops: [LOAD] }, { letter: 'u', threadOf: 'f', ops: [{ op: 'munmap' }] }],
  }),
  triple('remove-store-munmap', {
    summary:
      'madvise(REMOVE), which drops mmap_lock and may find its mapping gone, and a write beside it leave cache, map and disk in agreement.',
    requires: { punchHole: true, mmap: true, write: true },
    groups: ['auto', 'punch', 'lockdep'],
    fair: true,
    setUp: [{ op: 'pread', ...G.wanted }],
    tasks: [
      { letter: 'v', ops: [{ op: 'madvise', advice: 'REMOVE', ...G.wanted }] },
      { letter: 'w', ops: [{ op: 'pwrite', pos: G.wanted.pos, data: 'xy' }] },
      { letter: 'u', threadOf: 'v', ops: [{ op: 'munmap' }] },
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
  triple('write-flush-reclaim', {
    summary: 'A write into a page that is written back and reclaimed meanwhile keeps the rest of the page.',
    requires: { write: true, writeback: true },
    groups: ['auto', 'writeback'],
    files: [{ ino: 12, size: 8, blocks: ['hole'] }],
    setUp: [{ op: 'pwrite', pos: 0, data: 'yyyyyyyy' }],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 2, data: 'x' }] },
      { letter: 'b', ops: [{ op: 'fsync' }, { op: 'reclaim', pos: 0 }] },
    ],
    fixedBy: [
      { kernel: 'd7b64041164c', since: 'v6.2', title: 'iomap: write iomap validity checks' },
      {
        kernel: '304a68b9c63b',
        since: 'v6.2',
        title: 'xfs: use iomap_valid method to detect stale cached iomaps',
      },
    ],
    see: 'fs/iomap/buffered-io.c iomap_write_begin(): the piece is looked up before the page is locked (v5.15)',
  }),
];
