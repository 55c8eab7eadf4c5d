// Shows that no checker depends on which execution of a trace it is shown: for each rule there is a filesystem that
// breaks it in some interleavings, and plain enumeration of all interleavings finds the same violations as the search
// that runs one of each trace.

import type { Check } from '@fsport/conformance';
import {
  blockInvalidatepage,
  blockReadFullPage,
  type Cells,
  current,
  deleteFromPageCache,
  downRead,
  downWrite,
  downWriteTrylock,
  type FileOperations,
  FREE,
  findGetPage,
  freeBlock,
  genericFileMmap,
  getPage,
  type Iattr,
  type Inode,
  type IovIter,
  inodeDioBegin,
  inodeLock,
  inodeTrylock,
  inodeUnlock,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  lockPage,
  loff,
  machine,
  mightFault,
  newBlock,
  Page,
  type Phys,
  pgoff,
  putPage,
  spliceCells,
  submitBio,
  type Task,
  truncateInodePages,
  tryToFreeBuffers,
  unlockPage,
  upRead,
  upWrite,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import {
  ADVISE,
  ALLOCATE,
  checkOf,
  fixture,
  getBlock,
  LOAD,
  mapOf,
  type Parts,
  PUNCH,
  READ,
  STORE,
  takeBlock,
  uncachedRead,
} from '#src/selftest/fixture.js';
import { explore } from './self/explore.js';

/** Punch the block, and leave the page cache and everybody who uses the block alone. */
function* punch(inode: Inode): Task<number> {
  yield* takeBlock(inode, 0);
  return 0;
}

/** Do harm if page 0 is cached: in some interleavings with whoever fills it. The page is referenced meanwhile. */
function ifCached(harm: (page: Page, inode: Inode) => Task<void> | void): (inode: Inode) => Task<number> {
  return function* (inode) {
    const page = yield* findGetPage(inode.iMapping, pgoff(0));
    if (page === null) return 0;
    const task = harm(page, inode);
    if (task) yield* task;
    putPage(page);
    return 0;
  };
}

/** Do harm if i_rwsem is busy, else something else. */
function ifBusy(harm: (inode: Inode) => Task<number>, otherwise: (inode: Inode) => Task<number>) {
  return function* (inode: Inode): Task<number> {
    if (!(yield* inodeTrylock(inode))) return yield* harm(inode);
    const result = yield* otherwise(inode);
    yield* inodeUnlock(inode);
    return result;
  };
}

// biome-ignore lint/correctness/useYield: it is a task without steps.
function* nothing(): Task<number> {
  return 0;
}

/** Keep i_rwsem busy for a moment. */
const busy = ifBusy(nothing, nothing);

/** Remove a page from the cache and forget that it is mapped. */
function* removeMapped(page: Page): Task<void> {
  yield* lockPage(page);
  yield* deleteFromPageCache(page);
  yield* unlockPage(page);
}

/** Forget that a page is dirty, and that somebody can write to it. */
function* cleanMapped(page: Page): Task<void> {
  yield* lockPage(page);
  yield* page.dirty.write(false, 'forget_dirty');
  yield* unlockPage(page);
}

/** Write block 0 as it was looked up, without keeping anybody from freeing it. */
function* writeBack(inode: Inode): Task<number> {
  const { mapped, phys, gen } = yield* getBlock(inode, 0);
  if (!mapped) return 0;
  const page = new Page(pgoff(0), false);
  const vecs = [{ page, block: 0, phys, gen }];
  yield* submitBio(inode.iSb.sBdev, { rw: 'W', ino: inode.iIno, vecs, endIo: ended });
  putPage(page);
  return 0;
}

function* ended(): Task<void> {}

/** Change a block without a lock: read it, write it back with some bytes changed. */
function* unlockedWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const disk = inode.iSb.sBdev.blocks.at((yield* getBlock(inode, 0)).phys);
  const { cells: old } = yield* disk.read('read_block');
  yield* disk.section('write_block', () =>
    disk.store({ ...disk.load(), cells: spliceCells(old, iocb.kiPos, cells) }),
  );
  return cells.length;
}

