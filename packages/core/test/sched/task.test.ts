// Shows what a scheduling point is: announced before it happens, performed once, counted if it was forgotten.

import {
  choose,
  condResched,
  Execution,
  Identity,
  LOCAL,
  SharedVar,
  Step,
  stepName,
  syscall,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { Toy, thrown } from '../toy.js';

describe('a step', () => {
  test('is announced when its task is created, and happens only when it is scheduled', () => {
    const toy = new Toy();
    const a = new SharedVar('a', 0);
    const log: string[] = [];
    const body = function* (): Task<void> {
      log.push('started');
      yield* a.write(1, 'store');
      log.push('stored');
    };
    const task = toy.execution.spawn('A', body(), 'A');
    expect([log, a.peek(), task.pending?.verb, task.pending?.object]).toEqual([['started'], 0, 'store', a]);
    expect(toy.race({}, []).kind).toBe('done');
    expect([log, a.peek(), task.pending]).toEqual([['started', 'stored'], 1, null]);
  });

  test('is named as a call', () => {
    const toy = new Toy();
    expect(stepName(new SharedVar('i_size', 0, 12).read('i_size_read') as never)).toBe(
      'i_size_read(i_size[12])',
    );
    expect(stepName(condResched() as never)).toBe('cond_resched()');
    expect(toy.execution.floating).toBe(2);
  });

  test('that is created and never driven is counted, and known while recording', () => {
    const { execution } = new Toy();
    const a = new SharedVar('a', 0);
    execution.recorder = { performed: () => undefined };
    const body = function* (): Task<void> {
      // eslint-disable-next-line @fsport/no-floating-task -- that is what is wrong with it
      a.write(1); // a forgotten yield*
      yield* a.read();
    };
    execution.spawn('A', body(), 'A');
    execution.run({ newExecution: () => true, nextTask: () => 0, nextChoice: () => 0 });
    expect([execution.floating, [...execution.floatingSteps.keys()].map(stepName), a.peek()]).toEqual([
      1,
      ['write(a)'],
      0,
    ]);
  });

  test('that is driven is not', () => {
    const { execution } = new Toy();
    execution.drive('driven', new SharedVar('a', 0).write(1));
    expect([execution.floating, execution.floatingSteps.size]).toEqual([0, 0]);
  });

  test('that can wait must not be reached by a call that must not', () => {
    const toy = new Toy();
    const a = new SharedVar('a', true);
    const waits = function* (): Task<boolean> {
      return yield* a.waitUntil((value) => value, 'wait_event');
    };
    expect(thrown(() => toy.drive(syscall('pread', waits(), true)))).toMatchObject({
      code: 'NOWAIT_SLEEPS',
      step: 'wait_event(a)',
    });
    // The next call of the task may.
    const both = function* (): Task<boolean> {
      yield* syscall('pread', a.read(), true);
      return yield* syscall('pread', waits());
    };
    expect(new Toy().drive(both())).toBe(true);
  });

  test('gives its result to the task, and can always run unless it says otherwise', () => {
    const execution = new Execution({ identity: new Identity(), maxSteps: 10 });
    class Nothing extends Step<string> {
      protected perform(): string {
        return 'done';
      }
    }
    expect(execution.drive('nothing', new Nothing(null, LOCAL, 'nothing'))).toBe('done');
    expect(new Nothing(null, LOCAL, 'nothing').ready()).toBe(true);
  });
});

describe('a choice', () => {
  const picking = (picks: number[]): { asked: number[]; got: number[]; choices: readonly number[] } => {
    const { execution } = new Toy();
    const asked: number[] = [];
    const got: number[] = [];
    const body = function* (): Task<void> {
      got.push(yield* choose('three', 3), yield* choose('one', 1), yield* choose('two', 2));
    };
    execution.spawn('A', body(), 'A');
    execution.run({
      newExecution: () => true,
      nextTask: () => 0,
      nextChoice: (_, count) => {
        asked.push(count);
        return picks.shift() as number;
      },
    });
    return { asked, got, choices: execution.events.choice.slice(0, 3) };
  };

  test('is made by the scheduler and recorded; nothing is asked where there is one alternative', () => {
    expect(picking([2, 1])).toEqual({ asked: [3, 2], got: [2, 0, 1], choices: [2, 0, 1] });
  });

  test('is the first alternative during set-up and probes', () => {
    expect(new Toy().drive(choose('five', 5))).toBe(0);
  });
});

describe('cond_resched', () => {
  test('hints that others go first, until another has run', () => {
    const { execution } = new Toy();
    const a = new SharedVar('a', 0);
    const yields = function* (): Task<void> {
      yield* condResched();
      yield* a.read();
      yield* a.read();
    };
    const [one, two] = [execution.spawn('A', yields(), 'A'), execution.spawn('B', a.read(), 'B')];
    const hints: boolean[] = [];
    const order = [one, one, two, one];
    execution.run({
      newExecution: () => true,
      nextTask: () => {
        hints.push(one.yielded);
        return (order[hints.length - 1] ?? one).index;
      },
      nextChoice: () => 0,
    });
    expect(hints).toEqual([false, true, true, false]);
  });
});
