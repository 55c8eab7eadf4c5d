/** Interleavings of a filesystem that moves blocks by itself: F4, F6, and moving blocks between files. */
import type { FileSpec } from '@fsport/core';
import type { Check } from '../types.js';
import { ALL_CHECKERS, SERIES } from './pairs.js';

const FILE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 16, blocks: [{ data: 'K' }, { data: 'L' }] };

const BASE = {
  groups: ['auto', 'named', 'punch'],
  rows: [],
  pair: null,
  geometry: { name: 'page', pageSize: 8, blockSize: 8 },
  raPages: 0,
  files: [FILE],
  setUp: [],
  checkers: ALL_CHECKERS,
  faults: {},
  fair: false,
  fixedBy: SERIES,
} as const;

/** All of them. */
export const F2FS: readonly Check[] = [
  {
    ...BASE,
    id: 'race/f4-collapse-of-moved-blocks-vs-read',
    summary:
      'A read racing a collapse that moves blocks in the map finds them at the old place or at the new one.',
    requires: { collapseRange: true, gc: true, write: true, writeback: true },
    setUp: [{ op: 'pwrite', pos: 0, data: 'xxxxxxxxyyyyyyyy' }, { op: 'fsync' }],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'a', ops: [{ op: 'readahead', pos: 0, len: 8 }] },
    ],
    raPages: 2,
    see: 'F4: blocks that no checkpoint knows are not copied but moved',
  },
  {
    ...BASE,
    id: 'race/f6-gc-vs-punch',
    summary:
      'GC, which fills pages without invalidate_lock, never reads or moves a block that a hole punch frees.',
    requires: { punchHole: true, gc: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 8, len: 8 }] },
      { letter: 'g', ops: [{ op: 'gc', pos: 8 }] },
    ],
    see: 'F6: i_gc_rwsem[WRITE] keeps them apart, before and after the series',
  },
  {
    ...BASE,
    id: 'race/move-range-vs-read',
    summary: 'After blocks were moved to another file, neither file shows from the cache what it had before.',
    requires: { moveRange: true },
    files: [FILE, OTHER],
    tasks: [
      { letter: 'v', ops: [{ op: 'move-range', source: 1, sourcePos: 8, pos: 8, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: '1.21: f2fs_move_file_range() takes no lock against fills and drops no page, in v5.15 either',
  },
];
