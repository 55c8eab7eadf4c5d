// Shows that nothing is run only to be given up: neither when the outcome of a step that was planned earlier makes it
// unnecessary, nor when somebody who sleeps has nothing to do with it. In one go, interrupted, and divided.

import { DfsStrategy, DporStrategy, TraceSet } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { runAll } from '#src/selftest/run.js';
import { divided, interrupted } from './fixtures/parts.js';
import { picksThenWrites, triesAndWrites, triesThenWrites } from './fixtures/small.js';

describe.each([
  // A failed try happens before the unlock that a successful one happens after, and then the writer is either way.
  { scenario: triesAndWrites, traces: 3 },
  // With a failed try the read is before the write or after it; with a successful one it commutes with everything.
  { scenario: triesThenWrites, traces: 3 },
  // The read is before the write or after it, or nobody writes.
  { scenario: picksThenWrites, traces: 3 },
])('$scenario.name', ({ scenario, traces }) => {
  test('there are as many traces as by hand', () => {
    const seen = new TraceSet();
    runAll(scenario, new DfsStrategy(), (execution) => seen.add(execution));
    expect(seen.size).toBe(traces);
  });

  test('nothing is given up', () => {
    expect(runAll(scenario, new DporStrategy())).toEqual({ complete: traces, blocked: 0 });
  });

  test('nor when the search is interrupted after every execution', () => {
    expect(interrupted(scenario, 1, () => {})).toMatchObject({ complete: traces, blocked: 0 });
  });

  test('divided, every trace is seen once', () => {
    const { total, exhaustive } = divided(scenario, 2, () => {});
    expect(total).toMatchObject({ complete: traces });
    expect(total.parts).toBeGreaterThan(1);
    expect(exhaustive).toBe(true);
  });
});

test('nothing is given up when somebody else explores the try', () => {
  expect(divided(triesAndWrites, 2, () => {}).total).toMatchObject({ blocked: 0 });
});
