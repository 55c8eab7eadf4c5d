// Shows which steps are ordered in every execution of a trace: those of one task, those that do not commute, a task's
// creation and its steps, and what follows from these. Tasks run in a written order.

import { current, Execution, Identity, SharedVar, type Task } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { HappensBefore } from '#src/happens-before.js';

/** Run tasks in an order of letters, one step each. Steps are named by letter and number: `a1`. */
function order(
  run: string,
  bodies: (x: SharedVar<number>, y: SharedVar<number>) => Record<string, Task<unknown>>,
) {
  const execution = new Execution({ identity: new Identity(), maxSteps: 100 });
  const tasks = bodies(new SharedVar('x', 0), new SharedVar('y', 0));
  for (const [letter, body] of Object.entries(tasks)) execution.spawn(letter, body, letter);
  const ending = execution.run({
    newExecution: () => true,
    nextTask: ({ tasks: all }) => all.findIndex(({ name }) => name === run.charAt(execution.events.count)),
    nextChoice: () => 0,
  });
  expect(ending.kind).toBe('done');
  const happensBefore = new HappensBefore(execution);
  const eventOf = (step: string): number => {
    const mine = [...run]
      .map((letter, event) => ({ letter, event }))
      .filter(({ letter }) => letter === step[0]);
    return mine[Number(step[1]) - 1]?.event ?? -1;
  };
  return (a: string, b: string): boolean => happensBefore.before(eventOf(a), eventOf(b));
}

function* seq(...steps: Task<unknown>[]): Task<void> {
  for (const step of steps) yield* step;
}

describe('two steps are ordered', () => {
  test('if one task makes them', () => {
    const before = order('aa', (x, y) => ({ a: seq(x.read(), y.read()) }));
    expect([before('a1', 'a2'), before('a2', 'a1'), before('a1', 'a1')]).toEqual([true, false, false]);
  });

  test('if they do not commute', () => {
    const before = order('ab', (x) => ({ a: x.write(1), b: x.read() }));
    expect([before('a1', 'b1'), before('b1', 'a1')]).toEqual([true, false]);
  });

  test('through a third', () => {
    const before = order('abbc', (x, y) => ({ a: x.write(1), b: seq(x.read(), y.write(1)), c: y.read() }));
    expect(before('a1', 'c1')).toBe(true);
  });

  test('if one task creates the other after the step', () => {
    const before = order('ab', (x, y) => ({
      a: (function* () {
        yield* x.write(1);
        current.spawn('child', y.write(1), 'b');
      })(),
    }));
    expect(before('a1', 'b1')).toBe(true);
  });

  test('if what they joined does not commute', () => {
    const before = order('ab', (x, y) => ({ a: x.section('both', () => y.store(1)), b: y.read() }));
    expect(before('a1', 'b1')).toBe(true);
  });
});

describe('two steps are not ordered, though one ran first', () => {
  test('if they touch different objects', () => {
    const before = order('ab', (x, y) => ({ a: x.write(1), b: y.write(1) }));
    expect([before('a1', 'b1'), before('b1', 'a1')]).toEqual([false, false]);
  });

  test('if both only look', () => {
    const before = order('ab', (x) => ({ a: x.read(), b: x.read() }));
    expect(before('a1', 'b1')).toBe(false);
  });

  test('if only a later step of the task is', () => {
    const before = order('aba', (x, y) => ({ a: seq(x.read(), y.write(1)), b: x.read() }));
    expect([before('a1', 'b1'), before('b1', 'a2')]).toEqual([false, false]);
  });
});
