// Shows that a byte keeps its origin wherever it is copied, and how bytes are shown.

import { byteOf, fillCells, Origins, showByte, showCells, spliceCells, zeroCells } from '@fsport/core';
import { expect, test } from '@jest/globals';

const WRITE = { kind: 'write', text: '"A" written by set-up', ino: 12 } as const;
const SECRET = { kind: 'secret', text: 'of a stranger', ino: -1 } as const;

test('a cell is a byte with the number of its origin', () => {
  const origins = new Origins();
  const [write, secret] = [origins.add(WRITE), origins.add(SECRET)];
  const cells = [...fillCells(2, 65, write), ...fillCells(1, 255, secret)];
  expect(cells.map(byteOf)).toEqual([65, 65, 255]);
  expect(cells.map((cell) => origins.of(cell))).toEqual([WRITE, WRITE, SECRET]);
});

test('equal bytes of different origins are told apart', () => {
  const origins = new Origins();
  const [a] = fillCells(1, 65, origins.add(WRITE));
  const [b] = fillCells(1, 65, origins.add(SECRET));
  expect([a === b, byteOf(a as number) === byteOf(b as number)]).toEqual([false, true]);
});

test('a byte that nobody wrote is a zero of origin 0, in every execution', () => {
  const [cell] = zeroCells(1);
  expect([cell, new Origins().of(cell as number).kind]).toEqual([0, 'zero']);
  expect(zeroCells(3)).toEqual([0, 0, 0]);
  expect(Object.isFrozen(zeroCells(3))).toBe(true);
});

test('origins of one execution are not known in another', () => {
  const number = new Origins().add(WRITE);
  expect(new Origins().of(fillCells(1, 65, number)[0] as number)).toBeUndefined();
});

test('a patch is laid over a copy', () => {
  const base = fillCells(4, 65, 1);
  const patch = fillCells(2, 66, 2);
  expect(showCells(spliceCells(base, 1, patch))).toBe('ABBA');
  expect(spliceCells(base, 1, patch)).toEqual([base[0], ...patch, base[3]]);
  expect(showCells(base)).toBe('AAAA');
});

test.each([
  [0, '.'],
  [65, 'A'],
  [35, '#'],
  [32, '\\x20'],
  [127, '\\x7f'],
  [255, '\\xff'],
])('byte %d is shown as %s', (byte, shown) => {
  expect(showByte(fillCells(1, byte, 3)[0] as number)).toBe(shown);
});
