// Shows that tokens are written and read back the same, that every damage is refused with what and where,
// and that they need no quoting in a shell.

import { UsageError } from '@fsport/core';
import { encodeToken, openToken, parseToken, type RecordedStep } from '@fsport/explore';
import { describe, expect, test } from '@jest/globals';

function step(task: string, verb: string, choice = -1): RecordedStep {
  return { task, title: 'x', verb, object: 'o', access: 'read', result: '', choice, preempted: false };
}

const STEPS = [
  step('p', 'one'),
  step('r', 'two'),
  step('r', 'choose', 2),
  step('r', 'three'),
  step('rA', 'four'),
  step('p', 'five'),
];
const TOKEN = encodeToken('area/check', STEPS, 'done', ['w']);

function refusal(text: string): UsageError {
  try {
    parseToken(text);
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error(`${text} was not refused`);
}

describe('a token', () => {
  test('is readable and safe to paste', () => {
    expect(TOKEN).toMatch(/^area\/check@1:p1r2!2r1rA1p1w0~[0-9a-f]{10}\.[0-9a-f]{8}$/);
    expect(TOKEN).toMatch(/^[\w/@:!~.-]+$/);
  });

  test('is read back as it was written', () => {
    expect(parseToken(` ${TOKEN}\n`)).toEqual({
      check: 'area/check',
      cuts: [],
      runs: [
        { task: 'p', count: 1, choice: -1 },
        { task: 'r', count: 2, choice: 2 },
        { task: 'r', count: 1, choice: -1 },
        { task: 'rA', count: 1, choice: -1 },
        { task: 'p', count: 1, choice: -1 },
      ],
      idle: ['w'],
      checkpoints: TOKEN.slice(TOKEN.indexOf('~') + 1, -9).match(/../g),
      digest: TOKEN.slice(-8),
    });
  });

  test('depends on what the steps do and on how it ended', () => {
    const other = STEPS.map((one, i) => (i === 3 ? { ...one, access: 'write' } : one));
    const changed = encodeToken('area/check', other, 'done', ['w']);
    expect(changed).not.toBe(TOKEN);
    expect(parseToken(changed).checkpoints.slice(0, 2)).toEqual(parseToken(TOKEN).checkpoints.slice(0, 2));
    expect(parseToken(changed).checkpoints[2]).not.toBe(parseToken(TOKEN).checkpoints[2]);
    expect(encodeToken('area/check', STEPS, 'deadlock', ['w'])).not.toBe(TOKEN);
  });

  test('may come without a digest', () => {
    expect(parseToken('area/check@1:p3r1')).toMatchObject({ digest: null, checkpoints: [], idle: [] });
    expect(parseToken('area/check@1:')).toMatchObject({ runs: [] });
    expect(parseToken('area/check@1-r2-file2.page3:p1')).toMatchObject({ cuts: ['r2', 'file2.page3'] });
    expect(openToken('area/check', [{ task: 'p', count: 1, choice: 2 }], ['r'], ['r2', 'readIo'])).toBe(
      'area/check@1-r2-readIo:p1!2r0',
    );
  });

  test('of another format is refused as such', () => {
    expect(refusal('area/check@2:whatever').code).toBe('OLD_TOKEN');
    expect(refusal('area/check@1z:whatever').code).toBe('OLD_TOKEN');
  });

  test.each([
    ['', 0],
    ['area/check', 0],
    ['p1r6~00.00000000', 0],
    ['area/check@1:p1rr6', 15],
    ['area/check@1:p1R6', 15],
    ['area/check@1:p1r6 p1', 17],
    ['area/check@1:p99999999', 13],
    ['area/check@1:p1r6~00', 18],
    ['area/check@1:p1r6~00.5f3a91c2', 18],
    ['area/check@1:p1r6~0000.5f3a91c', 18],
  ])('that is damaged is refused: %s', (text, position) => {
    const error = refusal(text);
    expect([error.code, error.data['position']]).toEqual(['BAD_TOKEN', position]);
    expect(error.message).toContain('Copy it whole');
  });

  test('cut inside its digest is refused', () => {
    for (let length = TOKEN.indexOf('~') + 1; length < TOKEN.length; length++) {
      expect(refusal(TOKEN.slice(0, length)).code).toBe('BAD_TOKEN');
    }
  });
});
