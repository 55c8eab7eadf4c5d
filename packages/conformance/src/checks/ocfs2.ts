/**
 * Interleavings that ocfs2 made known: O1 and O2. A hole punch takes clusters out of the file before it drops their pages; what
 * keeps fills away meanwhile is a lock that they only try.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

const FILE: FileSpec = { ino: 12, size: 24, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] };
const OTHER: FileSpec = { ino: 13, size: 8, blocks: [{ data: 'K' }] };
const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };

/** A filesystem on a disk of its own that punches holes, and knows no FALLOC_FL_ZERO_RANGE. */
const LOCAL = {
  ...{ write: true, truncate: true, writeback: true, punchHole: true },
  ...{ zeroRange: false, inMemory: false, cluster: false, remote: false },
} as const;

function ocfs2(id: string, rest: Pick<Check, 'summary' | 'tasks' | 'see'> & Partial<Check>): Check {
  return {
    ...COMMON,
    id: `race/${id}`,
    groups: ['auto', 'named', 'punch'],
    files: [FILE],
    fixedBy: [],
    ...rest,
    requires: LOCAL,
  };
}

/** All of them. */
export const OCFS2: readonly Check[] = [
  ocfs2('o1-writeback-vs-punch', {
    summary: 'The flusher does not write to a cluster that a hole punch took out of the file.',
    groups: ['auto', 'named', 'punch', 'writeback'],
    rows: ['writeback'],
    setUp: [{ op: 'pwrite', pos: 8, data: 'yyyyyyyy' }],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
    see: 'O1: ocfs2_remove_inode_range() removes extents first, ocfs2_writepage() believes mapped buffers, and ocfs2_sync_fs() may flush the truncate log in between (v5.15)',
  }),
  ocfs2('o1-writeback-vs-truncate', {
    summary: 'The flusher does not write to a cluster that a truncation took out of the file.',
    groups: ['auto', 'named', 'truncate', 'writeback'],
    rows: ['truncate'],
    setUp: [{ op: 'pwrite', pos: 8, data: 'yyyyyyyy' }],
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 4 }] },
      { letter: 'b', ops: [{ op: 'flush' }] },
    ],
    see: 'O1, negative: ocfs2_truncate_file() drops pages first (v5.15)',
  }),
  ocfs2('o2-read-in-flight-vs-punch', {
    summary: 'A read that is in flight when its cluster is taken out of the file is waited for.',
    rows: ['pread'],
    raPages: 2,
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      {
        letter: 'r',
        ops: [
          { op: 'pread', pos: 8, len: 8 },
          { op: 'pread', pos: 8, len: 8 },
        ],
      },
    ],
    see: 'O2, negative: the semaphore is held to look the cluster up, the page lock until it has arrived',
  }),
  ocfs2('o2-read-vs-punch-and-log-flush', {
    summary:
      'A read in flight is waited for before anybody gives its cluster away, whoever flushes the truncate log.',
    files: [FILE, OTHER],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 't', ops: [{ op: 'ftruncate', file: 1, size: 0 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'O2 with a truncate log that somebody else flushes: pages are waited for after the removal, ocfs2_flush_truncate_log() waits for none (v5.15)',
  }),
  ocfs2('o2-write-vs-read', {
    summary: 'A read that meets a write between write_begin and write_end starts over, and ends.',
    rows: ['buffered-write'],
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 10, data: 'xy' }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'AOP_TRUNCATED_PAGE: ocfs2_readpage() has the page lock, and ip_alloc_sem ranks above it (v5.15)',
  }),
];