/** Read once, keep what was read in disk block 1, and give that to everybody who reads later. */
function* rememberingRead(iocb: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const memory = inode.iSb.sBdev.blocks.at(1);
  // What a punch touches last: so a read that begins after it does so in every execution of the trace.
  yield* inode.iSb.sBdev.blocks.at(0).read('read_block');
  const { owner, cells } = yield* memory.read('recall');
  if (owner !== FREE) iter.cells.push(cells);
  else {
    yield* uncachedRead(iocb, iter);
    yield* memory.write({ ...memory.peek(), owner: inode.iIno, cells: iter.cells.flat() }, 'remember');
  }
  return iter.cells.flat().length;
}

/** Leave i_rwsem locked if the block has been removed. */
function* leakIfRemoved(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  if (!(yield* getBlock(inode, 0)).mapped) yield* inodeLock(inode);
  return cells.length;
}

/** Write to a new block what the old one holds, wherever that comes from by now. */
function* copyOnWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const { sBdev } = inode.iSb;
  const old = yield* getBlock(inode, 0);
  const { cells: base } = yield* sBdev.blocks.at(old.phys).read('read_block');
  const made = (yield* newBlock(sBdev, inode.iIno)) as Phys;
  const disk = sBdev.blocks.at(made);
  yield* disk.section('write_block', () =>
    disk.store({ ...disk.load(), cells: spliceCells(base, iocb.kiPos, cells) }),
  );
  yield* mapOf(inode)
    .at(0)
    .write({ ...old, phys: made, gen: disk.peek().gen }, 'set_block');
  return cells.length;
}

/** Make the file longer without a lock on its size; the bytes are zeroes. */
function* unlockedExtend(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* iSizeWrite(inode, iocb.kiPos + cells.length);
  return cells.length;
}

/** Grow the file, or cut off four bytes of however many there are. */
function* cutFour(inode: Inode, { iaSize }: Iattr): Task<number> {
  const size = yield* iSizeRead(inode);
  yield* iSizeWrite(inode, Math.max(iaSize, size - 4));
  return 0;
}

/** Give the file a size, and do nothing about its pages. */
function* setSize(inode: Inode, { iaSize }: Iattr): Task<number> {
  yield* iSizeWrite(inode, iaSize);
  return 0;
}

/** Give the file a size; zero what is behind it on disk, unless invalidate_lock is busy. */
function* setSizeAndZero(inode: Inode, { iaSize }: Iattr): Task<number> {
  const { invalidateLock } = inode.iMapping;
  yield* iSizeWrite(inode, iaSize);
  if (!(yield* downWriteTrylock(invalidateLock))) return 0;
  const disk = inode.iSb.sBdev.blocks.at((yield* getBlock(inode, 0)).phys);
  yield* disk.section('zero_block', () => {
    const { cells } = disk.load();
    disk.store({ ...disk.load(), cells: cells.map((cell, at) => (at < iaSize ? cell : 0)) });
  });
  yield* upWrite(invalidateLock);
  return 0;
}

/** Keep invalidate_lock busy for a moment. */
function* holdInvalidateLock(inode: Inode): Task<number> {
  yield* downWrite(inode.iMapping.invalidateLock);
  yield* upWrite(inode.iMapping.invalidateLock);
  return 0;
}

/** i_rwsem, then invalidate_lock: the order of the kernel. */
function* inOrder(inode: Inode): Task<number> {
  yield* inodeLock(inode);
  yield* holdInvalidateLock(inode);
  yield* inodeUnlock(inode);
  return 0;
}

/** invalidate_lock, then i_rwsem. */
function* inWrongOrder(inode: Inode): Task<number> {
  yield* downWrite(inode.iMapping.invalidateLock);
  yield* inodeLock(inode);
  yield* inodeUnlock(inode);
  yield* upWrite(inode.iMapping.invalidateLock);
  return 0;
}

/** Read under invalidate_lock, and copy to the user there, if i_rwsem is busy. */
function* copyUnderLock(iocb: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  if (yield* inodeTrylock(inode)) {
    yield* inodeUnlock(inode);
    return yield* uncachedRead(iocb, iter);
  }
  yield* downWrite(inode.iMapping.invalidateLock);
  mightFault('copy_to_user');
  return 0;
}

/** Wait for i_rwsem if it is busy, even if told not to. */
function* sleepyRead(iocb: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  if (!(yield* inodeTrylock(inode))) yield* inodeLock(inode);
  yield* inodeUnlock(inode);
  return yield* uncachedRead(iocb, iter);
}

