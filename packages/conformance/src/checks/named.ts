/**
 * The interleavings that have a name, one by one.
 *
 * E1 to E8 are ext4's, before `mapping->invalidate_lock`; E4 and E6 are negative: they must not fail before
 * either. X3 is for filesystems that clone; X1, X2 and X4 are in reflink.ts.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { BLOCK, COMMON } from './common.js';
import { READS_AHEAD } from './fillers.js';

const THREE_PAGES: FileSpec = { ino: 12, size: 24, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] };
const FOUR_BLOCKS: FileSpec = {
  ino: 12,
  size: 16,
  blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }, { data: 'D' }],
};

const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };
const READ: Op = { op: 'pread', pos: 8, len: 8 };

/** What most named checks have in common. */
const BASE = {
  ...COMMON,
  requires: { punchHole: true },
  files: [THREE_PAGES],
} as const;

/** A page whose first block is valid and has a buffer, and whose second block was never read. */
const HALF_VALID: readonly Op[] = [{ op: 'pwrite', pos: 0, data: 'xxxx' }, { op: 'fsync' }];
const PUNCH_BLOCK: Op = { op: 'fallocate', mode: 'punch', pos: 4, len: 4 };

function advice(name: string, op: Op, requires: Check['requires']): Check {
  return {
    ...BASE,
    id: `race/e3-${name}-vs-punch`,
    summary: 'Readahead by advice never fills a page from a block that a hole punch frees.',
    groups: ['auto', 'named', 'punch', 'readahead'],
    requires: { ...READS_AHEAD, ...requires },
    rows: ['willneed'],
    raPages: 2,
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'a', ops: [op] },
    ],
    see: 'E3: force_page_cache_ra() from fadvise(2), readahead(2) or madvise(2)',
  };
}

function truncateAgainst(name: string, op: Op): Check {
  return {
    ...BASE,
    id: `race/e6-truncate-vs-${name}`,
    summary:
      'Truncation is guarded by i_size alone: it is stored first and sampled after the page was inserted.',
    groups: ['auto', 'named', 'truncate'],
    requires: { truncate: true, dax: false, ...(op.op === 'load' ? { mmap: true } : {}) },
    rows: ['truncate'],
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 8 }] },
      { letter: op.op === 'load' ? 'f' : 'r', ops: [op] },
    ],
    see: 'E6, negative: safe before the series too',
  };
}

