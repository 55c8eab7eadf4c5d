// Shows what the log says about a step: what it announced, what it turned out to be, and everything else it touched,
// each object once, by the strongest thing that was done to it.

import {
  ACCESS_NAMES,
  condResched,
  EventLog,
  Mutex,
  mutexLock,
  mutexTrylock,
  SharedCounter,
  SharedVar,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { Toy } from '../toy.js';

/** The accesses of each event of one task: `object access`. */
function logged(
  body: () => Task<unknown>,
  toy: Toy,
  names: Readonly<Record<string, { readonly id: number }>>,
): string[][] {
  toy.race({ A: body() }, []);
  const { events } = toy.execution;
  const found: string[][] = [];
  for (let event = 0; event < events.count; event++) {
    const accesses: string[] = [];
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      const name = Object.entries(names).find(([, object]) => object.id === events.object[at])?.[0];
      accesses.push(`${name} ${ACCESS_NAMES[events.access[at] as number]}`);
    }
    found.push(accesses);
  }
  return found;
}

describe('the accesses of a step', () => {
  test('the announced one comes first, others join it', () => {
    const toy = new Toy();
    const [a, b] = [new SharedVar('a', 0), new SharedVar('b', 0)];
    const body = (): Task<void> =>
      a.section('step', () => {
        a.store(a.load() + 1);
        b.load();
      });
    expect(logged(body, toy, { a, b })).toEqual([['a write', 'b read']]);
  });

  test('a section that does not store only read', () => {
    const toy = new Toy();
    const a = new SharedVar('a', 0);
    expect(logged(() => a.section('step', () => a.load()), toy, { a })).toEqual([['a read']]);
  });

  test('code after a step belongs to it, up to the next step', () => {
    const toy = new Toy();
    const [a, b] = [new SharedVar('a', 0), new SharedVar('b', 0)];
    const body = function* (): Task<void> {
      yield* a.read();
      b.store(1);
      yield* condResched();
      b.load();
    };
    expect(logged(body, toy, { a, b })).toEqual([['a read', 'b write'], ['b read']]);
  });

  test('a compare-and-set that lost only read; a try-lock that failed only looked', () => {
    const toy = new Toy();
    const [a, lock] = [new SharedVar('a', 0), new Mutex('lock')];
    const body = function* (): Task<void> {
      yield* a.compareAndSet(1, 2);
      yield* a.compareAndSet(0, 2);
      yield* mutexLock(lock);
      yield* mutexTrylock(lock);
    };
    expect(logged(body, toy, { a, lock })).toEqual([
      ['a read'],
      ['a write'],
      ['lock lock'],
      ['lock trylock failed'],
    ]);
  });

  test.each<[string, (counter: SharedCounter) => void]>([
    ['write', (c) => c.load() === 0 && c.add(1)],
    ['write', (c) => c.add(1) === 1 && c.load()],
    ['add', (c) => c.add(c.add(1))],
    ['read', (c) => c.load() + c.load()],
  ])('of a counter: %s', (access, touch) => {
    // Additions commute with each other; who looks at the sum as well commutes with none of them.
    const toy = new Toy();
    const [a, counter] = [new SharedVar('a', 0), new SharedCounter('count', 0)];
    const body = (): Task<void> => a.section('step', () => touch(counter));
    expect(logged(body, toy, { a, counter })).toEqual([['a read', `counter ${access}`]]);
  });

  test('what a write replaced is kept: the first value of the step', () => {
    const toy = new Toy();
    const [a, b] = [new SharedVar('a', 'old'), new SharedVar('b', 'before')];
    const body = function* (): Task<void> {
      yield* a.write('new');
      yield* a.section('step', () => {
        b.load();
        b.store('between');
        b.store('after');
        a.store('newest');
      });
    };
    toy.race({ A: body() }, []);
    const { events } = toy.execution;
    expect(events.replaced.slice(0, events.first[2])).toEqual(['old', 'new', 'before']);
  });
});

describe('the log', () => {
  test('forgets everything, and is as good as new', () => {
    const toy = new Toy();
    const a = new SharedVar('a', 0);
    const log = new EventLog();
    log.begin(0, a.write(1) as never);
    log.begin(1, condResched() as never);
    expect([log.count, log.first.slice(0, 3), log.task.slice(0, 2)]).toEqual([2, [0, 1, 1], [0, 1]]);
    log.clear();
    expect([log.count, log.first[0]]).toEqual([0, 0]);
    expect(toy.execution.events.count).toBe(0);
  });

  test('says which alternative was picked, and -1 where nothing was', () => {
    const log = new EventLog();
    const toy = new Toy();
    log.begin(0, condResched() as never);
    expect([log.choice[0], toy.execution.floating]).toEqual([-1, 1]);
  });
});
