// Shows how expected.json is read: the first key that matches decides, and whatever cannot be meant is refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Expected, executionsOf, parseExpected, readExpected, runCheck } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { READS } from '#src/selftest/cases.js';
import { fixture } from '#src/selftest/fixture.js';

const RACE = { verdict: 'fail', property: 'stale-data' } as const;
const PASS = { verdict: 'pass' } as const;

describe('the first key that matches decides', () => {
  const expected = parseExpected(
    {
      'race/e1-*': { 'v5.14': RACE, 'v5.15': PASS },
      'pair/{pread,readahead}-vs-*': { 'v5.14': RACE },
      'pair/**': { 'v5.14': PASS, 'v5.15': PASS },
    },
    'expected.json',
  );

  test.each([
    ['race/e1-read-vs-punch', 'v5.14', RACE],
    ['race/e1-read-vs-punch', 'v5.15', PASS],
    ['pair/pread-vs-punch-hole.page', 'v5.14', RACE],
    ['pair/mkwrite-vs-punch-hole.page', 'v5.14', PASS],
  ] as const)('%s in %s', (check, profile, declared) => {
    expect(expected.of(check, profile)).toEqual(declared);
  });

  test('also if it says nothing about the profile', () => {
    expect(expected.of('pair/pread-vs-punch-hole.page', 'v5.15')).toBeNull();
  });

  test('nothing is declared of what no key matches', () => {
    expect(expected.of('triple/remove-vs-write', 'v5.14')).toBeNull();
    expect(expected.of('race/e1-read-vs-punch', 'v5.16')).toBeNull();
  });
});

describe('a declared bound', () => {
  const bound = (executions: number): Expected =>
    parseExpected({ 'self/*': { 'v5.15': { verdict: 'unknown', executions } } }, 'expected.json');

  test.each([
    ['v5.15', 6, 3],
    ['v5.15', 2, 2],
    ['v5.14', 6, 6],
  ])('in %s leaves of a budget of %i executions %i', (profile, budget, left) => {
    expect(executionsOf({ profile, check: READS, expected: bound(3) }, budget)).toBe(left);
    expect(executionsOf({ profile, check: READS, expected: null }, budget)).toBe(budget);
  });

  test('ends the search, and is why the verdict is unknown, as declared', () => {
    const { result } = runCheck(fixture(), 'v5.15', READS, bound(3));
    expect(result).toMatchObject({
      verdict: 'unknown',
      ok: true,
      reason: 'stopped by the declared bound of 3 executions, no failure',
    });
    expect(result.executions + result.blockedExecutions).toBe(3);
  });

  test('is not reached by a smaller budget', () => {
    const { result } = runCheck(fixture(), 'v5.15', READS, bound(3), { maxExecutions: 2 });
    expect(result).toMatchObject({ verdict: 'unknown', ok: true });
    expect(result.reason).toBe('stopped by executions after 2 executions, no failure');
  });

  test('that the search does not need is not as declared', () => {
    expect(runCheck(fixture(), 'v5.15', READS, bound(10_000)).result).toMatchObject({
      verdict: 'pass',
      ok: false,
    });
  });
});

describe('refused', () => {
  const entry = (value: unknown): unknown => ({ 'race/*': { 'v5.14': value } });
  test.each<[string, unknown]>([
    ['no object', 'pass'],
    ['null', null],
    ['a list', [PASS]],
    ['profiles that are no object', { 'race/*': 'pass' }],
    ['profiles that are null', { 'race/*': null }],
    ['profiles that are a list', { 'race/*': [] }],
    ['an entry that is a word', entry('pass')],
    ['an entry that is null', entry(null)],
    ['no verdict', entry({})],
    ['an unknown verdict', entry({ verdict: 'maybe' })],
    ['a pass with a property', entry({ verdict: 'pass', property: 'stale-data' })],
    ['a property that is no word', entry({ verdict: 'fail', property: 1 })],
    ['an empty key', { '': { 'v5.14': PASS } }],
    ['a bound of a pass', entry({ verdict: 'pass', executions: 5 })],
    ['a bound of nothing', entry({ verdict: 'unknown', executions: 0 })],
    ['a bound that is not whole', entry({ verdict: 'unknown', executions: 1.5 })],
    ['a bound that is no number', entry({ verdict: 'unknown', executions: '5' })],
    ['a misspelt key', entry({ verdict: 'fail', propery: 'stale-data' })],
  ])('%s', (_, json) => {
    const parse = (): unknown => parseExpected(json, 'there/expected.json');
    expect(parse).toThrow(
      expect.objectContaining({ code: 'BAD_EXPECTED', data: { where: 'there/expected.json' } }),
    );
  });
});

describe('a key of a package', () => {
  const read = (json: unknown): Expected => {
    const folder = mkdtempSync(join(tmpdir(), 'fsport-expected-'));
    try {
      writeFileSync(join(folder, 'expected.json'), JSON.stringify(json));
      return readExpected(join(folder, 'expected.json'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('is a check, or matches some', () => {
    const expected = read({ 'race/e1-read-vs-punch': { 'v5.14': RACE }, 'pair/*': { 'v5.14': PASS } });
    expect(expected.of('race/e1-read-vs-punch', 'v5.14')).toEqual(RACE);
  });

  test.each(['race/e1-raed-vs-punch', 'E1', 'pairs/*'])('cannot be %s, which is none', (key) => {
    expect(() => read({ [key]: { 'v5.14': RACE } })).toThrow(
      expect.objectContaining({ code: 'BAD_EXPECTED', data: expect.objectContaining({ key }) }),
    );
  });
});
