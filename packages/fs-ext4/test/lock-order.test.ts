// Shows which locks each operation takes, in which order and mode, in both releases: the table of kernel-facts 3.1. Runs
// each operation alone and writes down its lock steps. `inv` is i_mmap_sem in v5.14, invalidate_lock in v5.15.

import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  IOCB_DIRECT,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysPread64,
  ksysPwrite64,
  loff,
  type Task,
  userLoad,
  userStore,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { World, type WorldOptions } from './world.js';

const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

/** A look at the map; a change of it. */
const LOOK = ['+S i_data_sem', '-i_data_sem'];
const CHANGE = ['+X i_data_sem', '-i_data_sem'];

/** Something inside a transaction. */
function handle(...inside: readonly string[]): string[] {
  return ['+S jbd2_handle', ...inside, '-jbd2_handle'];
}

function page(index: number, ...inside: readonly string[]): string[] {
  return [`+page[${index}]`, ...inside, `-page[${index}]`];
}

function exclusive(...inside: readonly string[]): string[] {
  return ['+X i_rwsem', ...inside, '-i_rwsem'];
}

function againstFills(...inside: readonly string[]): string[] {
  return ['+X inv', ...inside, '-inv'];
}

/** Removing page-table entries of a range. */
const UNMAP = ['+X i_mmap_rwsem', '-i_mmap_rwsem'];

interface Row {
  readonly title: string;
  readonly file: string;
  /** Everything is cached when it begins. */
  readonly cached?: boolean;
  readonly options?: Partial<WorldOptions>;
  readonly prepare?: (world: World) => Task<unknown>;
  readonly run: (world: World) => Task<unknown>;
  /** The same in both releases, or one list for each. */
  readonly locks: readonly string[] | Readonly<Record<'v5.14' | 'v5.15', readonly string[]>>;
}

const fallocate =
  (mode: number, offset: number, len: number): Row['run'] =>
  (world) =>
    ksysFallocate(world.file, mode, loff(offset), loff(len));

const write =
  (pos: number, text: string, flags = 0): Row['run'] =>
  (world) =>
    ksysPwrite64(world.file, loff(pos), world.cells(text), flags);

const truncate =
  (length: number): Row['run'] =>
  (world) =>
    ksysFtruncate(world.file, loff(length));

const ROWS: readonly Row[] = [
  {
    title: 'buffered read, miss: no lock before, the shared one after',
    file: 'A',
    run: (world) => ksysPread64(world.file, loff(0), 8),
    locks: {
      'v5.14': ['+page[0]', ...LOOK, 'io -page[0]'],
      // Readahead inserts and submits; the read then finds the page locked, lets go, and waits for it.
      'v5.15': ['+S inv', '+page[0]', ...LOOK, '-inv', '+S inv', '-inv', 'io -page[0]'],
    },
  },
  {
    title: 'buffered read, hit',
    file: 'A',
    cached: true,
    run: (world) => ksysPread64(world.file, loff(0), 8),
    locks: [],
  },
  {
    title: 'buffered write: i_rwsem, transaction (until v5.14), page, i_data_sem',
    file: 'A.',
    run: write(8, '01234567'),
    locks: {
      'v5.14': exclusive(...page(1), ...handle(...page(1, ...LOOK))),
      'v5.15': exclusive(...page(1, ...LOOK)),
    },
  },
  {
    title: 'writeback of a delayed block: transaction, page, i_data_sem; conversion in the completion',
    file: 'A.',
    prepare: write(8, '01234567'),
    run: (world) => ksysFsync(world.file),
    locks: [
      '+S s_writepages_rwsem',
      ...page(1), // needs a block: not without a transaction
      ...handle(...page(1, ...CHANGE)),
      '-s_writepages_rwsem',
      ...handle(...CHANGE).map((line) => `io ${line}`),
    ],
  },
  {
    title: 'writeback of a mapped block needs no transaction',
    file: 'A',
    prepare: write(0, '01234567'),
    run: (world) => ksysFsync(world.file),
    locks: ['+S s_writepages_rwsem', ...page(0), '-s_writepages_rwsem'],
  },
  {
    title: 'punch of a page',
    file: 'ABC',
    cached: true,
    run: fallocate(PUNCH, 8, 8),
    locks: exclusive(...againstFills(...UNMAP, ...page(1), ...handle(...CHANGE))),
  },
  {
    title: 'punch with partial blocks: their pages inside the transaction, filled by the punch itself',
    file: 'ABC',
    run: fallocate(PUNCH, 6, 12),
    locks: exclusive(
      ...againstFills(...UNMAP, ...handle(...page(0, ...LOOK), ...page(2, ...LOOK), ...CHANGE)),
    ),
  },
  {
    title: 'zero range: the unaligned edges are allocated before, and zeroed after, the lock against fills',
    file: 'ABC',
    cached: true,
    run: fallocate(FALLOC_FL_ZERO_RANGE, 6, 12),
    locks: exclusive(
      ...handle(...LOOK),
      ...againstFills(...UNMAP, ...page(1), ...handle(...LOOK, ...CHANGE)),
      ...handle(...page(0, ...LOOK), ...page(2, ...LOOK)),
    ),
  },
  {
    title: 'collapse: writes back under the lock, drops to the end, removes and shifts under i_data_sem',
    file: 'ABC',
    prepare: write(16, '01234567'),
    run: fallocate(FALLOC_FL_COLLAPSE_RANGE, 0, 8),
    locks: exclusive(
      ...againstFills(
        '+S s_writepages_rwsem', // [page start, offset] holds nothing dirty
        '-s_writepages_rwsem',
        '+S s_writepages_rwsem',
        ...page(2),
        '-s_writepages_rwsem',
        ...UNMAP,
        ...page(2),
        ...UNMAP, // private copies made meanwhile
        ...handle(...CHANGE),
      ),
    ),
  },
  {
    title: 'insert',
    file: 'ABC',
    prepare: write(16, '01234567'),
    run: fallocate(FALLOC_FL_INSERT_RANGE, 8, 8),
    locks: exclusive(
      ...againstFills(
        '+S s_writepages_rwsem',
        ...page(2),
        '-s_writepages_rwsem',
        ...UNMAP,
        ...page(2),
        ...UNMAP, // private copies made meanwhile
        ...handle(...CHANGE),
      ),
    ),
  },
  {
    title: 'preallocation',
    file: 'A',
    run: fallocate(0, 8, 8),
    locks: exclusive(...handle(...LOOK, ...CHANGE, ...CHANGE)), // blocks, i_disksize
  },
  {
    title: 'truncate down: size under i_data_sem, pages, then zero the tail and free',
    file: 'ABC',
    cached: true,
    run: truncate(11),
    locks: exclusive(
      ...againstFills(
        ...handle(...CHANGE),
        ...UNMAP,
        ...page(2),
        ...page(1), // the partial page
        ...UNMAP,
        ...handle(...page(1, ...LOOK), ...CHANGE),
      ),
    ),
  },
  {
    title: 'truncate up takes it too',
    file: 'A',
    run: truncate(20),
    locks: exclusive(...againstFills(...handle(...CHANGE), ...UNMAP, ...UNMAP)),
  },
  {
    title: 'an extending write that fails: i_rwsem, then the lock against fills, then as truncate',
    file: 'A',
    options: { nrBlocks: 1 },
    run: write(8, '01234567'),
    locks: {
      'v5.14': exclusive(
        ...page(1),
        ...handle(...page(1, ...LOOK)),
        ...againstFills(...page(1), ...handle(...CHANGE)),
      ),
      'v5.15': exclusive(...page(1, ...LOOK), ...againstFills(...page(1), ...handle(...CHANGE))),
    },
  },
  {
    title: 'direct read',
    file: 'A',
    run: (world) => ksysPread64(world.file, loff(0), 8, IOCB_DIRECT),
    locks: ['+S i_rwsem', ...LOOK, '-i_rwsem'],
  },
  {
    title: 'direct overwrite: shared',
    file: 'A',
    run: write(0, '01234567', IOCB_DIRECT),
    locks: ['+S i_rwsem', ...LOOK, ...LOOK, '-i_rwsem'],
  },
  {
    title: 'direct write into a hole: starts shared, goes on exclusive; converts when it has ended',
    file: 'A.C',
    run: write(8, '01234567', IOCB_DIRECT),
    locks: [
      '+S i_rwsem',
      ...LOOK,
      '-i_rwsem',
      ...exclusive(...LOOK, ...handle(...LOOK, ...CHANGE), ...handle(...CHANGE)),
    ],
  },
  {
    title: 'extending direct write: exclusive, orphan list, allocation, i_disksize',
    file: 'A',
    run: write(8, '01234567', IOCB_DIRECT),
    locks: exclusive(...handle(), ...handle(...LOOK, ...CHANGE), ...handle(...CHANGE)),
  },
];

