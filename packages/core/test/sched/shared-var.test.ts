// Shows what a shared variable, a counter and an array of variables do in one step, and what is tracked of it.

import {
  ADD,
  AwaitStep,
  Execution,
  Identity,
  READ,
  SharedArray,
  SharedCounter,
  SharedVar,
  stepName,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy } from '../toy.js';

describe('a shared variable', () => {
  test('read, then write: two tasks can lose an update', () => {
    const values = new Set<number>();
    everyInterleaving(
      () => {
        const toy = new Toy();
        const count = new SharedVar('count', 0);
        const increment = function* (): Task<void> {
          const seen = yield* count.read();
          yield* count.write(seen + 1);
        };
        return { toy, count, tasks: { A: increment(), B: increment() } };
      },
      ({ count }) => values.add(count.peek()),
    );
    expect(values).toEqual(new Set([1, 2]));
  });

  test('a section is one step: no update is lost', () => {
    const executions = everyInterleaving(
      () => {
        const toy = new Toy();
        const count = new SharedVar('count', 0);
        const increment = (): Task<void> => count.section('inc', () => count.store(count.load() + 1));
        return { toy, count, tasks: { A: increment(), B: increment() } };
      },
      ({ count }) => expect(count.peek()).toBe(2),
    );
    expect(executions).toBe(2);
  });

  test('compare-and-set: one of two wins', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const flag = new SharedVar('flag', 'free');
        const won: string[] = [];
        const take = function* (name: string): Task<void> {
          if (yield* flag.compareAndSet('free', name)) won.push(name);
        };
        return { toy, flag, won, tasks: { A: take('A'), B: take('B') } };
      },
      ({ flag, won }) => expect(won).toEqual([flag.peek()]),
    );
  });

  test('waiting: not before the condition holds, and with the value that made it hold', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const level = new SharedVar('level', 0);
        const seen: number[] = [];
        const waiter = function* (): Task<void> {
          seen.push(yield* level.waitUntil((value) => value >= 2));
        };
        const riser = function* (): Task<void> {
          yield* level.write(1);
          yield* level.write(2);
          yield* level.write(3);
        };
        return { toy, seen, tasks: { A: waiter(), B: riser() } };
      },
      ({ seen }, ending) => {
        expect(ending.kind).toBe('done');
        expect([2, 3]).toContain(seen[0]);
      },
    );
  });

  test('a wait could have run before the write it lost to only if the value replaced allowed it', () => {
    const toy = new Toy();
    const level = new SharedVar('level', 0);
    const wait = new AwaitStep(level, 'wait', (value) => value >= 2);
    expect([level.enabledAfter(wait, [], 1), level.enabledAfter(wait, [], 2)]).toEqual([false, true]);
    expect(level.enabledAfter(level.read() as never, [], 1)).toBe(true);
    expect(toy.execution.floating).toBe(2);
  });

  test('peek and init are not seen by the search', () => {
    const toy = new Toy();
    const [a, b] = [new SharedVar('a', 0), new SharedVar('b', 0)];
    const body = function* (): Task<void> {
      yield* a.read();
      b.init(b.peek() + 1);
    };
    toy.race({ A: body() }, []);
    expect([b.peek(), toy.execution.events.first.slice(0, 2)]).toEqual([1, [0, 1]]);
  });

  test('is named after its label and key, and shows values for people', () => {
    const toy = new Toy();
    const slot = new SharedVar<number | null | object>('i_pages', null, 3);
    expect([slot.name, stepName(slot.read('find') as never)]).toEqual(['i_pages[3]', 'find(i_pages[3])']);
    expect([slot.show(null), slot.show(5), slot.show({})]).toEqual(['none', '5', '']);
    expect(toy.inode).toBeDefined();
  });

  test.each<[string, (v: SharedVar<number>) => Task<unknown>, string]>([
    ['read', (v) => v.read(), '0'],
    ['write', (v) => v.write(7), '7'],
    ['won', (v) => v.compareAndSet(0, 7), '7'],
    ['lost', (v) => v.compareAndSet(1, 7), 'lost'],
    ['section', (v) => v.section('s', () => 3), '3'],
    [
      'shown section',
      (v) =>
        v.section(
          's',
          () => 3,
          (n) => `page ${n}`,
        ),
      'page 3',
    ],
    ['section of nothing', (v) => v.section('s', () => undefined), ''],
    ['wait', (v) => v.waitUntil(() => true), '0'],
  ])('a %s says what came of it', (_, step, shown) => {
    const toy = new Toy();
    const variable = new SharedVar('v', 0);
    const said: string[] = [];
    toy.execution.recorder = { performed: (_step, result) => said.push(result) };
    toy.execution.drive('step', step(variable));
    expect(said).toEqual([shown]);
  });
});

describe('a counter', () => {
  test('additions commute; a test does not commute with them', () => {
    const toy = new Toy();
    const trigger = new SharedVar('trigger', 0);
    const count = new SharedCounter('_refcount', 1, 4);
    const body = function* (): Task<void> {
      yield* trigger.read();
      count.add(1);
      yield* trigger.read();
      count.load();
    };
    toy.race({ A: body() }, []);
    expect([count.name, count.peek()]).toEqual(['_refcount[4]', 2]);
    const { access, object } = toy.execution.events;
    expect([object[1], access[1], object[3], access[3]]).toEqual([count.id, ADD, count.id, READ]);
  });

  test('says the new value', () => {
    const toy = new Toy();
    const count = new SharedCounter('count', 5);
    count.init(7);
    expect([toy.execution.task, count.add(-2)]).toEqual([null, 5]);
  });
});

describe('an array', () => {
  test('members come into being with their initial value, once, and are shown alike', () => {
    new Execution({ identity: new Identity(), maxSteps: 1 });
    const array = new SharedArray(
      'map',
      (index) => index * 10,
      (value) => `<${value}>`,
      12,
    );
    const third = array.at(3);
    expect([third.peek(), third.name, third.show(1), array.at(3) === third]).toEqual([
      30,
      'map[12][3]',
      '<1>',
      true,
    ]);
    array.at(1).init(5);
    expect([...array.peekAll()]).toEqual([
      [1, 5],
      [3, 30],
    ]);
  });
});
