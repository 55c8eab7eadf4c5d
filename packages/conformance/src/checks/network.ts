/**
 * The interleavings of network filesystems: K1 to K5 are cifs's, C1 to C3 ceph's.
 *
 * The cache is dropped here, the content is changed at the server, and a request lies between the two. K2 to K5 are
 * left in v5.15 for filesystems that change the server's content without i_rwsem or invalidate_lock.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

const FILE: FileSpec = { ino: 12, size: 24, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] };
const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };
const LOAD: Op = { op: 'load', pos: 8 };
const HALF: Op = { op: 'pwrite', pos: 12, data: 'wxyz' };

type Rest = Pick<Check, 'summary' | 'tasks' | 'requires' | 'see'> & Partial<Check>;

function network(id: string, { requires, ...rest }: Rest): Check {
  return {
    ...COMMON,
    id: `race/${id}`,
    groups: ['auto', 'named', 'punch', 'network'],
    requires: { remote: true, ...requires },
    files: [FILE],
    ...rest,
  };
}

/** All of them. */
export const NETWORK: readonly Check[] = [
  network('k1-fault-vs-punch', {
    summary: 'A fault racing a hole punch never caches what the server is about to discard.',
    requires: { punchHole: true, mmap: true },
    rows: ['read-fault'],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'f', ops: [LOAD] },
    ],
    see: 'K1, C1: filled between truncate_pagecache_range() and the reply of the server',
  }),
  network('k2-write-vs-punch', {
    summary: 'A write to a part of a page never brings back the rest of what a hole punch discards.',
    requires: { punchHole: true, write: true },
    rows: ['buffered-write'],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'w', ops: [HALF] },
    ],
    see: 'K2: write_begin reads the page from the server; i_rwsem would keep it out, invalidate_lock does not',
  }),
  network('k2-writeback-vs-punch', {
    summary: 'Writeback never puts back at the server what a hole punch discarded there.',
    requires: { punchHole: true, write: true, writeback: true },
    groups: ['auto', 'named', 'punch', 'network', 'writeback'],
    rows: ['writeback'],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'w', ops: [HALF, { op: 'flush' }] },
    ],
    checkers: ['lost-zeroing'],
    see: 'K2: the dirty page holds bytes that were read before the server discarded them',
  }),
  network('k3-zero-range-vs-fault', {
    summary: 'A fault racing a zeroed range never caches what the server is about to zero.',
    requires: { zeroRange: true, mmap: true },
    rows: ['shift-or-zero'],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'zero-keep', pos: 8, len: 8 }] },
      { letter: 'f', ops: [LOAD] },
    ],
    see: 'K3: as K1, and invalidate_lock is not taken in v5.15 either',
  }),
  network('k4-collapse-vs-read', {
    summary: 'What is cached when a range is collapsed is not shown at the place that it had before.',
    requires: { collapseRange: true },
    rows: ['shift-or-zero'],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 16 }] },
    ],
    checkers: ['stale-data'],
    see: 'K4: the server copies, and the cache is not dropped',
  }),
  network('k5-store-vs-truncate', {
    summary: 'A page that was truncated between fault and page_mkwrite does not become writable.',
    requires: { truncate: true, mmap: true, write: true },
    groups: ['auto', 'named', 'truncate', 'fault', 'network'],
    rows: ['mkwrite'],
    setUp: [{ op: 'pread', pos: 8, len: 8 }],
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 8 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
    checkers: ['stale-pte'],
    see: 'K5: page_mkwrite locks the page and does not look whether it is still in the cache',
  }),
  network('c2-partial-punch-vs-fault', {
    summary: 'A page of which a hole punch zeroes a part is not cached as it was before.',
    requires: { punchHole: true, mmap: true },
    rows: ['read-fault'],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 12, len: 4 }] },
      { letter: 'f', ops: [LOAD] },
    ],
    see: 'C2: nothing is zeroed in a page that is not cached yet',
  }),
  network('c3-truncate-twice-vs-load', {
    summary: 'Whoever is let in after a truncation sees nothing of what was cached before it.',
    requires: { truncate: true, mmap: true },
    groups: ['auto', 'named', 'truncate', 'fault', 'network'],
    rows: ['truncate'],
    setUp: [{ op: 'pread', pos: 8, len: 8 }],
    tasks: [
      {
        letter: 't',
        ops: [
          { op: 'ftruncate', size: 8 },
          { op: 'ftruncate', size: 24 },
        ],
      },
      { letter: 'f', ops: [LOAD] },
    ],
    see: 'C3, negative: who is granted capabilities finishes a pending truncation first',
  }),
];
