/**
 * Interleavings of files without a page cache: T2, a fault against a truncation, and memory of the file that a device uses
 * when it is truncated.
 */
import type { Op } from '../ops.js';
import type { Check } from '../types.js';
import { COMMON } from './common.js';

/** What keeps a fault from a block that is being freed; before it, nothing did. */
const FIX: Check['fixedBy'] = [
  { kernel: '283307c7607d', since: 'v4.0', title: 'mm: fix XIP fault vs truncate race' },
];

const BASE = {
  ...COMMON,
  groups: ['auto', 'named', 'truncate', 'fault'],
  requires: { dax: true, mmap: true, truncate: true },
  rows: ['truncate'],
  files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }],
  fixedBy: FIX,
} as const;

const TRUNCATE: Op = { op: 'ftruncate', size: 8 };
const DEVICE: Op = { op: 'device-load', pos: 8 };

/** All of them. */
export const DAX: readonly Check[] = [
  {
    ...BASE,
    id: 'race/t2-dax-load-vs-truncate',
    summary: 'A fault never maps a block that a truncation frees.',
    rows: ['read-fault', 'truncate'],
    tasks: [
      { letter: 't', ops: [TRUNCATE] },
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
    ],
    see: 'T2: the fault looks at i_size and at the map, the truncation unmaps and frees, the fault maps the block',
  },
  {
    ...BASE,
    id: 'race/t2-dax-store-vs-truncate',
    summary: 'A store through a mapping never goes to a block that a truncation freed.',
    requires: { ...BASE.requires, write: true },
    tasks: [
      { letter: 't', ops: [TRUNCATE] },
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
    ],
    see: 'T2, for good: what is mapped stays mapped, and the stranger reads what is stored',
  },
  {
    ...BASE,
    id: 'race/dax-device-vs-truncate',
    summary: 'No block is freed that a device uses as memory.',
    tasks: [
      { letter: 't', ops: [TRUNCATE] },
      { letter: 'd', ops: [DEVICE] },
    ],
    see: 'dax_layout_busy_page(): unmapped first, then looked through for what get_user_pages() has kept',
  },
  {
    ...BASE,
    id: 'race/dax-device-again-vs-truncate',
    summary: 'A device that gets memory again while a truncation waits for it is waited for again.',
    tasks: [
      { letter: 't', ops: [TRUNCATE] },
      { letter: 'd', ops: [DEVICE, DEVICE] },
    ],
    see: 'ext4_break_layouts(): the lock against faults is let go of to wait, and all is looked at again',
  },
  {
    ...BASE,
    id: 'race/dax-hole-store-vs-load',
    summary: 'Who has zeroes mapped in place of a hole sees what is stored there.',
    groups: ['auto', 'named', 'fault'],
    requires: { dax: true, mmap: true, write: true },
    rows: [],
    files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, 'hole'] }],
    tasks: [
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
    ],
    fixedBy: [{ kernel: 'ac401cc78242', since: 'v4.7', title: 'dax: New fault locking' }],
    see: 'dax_insert_entry(): the page of zeroes is unmapped when a block takes its place',
  },
  {
    ...BASE,
    id: 'race/dax-store-vs-writeback',
    summary: 'What is stored after a file was made durable is noticed.',
    groups: ['auto', 'named', 'fault', 'writeback'],
    requires: { dax: true, mmap: true, write: true, writeback: true },
    rows: [],
    tasks: [
      { letter: 'm', ops: [{ op: 'store', pos: 8, data: 'x' }] },
      { letter: 'b', ops: [{ op: 'fsync' }] },
    ],
    fixedBy: [{ kernel: '9973c98ecfda', since: 'v4.5', title: 'dax: add support for fsync/sync' }],
    see: 'dax_writeback_one(): the entry is locked, mapped read-only, flushed, and only then unmarked',
  },
];
