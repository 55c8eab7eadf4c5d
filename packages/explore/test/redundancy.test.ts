// Shows that nothing is run only to be given up when the outcome of a step that was planned earlier makes it unnecessary:
// in one go, interrupted, and divided.

import { DfsStrategy, DporStrategy, TraceSet } from '@fsport/explore';
import { expect, test } from '@jest/globals';
import { runAll } from '#src/selftest/run.js';
import { divided, interrupted } from './fixtures/parts.js';
import { triesAndWrites } from './fixtures/small.js';

// A failed try happens before the unlock that a successful one happens after, and then the writer is either way.
const TRACES = 3;

test('there are as many traces as by hand', () => {
  const traces = new TraceSet();
  runAll(triesAndWrites, new DfsStrategy(), (execution) => traces.add(execution));
  expect(traces.size).toBe(TRACES);
});

test('a writer that commutes with the failed try is not run before it', () => {
  const once = runAll(triesAndWrites, new DporStrategy());
  expect(once).toEqual({ complete: TRACES, blocked: 0 });
});

test('nor when the search is interrupted between the plan and its turn', () => {
  const total = interrupted(triesAndWrites, 1, () => {});
  expect(total).toMatchObject({ complete: TRACES, blocked: 0 });
});

test('nor when somebody else explores the try', () => {
  const { total, exhaustive } = divided(triesAndWrites, 2, () => {});
  expect(total).toMatchObject({ complete: TRACES, blocked: 0 });
  expect(total.parts).toBeGreaterThan(1);
  expect(exhaustive).toBe(true);
});
