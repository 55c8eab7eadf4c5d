// Shows what the suite makes of filesystems that pass, fail, refuse, throw, block, never end or forget something: each
// gets its verdict and its property. One check of one page runs on each.

import { type Check, parseExpected, runCheck } from '@fsport/conformance';
import {
  blockReadFullPage,
  current,
  findLockPage,
  freeBlock,
  type Inode,
  inodeLock,
  inodeUnlock,
  mpageReadpage,
  pgoff,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import {
  ADVISE,
  checkOf,
  fixture,
  getBlock,
  HOLE,
  mapOf,
  type Parts,
  PUNCH,
  READ,
  uncachedRead,
} from './self/fixture.js';

const READS = checkOf([[READ], [READ]]);
const RACE = checkOf([[PUNCH], [READ]]);
const ADVICE = checkOf([[ADVISE], [READ]]);

/** Frees the block of cached pages. */
const racy: Parts = {
  fallocate: function* (inode) {
    const { phys } = mapOf(inode).at(0).peek();
    yield* mapOf(inode).at(0).write(HOLE);
    yield* freeBlock(inode.iSb.sBdev, inode.iIno, phys);
    return 0;
  },
};

function fadvise(body: (inode: Inode) => Task<unknown>): Parts {
  return {
    fadvise: function* (inode) {
      yield* body(inode);
      return 0;
    },
  };
}

test('a filesystem that works passes, within bounds, with every interleaving seen', () => {
  const { result, failure } = runCheck(fixture(), 'v5.15', READS, null);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ verdict: 'pass', ok: true, exhaustive: true, property: null, token: null });
  expect(result.bounds).toBe('page 8 B, block 8 B; a: pread(2) 0+8; b: pread(2) 0+8');
});

test('a race fails, with a rule, a reason, a schedule and a token', () => {
  const { result, failure } = runCheck(fixture(racy), 'v5.15', RACE, null);
  expect(result).toMatchObject({ verdict: 'fail', ok: false, property: 'stale-data', exhaustive: false });
  expect(failure).toMatchObject({ property: 'stale-data', token: result.token });
  expect(failure?.rule).toMatch(/^S-[12]$/);
  expect(failure?.because).not.toEqual([]);
  expect(failure?.steps.map(({ text }) => text)).toContain('ext4_free_blocks(disk[0])');
  expect(result.token).toMatch(/^self\/check@/);
});

test('what is not claimed is not run, and says why', () => {
  const check = checkOf([[PUNCH], [READ]], { requires: { punchHole: true, write: true } });
  const { result, failure } = runCheck(fixture(), 'v5.15', check, null);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ verdict: 'notrun', ok: true, executions: 0, exhaustive: false });
  expect(result.reason).toBe('supports.punchHole is not claimed');
});

test('a budget that runs out is unknown, never a pass', () => {
  const { result } = runCheck(fixture(), 'v5.15', READS, null, { maxExecutions: 3 });
  expect(result).toMatchObject({ verdict: 'unknown', ok: false, exhaustive: false, executions: 3 });
  expect(result.reason).toMatch(/executions/);
});

function* lockTwice(inode: Inode): Task<void> {
  yield* inodeLock(inode);
  yield* inodeLock(inode);
}

function* spin(inode: Inode): Task<void> {
  for (;;) yield* inode.iSize.read();
}

// biome-ignore lint/correctness/useYield: its child has the steps.
function* leakInChild(inode: Inode): Task<void> {
  current.spawn('child', inodeLock(inode));
}

function* loseLock(inode: Inode): Task<void> {
  const page = yield* findLockPage(inode.iMapping, pgoff(0));
  page?.lock.handOff();
}

function* forgetStar(inode: Inode): Task<void> {
  inode.iSize.write(0);
  yield* inode.iSize.read();
}

function* bareYield(inode: Inode): Task<void> {
  yield inode.iSize.peek() as never;
}

const boom = (): never => {
  throw new Error('boom');
};

