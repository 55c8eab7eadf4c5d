// Shows that the reduced search loses nothing: for thousands of random programs over every primitive, the
// traces it sees, and the final state of each, are those that plain enumeration sees. The enumeration also
// audits the dependence relation: executions of one trace must not differ in anything a task can see.
//
// The seeds are fixed, so a failure repeats; FSPORT_SEED moves them, for fresh programs every night.

import { describe, expect, test } from '@jest/globals';
import { type Comparison, compare } from '#src/selftest/compare.js';
import type { Kind } from '#src/selftest/random-programs.js';

const BASE = Number(process.env['FSPORT_SEED'] ?? 1);

/** Programs that a version of the engine got wrong. */
const ONCE_LOST: readonly (readonly [Kind, number])[] = [
  ['plain', 6483],
  ['plain', 9095],
  ['plain', 17680],
  ['plain', 20981],
  ['plain', 44287],
  ['plain', 5002231],
  ['plain', 5003980],
  ['plain', 5004052],
  ['reckless', 5001353],
  ['reckless', 5003218],
  ['choosing', 7050279],
  ['reckless', 1133144],
];

function compareMany(programs: number, cap: number, base: number, kind: Kind = 'plain'): Comparison[] {
  const found: Comparison[] = [];
  for (let seed = base; found.length < programs; seed++) {
    // Programs with more interleavings are not compared; the next seed takes their place.
    const comparison = compare(seed, cap, {}, kind);
    if (comparison === null) continue;
    found.push(comparison);
    const { lost, invented, ambiguous } = comparison;
    expect({ seed, lost, invented, ambiguous }).toEqual({ seed, lost: 0, invented: 0, ambiguous: 0 });
  }
  return found;
}

function sum(comparisons: readonly Comparison[], of: (comparison: Comparison) => number): number {
  return comparisons.reduce((total, comparison) => total + of(comparison), 0);
}

describe(`random programs from seed ${BASE}`, () => {
  test.each([
    { programs: 5_000, cap: 100, base: BASE },
    { programs: 12, cap: 3_000, base: BASE + 1_000_000 },
  ])(
    '$programs programs of up to $cap interleavings',
    ({ programs, cap, base }) => {
      const all = compareMany(programs, cap, base);
      const traces = sum(all, (one) => one.traces);
      const repeated = sum(all, (one) => one.executions) - traces;
      const blocked = sum(all, (one) => one.blocked);
      // The programs must be worth comparing, and the reduction a reduction.
      expect(sum(all, (one) => one.interleavings)).toBeGreaterThan(10 * traces);
      expect(all.filter((one) => one.deadlocks).length).toBeGreaterThan(programs / 4);
      expect(repeated).toBeLessThan(0.001 * traces);
      expect(blocked).toBeLessThan(0.03 * traces);
    },
    120_000,
  );

  test('200 programs that throw: every prefix that ends in an error is seen', () => {
    const all = compareMany(200, 150, BASE, 'reckless');
    expect(all.filter((one) => one.threw).length).toBeGreaterThan(60);
  }, 60_000);

  test('300 programs that pick much', () => {
    const all = compareMany(300, 150, BASE, 'choosing');
    expect(sum(all, (one) => one.traces)).toBeGreaterThan(300 * 5);
  }, 60_000);

  test.each(ONCE_LOST)('the %s program %i, which was once lost', (kind, seed) => {
    expect(compare(seed, 20_000, {}, kind)).toMatchObject({ lost: 0, invented: 0, ambiguous: 0 });
  });
});
