// Shows what is said about the end of a failure: the commits that a profile does not have and a later one, which passes, has,
// and not those that do not end it in this filesystem. What each release has and what is declared is made up here.

import { CHECKS, type Check, hintsOf, parseExpected, selectChecks } from '@fsport/conformance';
import type { FileSystemType, KernelPort } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';

const [base] = selectChecks(CHECKS, 'race/e1-read-vs-punch') as readonly [Check];
const fix = (since: string): Check['fixedBy'][number] => ({ kernel: since, since, title: 'x' });
const PORT: KernelPort = { of: 'v5.15', kernel: 'ported', since: 'v5.15', title: 'x' };
const RELEASES = ['v3.16', 'v4.0', 'v5.9', 'v5.15', 'v5.16', 'v6.2'];

type Declared = Readonly<Record<string, 'pass' | 'fail' | 'unknown'>>;

/** What is said about a failure of a filesystem that follows some profiles and declares something about them. */
function said(
  profile: string,
  follows: readonly string[],
  declared: Declared | null,
  { fixedBy = RELEASES, ports = [] as readonly KernelPort[] } = {},
): readonly string[] {
  const check: Check = { ...base, fixedBy: fixedBy.map(fix) };
  const entries = Object.entries(declared ?? {}).map(([one, verdict]) => [
    one,
    { verdict, ...(verdict === 'fail' ? { property: `${one}-thing` } : {}) },
  ]);
  const expected =
    declared === null ? null : parseExpected({ [check.id]: Object.fromEntries(entries) }, 'expected.json');
  const fs = { name: 'toy', follows, ports } as unknown as FileSystemType;
  return hintsOf({ fs, profile, check, expected }).map((line) => line.replace(' ("x")', ''));
}

const maybe = (...kernels: readonly string[]): readonly string[] =>
  kernels.map((one) => `may be missing ${one}`);
const fixed = (...kernels: readonly string[]): readonly string[] => kernels.map((one) => `fixed by ${one}`);

describe('a filesystem that declares nothing', () => {
  test.each([
    ['v3.15', RELEASES],
    ['v3.19', ['v4.0', 'v5.9', 'v5.15', 'v5.16', 'v6.2']],
    ['v5.14', ['v5.15', 'v5.16', 'v6.2']],
    ['v5.15', ['v5.16', 'v6.2']],
    ['v5.15+shmem-invalidate-lock', ['v5.16', 'v6.2']],
  ])('may miss, as of %s, the younger commits %j', (profile, releases) => {
    expect(said(profile, [profile], null)).toEqual(maybe(...releases));
    expect(said(profile, ['v5.15', profile], null)).toEqual(maybe(...releases));
  });
});

describe('what later profiles declare decides', () => {
  const FOLLOWS = ['v3.19', 'v4.0', 'v5.14', 'v5.15'];

  test('the commits are those that the first one that passes has, and no younger ones', () => {
    const declared: Declared = { 'v3.19': 'fail', 'v4.0': 'pass' };
    expect(said('v3.19', FOLLOWS, declared)).toEqual(fixed('v4.0'));
    expect(said('v5.14', ['v5.14', 'v5.15'], { 'v5.14': 'fail', 'v5.15': 'pass' })).toEqual(fixed('v5.15'));
  });

  test('a profile about which nothing is declared must pass, but nobody has said that it does', () => {
    expect(said('v5.14', ['v5.14', 'v5.15'], { 'v5.14': 'fail' })).toEqual(maybe('v5.15'));
  });

  test('a commit is no remedy if a profile that has it fails, in whatever way', () => {
    expect(said('v5.14', ['v5.14', 'v5.15'], { 'v5.14': 'fail', 'v5.15': 'fail' })).toEqual([
      'v5.15 is declared to fail too: v5.15-thing',
      ...maybe('v5.16', 'v6.2'),
    ]);
    expect(said('v3.19', FOLLOWS, { 'v4.0': 'fail', 'v5.14': 'fail', 'v5.15': 'pass' })).toEqual([
      'v5.14 is declared to fail too: v5.14-thing',
      ...fixed('v5.15'),
    ]);
  });

  test('one that is unknown says nothing', () => {
    expect(said('v5.14', ['v5.14', 'v5.15'], { 'v5.14': 'fail', 'v5.15': 'unknown' })).toEqual(
      maybe('v5.15', 'v5.16', 'v6.2'),
    );
  });
});

test('what brought a commit to the filesystem is named after it, and only then', () => {
  const ports = [PORT];
  const declared: Declared = { 'v5.14': 'fail', 'v5.15': 'pass' };
  expect(said('v5.14', ['v5.14', 'v5.15'], declared, { ports })).toEqual(fixed('v5.15', 'ported'));
  expect(said('v5.14', ['v5.14', 'v5.15'], declared, { ports, fixedBy: ['v5.16'] })).toEqual([]);
  expect(said('v5.15', ['v5.14', 'v5.15'], declared, { ports })).toEqual(maybe('v5.16', 'v6.2'));
});
