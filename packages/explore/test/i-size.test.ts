// Shows that who compares i_size with a part of a file only, and so is ordered after few of its stores, sees all that it
// could: for random programs of readers and writers, the outcomes of the reduced search are those of plain
// enumeration, and executions of one trace have one outcome. And that there are fewer traces than for readers of the word.

import { boot, FileSize, type Task } from '@fsport/core';
import {
  DfsStrategy,
  DporStrategy,
  Prng,
  type Scenario,
  type Strategy,
  traceFingerprint,
} from '@fsport/explore';
import { expect, test } from '@jest/globals';
import { runAll } from '#src/selftest/run.js';

const PROGRAMS = 150;
const BYTES = 32;

type Op = { readonly from: number; readonly to: number } | { readonly size: number } | 'read';

/** What each task does, one after another. */
function program(seed: number): readonly (readonly Op[])[] {
  const random = new Prng(seed);
  const op = (): Op => {
    const from = random.below(BYTES);
    if (random.below(3) > 0) return { from, to: from + 1 + random.below(12) };
    return random.below(6) === 0 ? 'read' : { size: random.below(BYTES + 1) };
  };
  return [2, 2, 2].map((count) => Array.from({ length: count }, op));
}

/** Runs a program; all that its tasks have seen, and the size in the end, is in `seen` then. */
function scenario(tasks: readonly (readonly Op[])[], seen: number[][], precise: boolean): Scenario {
  return {
    name: 'fixture/i_size',
    letters: ['a', 'b', 'c'],
    start(execution): void {
      const release = 'v5.15';
      const sizes = {
        pageSize: 8,
        blockSize: 4,
        nrBlocks: 8,
        maxBytes: BYTES,
        raPages: 0,
        faultAroundPages: 1,
      };
      boot({ release, ...sizes, hostileReuse: true, faults: {} });
      const size = new FileSize(12);
      size.init(16);
      seen.length = 0;
      for (const [i, ops] of tasks.entries())
        execution.spawn('task', perform(size, ops, seen, precise), 'abc'[i]);
    },
    judge: () => [],
  };
}

function* perform(size: FileSize, ops: readonly Op[], seen: number[][], precise: boolean): Task<void> {
  const own: number[] = [];
  seen.push(own);
  for (const op of ops) {
    if (op === 'read') own.push(yield* size.read());
    else if ('size' in op) yield* size.write(op.size);
    else if (precise) own.push(yield* size.within(op.from, op.to));
    else own.push(Math.min(Math.max(yield* size.read(), op.from), op.to));
  }
}

/** What can come of a program, by trace. */
function outcomes(seed: number, strategy: Strategy, precise: boolean): { traces: number; seen: string[] } {
  const seen: number[][] = [];
  const byTrace = new Map<number, string>();
  runAll(scenario(program(seed), seen, precise), strategy, (execution) => {
    const trace = traceFingerprint(execution);
    const outcome = JSON.stringify(seen);
    expect(byTrace.get(trace) ?? outcome).toBe(outcome);
    byTrace.set(trace, outcome);
  });
  return { traces: byTrace.size, seen: [...new Set(byTrace.values())].sort() };
}

test(`${PROGRAMS} random programs: nothing that can be seen is left out`, () => {
  let traces = 0;
  let whole = 0;
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const all = outcomes(seed, new DfsStrategy(), true);
    const reduced = outcomes(seed, new DporStrategy(), true);
    expect({ seed, ...reduced }).toEqual({ seed, ...all });
    const coarse = outcomes(seed, new DporStrategy(), false);
    expect({ seed, seen: coarse.seen }).toEqual({ seed, seen: all.seen });
    traces += reduced.traces;
    whole += coarse.traces;
  }
  expect(traces).toBeLessThan(0.8 * whole);
});
