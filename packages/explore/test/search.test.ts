// Shows what a verdict is worth: `pass` only after everything was seen, `unknown` whenever a budget ended the
// search, budgets kept to the execution, and the same answer every time.

import { type Progress, type SearchOptions, type StrategyName, search } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import { abba, lockedUpdate, lostUpdate, polls, spawning } from './fixtures/small.js';

const fixed = punchRace({ pages: 2, readers: 1, fixed: true });
/** All 39 traces, one execution each. */
const every = { strategy: 'dpor', cutRetries: false } as const;
const broken = punchRace({ pages: 2, readers: 1, fixed: false });

describe('a verdict', () => {
  test('is pass when every trace was seen', () => {
    expect(search(fixed, { countTraces: true, cutRetries: false })).toMatchObject({
      verdict: 'pass',
      exhaustive: true,
      stopped: 'exhausted',
      traces: 39,
      longest: 51,
      token: null,
      foundAt: 0,
    });
    expect(search(lockedUpdate, { strategy: 'dfs' })).toMatchObject({ verdict: 'pass', exhaustive: true });
  });

  test.each<StrategyName>(['pos', 'random'])('is never pass after %s', (strategy) => {
    const options = { strategy, maxExecutions: 300 };
    expect(search(fixed, options)).toMatchObject({
      verdict: 'unknown',
      exhaustive: false,
      stopped: 'executions',
    });
  });

  test('is fail although not everything was seen', () => {
    expect(search(broken)).toMatchObject({ verdict: 'fail', exhaustive: false, stopped: 'violation' });
  });

  test('of plain enumeration is unknown if a task had to let others go first', () => {
    expect(search(polls, { strategy: 'dfs' })).toMatchObject({ verdict: 'unknown', stopped: 'unfair' });
  });

  test('of a polling loop is no false alarm', () => {
    expect(search(polls)).toMatchObject({ verdict: 'unknown', stopped: 'unfair', violations: [] });
  });

  test('leaves a deadlock to another scenario, if it is told to', () => {
    expect(search(abba)).toMatchObject({ verdict: 'fail', violations: [{ property: 'deadlock' }] });
    expect(search({ ...abba, deadlockElsewhere: true })).toMatchObject({ verdict: 'pass', exhaustive: true });
  });

  test('takes in what the search as a whole has seen', () => {
    const graph = { ...lockedUpdate, judgeSearch: () => [{ property: 'lock-order', message: 'wrong' }] };
    expect(search(graph)).toMatchObject({
      verdict: 'fail',
      violations: [{ property: 'lock-order' }],
      token: null,
    });
  });
});

describe('a budget', () => {
  test.each([1, 2, 3, 20, 38, 100, 640])('of %i executions is exact', (maxExecutions) => {
    const big = punchRace({ pages: 2, readers: 2, fixed: true });
    const result = search(big, { maxExecutions });
    expect(result.executions + result.blockedExecutions).toBe(maxExecutions);
    expect(result).toMatchObject({ verdict: 'unknown', exhaustive: false, stopped: 'executions' });
  });

  test('that is just enough is enough', () => {
    expect(search(fixed, { ...every, maxExecutions: 39 }).verdict).toBe('pass');
    expect(search(fixed, { ...every, maxExecutions: 38 }).verdict).toBe('unknown');
  });

  test('of time is checked before every execution', () => {
    let clock = 0;
    const result = search(fixed, { ...every, now: () => clock++, deadline: 10 });
    expect(result).toMatchObject({ verdict: 'unknown', stopped: 'time', executions: 10 });
  });

  test('of steps ends a livelock', () => {
    const result = search(fixed, { strategy: 'dpor', maxSteps: 20 });
    expect(result).toMatchObject({ verdict: 'fail', violations: [{ property: 'livelock' }] });
  });

  test.each<SearchOptions>([
    { maxExecutions: 0 },
    { maxExecutions: 1.5 },
    { maxSteps: -1 },
    { samples: -1 },
    { progressEvery: 3 },
    { deadline: 5 },
  ])('that makes no sense is refused: %o', (options) => {
    expect(() => search(fixed, options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });

  test('and a strategy that does not exist, too', () => {
    const options = { strategy: 'magic' as StrategyName };
    expect(() => search(fixed, options)).toThrow(expect.objectContaining({ code: 'UNKNOWN_STRATEGY' }));
  });
});

test('the same search gives the same answer', () => {
  for (const strategy of ['auto', 'dpor', 'dfs', 'pos', 'random'] as const) {
    const options = { strategy, seed: 42, maxExecutions: 2_000 };
    expect(search(broken, options)).toEqual(search(broken, options));
  }
});

test('collecting every violation sees the same ones with and without reduction', () => {
  for (const scenario of [lostUpdate, spawning]) {
    const collect = (strategy: StrategyName): readonly string[] => {
      const result = search(scenario, { strategy, stopAtFirst: false });
      expect(result).toMatchObject({ verdict: 'fail', exhaustive: true, stopped: 'exhausted' });
      return result.violations.map((violation) => violation.property).sort();
    };
    expect(collect('dpor')).toEqual(collect('dfs'));
  }
});

test('progress is reported every so many executions', () => {
  const seen: Progress[] = [];
  search(fixed, { ...every, progressEvery: 8, onProgress: (progress) => seen.push(progress) });
  expect(seen.map((progress) => progress.executions)).toEqual([8, 16, 24, 32]);
  expect(seen.every((progress) => progress.phase === 'dpor')).toBe(true);
});

test.each(['dpor', 'dfs', 'portfolio'] as const)('%s estimates how much it has seen', (strategy) => {
  const shares: number[] = [];
  const onProgress = ({ share }: Progress): number => shares.push(share ?? -1);
  const { executions } = search(lockedUpdate, { strategy, progressEvery: 1, onProgress });
  expect(shares).toHaveLength(executions);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...shares)).toBeLessThanOrEqual(1);
  expect(shares[0]).toBeLessThanOrEqual(0.5);
  expect(shares.at(-1)).toBeCloseTo(1);
});

test('samplers do not know how much they have seen, and the clock tells how fast it goes', () => {
  const seen: Progress[] = [];
  let clock = 0;
  const now = (): number => clock++ * 100;
  search(fixed, {
    strategy: 'pos',
    maxExecutions: 4,
    now,
    progressEvery: 2,
    onProgress: (progress) => seen.push(progress),
  });
  expect(seen).toEqual([
    { executions: 2, phase: 'pos', share: null, executionsPerSecond: 20 },
    { executions: 4, phase: 'pos', share: null, executionsPerSecond: 20 },
  ]);
});
