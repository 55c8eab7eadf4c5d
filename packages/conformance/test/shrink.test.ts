// Shows that a failure is reported without what it does not need: tasks, operations, set-up, faults, pages, choices; that
// its token says what was left out; and that the token replays to the same failure, step by step.

import { type Check, CheckScenario, runCheck } from '@fsport/conformance';
import { freeBlock } from '@fsport/core';
import { parseToken, replay } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { checkOf, fixture, HOLE, mapOf, type Parts, PUNCH, READ } from '#src/selftest/fixture.js';

/** Frees the block of cached pages. */
const racy: Parts = {
  fallocate: function* (inode) {
    const { phys } = mapOf(inode).at(0).peek();
    yield* mapOf(inode).at(0).write(HOLE);
    yield* freeBlock(inode.iSb.sBdev, inode.iIno, phys);
    return 0;
  },
};
const fs = fixture(racy);

const MINIMAL = checkOf([[PUNCH], [READ]]);
const [FILE] = MINIMAL.files as [Check['files'][number]];
const LONG = { ...FILE, size: 24, blocks: [...FILE.blocks, { data: 'X' }, { data: 'Y' }] };
const LATER = { ...READ, pos: 8 };

const BLOATED: readonly (readonly [string, Check, readonly string[]])[] = [
  ['an operation before', checkOf([[LATER, PUNCH], [READ]], { files: [LONG] }), ['a1']],
  [
    'operations after',
    checkOf(
      [
        [PUNCH, LATER],
        [READ, LATER],
      ],
      { files: [LONG] },
    ),
    ['b2', 'a2'],
  ],
  ['a task', checkOf([[PUNCH], [READ], [READ]]), []],
  ['set-up', checkOf([[PUNCH], [READ]], { setUp: [LATER], files: [LONG] }), ['setup1']],
  [
    'faults',
    checkOf([[PUNCH], [READ]], { faults: { readIo: true, allocPage: true } }),
    ['readIo', 'allocPage'],
  ],
  ['pages', checkOf([[PUNCH], [READ]], { files: [LONG] }), []],
];

describe.each(BLOATED)('without %s', (_, check, cuts) => {
  const { result, failure } = runCheck(fs, 'v5.15', check, null);
  const token = result.token as string;

  test('the failure is that of the smallest check', () => {
    const minimal = runCheck(fs, 'v5.15', MINIMAL, null);
    expect(failure).toMatchObject({ property: 'stale-data', preemptions: minimal.failure?.preemptions });
    expect(failure?.steps.map(({ text }) => text)).toEqual(minimal.failure?.steps.map(({ text }) => text));
    expect(result.bounds).toBe(minimal.result.bounds);
    const pages = check.files[0]?.size === 24 ? ['page2'] : [];
    expect([...parseToken(token).cuts].sort()).toEqual([...cuts, ...pages].sort());
  });

  test('the token replays', () => {
    const { violations, steps } = replay(new CheckScenario(fs, 'v5.15', check), token);
    expect(violations[0]).toMatchObject({ message: failure?.message });
    expect(steps.map(({ verb, object, result }) => [`${verb}(${object ?? ''})`, result])).toEqual(
      failure?.steps.map(({ text, result }) => [text, result]),
    );
    expect(runCheck(fs, 'v5.15', check, null).result.token).toBe(token);
  });
});

test('what the check is about stays', () => {
  const check = checkOf([[PUNCH], [READ]], { setUp: [LATER, LATER], files: [LONG], keep: ['setup2'] });
  const { result } = runCheck(fs, 'v5.15', check, null);
  expect(parseToken(result.token as string).cuts).toEqual(['setup1', 'page2']);
});

test('what cannot be left out is no token of the check', () => {
  for (const cut of ['a1', 'c1', 'page1', 'setup1', 'readIo']) {
    const token = `${MINIMAL.id}@1-${cut}:a1`;
    expect(() => replay(new CheckScenario(fs, 'v5.15', MINIMAL), token)).toThrow(/cannot be left out/);
  }
});
