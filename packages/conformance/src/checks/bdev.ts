/** Interleavings of a file of fixed size whose blocks are always the same ones: a block device that is zeroed in part. */
import type { FileSpec } from '@fsport/core';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

const DEVICE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };

const BASE = {
  ...COMMON,
  groups: ['auto', 'named', 'punch'],
  files: [DEVICE],
} as const;

/** All of them. A file that cannot be truncated is a device. */
export const BDEV: readonly Check[] = [
  {
    ...BASE,
    id: 'race/b1-zeroout-vs-read',
    summary: 'While a device zeroes a range, no page of it is cached with what was there before.',
    requires: { zeroRange: true, truncate: false },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'zero-keep', pos: 8, len: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: '1.20: a page that comes back between the two invalidations is stale until the second',
  },
  {
    ...BASE,
    id: 'race/b2-zeroout-vs-page-write',
    summary: 'A write of a whole page racing a zeroed range leaves what it wrote, or zeroes.',
    requires: { zeroRange: true, truncate: false, write: true },
    tasks: [
      { letter: 'p', ops: [{ op: 'fallocate', mode: 'zero-keep', pos: 8, len: 8 }] },
      { letter: 'w', ops: [{ op: 'pwrite', pos: 8, data: 'xxxxxxxx' }] },
    ],
    see: '1.20, negative: the second invalidation throws dirty pages away, which is as if they had been zeroed',
  },
];
