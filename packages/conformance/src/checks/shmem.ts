/**
 * What filesystems are asked whose data is the page cache: nothing can be stale, but a fault may be in the way, and
 * pages come and go by swap.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';
import { ALL_CHECKERS } from './pairs.js';

const FILE: FileSpec = { ino: 12, size: 24, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] };
const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };
const LOAD: Op = { op: 'load', pos: 8 };
const STORE: Op = { op: 'store', pos: 8, data: 'x' };
const RECLAIM: Op = { op: 'reclaim', pos: 8 };

/** The commits that ended the starvation of a hole punch. */
const FIXED_BY: Check['fixedBy'] = [
  { kernel: 'f00cdc6df7d7', since: 'v3.16', title: "shmem: fix faulting into a hole while it's punched" },
  { kernel: '8e205f779d14', since: 'v3.16', title: 'shmem: fix faulting into a hole, not taking i_mutex' },
  { kernel: 'b1a366500bd5', since: 'v3.16', title: "shmem: fix splicing from a hole while it's punched" },
];

function inMemory(
  id: string,
  rest: Pick<Check, 'summary' | 'requires' | 'tasks' | 'see'> & Partial<Check>,
): Check {
  return {
    ...COMMON,
    id,
    groups: ['auto', 'named', 'punch'],
    files: [FILE],
    fixedBy: FIXED_BY,
    ...rest,
    requires: { ...rest.requires, inMemory: true },
  };
}

/** All of them. */
export const SHMEM: readonly Check[] = [
  inMemory('liveness/loads-vs-punch', {
    summary: 'A hole punch ends however often the hole is faulted meanwhile.',
    groups: ['auto', 'named', 'punch', 'fault'],
    requires: { punchHole: true, mmap: true },
    rows: ['read-fault'],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'f', ops: [LOAD, LOAD, LOAD] },
    ],
    checkers: ['livelock', ...ALL_CHECKERS],
    see: 'L-1: a second sweep that starts over until it finds nothing, against faults that put pages back',
  }),
  inMemory('liveness/stores-vs-punch', {
    summary: 'A hole punch ends however often the hole is written to through a mapping meanwhile.',
    groups: ['auto', 'named', 'punch', 'fault'],
    requires: { punchHole: true, mmap: true, write: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'm', ops: [STORE, STORE, STORE] },
    ],
    checkers: ['livelock', ...ALL_CHECKERS],
    see: 'L-1, as with loads: there is no page_mkwrite, so that all faults are the same',
  }),
  inMemory('swap/reclaim-vs-punch', {
    summary: 'What a hole punch meets as a page is not left behind in swap.',
    requires: { punchHole: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'k', ops: [RECLAIM] },
    ],
    see: 'shmem_undo_range(): "page replaced by swap: retry" (v5.15)',
  }),
  inMemory('swap/swap-in-vs-punch', {
    summary: 'What a hole punch meets in swap is not left behind as a page.',
    requires: { punchHole: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'r', ops: [RECLAIM, { op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'shmem_undo_range(): "swap was replaced by page: retry" (v5.15)',
  }),
  inMemory('swap/swap-in-vs-truncate', {
    summary: 'What a truncation meets in swap is not left behind as a page beyond the end of the file.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { truncate: true, mmap: true },
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 8 }] },
      { letter: 'f', ops: [RECLAIM, LOAD] },
    ],
    see: 'shmem_getpage_gfp() looks at i_size before and after it inserts a page (v5.15)',
  }),
  inMemory('swap/write-vs-reclaim', {
    summary: 'A write to a page that is on its way to swap is not lost.',
    groups: ['auto', 'named', 'writeback'],
    requires: { write: true },
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 8, data: 'xy' }] },
      { letter: 'k', ops: [RECLAIM, RECLAIM] },
    ],
    see: 'shmem_writepage(), shmem_swapin_page() (v5.15)',
  }),
  inMemory('swap/swap-in-vs-reclaim', {
    summary: 'What came out of swap is not dropped as if it were a hole.',
    groups: ['auto', 'named', 'quick'],
    requires: {},
    tasks: [
      { letter: 'r', ops: [RECLAIM, { op: 'pread', pos: 8, len: 8 }] },
      { letter: 'k', ops: [RECLAIM] },
    ],
    see: 'shmem_swapin_page() marks the page dirty: its only copy is in memory again (v5.15)',
  }),
  inMemory('swap/allocate-vs-reclaim', {
    summary: 'Preallocated pages are not swapped out, zeroed or forgotten while more are being allocated.',
    groups: ['auto', 'named', 'writeback'],
    requires: { allocate: true },
    files: [{ ino: 12, size: 24, blocks: [{ data: 'A' }] }],
    tasks: [
      { letter: 'a', ops: [{ op: 'fallocate', mode: 'allocate', pos: 8, len: 16 }] },
      { letter: 'k', ops: [RECLAIM, RECLAIM] },
    ],
    see: 'shmem_writepage() counts nr_unswapped, shmem_fallocate() gives up (v5.15)',
  }),
];
