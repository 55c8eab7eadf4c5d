/**
 * Files that are zones of a device: written in order by direct appends, emptied by a reset, filled up by a finish. The
 * page cache is filled by reads, faults and advice alone, and an append does not look at it.
 *
 * Z1 to Z3 are zonefs's; Z4 is a look-up that begins exactly where a file that was just reset ends. A file that a check fills
 * races on a page that is not its first, so that Z4 is not in the way of the others.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check, TaskSpec } from '../types.js';
import { BLOCK, COMMON } from './common.js';
import { ALL_CHECKERS } from './pairs.js';

const DATA = ['A', 'B', 'C', 'D', 'E', 'F'].map((data) => ({ data }));
/** A zone that is full. */
const FULL: FileSpec = { ino: 12, size: 24, blocks: DATA.slice(0, 3) };
/** A zone of which one block is written. */
const BEGUN: FileSpec = { ino: 12, size: 8, blocks: [{ data: 'A' }, 'unwritten', 'unwritten'] };
const CONVENTIONAL: FileSpec = {
  ino: 13,
  size: 16,
  blocks: [{ data: 'K' }, { data: 'L' }],
  conventional: true,
};

const RESET: Op = { op: 'ftruncate', size: 0 };
const FINISH: Op = { op: 'ftruncate', size: 24 };
const READ: Op = { op: 'pread', pos: 8, len: 8 };
const LOAD: Op = { op: 'load', pos: 8 };

function append(pos: number, len: number): Op {
  return { op: 'pwrite', flags: 'direct', pos, data: 'x'.repeat(len) };
}

const RESETTER: TaskSpec = { letter: 't', ops: [RESET] };
/** The page that a fill left behind the end of the file lies in the file again. */
const REWRITER: TaskSpec = { letter: 't', ops: [RESET, append(0, 16)] };
const READER: TaskSpec = { letter: 'r', ops: [READ] };
const FAULTER: TaskSpec = { letter: 'f', ops: [LOAD] };

/** The commits that end what the series left. */
const RESIDUE: Check['fixedBy'] = [
  {
    kernel: 'c1976bd8f230',
    since: 'v6.3',
    title: 'zonefs: Always invalidate last cached page on append write',
  },
];
const ENDLESS: Check['fixedBy'] = [
  { kernel: 'c1c1204c0d0c', since: 'v5.19', title: 'zonefs: fix zonefs_iomap_begin() for reads' },
];

function zone(id: string, rest: Pick<Check, 'summary' | 'tasks' | 'see'> & Partial<Check>): Check {
  return {
    ...COMMON,
    id: `zone/${id}`,
    groups: ['auto', 'named', 'truncate'],
    files: [FULL],
    ...rest,
    requires: { zoned: true, ...rest.requires },
  };
}

const ADVICE: readonly (readonly [name: string, op: Op, requires: Check['requires']])[] = [
  ['fadvise', { op: 'fadvise', advice: 'WILLNEED', pos: 8, len: 8 }, {}],
  ['readahead', { op: 'readahead', pos: 8, len: 8 }, {}],
  ['madvise', { op: 'madvise', advice: 'WILLNEED', pos: 8, len: 8 }, { mmap: true }],
];

function advice(name: string, op: Op, requires: Check['requires']): Check[] {
  const adviser: TaskSpec = { letter: 'a', ops: [op] };
  const common = {
    groups: ['auto', 'named', 'truncate', 'readahead'],
    requires: { readahead: true, ...requires },
    rows: ['willneed'],
    raPages: 2,
  };
  return [
    zone(`z1-${name}-vs-reset-and-append`, {
      ...common,
      summary: 'Advice that saw a zone full leaves no page that hides what is appended after a reset.',
      tasks: [REWRITER, adviser],
      // Z3 is about that, and would be found first.
      deadlockElsewhere: true,
      checkers: ALL_CHECKERS.filter((checker) => checker !== 'lock-order'),
      fixedBy: RESIDUE,
      see: 'Z1: do_page_cache_ra() looks at i_size before it takes invalidate_lock; an append drops no pages',
    }),
    zone(`z3-${name}-vs-reset`, {
      ...common,
      summary: 'Advice and a reset do not wait for each other.',
      tasks: [RESETTER, adviser],
      see: 'Z3: page lock, then i_truncate_mutex in zonefs_iomap_begin(); the reverse in zonefs_file_truncate()',
    }),
  ];
}

