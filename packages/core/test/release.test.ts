// Shows which kernel releases the model follows, and which of them has invalidate_lock: v5.15 brought it.

import { hasInvalidateLock, KERNEL_RELEASES, releaseOf } from '@fsport/core';
import { expect, test } from '@jest/globals';
import { thrown } from './toy.js';

test('the lock came with v5.15', () => {
  expect(KERNEL_RELEASES.map((release) => [release, hasInvalidateLock(release)])).toEqual([
    ['v3.15', false],
    ['v3.19', false],
    ['v4.0', false],
    ['v5.14', false],
    ['v5.15', true],
  ]);
});

test.each([
  ['v3.15', 'v3.15'],
  ['v3.19', 'v3.19'],
  ['v4.0', 'v4.0'],
  ['v5.14', 'v5.14'],
  ['v5.15', 'v5.15'],
  ['v5.15+shmem-invalidate-lock', 'v5.15'],
  ['v5.14+a+b', 'v5.14'],
])('profile %s follows %s', (profile, release) => {
  expect(releaseOf(profile)).toBe(release);
});

test.each(['', 'v5', 'v3.16', 'v5.16', '+v5.15', 'v5.15-rc1'])('profile "%s" follows none', (profile) => {
  expect(thrown(() => releaseOf(profile))).toMatchObject({ code: 'UNKNOWN_PROFILE', profile });
});
