/**
 * Interleavings of files that a server changes at a client's request: U1 to U3, for files with a page cache, and memory
 * through which files are accessed, of which there is less than files want.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

/** Files that have a page cache. */
const FILE: FileSpec = { ino: 12, size: 16, dax: false, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 16, dax: false, blocks: [{ data: 'K' }, { data: 'L' }] };
/** A file with more pages than the window has ranges. */
const LONG: FileSpec = { ino: 12, size: 48, blocks: [...'ABCDEF'].map((data) => ({ data })) };

const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };
/** All ranges but one are in use, the one of the first page for longest. */
const SHORT: readonly Op[] = [0, 8, 16, 24].map((pos) => ({ op: 'load', pos }));

type Rest = Pick<Check, 'summary' | 'tasks' | 'requires' | 'see'> & Partial<Check>;

function fuse(id: string, rest: Rest): Check {
  return {
    ...COMMON,
    id: `race/${id}`,
    groups: ['auto', 'named', 'network'],
    files: [FILE],
    ...rest,
  };
}

const SERVER = { remote: true, copyRange: true } as const;
const WINDOW = { remote: true, dax: true, mmap: true } as const;

/** All of them. */
export const FUSE: readonly Check[] = [
  fuse('u1-read-vs-punch-at-server', {
    summary: 'A page that is read while the server punches a hole is dropped before the punch returns.',
    requires: { ...SERVER, punchHole: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'U1, negative: the server punches first, and a page on its way is locked, so that it is waited for',
  }),
  fuse('u1-read-vs-truncate-at-server', {
    summary: 'A page that is read while the server truncates the file is dropped before that returns.',
    requires: { ...SERVER, truncate: true },
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'U1, negative, for truncation: i_size follows the server, and pages follow i_size',
  }),
  fuse('u1-writeback-vs-truncate-at-server', {
    summary: 'No page reaches the server after it was truncated away there.',
    requires: { ...SERVER, truncate: true, write: true, writeback: true },
    setUp: [{ op: 'pwrite', pos: 8, data: 'xxxx' }],
    tasks: [
      {
        letter: 't',
        ops: [
          { op: 'ftruncate', size: 8 },
          { op: 'ftruncate', size: 16 },
        ],
      },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
    see: 'fuse_set_nowrite(): what is on its way is waited for, and what comes has to wait (v5.15)',
  }),
  fuse('u1-store-and-flush-vs-punch-at-server', {
    summary: 'Writeback does not put back at the server what a hole punch discarded there.',
    requires: { ...SERVER, punchHole: true, mmap: true, write: true, writeback: true },
    setUp: [{ op: 'pread', pos: 8, len: 8 }],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }, { op: 'flush' }] },
    ],
    checkers: ['lost-zeroing'],
    see: 'as U2, for punches: nothing keeps page_mkwrite out while the server punches',
  }),
  fuse('u2-copy-vs-store-beside', {
    summary: 'A store next to a range that is copied to is not lost with the page.',
    requires: { ...SERVER, mmap: true, write: true },
    rows: ['remap'],
    files: [FILE, OTHER],
    setUp: [{ op: 'pread', pos: 8, len: 8 }],
    tasks: [
      { letter: 'c', ops: [{ op: 'copy', source: 1, sourcePos: 8, pos: 12, len: 4 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
    see: 'U2: whole pages are dropped, and a store after the flush goes with them (v5.15, by design)',
  }),
  fuse('u2-copy-vs-read', {
    summary: 'A page that is read while the server copies to it is dropped before the copy returns.',
    requires: SERVER,
    files: [FILE, OTHER],
    tasks: [
      { letter: 'c', ops: [{ op: 'copy', source: 1, sourcePos: 8, pos: 8, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'U2, negative: a fill loses nothing',
  }),
  fuse('u3-copy-of-extended', {
    summary:
      'A hole that a write beyond the end made is copied as zeroes, also if the write is not at the server.',
    requires: { ...SERVER, write: true, writeback: true },
    files: [{ ...FILE, size: 8, blocks: [{ data: 'A' }] }, OTHER],
    setUp: [{ op: 'pwrite', pos: 16, data: 'xxxxxxxx' }],
    tasks: [{ letter: 'c', ops: [{ op: 'copy', file: 1, source: 0, sourcePos: 8, pos: 8, len: 8 }] }],
    fixedBy: [{ kernel: '59bda8ecee2f', since: 'v5.15', title: 'fuse: flush extending writes' }],
    see: 'U3: what is flushed is the range, and the server knows of no size beyond it (v5.14)',
  }),
  fuse('fuse-load-vs-reclaim', {
    summary: 'Memory is taken from a file only when nothing is mapped to it, and given to another page.',
    requires: WINDOW,
    groups: ['auto', 'named', 'fault'],
    files: [LONG],
    setUp: SHORT,
    tasks: [
      { letter: 'f', ops: [{ op: 'load', pos: 32 }] },
      { letter: 'g', ops: [{ op: 'load', pos: 0 }] },
    ],
    see: 'fs/fuse/dax.c lookup_and_reclaim_dmap(): the lock against faults, then dax->sem (v5.15)',
  }),
  fuse('fuse-store-vs-reclaim', {
    summary: 'What is stored while memory is taken back is not lost, and goes to no other file.',
    requires: { ...WINDOW, write: true },
    groups: ['auto', 'named', 'fault'],
    files: [LONG],
    setUp: SHORT,
    tasks: [
      { letter: 'f', ops: [{ op: 'load', pos: 32 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 0, data: 'x' }] },
    ],
    see: 'fs/fuse/dax.c reclaim_one_dmap_locked() (v5.15)',
  }),
  fuse('fuse-read-vs-reclaim', {
    summary: 'Memory is not taken back while read(2) copies from it.',
    requires: WINDOW,
    files: [LONG],
    setUp: SHORT,
    tasks: [
      { letter: 'f', ops: [{ op: 'load', pos: 32 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8 }] },
    ],
    see: 'fs/fuse/dax.c fuse_fill_iomap(): dmap->refcnt (v5.15)',
  }),
  fuse('fuse-fault-without-range', {
    summary: 'A fault that finds no memory free waits for it without the lock that who frees it needs.',
    requires: WINDOW,
    groups: ['auto', 'named', 'fault', 'lockdep'],
    files: [LONG],
    setUp: SHORT,
    tasks: [
      {
        letter: 'f',
        ops: [
          { op: 'load', pos: 32 },
          { op: 'load', pos: 40 },
        ],
      },
    ],
    fair: true,
    see: 'M25: __fuse_dax_fault() drops the lock, waits, and starts over (v5.15)',
  }),
  fuse('fuse-read-without-range', {
    summary: 'A read that finds no memory free takes some of its own file, and waits for nobody in a circle.',
    requires: WINDOW,
    groups: ['auto', 'named', 'lockdep'],
    files: [LONG],
    setUp: SHORT,
    tasks: [{ letter: 'r', ops: [{ op: 'pread', pos: 32, len: 16 }] }],
    see: 'fs/fuse/dax.c alloc_dax_mapping_reclaim() (v5.15)',
  }),
  fuse('fuse-setattr-of-size-and-mode', {
    summary: 'A change of size and mode that the server refuses releases every lock.',
    requires: { ...WINDOW, truncate: true, writeback: true },
    groups: ['auto', 'named', 'truncate', 'lockdep', 'faults'],
    files: [{ ...FILE, dax: true }],
    faults: { writeIo: true },
    tasks: [{ letter: 't', ops: [{ op: 'setattr', size: 8 }] }],
    fixedBy: [],
    see: 'M14: fuse_do_setattr() returns what write_inode_now() does, and keeps invalidate_lock (v5.15)',
  }),
];