/** All of them. */
export const ZONEFS: readonly Check[] = [
  ...ADVICE.flatMap((row) => advice(...row)),
  zone('z1-read-vs-reset-and-append', {
    summary: 'A read leaves no page that hides what is appended after a reset.',
    rows: ['pread'],
    tasks: [REWRITER, READER],
    see: 'Z1, negative: zonefs_file_read_iter() holds i_rwsem shared from its look at i_size on',
  }),
  zone('z1-fault-vs-reset-and-append', {
    summary: 'A fault that saw a zone full leaves no page that hides what is appended after a reset.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { mmap: true },
    tasks: [REWRITER, FAULTER],
    fixedBy: RESIDUE,
    see: 'Z1 by a fault: v5.15 looks at i_size in filemap_fault() before it takes invalidate_lock',
  }),
  zone('z2-readahead-in-flight-vs-reset', {
    summary: 'What a reset overtakes on its way from the disk is not left in the cache.',
    groups: ['auto', 'named', 'truncate', 'readahead'],
    requires: { readahead: true },
    rows: ['pread'],
    raPages: 2,
    tasks: [{ letter: 't', ops: [RESET, append(0, 24)] }, READER],
    see: 'Z2, negative: truncate_inode_pages_range() waits for the page lock of each page',
  }),
  zone('z4-fault-at-the-new-end-vs-reset', {
    summary: 'A fault that meets a file which was just emptied is not mapped to nothing without end.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { mmap: true },
    tasks: [RESETTER, { letter: 'f', ops: [{ op: 'load', pos: 0 }] }],
    fixedBy: ENDLESS,
    see: 'Z4: zonefs_iomap_begin() of a read that begins at i_size returns a length of nothing',
  }),
  zone('read-vs-reset', {
    summary: 'A read racing a reset shows what was there, or the end of the file.',
    groups: ['auto', 'quick', 'named', 'truncate'],
    rows: ['pread'],
    tasks: [RESETTER, READER],
    see: 'fs/zonefs/super.c zonefs_file_truncate() (v5.15)',
  }),
  zone('direct-read-vs-reset', {
    summary: 'A direct read racing a reset shows what was there, or the end of the file.',
    requires: { directIo: true },
    tasks: [RESETTER, { letter: 'r', ops: [{ op: 'pread', flags: 'direct', pos: 8, len: 8 }] }],
    see: 'fs/zonefs/super.c zonefs_file_read_iter() (v5.15)',
  }),
  zone('read-vs-finish', {
    summary: 'A read racing a finish shows the end of the file, or zeroes up to the end of the zone.',
    rows: ['pread'],
    files: [BEGUN],
    tasks: [{ letter: 't', ops: [FINISH] }, READER],
    see: 'fs/zonefs/super.c zonefs_file_truncate(), REQ_OP_ZONE_FINISH (v5.15)',
  }),
  zone('read-vs-append', {
    summary: 'A read racing an append shows the end of the file, or what was appended.',
    rows: ['pread'],
    files: [BEGUN],
    tasks: [{ letter: 'w', ops: [append(8, 8)] }, READER],
    see: 'fs/zonefs/super.c zonefs_file_dio_append() (v5.15)',
  }),
  zone('append-vs-append', {
    summary: 'Of two appends at one place one is refused, and what the other wrote is there.',
    files: [BEGUN],
    tasks: [
      { letter: 'v', ops: [append(8, 8)] },
      { letter: 'w', ops: [{ op: 'pwrite', flags: 'direct', pos: 8, data: 'yyyyyyyy' }] },
    ],
    see: 'fs/zonefs/super.c zonefs_file_dio_write(): i_wpoffset (v5.15)',
  }),
  zone('append-vs-reset', {
    summary: 'An append racing a reset goes to the end of the file or is refused.',
    files: [BEGUN],
    tasks: [RESETTER, { letter: 'w', ops: [append(8, 8)] }],
    see: 'fs/zonefs/super.c zonefs_file_dio_write(): i_wpoffset (v5.15)',
  }),
  zone('load-vs-reset', {
    summary: 'A fault racing a reset shows what was there, or fails, and leaves nothing mapped.',
    groups: ['auto', 'quick', 'named', 'truncate', 'fault'],
    requires: { mmap: true },
    rows: ['read-fault'],
    tasks: [RESETTER, FAULTER],
    see: 'fs/zonefs/super.c zonefs_filemap_fault() (v5.14)',
  }),
  zone('populate-vs-reset', {
    summary: 'Populating a mapping while the zone is reset leaves nothing mapped.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { mmap: true },
    rows: ['read-fault'],
    tasks: [RESETTER, { letter: 'f', ops: [{ op: 'madvise', advice: 'POPULATE_READ', pos: 8, len: 8 }] }],
    see: 'fs/zonefs/super.c zonefs_filemap_fault() (v5.14)',
  }),
  zone('load-vs-finish', {
    summary: 'A fault racing a finish fails, or shows zeroes.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { mmap: true },
    rows: ['read-fault'],
    files: [BEGUN],
    tasks: [{ letter: 't', ops: [FINISH] }, FAULTER],
    see: 'fs/zonefs/super.c zonefs_file_truncate(), REQ_OP_ZONE_FINISH (v5.15)',
  }),
  zone('fault-readahead-vs-reset', {
    summary: 'Readahead started by a fault and a reset do not wait for each other, and nothing stays mapped.',
    groups: ['auto', 'named', 'truncate', 'fault', 'readahead'],
    requires: { readahead: true, mmap: true },
    rows: ['fault-readahead'],
    raPages: 2,
    tasks: [RESETTER, { letter: 'f', ops: [{ op: 'load', pos: 16 }] }],
    see: 'zonefs held i_mmap_sem over the whole of filemap_fault(); v5.15: page_cache_ra_unbounded()',
  }),
  zone('sub-page-read-vs-reset', {
    summary: 'A page of two blocks that is read while the zone is reset does not outlive it.',
    requires: { subPageBlocks: true },
    rows: ['pread'],
    geometry: BLOCK,
    files: [{ ino: 12, size: 16, blocks: DATA.slice(0, 4) }],
    tasks: [{ letter: 't', ops: [RESET, append(0, 16)] }, READER],
    see: 'fs/iomap/buffered-io.c iomap_readpage_iter() (v5.15)',
  }),
  zone('fsync-vs-append-and-reset', {
    summary: 'There is nothing to write back of a zone that is written in order, and no dirty page is left.',
    groups: ['auto', 'named', 'truncate', 'writeback'],
    requires: { writeback: true },
    rows: ['writeback'],
    files: [BEGUN],
    setUp: [{ op: 'pread', pos: 0, len: 8 }],
    tasks: [
      { letter: 't', ops: [append(8, 8), RESET] },
      { letter: 'b', ops: [{ op: 'fsync' }, { op: 'flush' }] },
    ],
    see: 'fs/zonefs/super.c zonefs_file_fsync() (v5.15)',
  }),
  zone('conventional-writeback-vs-write', {
    summary: 'A write to a conventional zone is not lost to the flusher, nor to whoever drops clean pages.',
    groups: ['auto', 'named', 'writeback'],
    requires: { writeback: true },
    rows: ['writeback'],
    files: [CONVENTIONAL],
    setUp: [{ op: 'pwrite', pos: 8, data: 'yy' }],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 10, data: 'xx' }] },
      { letter: 'b', ops: [{ op: 'flush' }, { op: 'reclaim', pos: 8 }] },
    ],
    see: 'fs/zonefs/super.c zonefs_map_blocks() (v5.15)',
  }),
  zone('conventional-writeback-vs-store', {
    summary: 'A store to a conventional zone is not lost to the flusher.',
    groups: ['auto', 'named', 'writeback', 'fault'],
    requires: { writeback: true, mmap: true },
    rows: ['writeback'],
    files: [CONVENTIONAL],
    setUp: [{ op: 'pwrite', pos: 8, data: 'yy' }],
    tasks: [
      { letter: 'm', ops: [{ op: 'store', pos: 10, data: 'x' }] },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
    see: 'fs/zonefs/super.c zonefs_filemap_page_mkwrite(), zonefs_map_blocks() (v5.15)',
  }),
  zone('conventional-direct-write-vs-read', {
    summary: 'A direct write to a conventional zone is there when it has ended.',
    groups: ['auto', 'named', 'writeback'],
    requires: { directIo: true },
    files: [CONVENTIONAL],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', flags: 'direct', pos: 8, data: 'xxxxxxxx' }] },
      { letter: 'r', ops: [READ] },
    ],
    see: 'fs/zonefs/super.c zonefs_file_dio_write(): i_rwsem exclusive, reads hold it shared (v5.15)',
  }),
  zone('read-into-mapping-vs-reset', {
    summary: 'A read of a zone into a mapping of another holds no lock that its fault or a reset waits for.',
    groups: ['auto', 'fault', 'lockdep', 'truncate'],
    requires: { mmap: true },
    rows: ['read-into-mmap'],
    files: [FULL, CONVENTIONAL],
    fair: true,
    setUp: [READ],
    tasks: [
      RESETTER,
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8, into: { file: 1, pos: 8 } }] },
      { letter: 'u', threadOf: 'r', ops: [{ op: 'munmap', file: 1 }] },
    ],
    see: 'G1: zonefs_file_read_iter() holds i_rwsem shared over the copy, and nothing else (v5.15)',
  }),
  zone('write-from-own-page-vs-munmap', {
    summary:
      'A write to a conventional zone from the very page it writes to faults before the page is locked.',
    groups: ['auto', 'fault', 'lockdep', 'writeback'],
    requires: { mmap: true },
    rows: ['read-into-mmap'],
    files: [CONVENTIONAL],
    fair: true,
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite-mapped', pos: 0, len: 4, from: { file: 0, pos: 4 } }] },
      { letter: 'u', threadOf: 'w', ops: [{ op: 'munmap' }] },
    ],
    see: 'fs/iomap/buffered-io.c iomap_write_iter(): i_truncate_mutex is not held over the copy (v5.15)',
  }),
  zone('error-read-vs-reset', {
    summary: 'A read that fails asks the device how long the file is, and leaves nothing behind.',
    groups: ['auto', 'faults', 'truncate'],
    faults: { readIo: true, allocPage: true },
    tasks: [RESETTER, READER],
    see: 'fs/zonefs/super.c zonefs_io_error() (v5.15)',
  }),
  zone('error-append-vs-read', {
    summary: 'An append that fails leaves the file as long as its zone is written.',
    groups: ['auto', 'faults'],
    files: [BEGUN],
    faults: { writeIo: true },
    tasks: [{ letter: 'w', ops: [append(8, 8), append(8, 8)] }, READER],
    see: 'fs/zonefs/super.c zonefs_file_write_dio_end_io(), zonefs_io_error() (v5.15)',
  }),
];
