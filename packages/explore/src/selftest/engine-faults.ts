// Faults of the reduction, and what each of them changes: either random programs lose traces, or the golden scenario needs
// another number of executions. A fault that changes nothing would mean that nobody looks.

import type { DporFaults } from '../dpor/faults.js';
import { DporStrategy } from '../strategies/dpor.js';
import { compare } from './compare.js';
import { punchRace } from './punch-race.js';
import { runAll } from './run.js';

const PROGRAMS = 1_500;
const CAP = 120;
/** Programs that show faults which few programs show. */
const TELLING = [6483, 17680, 20981, 44287, 5002231, 5004052];
/** The same among programs that may throw. */
const RECKLESS = [1133144];
/** Traces of the golden scenario, as three other model checkers count them. */
const GOLDEN = 39;

/** What a fault changes. */
export type Symptom = 'golden' | 'lost';

/** The faults, and what gives each of them away. */
export const ENGINE_FAULTS: readonly (readonly [keyof DporFaults, Symptom])[] = [
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
  ['trustPlans', 'lost'],
  ['noFoes', 'lost'],
  ['neverLoose', 'lost'],
];

/**
 * What faults change.
 *
 * @param faults - The faults; none for the search as it is.
 * @returns `null` if nothing shows.
 */
export function symptomOf(faults: DporFaults): Symptom | null {
  const scenario = punchRace({ pages: 2, readers: 1, fixed: true });
  const { complete, blocked } = runAll(scenario, new DporStrategy({ faults }), undefined, { limit: 2_000 });
  if (complete !== GOLDEN || blocked !== 0) return 'golden';
  for (const seed of RECKLESS) {
    if ((compare(seed, 20_000, faults, 'reckless')?.lost ?? 0) > 0) return 'lost';
  }
  for (const seed of [...TELLING, ...Array.from({ length: PROGRAMS }, (_, i) => i + 1)]) {
    const comparison = compare(seed, TELLING.includes(seed) ? 20_000 : CAP, faults);
    if (comparison !== null && comparison.lost + comparison.invented > 0) return 'lost';
  }
  return null;
}
