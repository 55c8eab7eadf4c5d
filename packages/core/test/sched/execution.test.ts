// Shows how an execution ends (done, deadlock, livelock, thrown, abandoned), how it is repeated, and how tasks are
// driven without a scheduler for set-up and probes.

import {
  ABANDON,
  condResched,
  current,
  Execution,
  Identity,
  NotAStepError,
  NotRepeatableError,
  type Scheduler,
  SharedVar,
  type Step,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';

const IN_ORDER: Scheduler = {
  newExecution: () => true,
  nextTask: ({ runnable }) => runnable[0] as number,
  nextChoice: () => 0,
};

function fresh(maxSteps = 100, identity = new Identity()): Execution {
  return new Execution({ identity, maxSteps });
}

function* forever(...flags: readonly SharedVar<boolean>[]): Task<void> {
  for (;;) {
    for (const flag of flags) if (yield* flag.read('test')) return;
    yield* condResched();
  }
}

describe('an execution ends', () => {
  test('done, if every task has; at once if there is none', () => {
    const execution = fresh();
    const a = new SharedVar('a', 0);
    execution.spawn('A', a.write(1));
    execution.spawn('B', a.write(2));
    expect([execution.run(IN_ORDER), a.peek()]).toEqual([{ kind: 'done' }, 2]);
    expect(fresh().run(IN_ORDER)).toEqual({ kind: 'done' });
  });

  test('in deadlock, if tasks are left that can never run: it says which, and only those', () => {
    const execution = fresh();
    const never = new SharedVar('never', false);
    const stuck = execution.spawn(
      'stuck',
      never.waitUntil((value) => value),
    );
    execution.spawn('ends', never.read());
    expect(execution.run(IN_ORDER)).toEqual({ kind: 'deadlock', blocked: [stuck] });
  });

  test('in livelock at the step bound: it says who loops, and over what', () => {
    const execution = fresh(50);
    const [first, second] = [new SharedVar('first', false), new SharedVar('second', false)];
    const looping = execution.spawn('looping', forever(first, second));
    execution.spawn('ends', new SharedVar('other', 0).read());
    const ending = execution.run(IN_ORDER);
    if (ending.kind !== 'livelock') throw new Error(ending.kind);
    expect(ending.task).toBe(looping);
    expect([...ending.loop].sort()).toEqual(['cond_resched()', 'test(first)', 'test(second)']);
    expect(execution.events.count).toBe(50);
  });

  test('not in livelock if it needs exactly as many steps as allowed', () => {
    const steps = function* (count: number): Task<void> {
      for (let i = 0; i < count; i++) yield* condResched();
    };
    const kind = (count: number): string => {
      const execution = fresh(5);
      execution.spawn('A', steps(count));
      return execution.run(IN_ORDER).kind;
    };
    expect([kind(4), kind(5), kind(6)]).toEqual(['done', 'done', 'livelock']);
  });

  test('thrown, with who threw', () => {
    const execution = fresh();
    const error = new Error('broken');
    const thrower = function* (): Task<void> {
      yield* condResched();
      throw error;
    };
    execution.spawn('ends', condResched());
    const task = execution.spawn('throws', thrower());
    expect(execution.run(IN_ORDER)).toEqual({ kind: 'threw', task, error });
  });

  test('abandoned, if the scheduler says so', () => {
    const execution = fresh();
    execution.spawn('A', condResched());
    expect(execution.run({ ...IN_ORDER, nextTask: () => ABANDON })).toEqual({ kind: 'abandoned' });
    expect(execution.events.count).toBe(0);
  });

  test('thrown, if something is yielded that is no step', () => {
    const execution = fresh();
    const bare = function* (): Generator<Step<unknown>, void, unknown> {
      yield* condResched();
      yield 'not a step' as never;
    };
    execution.spawn('A', bare());
    expect(execution.run(IN_ORDER)).toMatchObject({ kind: 'threw', error: { code: 'NOT_A_STEP' } });
    expect(() => fresh().spawn('B', [1] as never)).toThrow(NotAStepError);
  });
});

describe('the scheduler', () => {
  test('picks from the tasks that can run, in creation order', () => {
    const execution = fresh();
    const open = new SharedVar('open', false);
    execution.spawn(
      'A',
      open.waitUntil((value) => value),
    );
    execution.spawn('B', open.write(true));
    execution.spawn('C', condResched());
    const offered: number[][] = [];
    execution.run({
      ...IN_ORDER,
      nextTask: ({ runnable }) => {
        offered.push([...runnable]);
        return runnable[0] as number;
      },
    });
    expect(offered).toEqual([[1, 2], [0, 2], [2]]);
  });

  test('is not asked for a known beginning', () => {
    const execution = fresh();
    const a = new SharedVar('a', '');
    const append = (text: string): Task<void> => a.section(text, () => a.store(a.load() + text));
    execution.spawn('A', append('A'));
    execution.spawn('B', append('B'));
    execution.spawn('C', append('C'));
    let asked = 0;
    execution.run({
      ...IN_ORDER,
      prefix: [2, 1, ABANDON],
      nextTask: ({ runnable }) => {
        asked++;
        return runnable[0] as number;
      },
    });
    expect([a.peek(), asked]).toEqual(['CBA', 1]);
  });

  test.each([
    ['a task that does not exist', [3]],
    ['a task that has ended', [1, 1]],
    ['a task that cannot run', [0]],
  ])('a beginning that cannot be repeated ends it: %s', (_, prefix) => {
    const execution = fresh();
    const never = new SharedVar('never', false);
    execution.spawn(
      'A',
      never.waitUntil((value) => value),
    );
    execution.spawn('B', never.read());
    const ending = execution.run({ ...IN_ORDER, prefix });
    expect(ending).toMatchObject({ kind: 'threw', error: { code: 'nondeterminism' } });
    expect(ending.kind === 'threw' && ending.error).toBeInstanceOf(NotRepeatableError);
  });
});

describe('tasks', () => {
  test('that another creates are named after it, know who and when, and run like any other', () => {
    const execution = fresh();
    const log: string[] = [];
    const child = function* (): Task<void> {
      yield* condResched();
      log.push(execution.task?.name as string);
    };
    const parent = function* (): Task<void> {
      yield* condResched();
      execution.spawn('first', child());
      execution.spawn('second', child());
      expect(execution.task?.name).toBe('b');
      yield* condResched();
    };
    const b = execution.spawn('parent', parent(), 'b');
    expect(execution.run(IN_ORDER).kind).toBe('done');
    expect(log).toEqual(['bA', 'bB']);
    expect(execution.tasks.slice(1).map(({ parent: by, spawnEvent }) => [by, spawnEvent])).toEqual([
      [b, 0],
      [b, 0],
    ]);
    expect(b.spawnEvent).toBe(-1);
  });

  test("no name of a child is the beginning of a sibling's", () => {
    const execution = fresh();
    const parent = function* (): Task<void> {
      yield* condResched();
      for (let i = 0; i < 60; i++) execution.spawn('child', condResched());
    };
    execution.spawn('parent', parent(), 'A');
    execution.run(IN_ORDER);
    const names = execution.tasks.slice(1).map(({ name }) => name);
    expect(names.slice(24, 27)).toEqual(['AY', 'AZA', 'AZB']);
    for (const a of names) for (const b of names) expect(a !== b && b.startsWith(a)).toBe(false);
  });

  test('know which of them is in progress; during set-up none is', () => {
    const execution = fresh();
    expect([execution.task, current]).toEqual([null, execution]);
    const seen: unknown[] = [];
    const body = function* (): Task<void> {
      seen.push(execution.task?.title);
      yield* condResched();
      seen.push(execution.task?.title);
    };
    execution.spawn('A', body());
    expect(execution.task).toBeNull();
    execution.run(IN_ORDER);
    expect([seen, execution.task]).toEqual([['A', 'A'], null]);
  });
});

describe('driving without a scheduler', () => {
  test('runs a task and what it spawns to the end, leaves no trace, and gives the result', () => {
    const execution = fresh();
    const log: string[] = [];
    const child = function* (): Task<void> {
      yield* condResched();
      log.push('child');
    };
    const body = function* (): Task<string> {
      execution.spawn('child', child());
      yield* condResched();
      return 'result';
    };
    expect(execution.drive('probe', body())).toBe('result');
    expect([log, execution.tasks, execution.task, execution.events.count]).toEqual([['child'], [], null, 0]);
  });

  test('is not part of the events of the run that follows or came before', () => {
    const execution = fresh();
    const a = new SharedVar('a', 0);
    execution.drive('set-up', a.write(1));
    execution.spawn('A', a.write(2));
    execution.run(IN_ORDER);
    execution.drive('probe', a.read());
    expect([execution.events.count, a.peek()]).toEqual([1, 2]);
  });

  test('says what it is stuck in', () => {
    const execution = fresh();
    const never = new SharedVar('never', false);
    expect(() =>
      execution.drive(
        'probe',
        never.waitUntil((value) => value),
      ),
    ).toThrow('probe never ends: probe in wait_event(never)');
  });

  test('ends a loop: it does not run for ever', () => {
    const execution = fresh();
    expect(() => execution.drive('probe', forever(new SharedVar('flag', false)))).toThrow(
      'probe never ends: more than',
    );
  });

  test('is not possible among other tasks', () => {
    const execution = fresh();
    execution.spawn('A', condResched());
    expect(() => execution.drive('probe', condResched())).toThrow(
      'probe: drive it before other tasks are spawned',
    );
    execution.run(IN_ORDER);
    execution.drive('probe', condResched());
  });
});
