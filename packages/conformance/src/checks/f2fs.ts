/**
 * Interleavings of a filesystem that moves blocks by itself: F1 to F6, and moving blocks between files. F2, F3, F6, and F5 for a read, are
 * negative: they must not fail before the series either.
 */
import type { FileSpec } from '@fsport/core';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

const FILE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 16, blocks: [{ data: 'K' }, { data: 'L' }] };

const BASE = {
  ...COMMON,
  groups: ['auto', 'named', 'punch'],
  files: [FILE],
} as const;

/** All of them. */
export const F2FS: readonly Check[] = [
  {
    ...BASE,
    id: 'race/f1-readahead-vs-punch-with-edge',
    summary:
      'Readahead never fills a page from a block that is punched after the edge of the hole was zeroed through the cache.',
    requires: { punchHole: true, gc: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 4, len: 12 }] },
      { letter: 'a', ops: [{ op: 'readahead', pos: 8, len: 8 }] },
    ],
    raPages: 2,
    see: 'F1: E1 for f2fs, whose reads and advice took no lock before the series',
  },
  {
    ...BASE,
    id: 'race/f2-fault-vs-punch',
    summary: 'A fault racing a hole punch shows no block that the punch frees.',
    requires: { punchHole: true, gc: true, mmap: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 8, len: 8 }] },
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
    ],
    see: 'F2, negative: i_mmap_sem was held over the whole of filemap_fault()',
  },
  {
    ...BASE,
    id: 'race/f3-mapped-page-vs-punch',
    summary: 'A page that is mapped when it is punched is not seen through the mapping afterwards.',
    requires: { punchHole: true, gc: true, mmap: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'punch', pos: 8, len: 8 }] },
      {
        letter: 'f',
        ops: [
          { op: 'load', pos: 8 },
          { op: 'load', pos: 8 },
        ],
      },
    ],
    see: 'F3, negative: without an unmap of the whole range each page is unmapped as it is removed',
  },
  {
    ...BASE,
    id: 'race/f4-collapse-window-vs-fault',
    summary:
      'A fault between the two sections of a collapse fills its page from blocks that have moved already.',
    requires: { collapseRange: true, gc: true, mmap: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'f', ops: [{ op: 'load', pos: 0 }] },
    ],
    see: 'F4, negative: what is filled in the window is filled from the new map, and dropped again',
  },
  {
    ...BASE,
    id: 'race/f4-collapse-vs-readahead',
    summary: 'Readahead racing a collapse fills pages from the blocks at the old place or at the new one.',
    requires: { collapseRange: true, gc: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'a', ops: [{ op: 'readahead', pos: 0, len: 8 }] },
    ],
    raPages: 2,
    see: 'F4: without a lock a fill began before the first section can end in it',
  },
  {
    ...BASE,
    id: 'race/f4-insert-vs-read',
    summary: 'A read behind the place of an insert returns the bytes of before or after.',
    requires: { insertRange: true, gc: true },
    files: [{ ...FILE, size: 24, blocks: [...FILE.blocks, { data: 'C' }] }],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'insert', pos: 8, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 16, len: 8 }] },
    ],
    see: 'F4: from __read_out_blkaddrs() to __clone_blkaddrs() blocks are in no place, and without a lock a read sees holes',
  },
  {
    ...BASE,
    id: 'race/f4-insert-of-copied-blocks-vs-store',
    summary: 'A store racing an insert leaves the inserted range zero, but for what it stores there.',
    requires: { insertRange: true, gc: true, mmap: true, write: true, writeback: true },
    setUp: [{ op: 'checkpoint' }],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'insert', pos: 8, len: 8 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
    fixedBy: [],
    see: 'F4: blocks that a checkpoint knows are copied, and the page that they are copied from stays cached until the second section',
  },
  {
    ...BASE,
    id: 'race/f5-collapsed-tail-vs-read',
    summary: 'A read at the old end of the file, before the size is stored, sees zeroes at most.',
    requires: { collapseRange: true, gc: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'F5, negative: i_size is stored after the second section',
  },
  {
    ...BASE,
    id: 'race/f5-collapsed-tail-vs-fault',
    summary:
      'A fault at the old end of the file, before the size is stored, maps nothing that stays mapped beyond the new one.',
    requires: { collapseRange: true, gc: true, mmap: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
    ],
    fixedBy: [],
    see: 'F5: i_size is stored after the last unmap, and nothing is unmapped after it (1.15: i_size, drop, free)',
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
    keep: ['page2'],
    tasks: [
      { letter: 'v', ops: [{ op: 'move-range', source: 1, sourcePos: 8, pos: 8, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    fixedBy: [],
    see: '1.21: f2fs_move_file_range() takes no lock against fills and drops no page, in v5.15 either',
  },
];
