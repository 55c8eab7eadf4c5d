// Shows that a failure is reported with the fewest tasks and preemptions that show it, whatever search found
// it, and that the simplified schedule is one that was run and fails.

import { parseToken, type StrategyName, search } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import { abba, lostUpdate, picky } from './fixtures/small.js';

describe.each<StrategyName>(['auto', 'dpor', 'dfs', 'pos', 'random'])('found by %s', (strategy) => {
  test.each([1, 2, 3])('with seed %i, a lost update needs two tasks and one preemption', (seed) => {
    const found = search(lostUpdate, { strategy, seed });
    expect(found).toMatchObject({ verdict: 'fail', preemptions: 1, tasks: ['a', 'b'] });
    expect(parseToken(found.token as string).runs).toHaveLength(3);
  });

  test('a deadlock of two locks needs one preemption and names the cycle', () => {
    const found = search(abba, { strategy });
    expect(found).toMatchObject({ preemptions: 1, tasks: ['a', 'b'] });
    expect(found.violations).toMatchObject([
      {
        property: 'deadlock',
        because: [
          expect.stringMatching(
            /^task a \(a\) waits in mutex_lock\(two\), held by task b \(b\) \(X\) since mutex_lock\(\) in step \d$/,
          ),
          expect.stringMatching(
            /^task b \(b\) waits in mutex_lock\(one\), held by task a \(a\) \(X\) since mutex_lock\(\) in step \d$/,
          ),
          'cycle: task a (a) -> task b (b) -> task a (a)',
        ],
      },
    ]);
  });
});

test('the punch race needs the puncher, one reader and two preemptions', () => {
  for (const readers of [1, 2]) {
    const found = search(punchRace({ pages: 2, readers, fixed: false }));
    expect(found).toMatchObject({ verdict: 'fail', preemptions: 2, tasks: ['p', 'r'] });
  }
});

test('shrinking can be switched off', () => {
  const found = search(lostUpdate, { strategy: 'pos', shrink: false });
  expect(found).toMatchObject({ verdict: 'fail', tasks: ['a', 'b', 'c'], shrinkExecutions: 1 });
});

test.each([1, 2, 3, 4, 5])('of several choices, only those that matter are unusual (seed %i)', (seed) => {
  const found = search(picky, { strategy: 'random', seed });
  const { runs } = parseToken(found.token as string);
  expect(runs.map(({ choice }) => choice).filter((choice) => choice >= 0)).toEqual([0, 2, 0]);
});
