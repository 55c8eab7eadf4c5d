/** Who removes pages, and mostly changes the blocks behind them: the columns of the generated pairs. */
import type { Supports } from '@fsport/core';
import type { FallocateMode, Op } from '../ops.js';
import type { PairGeometry } from './geometry.js';

/** One way to invalidate. */
export interface Invalidator {
  /** Name in check ids. */
  readonly name: string;
  /** Rows of the verdict matrix that its pairs count for, given those of the filler. */
  readonly rows: (filler: readonly string[]) => readonly string[];
  /** Are those of the filler added where no hole can be punched? */
  readonly insteadOfPunch?: boolean;
  /** Claims it needs. */
  readonly requires: Supports;
  /** Groups. */
  readonly groups: readonly string[];
  /** Does it make sense on this geometry? */
  readonly fits: (g: PairGeometry) => boolean;
  /** What it does. */
  readonly op: (g: PairGeometry) => Op;
}

function fallocate(mode: FallocateMode): (g: PairGeometry) => Op {
  return ({ range }) => ({ op: 'fallocate', mode, ...range });
}

const those = (filler: readonly string[]): readonly string[] => filler;
/** Who writes has a row of its own; everybody else fills. */
const shiftOrZero = (filler: readonly string[]): readonly string[] =>
  filler.includes('buffered-write') ? filler : ['shift-or-zero'];
const truncate = (): readonly string[] => ['truncate'];
const always = (): boolean => true;
/** Nothing changes behind the pages, so the range does not matter. */
const wholePages = (g: PairGeometry): boolean => g.geometry.name === 'page' || g.geometry.name === 'block';
const shiftable = (g: PairGeometry): boolean => g.shiftable;

/** Where there is no page cache, there is nothing to drop from it. */
const CACHES: Supports = { dax: false };

/** All of them. */
export const INVALIDATORS: readonly Invalidator[] = [
  {
    name: 'punch-hole',
    rows: those,
    requires: { punchHole: true },
    groups: ['punch'],
    fits: always,
    op: fallocate('punch'),
  },
  {
    name: 'zero-range',
    rows: shiftOrZero,
    requires: { zeroRange: true },
    groups: ['punch'],
    fits: always,
    op: fallocate('zero-keep'),
  },
  {
    name: 'collapse-range',
    rows: shiftOrZero,
    requires: { collapseRange: true },
    groups: ['punch'],
    fits: shiftable,
    op: fallocate('collapse'),
  },
  {
    name: 'insert-range',
    rows: shiftOrZero,
    requires: { insertRange: true },
    groups: ['punch'],
    fits: shiftable,
    op: fallocate('insert'),
  },
  {
    name: 'truncate-down',
    rows: truncate,
    insteadOfPunch: true,
    requires: { truncate: true },
    groups: ['truncate'],
    fits: (g) => g.geometry.name !== 'eof',
    op: ({ range }) => ({ op: 'ftruncate', size: range.pos }),
  },
  {
    name: 'truncate-up',
    rows: truncate,
    insteadOfPunch: true,
    requires: { truncate: true },
    groups: ['truncate'],
    fits: (g) => g.geometry.name === 'eof',
    op: ({ file, geometry }) => ({ op: 'ftruncate', size: file.size + geometry.pageSize }),
  },
  {
    name: 'madvise-remove',
    rows: those,
    requires: { punchHole: true, mmap: true },
    groups: ['punch'],
    fits: (g) => g.geometry.name === 'page',
    op: ({ range }) => ({ op: 'madvise', advice: 'REMOVE', ...range }),
  },
  {
    name: 'fadvise-dontneed',
    rows: those,
    requires: CACHES,
    groups: ['readahead'],
    fits: wholePages,
    op: ({ wanted }) => ({ op: 'fadvise', advice: 'DONTNEED', ...wanted }),
  },
  {
    name: 'reclaim',
    rows: those,
    requires: CACHES,
    groups: ['readahead'],
    fits: wholePages,
    op: ({ wanted }) => ({ op: 'reclaim', pos: wanted.pos }),
  },
];
