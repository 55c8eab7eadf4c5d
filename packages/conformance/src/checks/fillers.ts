/** Who can bring pages into the cache, or make them valid or writable: the rows of the generated pairs. */
import type { Supports } from '@fsport/core';
import type { Op } from '../ops.js';
import type { PairGeometry } from './geometry.js';

/** One way to fill. */
export interface Filler {
  /** Name in check ids. */
  readonly name: string;
  /** Letter of its task. */
  readonly letter: string;
  /** Rows of the verdict matrix. */
  readonly rows: readonly string[];
  /** Claims it needs. */
  readonly requires: Supports;
  /** Readahead window, pages. */
  readonly raPages: number;
  /** Groups beyond those of the invalidator. */
  readonly groups: readonly string[];
  /** What it does. */
  readonly ops: (g: PairGeometry) => readonly Op[];
  /** What must have happened before. */
  readonly setUp?: (g: PairGeometry) => readonly Op[];
}

type Range = PairGeometry['wanted'];

function filler(
  name: string,
  letter: string,
  row: string | null,
  op: (range: Range) => Op,
  rest: Partial<Filler> = {},
): Filler {
  const rows = row === null ? [] : [row];
  return { name, letter, rows, requires: {}, raPages: 0, groups: [], ops: (g) => [op(g.wanted)], ...rest };
}

/** Where the page cache is the data, or there is none, advice is ignored and nothing is read ahead. */
export const READS_AHEAD: Supports = { inMemory: false, dax: false };

/** Half of what is wanted, so that the edges of the page must be read first. */
function half({ pos, len }: Range): { readonly pos: number; readonly data: string } {
  return { pos: pos + len / 2, data: 'x'.repeat(len / 2) };
}

/** All of them. */
export const FILLERS: readonly Filler[] = [
  filler('pread', 'r', 'pread', (range) => ({ op: 'pread', ...range }), { groups: ['quick'] }),
  filler('nowait-read', 'r', 'nowait-read', (range) => ({ op: 'pread', flags: 'nowait', ...range }), {
    requires: { nowait: true },
  }),
  filler(
    'uring-nowait-read',
    'r',
    'uring-nowait-read',
    (range) => ({ op: 'pread', flags: 'uring-nowait', ...range }),
    { requires: { nowait: true } },
  ),
  filler('uring-waitq-read', 'r', null, (range) => ({ op: 'pread', flags: 'uring-waitq', ...range }), {
    requires: { nowait: true },
  }),
  filler('fadvise-willneed', 'a', 'willneed', (range) => ({ op: 'fadvise', advice: 'WILLNEED', ...range }), {
    requires: READS_AHEAD,
    groups: ['readahead', 'quick'],
    raPages: 2,
  }),
  filler('readahead', 'a', 'willneed', (range) => ({ op: 'readahead', ...range }), {
    requires: READS_AHEAD,
    groups: ['readahead'],
    raPages: 2,
  }),
  filler('madvise-willneed', 'a', 'willneed', (range) => ({ op: 'madvise', advice: 'WILLNEED', ...range }), {
    requires: { ...READS_AHEAD, mmap: true },
    groups: ['readahead'],
    raPages: 2,
  }),
  filler('read-fault', 'f', 'read-fault', ({ pos }) => ({ op: 'load', pos }), {
    requires: { mmap: true },
    groups: ['fault', 'quick'],
  }),
  filler('fault-readahead', 'f', 'fault-readahead', () => ({ op: 'load', pos: 0 }), {
    requires: { ...READS_AHEAD, mmap: true },
    groups: ['fault', 'readahead'],
    raPages: 4,
  }),
  filler('mkwrite', 'm', 'mkwrite', ({ pos }) => ({ op: 'store', pos, data: 'x' }), {
    requires: { mmap: true, write: true },
    groups: ['fault'],
  }),
  filler(
    'populate-read',
    'f',
    'read-fault',
    (range) => ({ op: 'madvise', advice: 'POPULATE_READ', ...range }),
    {
      requires: { mmap: true },
      groups: ['fault'],
    },
  ),
  filler(
    'populate-write',
    'm',
    'mkwrite',
    (range) => ({ op: 'madvise', advice: 'POPULATE_WRITE', ...range }),
    {
      requires: { mmap: true, write: true },
      groups: ['fault'],
    },
  ),
  filler('buffered-write', 'w', 'buffered-write', (range) => ({ op: 'pwrite', ...half(range) }), {
    requires: { write: true },
    groups: ['writeback'],
  }),
  filler('writeback', 'b', 'writeback', () => ({ op: 'flush' }), {
    requires: { write: true, writeback: true },
    groups: ['writeback'],
    setUp: (g) => [{ op: 'pwrite', ...half(g.wanted) }],
  }),
  filler(
    'direct-read',
    'r',
    null,
    (range) => ({ op: 'pread', flags: 'direct', pos: range.pos, len: range.len }),
    { requires: { directIo: true } },
  ),
  filler(
    'direct-write',
    'w',
    null,
    (range) => ({ op: 'pwrite', flags: 'direct', pos: range.pos, data: 'x'.repeat(range.len) }),
    { requires: { directIo: true, write: true }, groups: ['writeback'] },
  ),
];
