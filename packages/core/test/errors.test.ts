// Shows that the kinds of error are told apart, that each carries a stable code and data, and what its message says.

import { ContractError, ERRORS, type ErrorCode, UsageError } from '@fsport/core';
import { expect, test } from '@jest/globals';

test('a broken contract says what the code means, with the data, unless it has a text of its own', () => {
  const data = { lock: 'inode.i_rwsem', held: null };
  const error = new ContractError('LOCK_NOT_HELD', data);
  expect([error.name, error.code, error.data]).toEqual(['ContractError', 'LOCK_NOT_HELD', data]);
  expect(error.message).toBe(`${ERRORS.LOCK_NOT_HELD} (lock=inode.i_rwsem, held=null)`);
  expect(new ContractError('LOCK_LEAK', {}, 'own text').message).toBe('own text');
});

test('misuse of the tool is another kind', () => {
  const error = new UsageError('UNKNOWN_FS', { fs: 'zfs' }, 'There is no filesystem "zfs".');
  expect([error.name, error.code, error.data, error.message]).toEqual([
    'UsageError',
    'UNKNOWN_FS',
    { fs: 'zfs' },
    'There is no filesystem "zfs".',
  ]);
  expect(error).not.toBeInstanceOf(ContractError);
});

test('every code says in one sentence what it means, and no two say the same', () => {
  const texts = Object.keys(ERRORS).map((code) => ERRORS[code as ErrorCode]);
  for (const text of texts) expect(text).toMatch(/^[A-Z].*\.$/);
  expect(new Set(texts).size).toBe(texts.length);
});
