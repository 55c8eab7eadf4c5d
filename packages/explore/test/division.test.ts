// Shows that what a search finds out does not depend on who runs its legs, nor on the order in which they end: the same
// result as one after the other, with everything going through JSON, for a space that is exhausted, a budget that ends
// anywhere, a failure, and legs that crash.

import {
  conclude,
  crashed,
  Division,
  exploreLeg,
  type Outcome,
  Prng,
  type Scenario,
  type SearchOptions,
  search,
  type Task,
} from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';

const OPTIONS: SearchOptions = { strategy: 'dpor', leg: 40, cutRetries: false };
const RACE = { pages: 3, readers: 1, fixed: false };

/** A race without a failure, or with one that few executions show. */
function scenario(failing: (trace: number) => boolean = () => false): Scenario {
  const race = punchRace(RACE);
  return {
    ...bound(race),
    judge: ({ events }) => {
      let sum = 0;
      for (let event = 0; event < events.count; event++) {
        sum = (sum * 31 + (events.task[event] as number) + 1) % 65_521;
      }
      return failing(sum) ? [{ property: 'rare', message: 'found it' }] : [];
    },
  };
}

function bound(race: Scenario): Scenario {
  return { name: race.name, letters: race.letters, start: (...args) => race.start(...args), judge: () => [] };
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Run the legs on a number of threads, each of which takes as long as a seed says. */
function onThreads(
  made: Scenario,
  options: SearchOptions,
  threads: number,
  seed: number,
  crashes: (task: Task) => boolean = () => false,
): { outcome: Outcome; runs: Map<string, number> } {
  const division = new Division(options.maxExecutions ?? 1_000_000);
  const random = new Prng(seed);
  const running: Task[] = [];
  const runs = new Map<string, number>();
  while (division.outcome === null) {
    for (
      let task = division.next();
      task !== null;
      task = running.length < threads ? division.next() : null
    ) {
      running.push(task);
    }
    const [task] = running.splice(random.below(running.length), 1) as [Task];
    runs.set(task.name, (runs.get(task.name) ?? 0) + 1);
    const end = crashes(task) ? crashed(task.leg.spent) : exploreLeg(made, options, copy(task.leg));
    division.ended(task.name, copy(end));
  }
  return { outcome: copy(division.outcome), runs };
}

const THREADS = [2, 3, 16].flatMap((threads) => [1, 2].map((seed) => [threads, seed] as const));

describe.each(THREADS)('%i threads, seed %i', (threads, seed) => {
  test('exhaust the space, each leg run once', () => {
    const { outcome, runs } = onThreads(scenario(), OPTIONS, threads, seed);
    expect(conclude(scenario(), OPTIONS, outcome)).toEqual(search(scenario(), OPTIONS));
    expect(outcome).toMatchObject({ stopped: 'exhausted', phases: [{ executions: 694 }] });
    expect(runs.size).toBeGreaterThan(15);
    expect(Math.max(...runs.values())).toBe(1);
  });

  test.each([1, 40, 41, 333, 693, 694])('use up a budget of %i exactly', (maxExecutions) => {
    const options = { ...OPTIONS, maxExecutions };
    const { outcome } = onThreads(scenario(), options, threads, seed);
    expect(conclude(scenario(), options, outcome)).toEqual(search(scenario(), options));
    expect(outcome.spent).toBe(Math.min(maxExecutions, 694));
    expect(outcome.stopped).toBe(maxExecutions < 694 ? 'executions' : 'exhausted');
  });

  test.each([1, 7, 13])('find the failure that comes first, however rare (%i)', (rest) => {
    const failing = (): Scenario => scenario((sum) => sum % 61 === rest);
    const { outcome } = onThreads(failing(), OPTIONS, threads, seed);
    const expected = search(failing(), OPTIONS);
    expect(conclude(failing(), OPTIONS, outcome)).toEqual(expected);
    expect(expected).toMatchObject({ verdict: 'fail', stopped: 'violation', foundAt: outcome.spent });
  });

  test('end with the first leg that crashes, and know exactly what was run before it', () => {
    const crashes = ({ name }: Task): boolean => name.endsWith('3-1');
    const { outcome } = onThreads(scenario(), OPTIONS, threads, seed, crashes);
    expect(outcome).toEqual(onThreads(scenario(), OPTIONS, 1, 1, crashes).outcome);
    expect(outcome.stopped).toBe('crashed');
  });
});

test('a division repeats nothing: as many executions as in one leg, and about as many given up', () => {
  const whole = search(scenario(), { ...OPTIONS, leg: 1_000 });
  const divided = search(scenario(), OPTIONS);
  expect(divided.executions).toBe(whole.executions);
  expect(divided.blockedExecutions).toBeLessThanOrEqual(whole.blockedExecutions + whole.executions / 100);
});
