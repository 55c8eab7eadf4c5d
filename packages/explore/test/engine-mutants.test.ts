// Shows that the tests of the search can fail: with each deliberate fault in the reduction, either random
// programs lose traces, or the golden scenario needs another number of executions.

import { type DporFaults, DporStrategy } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { compare } from './fixtures/compare.js';
import { punchRace } from './fixtures/punch-race.js';
import { runAll } from './fixtures/run.js';

const PROGRAMS = 1_500;
const CAP = 120;
/** Programs that show faults which few programs show. */
const TELLING = [6483, 20981, 44287];
/** The same among programs that may throw. */
const RECKLESS = [1133144];

/** What the fault changes: a program that loses traces, or the number of executions of the punch race. */
function symptom(faults: DporFaults): string | null {
  const scenario = punchRace({ pages: 2, readers: 1, fixed: true });
  const { complete, blocked } = runAll(scenario, new DporStrategy({ faults }), undefined, { limit: 2_000 });
  if (complete !== 39 || blocked !== 0) return 'golden';
  for (const seed of RECKLESS) {
    if ((compare(seed, 20_000, faults, 'reckless')?.lost ?? 0) > 0) return 'lost';
  }
  for (const seed of [...TELLING, ...Array.from({ length: PROGRAMS }, (_, i) => i + 1)]) {
    const comparison = compare(seed, TELLING.includes(seed) ? 20_000 : CAP, faults);
    if (comparison !== null && comparison.lost + comparison.invented > 0) return 'lost';
  }
  return null;
}

describe('a fault in the reduction is noticed', () => {
  test.each<readonly [keyof DporFaults, string]>([
    ['noSleep', 'golden'],
    ['noWake', 'golden'],
    ['alwaysCoEnabled', 'golden'],
    ['absorbInfeasible', 'golden'],
    ['noPending', 'lost'],
    ['firstAccessOnly', 'lost'],
    ['firstChoiceOnly', 'lost'],
    ['shortReversal', 'lost'],
    ['guessSleepers', 'lost'],
    ['newEventsOnly', 'lost'],
    ['weakInitials', 'golden'],
    ['onlyAwake', 'lost'],
  ])('%s: %s', (fault, expected) => {
    expect(symptom({ [fault]: true })).toBe(expected);
  });

  test('and without a fault there is none', () => {
    expect(symptom({})).toBeNull();
  }, 60_000);
});
