// Shows that a search loses nothing and repeats nothing when it is interrupted and goes on in another process, or
// when parts of it are explored by others: same traces, each exactly once, whatever the number of parts.

import { type Execution, Identity } from '@fsport/core';
import { DporStrategy, type Scenario, ScheduleRunner, scheduleOf, TraceSet } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import { type Kind, programScenario, randomProgram } from '#src/selftest/random-programs.js';
import { runAll, start } from '#src/selftest/run.js';
import { divided, interrupted, type Total } from './fixtures/parts.js';

const PROGRAMS = 200;
const KINDS: readonly Kind[] = ['plain', 'reckless', 'retrying'];

const RACES = [
  { pages: 2, readers: 1, fixed: true, traces: 39 },
  { pages: 2, readers: 1, fixed: false, traces: 202 },
  { pages: 3, readers: 1, fixed: false, traces: 694 },
  { pages: 2, readers: 1, fixed: true, fair: true, traces: 92 },
  { pages: 2, readers: 2, fixed: true, traces: 13_592 },
];

/** The traces of a scenario, by a way to explore it. Each execution is run again where all have the same identities. */
function tracesOf(
  scenario: Scenario,
  explore: (look: (execution: Execution) => void) => void,
  identity = new Identity(),
): TraceSet {
  const traces = new TraceSet();
  let repeated = 0;
  explore((execution) => {
    const again = start(scenario, identity);
    again.run(new ScheduleRunner(scheduleOf(execution)));
    if (!traces.add(again)) repeated++;
  });
  expect({ scenario: scenario.name, repeated }).toEqual({ scenario: scenario.name, repeated: 0 });
  return traces;
}

function sorted(traces: TraceSet): readonly number[] {
  return [...traces.keys()].sort((a, b) => a - b);
}

describe.each([1, 7, 1_000])('interrupted after every %i executions', (every) => {
  test.each(RACES.filter(({ traces }) => traces < 1_000))('the punch race has $traces traces', (race) => {
    const scenario = punchRace(race);
    const traces = tracesOf(scenario, (look) => {
      const total = interrupted(scenario, every, look);
      expect(total).toMatchObject({ complete: race.traces, blocked: 0 });
    });
    expect(traces.size).toBe(race.traces);
  });
});

describe.each([1, 10, 300])('divided after every %i executions', (every) => {
  test.each(RACES)('the punch race has $traces traces', (race) => {
    const scenario = punchRace(race);
    const traces = tracesOf(scenario, (look) => {
      const { total, report, exhaustive } = divided(scenario, every, look);
      expect({ exhaustive, plans: report.plans }).toEqual({ exhaustive: true, plans: [] });
      if (race.traces > 2 * every) expect(total.parts).toBeGreaterThan(1);
    });
    expect(traces.size).toBe(race.traces);
  });
});

test.each(KINDS)(
  `${PROGRAMS} %s programs have the same traces in one go, interrupted and divided`,
  (kind) => {
    const surplus: Total = { complete: 0, blocked: 0, parts: 0 };
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const scenario = programScenario(randomProgram(seed, kind));
      const { complete } = runAll(scenario, new DporStrategy(), () => {}, { limit: 200 });
      if (complete >= 150) continue;
      const identity = new Identity();
      const once = tracesOf(scenario, (look) => runAll(scenario, new DporStrategy(), look), identity);
      const resumed = tracesOf(scenario, (look) => interrupted(scenario, 3, look), identity);
      const give = (look: (execution: Execution) => void): void => {
        const { total } = divided(scenario, 2, look);
        surplus.blocked += total.blocked;
        surplus.complete += total.complete;
        surplus.parts += total.parts;
      };
      const parts = tracesOf(scenario, give, identity);
      expect({ seed, resumed: sorted(resumed), parts: sorted(parts) }).toEqual({
        seed,
        resumed: sorted(once),
        parts: sorted(once),
      });
    }
    expect(surplus.parts).toBeGreaterThan(PROGRAMS);
    expect(surplus.blocked).toBeLessThan(surplus.complete / 4);
  },
  60_000,
);
