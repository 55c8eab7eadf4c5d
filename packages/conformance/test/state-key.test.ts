// Shows that final states have one key only if they are the same, and that what hides something has none.

import { Execution, Identity, Mutex, mutexLock, SharedObject, SharedVar } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { StateKeys } from '#src/checkers/state-key.js';

const keys = new StateKeys();

/** Something made in an execution of its own, as the first object of it. */
function made<T>(make: () => T): T {
  new Execution({ identity: new Identity(), maxSteps: 10 });
  return make();
}

function keyOf(make: () => unknown): string | null {
  return made(() => keys.of([make()], []));
}

const DIFFERENT: readonly (readonly [string, () => unknown, () => unknown])[] = [
  ['numbers', () => 1, () => 2],
  ['large numbers', () => 0x7fff * 0x8000, () => 0x7fff * 0x8000 + 1],
  ['a number and its negative', () => 5, () => -5],
  ['zeroes', () => 0, () => -0],
  ['fractions', () => 0.5, () => 0.25],
  ['a number and its text', () => 1, () => '1'],
  ['nothing and null', () => undefined, () => null],
  ['texts', () => 'a', () => 'b'],
  ['where a list ends', () => [[1], 2], () => [[1, 2]]],
  ['lists and sets', () => [1], () => new Set([1])],
  ['values in a map', () => new Map([[1, 2]]), () => new Map([[1, 3]])],
  ['fields', () => ({ a: 1 }), () => ({ b: 1 })],
  ['a field that is not there', () => ({ a: 1 }), () => ({ a: 1, b: undefined })],
  ['classes', () => new Bare(), () => ({})],
  ['one object and two', () => sharing(true), () => sharing(false)],
  ['functions', () => expect, () => test],
  ['shared variables', () => new SharedVar('x', 1), () => new SharedVar('x', 2)],
  ['what a shared variable holds', () => new SharedVar('x', [1]), () => new SharedVar('x', [2])],
  [
    'identities',
    () => [new SharedVar('x', 1), 0].reverse(),
    () => [new SharedVar('y', 0), new SharedVar('x', 1)],
  ],
];

class Bare {}

function sharing(one: boolean): unknown {
  const first = { x: 1 };
  return [first, one ? first : { x: 1 }];
}

test.each(DIFFERENT)('%s make a difference', (_, one, other) => {
  expect(keyOf(one)).not.toBeNull();
  expect(keyOf(one)).toBe(keyOf(one));
  expect(keyOf(other)).not.toBe(keyOf(one));
});

test('so does what it is for', () => {
  const [one, other] = [{}, {}];
  expect(keys.of([], [one])).toBe(keys.of([], [one]));
  expect(keys.of([], [one])).not.toBe(keys.of([], [other]));
});

test('a cycle comes to an end', () => {
  const ring: unknown[] = [];
  ring.push({ ring });
  expect(keys.of(ring, [])).not.toBeNull();
});

class Hiding {
  readonly #hidden = 1;
  get shown(): number {
    return this.#hidden;
  }
}

class HidingMore extends SharedVar<number> {
  readonly #hidden = 1;
  get shown(): number {
    return this.#hidden;
  }
}

class Silent extends SharedObject {}

function* generated(): Generator<number> {
  yield 1;
}

describe('there is no key of', () => {
  test.each([
    ['a private field', () => new Hiding()],
    ['a private field of a shared object', () => new HidingMore('x', 1)],
    ['a shared object that does not tell', () => new Silent('x')],
    ['a generator', () => generated()],
    ['weak references', () => new WeakMap()],
    ['a symbol', () => Symbol('x')],
  ] as const)('%s', (_, hidden) => {
    expect(keyOf(() => ({ deep: [hidden()] }))).toBeNull();
  });
});

test('a lock shows that it is held, and its holder hides what it will do', () => {
  new Execution({ identity: new Identity(), maxSteps: 10 });
  const lock = new Mutex('lock');
  expect(keys.of([lock], [])).not.toBeNull();
  const execution = new Execution({ identity: new Identity(), maxSteps: 10 });
  const held = new Mutex('lock');
  execution.spawn('holder', mutexLock(held), 'a');
  execution.run({ newExecution: () => true, nextTask: () => 0, nextChoice: () => 0 });
  expect(held.isLocked).toBe(true);
  expect(keys.of([held], [])).toBeNull();
});
