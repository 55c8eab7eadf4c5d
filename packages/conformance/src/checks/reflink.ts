/**
 * Files that share blocks: X1, X2 and X4 of the named interleavings, and who else changes what is shared.
 *
 * X1 to X4 are negative: a filesystem that clones has locked both files against fills and stores in both releases.
 */
import type { FileSpec } from '@fsport/core';
import type { Op } from '../ops.js';
import type { Check, TaskSpec } from '../types.js';
import { BLOCK, COMMON } from './common.js';
import { ALL_CHECKERS } from './pairs.js';

const FILE: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] };
const OTHER: FileSpec = { ino: 13, size: 16, blocks: [{ data: 'K' }, { data: 'L' }] };
/** A file whose second page holds what that of {@link FILE} does. */
const SAME: FileSpec = { ino: 13, size: 16, blocks: [{ data: 'K' }, { data: 'B' }] };

/** The second page of the other file becomes that of the first, and the other way round. */
const CLONE: Op = { op: 'clone', source: 1, sourcePos: 8, pos: 8, len: 8 };
const DEDUPE: Op = { op: 'dedupe', source: 1, sourcePos: 8, pos: 8, len: 8 };
const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 };
const READ: Op = { op: 'pread', pos: 8, len: 8 };
const LOAD: Op = { op: 'load', pos: 8 };
const STORE: Op = { op: 'store', pos: 8, data: 'x' };
const WRITE: Op = { op: 'pwrite', pos: 8, data: 'xy' };

function task(letter: string, ...ops: Op[]): TaskSpec {
  return { letter, ops };
}

function reflink(
  id: string,
  tasks: readonly TaskSpec[],
  rest: Pick<Check, 'summary' | 'requires' | 'see'> & Partial<Check>,
): Check {
  return {
    ...COMMON,
    id: `race/${id}`,
    groups: ['auto', 'named', 'fault'],
    rows: ['remap'],
    files: [FILE, OTHER],
    tasks,
    ...rest,
  };
}

const MAPPED = { clone: true, mmap: true, write: true } as const;
const REMAP_PREP = 'fs/xfs/xfs_reflink.c xfs_reflink_remap_prep() (v5.15)';

