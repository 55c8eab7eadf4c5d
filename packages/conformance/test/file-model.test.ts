// Shows that the file-level model does to a file what the system calls do, and that it allows exactly the outcomes of
// the orders that are left open. Files are written as text, a dot for a zero.

import type { Op } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { apply, type CompletedCall, type FileState, possibleOutcomes } from '#src/file-model.js';

function bytes(text: string): FileState {
  return [...text].map((letter) => (letter === '.' ? 0 : letter.charCodeAt(0)));
}

function text(file: Iterable<number>): string {
  return [...file].map((byte) => (byte === 0 ? '.' : String.fromCharCode(byte))).join('');
}

function after(file: string, op: Op, result = 'data' in op ? op.data.length : 0): string {
  return text(apply(bytes(file), { op, result }));
}

function fallocate(mode: Extract<Op, { op: 'fallocate' }>['mode'], pos: number, len: number): Op {
  return { op: 'fallocate', mode, pos, len };
}

describe('one call', () => {
  test.each<[string, string, Op, string]>([
    ['a write changes its bytes', 'AAAABBBB', { op: 'pwrite', pos: 2, data: 'xy' }, 'AAxyBBBB'],
    ['a write beyond the end leaves a gap of zeroes', 'AA', { op: 'pwrite', pos: 4, data: 'xy' }, 'AA..xy'],
    ['a store changes its bytes', 'AAAA', { op: 'store', pos: 1, data: 'x' }, 'AxAA'],
    ['a store stops at the end of the file', 'AAAA', { op: 'store', pos: 3, data: 'xy' }, 'AAAx'],
    ['a store beyond the end changes nothing', 'AAAA', { op: 'store', pos: 6, data: 'x' }, 'AAAA'],
    ['allocate grows the file with zeroes', 'AAAA', fallocate('allocate', 2, 4), 'AAAA..'],
    ['allocate inside the file changes nothing', 'AAAA', fallocate('allocate', 1, 2), 'AAAA'],
    ['punch zeroes', 'AAAABBBB', fallocate('punch', 2, 4), 'AA....BB'],
    ['punch keeps the size', 'AAAA', fallocate('punch', 2, 4), 'AA..'],
    ['punch beyond the end changes nothing', 'AAAA', fallocate('punch', 6, 2), 'AAAA'],
    ['zero grows the file', 'AAAA', fallocate('zero', 2, 4), 'AA....'],
    ['zero beyond the end grows the file', 'AAAA', fallocate('zero', 6, 2), 'AAAA....'],
    ['zero-keep keeps the size', 'AAAA', fallocate('zero-keep', 2, 4), 'AA..'],
    ['zero-keep beyond the end changes nothing', 'AAAA', fallocate('zero-keep', 6, 2), 'AAAA'],
    ['unshare changes nothing', 'AAAA', fallocate('unshare', 2, 4), 'AAAA'],
    ['dedupe changes nothing', 'AAAA', { op: 'dedupe', source: 1, sourcePos: 0, pos: 0, len: 2 }, 'AAAA'],
    ['collapse closes the gap', 'AABBCC', fallocate('collapse', 2, 2), 'AACC'],
    ['insert opens one', 'AABB', fallocate('insert', 2, 2), 'AA..BB'],
    ['truncate cuts', 'AABB', { op: 'ftruncate', size: 3 }, 'AAB'],
    ['so does a server that changes the mode, too', 'AABB', { op: 'setattr', size: 3 }, 'AAB'],
    ['truncate grows with zeroes', 'AA', { op: 'ftruncate', size: 4 }, 'AA..'],
    ['madvise(REMOVE) punches', 'AABB', { op: 'madvise', advice: 'REMOVE', pos: 0, len: 2 }, '..BB'],
    ['other advice does not', 'AABB', { op: 'madvise', advice: 'DONTNEED', pos: 0, len: 2 }, 'AABB'],
    ['a read changes nothing', 'AABB', { op: 'pread', pos: 0, len: 2 }, 'AABB'],
  ])('%s', (_, file, op, expected) => {
    expect(after(file, op)).toBe(expected);
  });

  test('a clone and a copy take a range of their source, a swap all of it', () => {
    const source = bytes('KLMN');
    const clone: Op = { op: 'clone', source: 1, sourcePos: 2, pos: 1, len: 2 };
    expect(text(apply(bytes('AAAA'), { op: clone, result: 2, source }))).toBe('AMNA');
    const copy: Op = { ...clone, op: 'copy' };
    expect(text(apply(bytes('AAAA'), { op: copy, result: 2, source }))).toBe('AMNA');
    expect(text(apply(bytes('AA'), { op: { op: 'swapext', source: 1 }, result: 0, source }))).toBe('KLMN');
  });

  test('a call that failed changed nothing', () => {
    expect(after('AAAA', fallocate('punch', 0, 4), -95)).toBe('AAAA');
  });

  test('a short write changed what it says', () => {
    expect(after('AAAA', { op: 'pwrite', pos: 0, data: 'xyz' }, 1)).toBe('xAAA');
    expect(after('AA', { op: 'pwrite', pos: 6, data: 'xyz' }, 0)).toBe('AA');
  });
});

