/** What most checks that are written by hand have in common. */
import type { Check, Geometry } from '../types.js';
import { ALL_CHECKERS, SERIES } from './pairs.js';

/** A page is one block. */
export const PAGE: Geometry = { name: 'page', pageSize: 8, blockSize: 8 };
/** A page is two blocks. */
export const BLOCK: Geometry = { name: 'block', pageSize: 8, blockSize: 4 };

/** A check says what is different. */
export const COMMON = {
  rows: [],
  pair: null,
  geometry: PAGE,
  raPages: 0,
  setUp: [],
  checkers: ALL_CHECKERS,
  faults: {},
  fair: false,
  fixedBy: SERIES,
} satisfies Partial<Check>;
