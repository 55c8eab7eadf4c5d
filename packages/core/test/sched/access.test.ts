// Shows which accesses to one object commute: those after which nobody can tell who came first.

import {
  ACCESS_NAMES,
  ADD,
  AWAIT,
  DOWN_READ,
  DOWN_WRITE,
  DOWNGRADE,
  dependent,
  LOCAL,
  LOCK,
  QUEUE_WRITE,
  READ,
  TRY_FAIL,
  UNLOCK,
  UP_READ,
  UP_WRITE,
  WRITE,
} from '@fsport/core';
import { expect, test } from '@jest/globals';

const ALL = [
  ...[READ, WRITE, AWAIT, ADD, LOCK, UNLOCK, TRY_FAIL, DOWN_READ, UP_READ, DOWN_WRITE, UP_WRITE],
  ...[QUEUE_WRITE, DOWNGRADE, LOCAL],
];

test('every kind has a name of its own', () => {
  expect(ALL).toHaveLength(ACCESS_NAMES.length);
  expect(new Set(ALL.map((access) => ACCESS_NAMES[access])).size).toBe(ALL.length);
});

test('the order of two accesses makes no difference to their relation', () => {
  for (const a of ALL) for (const b of ALL) expect(dependent(a, b)).toBe(dependent(b, a));
});

test.each<[string, readonly number[]]>([
  ['those who only look', [READ, AWAIT, TRY_FAIL]],
  ['additions', [ADD]],
  ['shared holders', [DOWN_READ, UP_READ]],
])('%s commute with each other', (_, kinds) => {
  for (const a of kinds) for (const b of kinds) expect([a, b, dependent(a, b)]).toEqual([a, b, false]);
});

test('a step that touches nothing commutes with everything', () => {
  for (const access of ALL) expect(dependent(LOCAL, access)).toBe(false);
});

test.each<[string, number, number]>([
  ['a write and a read', WRITE, READ],
  ['two writes', WRITE, WRITE],
  ['a write and a wait', WRITE, AWAIT],
  ['an addition and a test', ADD, READ],
  ['an addition and a write', ADD, WRITE],
  ['two who take a mutex', LOCK, LOCK],
  ['a release and a failed try', UNLOCK, TRY_FAIL],
  ['a reader and a writer', DOWN_READ, DOWN_WRITE],
  ['a reader and a writer that queues', DOWN_READ, QUEUE_WRITE],
  ['the last reader and a writer', UP_READ, DOWN_WRITE],
  ['the last reader and a failed try', UP_READ, TRY_FAIL],
  ['a downgrade and a reader', DOWNGRADE, DOWN_READ],
  ['two writers that queue', QUEUE_WRITE, QUEUE_WRITE],
])('%s do not', (_, a, b) => {
  expect(dependent(a, b)).toBe(true);
});