/** All named checks. */
export const NAMED: readonly Check[] = [
  {
    ...BASE,
    id: 'race/e1-read-vs-punch',
    summary: 'A read racing a hole punch never leaves old or foreign bytes for later reads.',
    groups: ['auto', 'quick', 'named', 'punch'],
    requires: { punchHole: true },
    rows: ['pread'],
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'r', ops: [READ] },
      { letter: 's', ops: [READ] },
    ],
    see: 'E1: filemap_create_page() or readahead between cache removal and block freeing',
  },
  {
    ...BASE,
    id: 'race/e2-persisted-exposure',
    summary: 'Bytes that a read exposed never become content of the file.',
    groups: ['auto', 'named', 'punch', 'writeback'],
    requires: { punchHole: true, write: true, writeback: true },
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'd', ops: [READ, { op: 'pwrite', pos: 10, data: 'xy' }] },
    ],
    checkers: ['persisted-exposure'],
    see: 'E2: a partial write trusts the valid page and writes all of it',
  },
  {
    ...BASE,
    id: 'race/e2-corruption',
    summary: 'No write goes to a block that a hole punch freed.',
    groups: ['auto', 'named', 'punch', 'writeback'],
    requires: { punchHole: true, write: true, writeback: true, subPageBlocks: true },
    geometry: BLOCK,
    files: [FOUR_BLOCKS],
    setUp: HALF_VALID,
    tasks: [
      { letter: 'p', ops: [PUNCH_BLOCK] },
      {
        letter: 'd',
        ops: [{ op: 'pread', pos: 0, len: 8 }, { op: 'pwrite', pos: 4, data: 'xy' }, { op: 'fsync' }],
      },
    ],
    checkers: ['corruption'],
    see: 'E2: the page has buffers, so the write finds a mapped one and allocates nothing',
  },
  advice('fadvise', { op: 'fadvise', advice: 'WILLNEED', pos: 8, len: 8 }, { punchHole: true }),
  advice('readahead', { op: 'readahead', pos: 8, len: 8 }, { punchHole: true }),
  advice('madvise', { op: 'madvise', advice: 'WILLNEED', pos: 8, len: 8 }, { punchHole: true, mmap: true }),
  {
    ...BASE,
    id: 'race/e4-fault-readahead-vs-punch',
    summary: 'Readahead started by a fault never fills a page from a block that a hole punch frees.',
    groups: ['auto', 'named', 'punch', 'readahead', 'fault'],
    requires: { ...READS_AHEAD, punchHole: true, mmap: true },
    rows: ['fault-readahead'],
    raPages: 4,
    tasks: [
      { letter: 'p', ops: [PUNCH] },
      { letter: 'f', ops: [{ op: 'load', pos: 0 }] },
    ],
    see: 'E4, negative: ext4 held i_mmap_sem over the whole of filemap_fault()',
  },
  {
    ...BASE,
    id: 'race/e5-sub-page-read-vs-punch',
    summary: 'Completing a partly valid page never reads a block that a hole punch frees.',
    groups: ['auto', 'named', 'punch'],
    requires: { punchHole: true, write: true, writeback: true, subPageBlocks: true },
    rows: ['pread'],
    geometry: BLOCK,
    files: [FOUR_BLOCKS],
    setUp: HALF_VALID,
    keep: ['setup1', 'setup2'],
    tasks: [
      { letter: 'p', ops: [PUNCH_BLOCK] },
      { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8 }] },
    ],
    see: 'E5: why filemap_update_page() needs invalidate_lock, not only filemap_create_page()',
  },
  truncateAgainst('read', READ),
  truncateAgainst('fault', { op: 'load', pos: 8 }),
  {
    ...BASE,
    id: 'race/e7-zero-range-vs-read',
    summary: 'A read racing a zeroed range never shows old bytes where the map says unwritten.',
    groups: ['auto', 'named', 'punch'],
    requires: { zeroRange: true },
    rows: ['shift-or-zero'],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'zero-keep', pos: 8, len: 8 }] },
      { letter: 'r', ops: [READ] },
    ],
    checkers: ['lost-zeroing'],
    see: 'E7: filled between truncate_pagecache_range() and the conversion to unwritten',
  },
  {
    ...BASE,
    id: 'race/e8-collapse-vs-read',
    summary:
      'A read racing a collapse returns the bytes of before or after, and leaves none of before in the cache.',
    groups: ['auto', 'named', 'punch'],
    requires: { collapseRange: true },
    rows: ['shift-or-zero'],
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'collapse', pos: 0, len: 8 }] },
      { letter: 'r', ops: [READ] },
    ],
    checkers: ['stale-data'],
    see: 'E8: filled between the removal of the pages, if there is one, and the shift',
  },
  {
    ...BASE,
    id: 'race/x3-clone-vs-store',
    summary: 'A store racing a clone into the same page goes to the blocks that the page has after it.',
    groups: ['auto', 'named', 'fault'],
    requires: { clone: true, mmap: true, write: true },
    rows: ['remap'],
    files: [THREE_PAGES, { ino: 13, size: 24, blocks: [{ data: 'K' }, { data: 'L' }, { data: 'M' }] }],
    tasks: [
      { letter: 'c', ops: [{ op: 'clone', source: 1, sourcePos: 8, pos: 8, len: 8 }] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
    see: 'X3: a page dirtied between the flush and the remap keeps old content over a new, shared extent',
  },
];
