// Shows that what a search reports can be run again from the text of its token alone, with the same steps,
// results and findings; and that a token that no longer fits is refused at the step where it stops fitting.

import { type Step, UsageError } from '@fsport/core';
import { encodeToken, parseToken, replay, type Scenario, type StrategyName, search } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';
import { punchRace } from '#src/selftest/punch-race.js';
import * as scenarios from './fixtures/small.js';

const FAILING: readonly (readonly [string, Scenario, string])[] = [
  ['a lost update', scenarios.lostUpdate, 'lost-update'],
  ['a deadlock', scenarios.abba, 'deadlock'],
  ['a task that never runs', scenarios.neverWoken, 'deadlock'],
  ['a choice', scenarios.choosing, 'bad-choice'],
  ['a broken contract', scenarios.unlocksTwice, 'LOCK_NOT_HELD'],
  ['a livelock', scenarios.pollsForEver, 'livelock'],
  ['a forgotten step', scenarios.forgetful, 'floating-task'],
  ['spawned tasks', scenarios.spawning, 'wrong-order'],
  ['a step that only announces', scenarios.announcing, 'too-early'],
];

function refusal(scenario: Scenario, token: string): UsageError {
  try {
    replay(scenario, token);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${token} was not refused`);
}

describe.each(FAILING)('%s', (_what, scenario, property) => {
  test.each<StrategyName>(['auto', 'dpor', 'dfs', 'pos', 'random'])(
    'found by %s, is found again in its replay',
    (strategy) => {
      const found = search(scenario, { strategy, maxSteps: 500 });
      expect(found).toMatchObject({ verdict: 'fail', violations: [{ property }] });
      const token = found.token as string;
      const first = replay(scenario, token);
      expect(first.violations).toEqual(found.violations);
      expect(first.preemptions).toBe(found.preemptions);
      expect(encodeToken(scenario.name, first.steps, first.ending.kind, parseToken(token).idle)).toBe(token);
      for (let i = 0; i < 20; i++) expect(replay(scenario, token).steps).toEqual(first.steps);
    },
  );
});

describe('a replay', () => {
  const scenario = punchRace({ pages: 2, readers: 1, fixed: false });
  const token = search(scenario).token as string;

  test('of it finds the stale data again', () => {
    expect(replay(scenario, token)).toMatchObject({
      preemptions: 2,
      violations: [{ property: 'stale-data' }],
    });
  });

  test('leaves out the tasks that the token does not mention', () => {
    expect(parseToken(token).runs.map((run) => run.task)).not.toContain('f');
    expect(replay(scenario, token).execution.tasks.map((task) => task.name)).toEqual(['p', 'r']);
  });

  test('tells a recorder about every step', () => {
    const seen: string[] = [];
    const recorder = {
      performed: (step: Step<unknown>, result: string) => void seen.push(`${step.verb} ${result}`),
    };
    const { steps } = replay(scenario, token, recorder);
    expect(seen).toEqual(steps.map((step) => `${step.verb} ${step.result}`));
    expect(seen).toContain('find_get_page none');
  });

  test('of a schedule without a digest goes on without preemptions', () => {
    const { steps, ending } = replay(scenario, `${scenario.name}@1:p2r3`);
    expect(ending.kind).toBe('done');
    expect(steps.slice(0, 5).map((step) => step.task)).toEqual(['p', 'p', 'r', 'r', 'r']);
  });

  test('says which steps were followed by a preemption', () => {
    const { steps } = replay(scenarios.lostUpdate, `${scenarios.lostUpdate.name}@1:a1b2a1`);
    // Each has four steps. The task that ended was not preempted.
    const shown = steps.map(({ task, preempted }) => (preempted ? `${task}!` : task));
    expect(shown.join(' ')).toBe('a! b b! a a a b b');
  });

  test('of the token of another check is refused', () => {
    expect(refusal(scenarios.abba, token).code).toBe('STALE_TOKEN');
  });

  test('that does something else is refused with the run of steps', () => {
    const [schedule, digests] = token.split('~') as [string, string];
    const damaged = `${schedule}~${digests.slice(0, 2)}${digests.slice(2, 4) === '00' ? '11' : '00'}${digests.slice(4)}`;
    const error = refusal(scenario, damaged);
    expect([error.code, error.data['step']]).toEqual(['STALE_TOKEN', 5]);
    expect(error.message).toContain('steps 5 to 13 of task r');
    expect(error.message).toContain('find_get_page(i_pages[0])');
  });

  test('that cannot go on is refused with what there is now', () => {
    const error = refusal(scenario, `${scenario.name}@1:p4r99`);
    expect(error.data['step']).toBeGreaterThan(4);
    expect(error.message).toContain('task r has ended');
    expect(refusal(scenarios.abba, 'fixture/abba@1:a2b1').message).toContain(
      'task b is blocked; a is at mutex_unlock(two)',
    );
    expect(refusal(scenario, `${scenario.name}@1:x3`).message).toContain('it runs a task x');
  });

  test('that is over too soon, or too late, is refused', () => {
    const run = replay(scenarios.abba, 'fixture/abba@1:a4b4');
    const whole = encodeToken('fixture/abba', run.steps, 'done');
    expect(replay(scenarios.abba, whole).ending.kind).toBe('done');
    const short = encodeToken('fixture/abba', run.steps.slice(0, 6), 'done');
    expect(refusal(scenarios.abba, short).code).toBe('STALE_TOKEN');
    const long = encodeToken('fixture/abba', [...run.steps, ...run.steps.slice(-1)], 'done');
    expect(refusal(scenarios.abba, long).code).toBe('STALE_TOKEN');
  });
});
