// Shows what a call does to which file, once the bytes that passed through it are known.

import { fillCells } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import type { Op } from '#src/ops.js';
import { systemCall } from '#src/system-calls.js';

const [A] = fillCells(1, 'a'.charCodeAt(0), 0) as [number];
const [B] = fillCells(1, 'b'.charCodeAt(0), 0) as [number];

describe('a call', () => {
  test('that reads into mapped memory stores there what it read', () => {
    const op: Op = { op: 'pread', pos: 8, len: 2, into: { file: 1, pos: 4 } };
    expect(systemCall(op).effects([A, B])).toEqual([
      { op, file: 0, data: '' },
      { op: { op: 'store', pos: 4, data: 'ab' }, file: 1, data: 'ab' },
    ]);
  });

  test('that writes from mapped memory writes what it found there', () => {
    const op: Op = { op: 'pwrite-mapped', file: 1, pos: 8, len: 2, from: { file: 0, pos: 0 } };
    expect(systemCall(op).effects([B, A])).toEqual([
      { op: { op: 'pwrite', pos: 8, data: 'ba' }, file: 1, data: 'ba' },
    ]);
  });

  test('that moves blocks leaves a hole where they were', () => {
    const op: Op = { op: 'move-range', source: 1, sourcePos: 0, pos: 8, len: 4 };
    const hole = { op: 'fallocate', mode: 'punch', pos: 0, len: 4 };
    expect(systemCall(op).effects([])).toEqual([
      { op, file: 0, data: '' },
      { op: hole, file: 1, data: '' },
    ]);
  });
});
