/** Reads into and writes from memory that is itself a mapping: the copy faults, under whatever locks the call holds. */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

const FILE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 8, blocks: [{ data: 'K' }] };
/** Of the page that is read: the lock is the same for all pages, and the fault need not start over. */
const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 0, len: 8 };

function buffer(id: string, rest: Pick<Check, 'summary' | 'tasks' | 'see'> & Partial<Check>): Check {
  return {
    ...COMMON,
    id: `buffer/${id}`,
    groups: ['auto', 'fault', 'lockdep'],
    requires: { mmap: true, write: true },
    rows: ['read-into-mmap'],
    files: [FILE],
    // A writer that waits holds new readers back: that is how these deadlocks come about.
    fair: true,
    ...rest,
  };
}

/** All of them. */
export const BUFFERS: readonly Check[] = [
  buffer('read-into-own-mapping-vs-punch', {
    summary: 'A read into a mapping of the same file holds no lock that its own fault needs.',
    requires: { mmap: true, write: true, punchHole: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8, into: { file: 0, pos: 8 } }] },
    ],
    // What becomes of a store that races a punch is the business of the pairs.
    checkers: ['lock-discipline', 'lock-order', 'refcount'],
    see: 'filemap_read() copies without invalidate_lock: the copy may fault and take it (v5.15)',
  }),
  buffer('write-from-own-page-vs-munmap', {
    summary:
      'A write whose source is the very page it writes to faults before the page is locked, or not at all.',
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 4, from: { file: 0, pos: 4 } }] },
      { letter: 'u', threadOf: 'w', ops: [{ op: 'munmap' }] },
    ],
    see: 'iov_iter_fault_in_readable() in generic_perform_write() (v5.15)',
  }),
  buffer('writes-from-each-other', {
    summary:
      'Two writes, each from a mapping of the file that the other writes to, do not wait for each other.',
    files: [FILE, OTHER],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 8, from: { file: 1, pos: 0 } }] },
      { letter: 'x', ops: [{ op: 'pwrite-mapped', file: 1, pos: 0, len: 8, from: { file: 0, pos: 0 } }] },
    ],
    see: 'G3: what gfs2 deadlocked on, with its lock above and below mmap_lock',
  }),
  buffer('read-into-own-mapping-vs-load-and-munmap', {
    summary:
      'A reader that faults, a thread that faults and a waiting munmap do not wait for each other in a circle.',
    setUp: [{ op: 'pread', pos: 0, len: 16 }],
    tasks: [
      { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8, into: { file: 0, pos: 8 } }] },
      { letter: 'f', threadOf: 'r', ops: [{ op: 'load', pos: 8 }] },
      { letter: 'u', threadOf: 'r', ops: [{ op: 'munmap' }] },
    ],
    see: 'G1: what gfs2 deadlocked on, with a writer of mmap_lock in the queue',
  }),
];