describe('several calls', () => {
  const W: CompletedCall = { op: { op: 'pwrite', pos: 0, data: 'w' }, result: 1 };
  const V: CompletedCall = { op: { op: 'pwrite', pos: 0, data: 'v' }, result: 1 };
  const R: CompletedCall = { op: { op: 'pread', pos: 0, len: 1 }, result: 1 };
  const CUT: CompletedCall = { op: { op: 'ftruncate', size: 0 }, result: 0 };

  /** Outcomes of calls of which some are ordered, `[0, 1]` for "0 ended before 1 began". */
  function outcomes(calls: readonly CompletedCall[], ordered: readonly (readonly [number, number])[] = []) {
    const before = (i: number, j: number): boolean => ordered.some(([a, b]) => a === i && b === j);
    const { sizes, bytes: ends, during, sizesDuring } = possibleOutcomes(bytes('a'), calls, before, 1);
    const sorted = (values: ReadonlySet<number> | undefined): string =>
      [...text(values ?? [])].sort().join('');
    return {
      sizes: [...sizes].sort(),
      end: sorted(ends[0]),
      during: during.map((of) => sorted(of[0])),
      sizesDuring: sizesDuring.map((of) => [...of].sort()),
    };
  }

  test('in order: the last one stays, a read between them sees the first', () => {
    const { end, during } = outcomes(
      [W, R, V],
      [
        [0, 1],
        [0, 2],
        [1, 2],
      ],
    );
    expect(end).toBe('v');
    expect(during).toEqual(['aw', 'w', 'vw']);
  });

  test('at the same time: either stays, and a read sees any', () => {
    const { end, during } = outcomes([W, V, R]);
    expect(end).toBe('vw');
    expect(during[2]).toBe('avw');
  });

  test('a read that began after one write and overlaps with the other does not see what was there before', () => {
    expect(outcomes([W, V, R], [[0, 2]]).during[2]).toBe('vw');
  });

  test('an order of two calls forbids no order with the third', () => {
    expect(outcomes([W, V, R], [[0, 1]])).toMatchObject({ end: 'v', during: ['aw', 'vw', 'avw'] });
  });

  test('sizes: at the end, and while a call ran', () => {
    expect(outcomes([CUT, W])).toMatchObject({
      sizes: [0, 1],
      sizesDuring: [
        [0, 1],
        [0, 1],
      ],
    });
    expect(outcomes([CUT, W], [[0, 1]])).toMatchObject({ sizes: [1], end: 'w' });
    expect(outcomes([CUT, W], [[1, 0]])).toMatchObject({ sizes: [0], end: '.' });
  });

  test('a byte beyond the end counts as zero', () => {
    expect(outcomes([CUT, R]).during[1]).toBe('.a');
  });
});