const MAPPED: readonly Row[] = [
  {
    title:
      'read fault, miss: around all of it before, only the fill after; mmap_lock is dropped to wait for I/O',
    file: 'A',
    run: (world) => userLoad(world.mm, 0),
    locks: {
      'v5.14': [
        '+S mm.mmap_lock',
        '+S inv',
        ...page(0), // inserted and unlocked
        '+page[0]',
        '-mm.mmap_lock', // the I/O is waited for without it, and with the other
        ...LOOK,
        'io -page[0]',
        '-inv',
        '+S mm.mmap_lock', // second try: a hit
        '+S inv',
        '+page[0]',
        '-inv',
        '-page[0]',
        '-mm.mmap_lock',
      ],
      'v5.15': [
        '+S mm.mmap_lock',
        '+S inv',
        ...page(0),
        '+page[0]',
        '-mm.mmap_lock',
        ...LOOK,
        'io -page[0]',
        '-inv',
        '+S mm.mmap_lock', // a hit does without
        ...page(0),
        '-mm.mmap_lock',
      ],
    },
  },
  {
    title: 'write to a page that is mapped read-only: mmap_lock, lock against fills, page, i_data_sem',
    file: 'A',
    prepare: (world) => userLoad(world.mm, 0),
    run: (world) => userStore(world.mm, 0, 65),
    locks: [
      '+S mm.mmap_lock',
      '+S inv',
      '+page[0]',
      ...LOOK,
      '-inv',
      '-page[0]',
      '-mm.mmap_lock', // dirty pages may be throttled here: the fault is tried again
      '+S mm.mmap_lock',
      '-mm.mmap_lock',
    ],
  },
];

describe.each(['v5.14', 'v5.15'] as const)('%s', (release) => {
  test.each(MAPPED)('$title', ({ file, prepare, run, locks }) => {
    const world = new World({ file, release });
    world.mmap();
    if (prepare !== undefined) world.run(prepare(world));
    expect(world.locks(run(world))).toEqual('v5.14' in locks ? locks[release] : locks);
  });

  test.each(ROWS)('$title', ({ file, options, cached, prepare, run, locks }) => {
    const world = new World({ file, release, ...options });
    if (cached === true) world.read(0, world.inode.iSize.peek());
    if (prepare !== undefined) world.run(prepare(world));
    expect(world.locks(run(world))).toEqual('v5.14' in locks ? locks[release] : locks);
  });
});
