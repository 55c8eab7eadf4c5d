// Shows that the invalidate_lock helpers take the lock of the mapping in the mode they say, and that two mappings are
// locked in one order by everybody, whichever comes first, the same, or missing.

import {
  type AddressSpace,
  downWrite,
  filemapInvalidateLock,
  filemapInvalidateLockIocb,
  filemapInvalidateLockShared,
  filemapInvalidateLockTwo,
  filemapInvalidateTrylockShared,
  filemapInvalidateUnlock,
  filemapInvalidateUnlockShared,
  filemapInvalidateUnlockTwo,
  heldMode,
  Inode,
  type Task,
  takesInvalidateLock,
  upWrite,
} from '@fsport/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { freshLocking } from '../../locking/locks.js';
import { everyInterleaving, result, Toy } from '../../toy.js';

afterEach(() => {
  freshLocking();
});

/** The mappings of two files of one filesystem. */
function two(): { toy: Toy; one: AddressSpace; other: AddressSpace } {
  const toy = new Toy();
  const ops = { aOps: { readpage: () => result(0) }, iOp: {}, iFop: { readIter: () => result(0) } };
  return { toy, one: toy.mapping, other: new Inode(toy.sb, 13, ops, null).iMapping };
}

test.each([
  ['v5.14', false],
  ['v5.15', true],
] as const)('generic code takes it in %s: %p', (release, takes) => {
  expect(takesInvalidateLock(new Toy({ release }).mapping)).toBe(takes);
});

test('each helper takes it in its mode', () => {
  const toy = new Toy();
  const { mapping } = toy;
  const body = function* (): Task<unknown[]> {
    const seen: unknown[] = [];
    const note = (): unknown => seen.push(heldMode(mapping.invalidateLock));
    yield* filemapInvalidateLock(mapping);
    note();
    seen.push(
      yield* filemapInvalidateTrylockShared(mapping),
      yield* filemapInvalidateLockIocb(mapping, true),
    );
    yield* filemapInvalidateUnlock(mapping);
    yield* filemapInvalidateLockShared(mapping);
    note();
    seen.push(yield* filemapInvalidateTrylockShared(mapping));
    yield* filemapInvalidateUnlockShared(mapping);
    yield* filemapInvalidateUnlockShared(mapping);
    seen.push(yield* filemapInvalidateLockIocb(mapping, false));
    note();
    yield* filemapInvalidateUnlockShared(mapping);
    note();
    return seen;
  };
  expect(toy.drive(body())).toEqual(['X', false, -11, 'S', true, 0, 'S', null]);
});

test('its class is that of the filesystem type', () => {
  const { toy, one, other } = two();
  expect([one, other].map(({ invalidateLock }) => invalidateLock.lockClass)).toEqual([
    'toy mapping.invalidate_lock',
    'toy mapping.invalidate_lock',
  ]);
  expect(toy.sb.type).toBe('toy');
});

describe('two mappings', () => {
  type Pick = (world: {
    one: AddressSpace;
    other: AddressSpace;
  }) => [AddressSpace | null, AddressSpace | null];

  test.each<[string, Pick, string[]]>([
    ['two', ({ one, other }) => [one, other], ['12', '13']],
    ['two, the other way round', ({ one, other }) => [other, one], ['12', '13']],
    ['the same twice', ({ one }) => [one, one], ['12']],
    ['one and none', ({ one }) => [one, null], ['12']],
    ['none and one', ({ other }) => [null, other], ['13']],
    ['none', () => [null, null], []],
  ])('%s: locked exclusive in order, and unlocked', (_, pick, order) => {
    const { toy, one, other } = two();
    const pair = pick({ one, other });
    let held: unknown[] = [];
    const body = function* (): Task<void> {
      yield* filemapInvalidateLockTwo(...pair);
      held = [one, other]
        .filter(({ invalidateLock }) => heldMode(invalidateLock) === 'X')
        .map((m) => m.host.iIno);
      yield* filemapInvalidateUnlockTwo(...pair);
    };
    toy.drive(body());
    expect(toy.steps.filter((step) => step.startsWith('down_write'))).toEqual(
      order.map((ino) => `down_write(mapping.invalidate_lock[${ino}])`),
    );
    expect(held.map(String)).toEqual(order);
    expect([one.invalidateLock.isLocked, other.invalidateLock.isLocked]).toEqual([false, false]);
  });

  test('the second has subclass 1, so that it is no disorder', () => {
    const graph = freshLocking();
    const { toy, one, other } = two();
    const body = function* (): Task<void> {
      yield* filemapInvalidateLockTwo(other, one);
      yield* filemapInvalidateUnlockTwo(other, one);
    };
    toy.drive(body());
    expect(graph.edges()).toEqual(['toy mapping.invalidate_lock:X -> toy mapping.invalidate_lock/1:X']);
    expect(graph.report([])).toEqual([]);
  });

  function* inTurn(a: AddressSpace, b: AddressSpace): Task<void> {
    yield* downWrite(a.invalidateLock);
    yield* downWrite(b.invalidateLock, 1);
    yield* upWrite(b.invalidateLock);
    yield* upWrite(a.invalidateLock);
  }
  function* ordered(a: AddressSpace, b: AddressSpace): Task<void> {
    yield* filemapInvalidateLockTwo(a, b);
    yield* filemapInvalidateUnlockTwo(a, b);
  }

  // Facts 3.2 X4: a clone from one to the other, and one back, at the same time.
  test.each([
    ['with the helper', ordered, ['done']],
    ['each in the order it was given', inTurn, ['deadlock', 'done']],
  ] as const)('two opposite clones, %s: %p', (_, lock, endings) => {
    const seen = new Set<string>();
    everyInterleaving(
      () => {
        const world = two();
        const { one, other } = world;
        return { ...world, tasks: { A: lock(one, other), B: lock(other, one) } };
      },
      (_world, ending) => seen.add(ending.kind),
    );
    expect([...seen].sort()).toEqual(endings);
  });
});