/** All of them. */
export const REFLINK: readonly Check[] = [
  reflink('x1-shared-read-vs-punch', [task('p', PUNCH), task('r', READ)], {
    summary: 'A read of a shared block racing a hole punch never leaves what is the other file’s alone.',
    requires: { clone: true, punchHole: true },
    groups: ['auto', 'named', 'punch'],
    rows: ['pread'],
    setUp: [CLONE],
    see: 'X1: pread(2) waits for i_rwsem; the punch gives up a block that the other file keeps',
  }),
  reflink('x2-shared-load-vs-punch', [task('p', PUNCH), task('f', LOAD)], {
    summary: 'A fault on a shared block racing a hole punch never leaves what is the other file’s alone.',
    requires: { clone: true, punchHole: true, mmap: true },
    groups: ['auto', 'named', 'punch', 'fault'],
    rows: ['read-fault'],
    setUp: [CLONE],
    see: 'X2: the fault waits for the lock against fills',
  }),
  reflink('x3-dedupe-vs-store', [task('c', DEDUPE), task('m', STORE)], {
    summary: 'A store racing a dedupe is lost neither to the comparison nor to the shared block.',
    requires: { dedupe: true, mmap: true, write: true },
    files: [FILE, SAME],
    see: 'X3 for dedupe: vfs_dedupe_file_range_compare() reads under invalidate_lock exclusive',
  }),
  reflink(
    'x3-clone-vs-store-beside',
    [
      task('c', { op: 'clone', source: 1, sourcePos: 4, pos: 4, len: 4 }),
      task('m', { op: 'store', pos: 0, data: 'x' }),
    ],
    {
      summary: 'A store to one block of a page is not lost with the page when another block is cloned over.',
      requires: { ...MAPPED, subPageBlocks: true },
      geometry: BLOCK,
      files: [
        { ...FILE, size: 8 },
        { ...OTHER, size: 8 },
      ],
      setUp: [{ op: 'pread', pos: 0, len: 8 }],
      see: 'Documentation/filesystems/locking.rst, ->page_mkwrite and ->remap_file_range (v5.15)',
    },
  ),
  reflink('x3-clone-vs-load', [task('c', CLONE), task('f', LOAD)], {
    summary: 'A fault racing a clone into the same page never keeps what the page held before.',
    requires: { clone: true, mmap: true },
    see: REMAP_PREP,
  }),
  reflink('x3-clone-vs-store-to-source', [task('c', CLONE), task('m', { ...STORE, file: 1 })], {
    summary: 'A store racing a clone from the same page goes to blocks of its own, or is shared.',
    requires: MAPPED,
    checkers: ALL_CHECKERS.filter((checker) => checker !== 'lost-write'),
    see: REMAP_PREP,
  }),
  reflink(
    'x4-clones-crosswise',
    [task('c', CLONE), task('d', { op: 'clone', file: 1, source: 0, sourcePos: 0, pos: 0, len: 8 })],
    {
      summary: 'Two clones, from each file into the other, do not wait for each other.',
      requires: { clone: true },
      groups: ['auto', 'named', 'lockdep'],
      fair: true,
      see: 'X4: both i_rwsem, then both locks against fills, each in one order for everybody',
    },
  ),
  reflink(
    'x4-clones-crosswise-in-the-log',
    [task('c', CLONE), task('d', { op: 'clone', file: 1, source: 0, sourcePos: 0, pos: 0, len: 8 })],
    {
      summary: 'Two clones, from each file into the other, end also if both files were changed before.',
      requires: { clone: true, punchHole: true },
      groups: ['auto', 'named', 'lockdep'],
      setUp: [PUNCH, { ...PUNCH, file: 1, pos: 0 }],
      files: [
        { ...FILE, size: 24, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] },
        { ...OTHER, size: 24, blocks: [{ data: 'K' }, { data: 'L' }, { data: 'M' }] },
      ],
      see: 'X4: fs/xfs/xfs_inode.c xfs_lock_two_inodes() tries the second lock, and starts over (v5.15)',
    },
  ),
  reflink('x4-dedupes-crosswise', [task('c', DEDUPE), task('d', { ...DEDUPE, file: 1, source: 0 })], {
    summary: 'Two dedupes of the same range, from each file into the other, do not wait for each other.',
    requires: { dedupe: true },
    groups: ['auto', 'named', 'lockdep'],
    files: [FILE, SAME],
    see: 'X4 for dedupe: two pages are locked in the order of their indices',
  }),
  reflink('cow-writeback-vs-punch', [task('p', PUNCH), task('b', { op: 'flush' })], {
    summary: 'Writeback of a write to a shared block and a hole punch leave each block to its owners.',
    requires: { clone: true, punchHole: true, write: true, writeback: true },
    groups: ['auto', 'punch', 'writeback'],
    setUp: [CLONE, WRITE],
    see: 'fs/xfs/xfs_reflink.c xfs_reflink_end_cow() (v5.15)',
  }),
  reflink(
    'cow-write-vs-read-of-other',
    [task('w', WRITE, { op: 'fsync' }), task('r', { ...READ, file: 1 })],
    {
      summary: 'A write to a shared block is not seen in the file that shares it.',
      requires: { clone: true, write: true, writeback: true },
      groups: ['auto', 'writeback'],
      setUp: [CLONE],
      see: 'fs/xfs/xfs_iomap.c xfs_buffered_write_iomap_begin() (v5.15)',
    },
  ),
  reflink('cow-writeback-vs-clone', [task('c', CLONE), task('b', { op: 'flush' })], {
    summary: 'Writeback of a write to a shared block and another clone over it agree on which came last.',
    requires: { clone: true, write: true, writeback: true },
    groups: ['auto', 'named', 'writeback'],
    setUp: [CLONE, WRITE],
    see: 'fs/xfs/xfs_reflink.c xfs_reflink_remap_extent() (v5.15)',
  }),
  reflink('cow-store-vs-free-unused', [task('g', { op: 'free-unused' }), task('m', { ...STORE, pos: 0 })], {
    summary: 'What is given back in the background is not what a store is about to be written to.',
    requires: { ...MAPPED, freeUnused: true, writeback: true },
    // Writing to the one block also prepares the other.
    setUp: [CLONE, { ...CLONE, sourcePos: 0, pos: 0 }, WRITE, { op: 'fsync' }],
    see: 'fs/xfs/xfs_icache.c xfs_inode_free_cowblocks() (v5.15)',
  }),
  reflink('cow-write-vs-free-unused', [task('g', { op: 'free-unused' }), task('w', { ...WRITE, pos: 0 })], {
    summary: 'What is given back in the background is not what a write is about to use.',
    requires: { clone: true, write: true, freeUnused: true, writeback: true },
    groups: ['auto', 'writeback'],
    setUp: [CLONE, { ...CLONE, sourcePos: 0, pos: 0 }, WRITE, { op: 'fsync' }],
    see: 'fs/xfs/xfs_icache.c xfs_inode_free_cowblocks() (v5.15)',
  }),
  reflink(
    'cow-direct-write-vs-read-of-other',
    [task('w', { op: 'pwrite', flags: 'direct', pos: 8, data: 'xxxxxxxx' }), task('r', { ...READ, file: 1 })],
    {
      summary: 'A direct write to a shared block is not seen in the file that shares it.',
      requires: { clone: true, directIo: true, write: true },
      groups: ['auto', 'writeback'],
      setUp: [CLONE],
      see: 'fs/xfs/xfs_file.c xfs_dio_write_end_io() (v5.15)',
    },
  ),
  reflink(
    'unshare-vs-store',
    [task('u', { op: 'fallocate', mode: 'unshare', pos: 8, len: 8 }), task('m', STORE)],
    {
      summary: 'A store racing an unshare is not lost, and nothing is shared afterwards.',
      requires: { ...MAPPED, unshareRange: true },
      setUp: [CLONE],
      see: 'fs/xfs/xfs_reflink.c xfs_reflink_unshare() (v5.15)',
    },
  ),
  reflink('swapext-vs-load', [task('s', { op: 'swapext', source: 1 }), task('f', LOAD)], {
    summary: 'A fault racing a swap of blocks never keeps a page of the file that has them now.',
    requires: { swapExtents: true, mmap: true },
    see: 'fs/xfs/xfs_bmap_util.c xfs_swap_extents() (v5.15)',
  }),
  reflink('swapext-vs-read', [task('s', { op: 'swapext', source: 1 }), task('r', READ)], {
    summary: 'A read racing a swap of blocks returns what one of the files held.',
    requires: { swapExtents: true },
    see: 'fs/xfs/xfs_bmap_util.c xfs_swap_extents() (v5.15)',
  }),
  reflink(
    'swapexts-crosswise',
    [task('s', { op: 'swapext', source: 1 }), task('t', { op: 'swapext', file: 1, source: 0 })],
    {
      summary: 'Two swaps of the same files do not wait for each other.',
      requires: { swapExtents: true },
      groups: ['auto', 'lockdep'],
      // The file-level model swaps with what a file was at the start.
      checkers: ['corruption', 'lock-discipline', 'lock-order', 'refcount', 'fsck'],
      fair: true,
      see: 'fs/xfs/xfs_bmap_util.c xfs_swap_extents() (v5.15)',
    },
  ),
];
