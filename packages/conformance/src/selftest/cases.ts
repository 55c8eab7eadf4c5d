// Filesystems that pass, fail, refuse, throw, block, never end or forget something, and what the suite must make of each.
// One check of one page runs on each.

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
import type { Check, CheckResult, Expectation } from '../index.js';
import { parseExpected, runCheck } from '../index.js';
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
} from './fixture.js';

/** What must come of a case. */
type Outcome = Pick<CheckResult, 'verdict' | 'property' | 'ok'>;

/** One case. */
export interface SelftestCase {
  /** What is wrong with the filesystem, or how it is judged. */
  readonly name: string;
  /** What the filesystem does. */
  readonly parts: Parts;
  /** What runs on it. */
  readonly check: Check;
  /** What is declared, if something is. */
  readonly declared?: Expectation;
  /** Executions that the search may take. */
  readonly maxExecutions?: number;
  /** What must come of it. */
  readonly outcome: Outcome;
}

/** Two reads. */
export const READS = checkOf([[READ], [READ]]);
/** A hole punch against a read. */
export const RACE = checkOf([[PUNCH], [READ]]);
const ADVICE = checkOf([[ADVISE], [READ]]);

/** Frees the block of cached pages. */
export const racy: Parts = {
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
  // eslint-disable-next-line @fsport/no-floating-task -- that is what is wrong with it
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

const cached = checkOf([[ADVISE]], { setUp: [READ] });

const BROKEN: readonly (readonly [string, Parts, Check, string])[] = [
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
];

function judged(name: string, check: Check, declared: Expectation, outcome: Outcome): SelftestCase {
  return { name, parts: racy, check, declared, outcome };
}

const STALE: Outcome = { verdict: 'fail', property: 'stale-data', ok: false };
const PASS: Outcome = { verdict: 'pass', property: null, ok: true };
const WRITES = { ...READS, requires: { write: true } };

/** All cases. */
export const CASES: readonly SelftestCase[] = [
  { name: 'a filesystem that works', parts: {}, check: READS, outcome: PASS },
  { name: 'a race', parts: racy, check: RACE, outcome: STALE },
  {
    name: 'what is not claimed',
    parts: {},
    check: WRITES,
    outcome: { verdict: 'notrun', property: null, ok: true },
  },
  {
    name: 'a budget that runs out',
    parts: {},
    check: READS,
    maxExecutions: 3,
    outcome: { verdict: 'unknown', property: null, ok: false },
  },
  ...BROKEN.map(([name, parts, check, property]): SelftestCase => {
    return { name, parts, check, outcome: { verdict: 'fail', property, ok: false } };
  }),
  judged('a declared failure', RACE, { verdict: 'fail', property: 'stale-data' }, { ...STALE, ok: true }),
  judged(
    'a failure of another property than declared',
    RACE,
    { verdict: 'fail', property: 'lost-write' },
    STALE,
  ),
  judged('a pass instead of a declared failure', READS, { verdict: 'fail' }, { ...PASS, ok: false }),
];

/** Run a case. */
export function runCase({ parts, check, declared, maxExecutions }: SelftestCase): CheckResult {
  const expected =
    declared === undefined ? null : parseExpected({ 'self/*': { 'v5.15': declared } }, 'expected.json');
  const options = { maxSteps: 200, ...(maxExecutions === undefined ? {} : { maxExecutions }) };
  return runCheck(fixture(parts), 'v5.15', check, expected, options).result;
}
