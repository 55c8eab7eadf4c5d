// Shows that the reduced search sees exactly the traces that three other model checkers counted for the
// same events (GenMC, Nidhugg and a reference of our own), and how many executions it needs for that.

import { DporStrategy, TraceSet } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { type PunchRace, punchRace } from '#src/selftest/punch-race.js';
import { runAll } from '#src/selftest/run.js';

interface Golden extends PunchRace {
  readonly traces: number;
  readonly leaks: number;
}

const GOLDEN: readonly Golden[] = [
  { pages: 2, readers: 1, fixed: true, traces: 39, leaks: 0 },
  { pages: 2, readers: 1, fixed: false, traces: 202, leaks: 80 },
  { pages: 3, readers: 1, fixed: true, traces: 54, leaks: 0 },
  { pages: 3, readers: 1, fixed: false, traces: 694, leaks: 376 },
  { pages: 2, readers: 1, fixed: true, fair: true, traces: 92, leaks: 0 },
  { pages: 2, readers: 2, fixed: true, traces: 13_592, leaks: 0 },
  { pages: 2, readers: 1, fixed: true, counted: true, traces: 152, leaks: 0 },
  { pages: 3, readers: 1, fixed: true, counted: true, traces: 433, leaks: 0 },
];

/** Complete executions when attempts without effect are cut, as GenMC counts them with its spin-assume. */
const CUT: readonly (PunchRace & { readonly complete: number })[] = [
  { pages: 2, readers: 1, fixed: true, complete: 19 },
  { pages: 3, readers: 1, fixed: true, complete: 26 },
  { pages: 2, readers: 2, fixed: true, complete: 892 },
  { pages: 3, readers: 2, fixed: true, complete: 4_954 },
];

/** Minutes instead of seconds: run with FSPORT_LARGE=1. */
const LARGE: readonly Golden[] = [
  { pages: 2, readers: 2, fixed: false, traces: 135_624, leaks: 50_216 },
  { pages: 3, readers: 2, fixed: true, traces: 134_628, leaks: 0 },
  { pages: 2, readers: 2, fixed: true, fair: true, traces: 53_704, leaks: 0 },
  { pages: 2, readers: 2, fixed: true, counted: true, traces: 1_447_458, leaks: 0 },
];
const large = process.env['FSPORT_LARGE'] === '1' ? LARGE : [];

describe('the traces of the punch race', () => {
  test.each([...GOLDEN, ...large])(
    '$pages pages, $readers readers, fixed=$fixed fair=$fair counted=$counted',
    (golden) => {
      const scenario = punchRace(golden);
      const traces = new TraceSet();
      let leaks = 0;
      const { complete, blocked } = runAll(scenario, new DporStrategy(), (execution) => {
        if (traces.add(execution) && scenario.world().leaked) leaks++;
      });
      expect({ traces: traces.size, leaks, complete, blocked }).toEqual({
        traces: golden.traces,
        leaks: golden.leaks,
        complete: golden.traces,
        blocked: 0,
      });
    },
    600_000,
  );
});

test.each(CUT)('without retries: $pages pages, $readers readers: $complete', ({ complete, ...size }) => {
  const traces = new TraceSet();
  const strategy = new DporStrategy({ cutRetries: true });
  const run = runAll(punchRace(size), strategy, (execution) => traces.add(execution));
  expect({ traces: traces.size, complete: run.complete }).toEqual({ traces: complete, complete });
});
