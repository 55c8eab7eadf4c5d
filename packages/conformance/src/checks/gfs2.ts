/** G1 to G3: a lock of the cluster that is taken above and below mmap_lock, and fills that do not take it. */
import type { FileSpec } from '@fsport/core';
import type { Check } from '../types.js';
import { COMMON } from './common.js';
import { ALL_CHECKERS } from './pairs.js';

const FILE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 8, blocks: [{ data: 'K' }] };

function gfs2(id: string, rest: Pick<Check, 'summary' | 'tasks' | 'see'> & Partial<Check>): Check {
  return {
    ...COMMON,
    id: `race/${id}`,
    groups: ['auto', 'named', 'fault', 'lockdep'],
    requires: { cluster: true, mmap: true, write: true },
    rows: ['read-into-mmap'],
    files: [FILE, OTHER],
    // Who waits for whom, and nothing else.
    checkers: ['lock-discipline'],
    fair: true,
    fixedBy: [{ kernel: 'c03098d4b9ad', since: 'v5.16', title: 'Merge tag gfs2-v5.15-rc5-mmap-fault' }],
    ...rest,
  };
}

/** All of them. */
export const GFS2: readonly Check[] = [
  gfs2('g1-write-from-mapping-vs-load-and-munmap', {
    summary: 'A write that faults, a load that faults and a waiting munmap do not wait for each other.',
    setUp: [{ op: 'pread', pos: 0, len: 16 }],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 8, from: { file: 1, pos: 0 } }] },
      { letter: 'f', threadOf: 'w', ops: [{ op: 'load', pos: 8 }] },
      { letter: 'u', threadOf: 'w', ops: [{ op: 'munmap' }] },
    ],
    see: 'G1: glock above mmap_lock in a read or write, below it in a fault, and a writer of mmap_lock in between',
  }),
  gfs2('g2-write-from-own-mapping', {
    summary: 'A write from a mapping of the same file does not ask for a lock that it holds.',
    files: [FILE],
    tasks: [{ letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 8, from: { file: 0, pos: 8 } }] }],
    see: 'G2: the fault asks for the glock that the write holds',
  }),
  gfs2('g2-read-into-own-mapping', {
    summary: 'A read into a mapping of the same file does not ask for a lock that it holds.',
    files: [FILE],
    tasks: [{ letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8, into: { file: 0, pos: 8 } }] }],
    see: 'G2: shared first, and exclusive for the store',
  }),
  gfs2('g3-writes-from-each-other', {
    summary:
      'Two writes, each from a mapping of the file that the other writes to, do not wait for each other.',
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 8, from: { file: 1, pos: 0 } }] },
      { letter: 'x', ops: [{ op: 'pwrite-mapped', file: 1, pos: 0, len: 8, from: { file: 0, pos: 0 } }] },
    ],
    see: 'G3: each holds one glock exclusive, and wants the other shared',
  }),
  gfs2('gfs2-cached-read-vs-punch', {
    summary: 'A read of what is cached, without the lock of the cluster, leaves nothing in a hole.',
    requires: { cluster: true, mmap: true, write: true, punchHole: true },
    rows: ['pread'],
    setUp: [{ op: 'pread', pos: 8, len: 8 }],
    tasks: [
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 8, len: 8 }] },
    ],
    checkers: ALL_CHECKERS,
    fair: false,
    see: 'gfs2_file_read_iter(): first with IOCB_NOIO and without the glock (v5.15)',
  }),
];
