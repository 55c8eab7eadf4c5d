// Shows that leaving out attempts that come to nothing changes no final state: for random programs with retry
// loops, and for the punch race, the set of final states with and without is the same, and so are the verdicts.
// A task that would look again for ever, because nobody changes what it looks at, is still reported.

import { DporStrategy, replay, search } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import { type Kind, programScenario, randomProgram } from '#src/selftest/random-programs.js';
import { runAll } from '#src/selftest/run.js';
import { borrows, looksForEver } from './fixtures/small.js';

const PROGRAMS = 300;
const CAP = 1_000;

interface Seen {
  readonly states: readonly string[];
  readonly complete: number;
}

/** The final states of a program; `null` if it has too many traces. */
function finalStates(kind: Kind, seed: number, cutRetries: boolean): Seen | null {
  const scenario = programScenario(randomProgram(seed, kind));
  const states = new Set<string>();
  const { complete, blocked } = runAll(
    scenario,
    new DporStrategy({ cutRetries }),
    (_execution, ending) => states.add(scenario.describe(ending)),
    { limit: CAP },
  );
  return complete + blocked >= CAP ? null : { states: [...states].sort(), complete };
}

test.each<Kind>(['retrying', 'borrowing'])(
  `${PROGRAMS} %s programs end in the same states with and without`,
  (kind) => {
    let compared = 0;
    let cut = 0;
    for (let seed = 1; compared < PROGRAMS; seed++) {
      const all = finalStates(kind, seed, false);
      if (all === null) continue;
      compared++;
      const less = finalStates(kind, seed, true);
      expect({ seed, states: less?.states }).toEqual({ seed, states: all.states });
      if ((less?.complete ?? 0) < all.complete) cut++;
    }
    // The comparison means nothing unless something was cut.
    expect(cut).toBeGreaterThan(PROGRAMS / 10);
  },
  60_000,
);

test.each(['reference', 'lock'] as const)('an attempt whose %s somebody notices is gone on from', (what) => {
  let noticed = false;
  const seen = new Set<boolean>();
  const scenario = borrows(what, (sees) => {
    noticed = sees;
  });
  runAll(scenario, new DporStrategy({ cutRetries: true }), () => seen.add(noticed));
  expect(seen).toEqual(new Set([false, true]));
});

describe('a search without retries', () => {
  test.each([false, true])('says the same about the punch race, cutRetries=%s', (cutRetries) => {
    for (const fixed of [true, false]) {
      const found = search(punchRace({ pages: 2, readers: 1, fixed }), { strategy: 'dpor', cutRetries });
      expect(found).toMatchObject({ verdict: fixed ? 'pass' : 'fail' });
    }
  });

  test('reports a task that looks at the same thing for ever', () => {
    const found = search(looksForEver, { strategy: 'dpor' });
    expect(found).toMatchObject({ verdict: 'fail', violations: [{ property: 'deadlock' }] });
    const again = replay(looksForEver, found.token as string);
    expect(again.violations).toEqual(found.violations);
  });
});
