// Shows that plain enumeration and the search that runs one execution of each trace agree on E1 to E8: each cut down to
// the window in which the race is, on a filesystem that is a map of blocks. Without a lock between those who fill and
// those who take blocks away, the races show; with invalidate_lock, none does. E4 and E6 are negative before, too.

import type { Check, Op } from '@fsport/conformance';
import {
  addToPageCacheLru,
  blockInvalidatepage,
  blockReadFullPage,
  type Cells,
  deleteFromPageCache,
  downRead,
  downWrite,
  filemapFault,
  findGetPage,
  freeBlock,
  type Inode,
  type IovIter,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  lockPage,
  Page,
  pgoff,
  putPage,
  readCachePage,
  type SharedVar,
  type Task,
  takesInvalidateLock,
  tryToFreeBuffers,
  unlockPage,
  unmapMappingPage,
  upRead,
  upWrite,
  type VmFault,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import {
  ADVISE,
  checkOf,
  fixture,
  getBlock,
  HOLE,
  LOAD,
  mapOf,
  type Parts,
  PUNCH,
  READ,
  takeBlock,
} from '#src/selftest/fixture.js';
import { explore } from './self/explore.js';

/** Take a page out of the cache, once: the sweep that comes back for more would race a read for ever. */
function* dropPage(inode: Inode, index: number): Task<void> {
  const page = yield* findGetPage(inode.iMapping, pgoff(index));
  if (page === null) return;
  yield* lockPage(page);
  if (page.mapping.load() !== null) {
    if (page.mapcount.load() > 0) yield* unmapMappingPage(page);
    if (page.buffers.load() !== null) yield* blockInvalidatepage(page, 0, 8);
    yield* deleteFromPageCache(page);
  }
  yield* unlockPage(page);
  putPage(page);
}

/** Run under invalidate_lock exclusive where the release has it; `always` in any release, as a private lock. */
function* guarded(inode: Inode, body: Task<void>, always = false): Task<number> {
  const lock = always || takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : null;
  if (lock !== null) yield* downWrite(lock);
  yield* body;
  if (lock !== null) yield* upWrite(lock);
  return 0;
}

function* punch(inode: Inode): Task<void> {
  yield* dropPage(inode, 0);
  yield* takeBlock(inode, 0);
}

function* zeroRange(inode: Inode): Task<void> {
  yield* dropPage(inode, 0);
  yield* mapOf(inode).at(0).write(HOLE, 'convert_to_unwritten');
}

function* collapse(inode: Inode): Task<void> {
  for (const index of [0, 1]) yield* dropPage(inode, index);
  const { phys } = mapOf(inode).at(0).peek();
  yield* mapOf(inode).at(0).write(mapOf(inode).at(1).peek(), 'shift');
  yield* mapOf(inode).at(1).write(HOLE, 'shift');
  yield* freeBlock(inode.iSb.sBdev, inode.iIno, phys);
  yield* iSizeWrite(inode, 8);
}

function* truncate(inode: Inode): Task<void> {
  yield* iSizeWrite(inode, 0);
  yield* dropPage(inode, 0);
  yield* takeBlock(inode, 0);
}

/** The part of a read that fills a missing page, and the copy. */
function* fillAndCopy({ kiFilp: file }: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode, fMapping: mapping } = file;
  const lock = takesInvalidateLock(mapping) ? mapping.invalidateLock : null;
  if (lock !== null) yield* downRead(lock);
  const page = yield* readCachePage(mapping, pgoff(0), file);
  if (lock !== null) yield* upRead(lock);
  if (typeof page === 'number') return page;
  const size = yield* iSizeRead(inode);
  iter.cells.push((yield* (page.content[0] as SharedVar<Cells>).read('copy_page_to_iter')).slice(0, size));
  putPage(page);
  return Math.min(size, iter.count);
}

/** A page that is cached and not uptodate, as one of which only a part was ever written. */
function* insertStale(inode: Inode): Task<number> {
  const page = new Page(pgoff(0), false);
  yield* addToPageCacheLru(page, inode.iMapping, pgoff(0));
  yield* unlockPage(page);
  putPage(page);
  return 0;
}

