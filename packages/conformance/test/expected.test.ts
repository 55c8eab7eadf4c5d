// Shows how expected.json is read: the first key that matches decides, and whatever cannot be meant is refused.

import { parseExpected } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';

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
    ['a misspelt key', entry({ verdict: 'fail', propery: 'stale-data' })],
  ])('%s', (_, json) => {
    const parse = (): unknown => parseExpected(json, 'there/expected.json');
    expect(parse).toThrow(
      expect.objectContaining({ code: 'BAD_EXPECTED', data: { where: 'there/expected.json' } }),
    );
  });
});
