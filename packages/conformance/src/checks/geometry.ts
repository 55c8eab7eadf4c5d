/** Sizes and ranges that the generated pairs run on. All are tiny: what matters is where the edges fall. */
import type { FileSpec } from '@fsport/core';
import type { Geometry } from '../types.js';

/** Inode number of the first file of every check. */
const INO = 12;

/** A geometry with the file and the range that pairs use on it. */
export interface PairGeometry {
  /** Sizes. */
  readonly geometry: Geometry;
  /** What the geometry is about. */
  readonly about: string;
  /** The file at the start. */
  readonly file: FileSpec;
  /** The invalidated range, bytes. */
  readonly range: { readonly pos: number; readonly len: number };
  /** The bytes that fillers want: inside pages that the range touches. */
  readonly wanted: { readonly pos: number; readonly len: number };
  /** The range begins and ends at a block, and ends inside the file, as shifting extents needs. */
  readonly shiftable: boolean;
}

function file(size: number, letters: string): FileSpec {
  return { ino: INO, size, blocks: [...letters].map((data) => ({ data })) };
}

/** The geometries. */
export const PAIR_GEOMETRIES: readonly PairGeometry[] = [
  {
    geometry: { name: 'page', pageSize: 8, blockSize: 8 },
    about: 'one whole page of one block',
    file: file(24, 'ABC'),
    range: { pos: 8, len: 8 },
    wanted: { pos: 8, len: 8 },
    shiftable: true,
  },
  {
    geometry: { name: 'partial', pageSize: 8, blockSize: 8 },
    about: 'the second half of a page and the whole page after it',
    file: file(24, 'ABC'),
    range: { pos: 4, len: 12 },
    wanted: { pos: 8, len: 8 },
    shiftable: false,
  },
  {
    geometry: { name: 'block', pageSize: 8, blockSize: 4 },
    about: 'one of the two blocks of a page',
    file: file(16, 'ABCD'),
    range: { pos: 4, len: 4 },
    wanted: { pos: 0, len: 8 },
    shiftable: true,
  },
  {
    geometry: { name: 'eof', pageSize: 8, blockSize: 8 },
    about: 'the page in which the file ends',
    file: file(12, 'AB'),
    range: { pos: 8, len: 8 },
    wanted: { pos: 8, len: 4 },
    shiftable: false,
  },
];