// biome-ignore lint/correctness/useYield: that is what is wrong with it.
function* forgetPage(): Task<number> {
  return 0;
}

/** Readers wait for something that fadvise(2) takes away for ever. */
const blockReaders: Parts = {
  ...fadvise((inode) => inode.iMapping.exiting.write(true)),
  fOps: {
    readIter: function* (iocb, iter) {
      yield* iocb.kiFilp.fMapping.exiting.waitUntil((exiting) => !exiting);
      return yield* uncachedRead(iocb, iter);
    },
  },
};

/** Every other mount has one step more in a read. */
function forgetful(): Parts {
  let mounts = 0;
  return {
    mounted: () => {
      mounts++;
    },
    aOps: {
      readpage: function* (_, page) {
        if (mounts % 2 === 0) yield* page.error.read();
        return yield* mpageReadpage(page, getBlock);
      },
    },
  };
}

describe('what goes wrong has a name', () => {
  const cached = checkOf([[ADVISE]], { setUp: [READ] });
  test.each<[string, Parts, Check, string]>([
    ['a readpage that throws', { aOps: { readpage: boom } }, READS, 'threw'],
    ['a readpage that leaves its page locked', { aOps: { readpage: forgetPage } }, READS, 'contract'],
    ['a task that waits for itself', fadvise(lockTwice), ADVICE, 'deadlock'],
    ['a task that never ends', fadvise(spin), ADVICE, 'livelock'],
    ['a call that returns with a lock', fadvise(inodeLock), ADVICE, 'lock-discipline'],
    ['a lock that is released and not held', fadvise(inodeUnlock), ADVICE, 'lock-discipline'],
    ['a child that ends with a lock', fadvise(leakInChild), ADVICE, 'lock-discipline'],
    ['a page lock that nobody will release', fadvise(loseLock), cached, 'lock-discipline'],
    ['a forgotten yield*', fadvise(forgetStar), ADVICE, 'floating-task'],
    ['a bare yield', fadvise(bareYield), ADVICE, 'NOT_A_STEP'],
    ['a model that depends on more than the schedule', forgetful(), READS, 'nondeterminism'],
    [
      'buffers that nobody can take off a page',
      { aOps: { readpage: (_, page) => blockReadFullPage(page, getBlock) } },
      READS,
      'contract',
    ],
    ['a file that cannot be read any more', blockReaders, checkOf([[ADVISE]]), 'threw'],
  ])('%s', (_, parts, check, property) => {
    const { result, failure } = runCheck(fixture(parts), 'v5.15', check, null, { maxSteps: 200 });
    expect(result).toMatchObject({ verdict: 'fail', ok: false, property });
    expect(failure?.message).not.toBe('');
  });
});

describe('a verdict is right if it is the declared one', () => {
  test.each<[string, Check, object, boolean]>([
    ['a declared failure', RACE, { verdict: 'fail', property: 'stale-data' }, true],
    ['a declared failure of any property', RACE, { verdict: 'fail' }, true],
    ['another property than declared', RACE, { verdict: 'fail', property: 'lost-write' }, false],
    ['a failure instead of a pass', RACE, { verdict: 'pass' }, false],
    ['a pass instead of a declared failure', READS, { verdict: 'fail' }, false],
    ['a pass that is declared not to run', READS, { verdict: 'notrun' }, false],
    ['a declared pass', READS, { verdict: 'pass' }, true],
    ['not run, as declared', { ...READS, requires: { write: true } }, { verdict: 'notrun' }, true],
    ['not run, with a pass declared', { ...READS, requires: { write: true } }, { verdict: 'pass' }, true],
    ['not run, with a failure declared', { ...READS, requires: { write: true } }, { verdict: 'fail' }, false],
  ])('%s', (_, check, declared, ok) => {
    const expected = parseExpected({ 'self/*': { 'v5.15': declared } }, 'expected.json');
    expect(runCheck(fixture(racy), 'v5.15', check, expected).result.ok).toBe(ok);
  });
});