/** A fault as ext4 wrapped it in v5.14. */
function* privateFault(vmf: VmFault): Task<number> {
  const { invalidateLock } = vmf.vma.vmFile.fMapping;
  if (takesInvalidateLock(vmf.vma.vmFile.fMapping)) return yield* filemapFault(vmf);
  yield* downRead(invalidateLock);
  const result = yield* filemapFault(vmf);
  yield* upRead(invalidateLock);
  return result;
}

const buffers: Parts['aOps'] = {
  readpage: (_, page) => blockReadFullPage(page, getBlock),
  invalidatepage: blockInvalidatepage,
  releasepage: tryToFreeBuffers,
};

interface Cut {
  readonly name: string;
  readonly parts: Parts;
  readonly check: Check;
  /** Rules broken before, as they begin in a violation; none if it is a negative one. */
  readonly before: readonly string[];
}

const by = (body: (inode: Inode) => Task<void>, always = false): ((inode: Inode) => Task<number>) => {
  return (inode) => guarded(inode, body(inode), always);
};

const fOps: NonNullable<Parts['fOps']> = { readIter: fillAndCopy };
const TWO_PAGES: Partial<Check> = { files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }] };
const COLLAPSE: Op = { op: 'fallocate', mode: 'collapse', pos: 0, len: 8 };
const TRUNCATE: Op = { op: 'ftruncate', size: 0 };

const CUTS: readonly Cut[] = [
  {
    name: 'E1',
    parts: { fOps, fallocate: by(punch) },
    check: checkOf([[PUNCH], [READ]]),
    before: ['stale-data S-1', 'stale-data S-2'],
  },
  {
    name: 'E2',
    parts: { fOps, aOps: buffers, fallocate: by(punch) },
    check: checkOf([[PUNCH], [READ]]),
    before: ['corruption W-2'],
  },
  {
    name: 'E3',
    parts: { fallocate: by(punch) },
    check: checkOf([[PUNCH], [ADVISE]], { raPages: 1 }),
    before: ['stale-data S-1'],
  },
  {
    name: 'E4',
    parts: { fallocate: by(punch, true), fOps: { mmap: () => ({ fault: privateFault }) } },
    check: checkOf([[PUNCH], [LOAD]]),
    before: [],
  },
  {
    name: 'E5',
    parts: { aOps: buffers, fallocate: by(punch), fadvise: insertStale },
    check: checkOf([[PUNCH], [READ]], { setUp: [ADVISE] }),
    before: ['corruption W-2'],
  },
  {
    name: 'E6',
    parts: { fOps, iOps: { setattr: (inode) => guarded(inode, truncate(inode)) } },
    check: checkOf([[TRUNCATE], [READ]]),
    before: [],
  },
  {
    name: 'E7',
    parts: { fOps, fallocate: by(zeroRange) },
    check: checkOf([[PUNCH], [READ]]),
    before: ['lost-zeroing Z-3'],
  },
  {
    name: 'E8',
    parts: { fOps, fallocate: by(collapse) },
    check: checkOf([[COLLAPSE], [READ]], TWO_PAGES),
    before: ['stale-data S-1'],
  },
];

const RUNS = CUTS.flatMap(({ before, ...cut }) => {
  const runs = [
    { ...cut, profile: 'v5.14', rules: before },
    { ...cut, profile: 'v5.15', rules: [] },
  ];
  // A fault that takes invalidate_lock only if it must has too many interleavings to enumerate.
  return cut.name === 'E4' ? runs.slice(0, 1) : runs;
});

test.each(RUNS)('$name as of $profile', ({ parts, check, profile, rules }) => {
  const fs = fixture(parts);
  const all = explore(fs, profile, check, 'dfs');
  const reduced = explore(fs, profile, check, 'dpor');
  expect(all).toMatchObject({ exhaustive: true, ambiguous: [] });
  expect(reduced).toMatchObject({ exhaustive: true, ambiguous: [], violations: all.violations });
  if (rules.length === 0) expect(all.violations).toEqual([]);
  for (const rule of rules) expect(all.violations).toContainEqual(expect.stringMatching(`^${rule}`));
  expect(all.clean).toBeGreaterThan(0);
  expect(reduced.executions).toBeLessThan(all.executions);
});