/** Take invalidate_lock shared twice: a writer in between waits for the first and holds back the second. */
function* recursive(inode: Inode): Task<number> {
  const { invalidateLock } = inode.iMapping;
  yield* downRead(invalidateLock);
  yield* downRead(invalidateLock);
  yield* upRead(invalidateLock);
  yield* upRead(invalidateLock);
  return 0;
}

/** Free the block and leave it in the map. */
function* freeOnly(inode: Inode): Task<number> {
  yield* freeBlock(inode.iSb.sBdev, inode.iIno, mapOf(inode).at(0).peek().phys);
  return 0;
}

/** Leave something where {@link sweepUntilEmpty} looks. */
function* putBack(inode: Inode): Task<number> {
  yield* inode.iMapping.wbErr.write(-1);
  return 0;
}

/** Sweep until there is nothing left, or a check has seen enough. */
function* sweepUntilEmpty(inode: Inode): Task<number> {
  const { wbErr } = inode.iMapping;
  for (let times = 1; times <= machine.mostRestarts; times++) {
    const found = yield* wbErr.section('sweep', () => {
      const left = wbErr.load() !== 0;
      if (left) wbErr.store(0);
      return left;
    });
    if (!found) break;
    machine.observer.startsOver?.({ loop: 'sweep', times });
  }
  return 0;
}

/** Drop all pages. */
function* dropPages(inode: Inode): Task<number> {
  yield* truncateInodePages(inode.iMapping, loff(0));
  return 0;
}

const buffered: Parts = {
  aOps: {
    readpage: (_, page) => blockReadFullPage(page, getBlock),
    invalidatepage: blockInvalidatepage,
    releasepage: tryToFreeBuffers,
  },
};
const uncached: FileOperations = { readIter: uncachedRead };
const mapped: Partial<FileOperations> = { mmap: genericFileMmap };

interface Case {
  /** What is wrong with the filesystem. */
  readonly title: string;
  /** Rules that are broken, as they begin in a violation. */
  readonly rules: readonly string[];
  readonly parts: Parts;
  readonly check: Check;
  readonly profile?: string;
}

