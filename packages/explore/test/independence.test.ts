// Audits the dependence relation where it is used: in random states of random programs, two steps that are
// called independent are run in both orders. What they did, what every task has seen and is about to do,
// and the state must be the same.

import { type Execution, Identity, stepName } from '@fsport/core';
import {
  eventsConflict,
  Prng,
  RandomStrategy,
  ScheduleRunner,
  type ScheduleStep,
  scheduleOf,
} from '@fsport/explore';
import { expect, test } from '@jest/globals';
import { type ProgramScenario, programScenario, randomProgram } from '#src/selftest/random-programs.js';
import { start } from '#src/selftest/run.js';

const PROGRAMS = 1_500;

/** Everything that may depend on the order of the last two steps, but must not. */
function outcome(scenario: ProgramScenario, execution: Execution): string {
  const { events, tasks } = execution;
  const did: string[] = [];
  for (let event = events.count - 2; event < events.count; event++) {
    const accesses: string[] = [];
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      accesses.push(`${events.object[at]}:${events.access[at]}`);
    }
    did.push(`${tasks[events.task[event] as number]?.name} ${accesses.join(' ')}`);
  }
  const next = tasks.map((task) => {
    const step = task.pending;
    if (step === null) return `${task.name} ended`;
    return `${task.name} ${stepName(step)} ${step.blocking && !step.ready() ? 'blocked' : 'ready'}`;
  });
  return JSON.stringify([did.sort(), next.sort(), scenario.describe({ kind: 'abandoned' })]);
}

/** Run a prefix and two more steps; `null` if the second of them cannot be taken. */
function run(
  scenario: ProgramScenario,
  identity: Identity,
  schedule: readonly ScheduleStep[],
): Execution | null {
  const execution = start(scenario, identity);
  execution.run(new ScheduleRunner(schedule));
  return execution.events.count === schedule.length ? execution : null;
}

test(`steps that are independent commute, in random states of ${PROGRAMS} programs`, () => {
  const random = new Prng(7);
  let audited = 0;
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const scenario = programScenario(randomProgram(seed));
    const identity = new Identity();
    const whole = start(scenario, identity);
    whole.run(new RandomStrategy(seed));
    const prefix = scheduleOf(whole).slice(0, random.below(whole.events.count + 1));
    const stopped = run(scenario, identity, prefix);
    const ready = stopped?.runnable.map((index) => stopped.tasks[index]?.name as string) ?? [];
    for (const p of ready) {
      for (const q of ready) {
        if (p >= q) continue;
        const [first, second] = [
          { task: p, choice: 1 },
          { task: q, choice: 1 },
        ] as const;
        const one = run(scenario, identity, [...prefix, first, second]);
        if (one === null || eventsConflict(one, prefix.length, prefix.length + 1)) continue;
        const expected = outcome(scenario, one);
        const other = run(scenario, identity, [...prefix, second, first]);
        expect({ seed, p, q, outcome: other && outcome(scenario, other) }).toEqual({
          seed,
          p,
          q,
          outcome: expected,
        });
        audited++;
      }
    }
  }
  expect(audited).toBeGreaterThan(1_000);
}, 60_000);
