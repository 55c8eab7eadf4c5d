// Shows what each strategy promises: that the bounded search sees every trace that some schedule within its bound
// has, and never claims a proof; that the samplers repeat with their seed and find the punch race; and that the
// portfolio proves what its enumeration proves.

import { Identity } from '@fsport/core';
import {
  DfsStrategy,
  type DporFaults,
  DporStrategy,
  PctStrategy,
  PortfolioStrategy,
  PosStrategy,
  PreemptionCounter,
  type Strategy,
  search,
  TraceSet,
  traceFingerprint,
} from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import { programScenario, randomProgram } from '#src/selftest/random-programs.js';
import { runAll } from '#src/selftest/run.js';
import { lostUpdate } from './fixtures/small.js';

const fixed = punchRace({ pages: 2, readers: 1, fixed: true });
const broken = punchRace({ pages: 2, readers: 1, fixed: false });
const CAP = 80;

/** Plain enumeration that knows how many preemptions the execution in progress has. */
class Counting extends PreemptionCounter implements Strategy {
  readonly exhaustive = true;
  executed(): void {}
}

/** Traces within a bound that the bounded search does not see; `null` if the program is too large to compare. */
function missed(seed: number, bound: number, faults: DporFaults = {}): number | null {
  const scenario = programScenario(randomProgram(seed));
  const identity = new Identity();
  const within = new Set<number>();
  const plain = new Counting(new DfsStrategy());
  const look = (trace: number): void => {
    if (plain.count <= bound) within.add(trace);
  };
  const { complete } = runAll(scenario, plain, (execution) => look(traceFingerprint(execution)), {
    identity,
    limit: CAP,
  });
  if (complete >= CAP) return null;
  const seen = new TraceSet();
  const strategy = new DporStrategy({ preemptions: bound, faults });
  runAll(scenario, strategy, (execution) => seen.add(execution), { identity, limit: 10 * CAP });
  return [...within].filter((trace) => !seen.has(trace)).length;
}

describe('the bounded search', () => {
  test.each([0, 1, 2])(
    'sees every trace of 250 programs with %i preemptions',
    (bound) => {
      let compared = 0;
      for (let seed = 1; compared < 250; seed++) {
        const lost = missed(seed, bound);
        if (lost === null) continue;
        compared++;
        expect({ seed, lost }).toEqual({ seed, lost: 0 });
      }
    },
    60_000,
  );

  test('would lose some without the early points', () => {
    const faulty = Array.from({ length: 250 }, (_, seed) => missed(seed + 1, 1, { notConservative: true }));
    expect(faulty.some((lost) => lost !== null && lost > 0)).toBe(true);
  }, 60_000);

  test('is never a proof, but finds what is within its bound', () => {
    expect(search(fixed, { strategy: 'bounded', preemptions: 1 })).toMatchObject({
      verdict: 'unknown',
      exhaustive: false,
      stopped: 'bound',
    });
    expect(search(broken, { strategy: 'bounded', preemptions: 1 })).toMatchObject({ stopped: 'bound' });
    expect(search(broken, { strategy: 'bounded' })).toMatchObject({ verdict: 'fail', preemptions: 2 });
    expect(search(lostUpdate, { strategy: 'bounded', preemptions: 0 })).toMatchObject({ verdict: 'unknown' });
  });
});

describe('probabilistic concurrency testing', () => {
  test('runs the same executions for the same seed, and others for another', () => {
    const traces = (seed: number): readonly number[] => {
      const found: number[] = [];
      const identity = new Identity();
      runAll(fixed, new PctStrategy(seed, 3), (execution) => found.push(traceFingerprint(execution)), {
        identity,
        limit: 50,
      });
      return found;
    };
    expect(traces(1)).toEqual(traces(1));
    expect(traces(1)).not.toEqual(traces(2));
  });

  test('with depth 1 it never preempts', () => {
    const counter = new Counting(new PctStrategy(1, 1));
    let preemptions = 0;
    runAll(
      lostUpdate,
      counter,
      () => {
        preemptions += counter.count;
      },
      { limit: 200 },
    );
    expect(preemptions).toBe(0);
  });

  test('finds the punch race, and proves nothing', () => {
    expect(search(broken, { strategy: 'pct' })).toMatchObject({ verdict: 'fail', preemptions: 2 });
    expect(search(fixed, { strategy: 'pct', maxExecutions: 300 })).toMatchObject({ verdict: 'unknown' });
  });
});

describe('a portfolio', () => {
  test('ends with the proof of its enumeration', () => {
    expect(search(fixed, { strategy: 'portfolio', cutRetries: false })).toMatchObject({
      verdict: 'pass',
      exhaustive: true,
      executions: 4 * 39,
    });
  });

  test('finds a failure', () => {
    expect(search(broken, { strategy: 'portfolio' })).toMatchObject({ verdict: 'fail', preemptions: 2 });
  });

  test('of a bounded search proves nothing', () => {
    const strategy = new PortfolioStrategy([new DporStrategy({ preemptions: 1 }), new PosStrategy(1)]);
    runAll(fixed, strategy);
    expect([strategy.exhaustive, strategy.bounded]).toEqual([false, true]);
  });
});