const CASES: readonly Case[] = [
  {
    title: 'a punch takes no lock against reads',
    rules: ['stale-data S-1', 'stale-data S-2', 'lost-zeroing Z-3'],
    parts: { fallocate: punch },
    check: checkOf([[PUNCH], [READ]]),
  },
  {
    title: 'a punch leaves mapped buffers',
    rules: ['corruption W-2'],
    parts: { ...buffered, fallocate: punch },
    check: checkOf([[PUNCH], [READ]]),
  },
  {
    title: 'a read looks up and reads in two steps',
    rules: ['stale-data S-3: pread'],
    parts: { fOps: uncached, fallocate: punch },
    check: checkOf([[PUNCH], [READ, READ]]),
  },
  {
    title: 'a read believes what an earlier one found, also after a punch has ended',
    rules: ['stale-data S-3: pread.* returned "A"', 'lost-zeroing Z-1'],
    parts: { fOps: { readIter: rememberingRead }, fallocate: punch },
    check: checkOf([[PUNCH], [READ, READ]]),
  },
  {
    title: 'a call returns with a lock, and others race meanwhile',
    rules: ['LOCK_LEAK', 'corruption W-1', 'corruption W-3', 'corruption W-4'],
    parts: { fOps: { ...uncached, writeIter: leakIfRemoved }, fallocate: punch, fadvise: writeBack },
    check: checkOf([[PUNCH], [ADVISE], [{ op: 'pwrite', pos: 0, data: 'x' }]], {
      checkers: ['stale-data', 'corruption'],
    }),
  },
  {
    title: 'a write is in flight while its block is freed',
    rules: ['corruption W-1', 'corruption W-3', 'corruption W-4'],
    parts: { fOps: uncached, fallocate: punch, fadvise: writeBack },
    check: checkOf([[PUNCH], [ADVISE]]),
  },
  {
    title: 'a page is removed and stays mapped',
    rules: ['stale-pte P-1'],
    parts: { fOps: mapped, fadvise: ifCached(removeMapped) },
    check: checkOf([[ADVISE], [LOAD]]),
  },
  {
    title: 'a size is stored and pages beyond it stay mapped',
    rules: ['stale-pte P-1'],
    parts: { fOps: mapped, iOps: { setattr: setSize } },
    check: checkOf([[{ op: 'ftruncate', size: 0 }], [LOAD]]),
  },
  {
    title: 'a page is cleaned and stays writable',
    rules: ['stale-pte P-4: page 0 of inode 12 is mapped writable'],
    parts: { fOps: mapped, fadvise: ifCached(cleanMapped) },
    check: checkOf([[ADVISE], [STORE]]),
  },
  {
    title: 'a page is removed and the store to it forgotten',
    rules: ['stale-pte P-4: a store'],
    parts: { fOps: mapped, fadvise: ifCached(removeMapped) },
    check: checkOf([[ADVISE], [STORE, { op: 'munmap' }]]),
  },
  {
    title: 'a mapping is counted that is none',
    rules: ['refcount P-3'],
    parts: { fadvise: ifCached((page) => void page.mapcount.add(1)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a punch gives up',
    rules: ['lost-zeroing Z-1'],
    parts: { fOps: uncached, fallocate: ifBusy(nothing, punch), fadvise: busy },
    check: checkOf([[PUNCH], [ADVISE]]),
  },
  {
    title: 'a truncation leaves what is behind the end',
    rules: ['lost-zeroing Z-2'],
    parts: { fOps: uncached, iOps: { setattr: setSizeAndZero }, fadvise: holdInvalidateLock },
    check: checkOf([[{ op: 'ftruncate', size: 4 }], [ADVISE]]),
  },
  {
    title: 'two writes to one block take no lock',
    rules: ['lost-write LW-1: read through the cache'],
    parts: { fOps: { ...uncached, writeIter: unlockedWrite } },
    check: checkOf([[{ op: 'pwrite', pos: 0, data: 'x' }], [{ op: 'pwrite', pos: 4, data: 'y' }]]),
  },
  {
    title: 'writes and a truncation take no lock',
    rules: ['lost-write LW-1: inode 12 has size'],
    parts: { fOps: { ...uncached, writeIter: unlockedExtend }, iOps: { setattr: cutFour } },
    check: checkOf(
      [
        [READ, { op: 'ftruncate', size: 4 }],
        [READ, { op: 'pwrite', pos: 8, data: '\0\0' }],
      ],
      { files: [{ ino: 12, size: 8, blocks: [] }] },
    ),
  },
  {
    title: 'writeback begins and never ends',
    rules: ['lock-discipline K-1'],
    parts: { fadvise: ifCached((page) => page.writeback.write(true)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a page lock is handed to nobody',
    rules: ['lock-discipline K-1: page 0 is still locked', 'deadlock'],
    parts: {
      fadvise: ifCached(function* (page) {
        yield* lockPage(page);
        page.lock.handOff();
      }),
    },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a direct I/O is counted for ever',
    rules: ['lock-discipline K-1: inode 12 still counts 1 direct'],
    parts: { fadvise: ifCached((_, inode) => inodeDioBegin(inode)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a reference is never dropped',
    rules: ['refcount R-1'],
    parts: { fadvise: ifCached((page) => void getPage(page)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a reference is dropped that belongs to the buffers',
    rules: ['refcount R-2'],
    parts: { ...buffered, fadvise: ifCached((page) => void putPage(page)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'an open file is never closed',
    rules: ['refcount R-4'],
    parts: {
      fadvise: (inode, file) => ifCached(() => void file.fCount.add(1))(inode),
    },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'a page is counted that is none',
    rules: ['refcount R-5'],
    parts: { fadvise: ifCached((_, inode) => void inode.iMapping.nrpages.add(1)) },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'two locks are taken in both orders',
    rules: ['deadlock', 'lock-order ORD: a cycle', 'lock-order ORD: a forbidden'],
    parts: { fallocate: inOrder, fadvise: inWrongOrder },
    check: checkOf([[ALLOCATE], [ADVISE]]),
  },
  {
    title: 'a lock is taken twice',
    rules: ['deadlock', 'lock-order ORD: a lock taken twice'],
    parts: { fallocate: recursive, fadvise: inOrder },
    check: checkOf([[ALLOCATE], [ADVISE]], { fair: true }),
  },
  {
    title: 'a copy is made of what is freed meanwhile',
    rules: ['persisted-exposure S-2'],
    parts: { fOps: { ...uncached, writeIter: copyOnWrite }, fallocate: punch },
    check: checkOf([[PUNCH], [{ op: 'pwrite', pos: 0, data: 'x' }]], { checkers: ['persisted-exposure'] }),
  },
  {
    title: 'a sweep starts over until it finds nothing, and others put something back',
    rules: ['livelock L-1'],
    parts: { fallocate: sweepUntilEmpty, fadvise: putBack },
    check: checkOf([[ALLOCATE], [ADVISE, ADVISE]], { checkers: ['livelock'] }),
  },
  {
    title: 'a freed block stays in the map',
    rules: ['fsck F-1'],
    parts: { fOps: uncached, fallocate: ifBusy(freeOnly, nothing), fadvise: busy },
    check: checkOf([[ALLOCATE], [ADVISE]], { checkers: ['fsck'] }),
  },
  {
    title: 'K-2, pages are dropped without invalidate_lock',
    rules: ['CONTRACT'],
    parts: {
      iOps: { setattr: setSize },
      fadvise: ifBusy((inode) => dropPages(inode), nothing),
      fallocate: busy,
    },
    check: checkOf([[ADVISE], [ALLOCATE]]),
    profile: 'v5.15',
  },
  {
    title: 'K-3, user memory is touched under invalidate_lock',
    rules: ['COPY_UNDER_LOCK'],
    parts: { fOps: { readIter: copyUnderLock }, fadvise: busy },
    check: checkOf([[ADVISE], [READ]]),
  },
  {
    title: 'K-4, a read that must not sleep does',
    rules: ['NOWAIT_SLEEPS'],
    parts: { supports: { nowait: true }, fOps: { readIter: sleepyRead }, fadvise: busy },
    check: checkOf([[ADVISE], [{ op: 'pread', pos: 0, len: 8, flags: 'nowait' }]]),
  },
  {
    title: 'K-1, a call returns with a lock',
    rules: ['LOCK_LEAK'],
    parts: { fadvise: ifCached((_, inode) => inodeLock(inode)) },
    check: checkOf([[ADVISE], [READ]]),
  },
];

test.each(CASES)(
  '$title: $rules',
  ({ rules, parts, check, profile = 'v5.14' }) => {
    const fs = fixture(parts);
    const all = explore(fs, profile, check, 'dfs');
    const reduced = explore(fs, profile, check, 'dpor');
    expect(all).toMatchObject({ exhaustive: true, ambiguous: [] });
    expect(explore(fs, profile, check, 'dfs', { alwaysProbed: true })).toEqual(all);
    expect(reduced).toMatchObject({ exhaustive: true, ambiguous: [], violations: all.violations });
    for (const rule of rules) expect(all.violations).toContainEqual(expect.stringMatching(`^${rule}`));
    // The race must matter.
    expect(all.clean).toBeGreaterThan(0);
    expect(reduced.executions).toBeLessThanOrEqual(all.executions);
  },
  60_000,
);

/** Touch an object of one's own, then create a child that waits for itself. */
function createStuck(own: (inode: Inode) => Task<unknown>): (inode: Inode) => Task<number> {
  return function* (inode) {
    yield* own(inode);
    current.spawn('child', lockTwice(inode));
    return 0;
  };
}

function* lockTwice(inode: Inode): Task<void> {
  yield* inodeLock(inode);
  yield* inodeLock(inode);
}

test('a deadlock of children reads the same, whichever was created first', () => {
  const fs = fixture({
    fallocate: createStuck((inode) => inode.iSize.read()),
    fadvise: createStuck((inode) => inode.iDioCount.read()),
  });
  const check = checkOf([[ALLOCATE], [ADVISE]], { checkers: [] });
  const all = explore(fs, 'v5.14', check, 'dfs');
  expect(all.violations).toEqual(['deadlock : child (aA), child (bA) wait for ever']);
  expect(explore(fs, 'v5.14', check, 'dpor').violations).toEqual(all.violations);
});

test('a cycle of locks reads the same, whichever order was seen first', () => {
  const fs = fixture({ fallocate: inOrder, fadvise: inWrongOrder });
  const orders = (check: Check) =>
    explore(fs, 'v5.14', check, 'dpor').violations.filter((violation) => violation.startsWith('lock-order'));
  expect(orders(checkOf([[ALLOCATE], [ADVISE]]))).toEqual(orders(checkOf([[ADVISE], [ALLOCATE]])));
});
