/** Interleavings that ext2 made known: T1 and W1. Both are negative: i_size alone makes them harmless, in every release. */
import type { Check } from '../types.js';
import { BLOCK, COMMON, PAGE } from './common.js';

const BASE = {
  ...COMMON,
} as const;

/** All of them. */
export const EXT2: readonly Check[] = [
  {
    ...BASE,
    id: 'race/t1-truncate-to-nothing-vs-fault',
    summary: 'A fault that saw the old size leaves at most zeroes beyond the end of the file.',
    groups: ['auto', 'named', 'truncate', 'fault'],
    requires: { truncate: true, mmap: true, dax: false },
    rows: ['truncate'],
    geometry: PAGE,
    files: [{ ino: 12, size: 8, blocks: [{ data: 'A' }] }],
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 0 }] },
      { letter: 'f', ops: [{ op: 'load', pos: 0 }] },
    ],
    see: 'T1: filemap_fault() looks at i_size first and last, readpage in between',
  },
  {
    ...BASE,
    id: 'race/w1-read-at-end-vs-failed-write',
    summary:
      'A read at the end of the file shows nothing of a block that a failing write got there and gave back.',
    groups: ['auto', 'named', 'truncate', 'faults'],
    requires: { write: true, truncate: true, subPageBlocks: true },
    rows: [],
    geometry: BLOCK,
    files: [{ ino: 12, size: 12, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] }],
    faults: { readIo: true },
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 10, data: 'wxyz' }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 12, len: 4 }] },
    ],
    see: 'W1: ext2_write_failed() drops pages without invalidate_lock, in v5.15 too',
  },
];
