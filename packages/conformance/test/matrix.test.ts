// Shows how results become a cell: bad ones first, and `safe` only if every search finished.

import { type Check, type CheckResult, MATRIX_ROWS, matrixOf, pairTable } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { checkOf } from '#src/selftest/fixture.js';

function check(id: string, row: string | null, pair: Check['pair'] = null): Check {
  return checkOf([], { id, rows: row === null ? [] : [row], pair });
}

const CHECKS = [
  check('pair/a', 'pread', { filler: 'pread', invalidator: 'punch-hole' }),
  check('pair/b', 'pread', { filler: 'pread', invalidator: 'punch-hole' }),
  check('pair/c', 'truncate', { filler: 'pread', invalidator: 'truncate-down' }),
  check('race/d', null),
];

function result(id: string, rest: Partial<CheckResult>): CheckResult {
  return {
    fs: 'toy',
    profile: 'v5.14',
    check: id,
    verdict: 'pass',
    expected: null,
    ok: true,
    property: null,
    bounds: '',
    exhaustive: true,
    executions: 1,
    blockedExecutions: 0,
    preemptions: null,
    token: null,
    reason: null,
    seconds: 0,
    ...rest,
  };
}

const PASS = {};
const NOT_RUN = { verdict: 'notrun', exhaustive: false } as const;
const UNKNOWN = { verdict: 'unknown', exhaustive: false } as const;
const failed = (property: string): Partial<CheckResult> => ({ verdict: 'fail', property, exhaustive: false });

describe('one cell', () => {
  test.each<[string, readonly Partial<CheckResult>[], string | null]>([
    ['nothing ran', [], null],
    ['all passed', [PASS, PASS], 'safe'],
    ['some are not for this filesystem', [PASS, NOT_RUN], 'safe'],
    ['none is', [NOT_RUN, NOT_RUN], 'n/a'],
    ['one did not finish', [PASS, UNKNOWN], 'unknown'],
    ['one passed without having seen everything', [PASS, { exhaustive: false }], 'unknown'],
    ['one did not finish and another is not for it', [NOT_RUN, UNKNOWN], 'unknown'],
    ['one failed', [PASS, failed('stale-data')], 'race'],
    ['one failed and another did not finish', [UNKNOWN, failed('lost-write')], 'race'],
    ['two failed in the same way', [failed('stale-pte'), failed('corruption')], 'race'],
    ['a deadlock', [failed('deadlock'), PASS], 'deadlock'],
    ['a lock order that can deadlock', [failed('lock-order')], 'deadlock'],
    ['a livelock', [failed('livelock')], 'starvation'],
    ['what is no race does not count as one', [failed('contract')], 'contract'],
    ['a race and a deadlock', [failed('deadlock'), failed('stale-data')], 'race+deadlock'],
  ])('%s', (_, results, cell) => {
    const all = results.map((rest, i) => result(i === 0 ? 'pair/a' : 'pair/b', rest));
    const other = result('pair/c', {});
    const matrix = matrixOf([...all, other], CHECKS);
    expect(matrix.filesystems['toy']?.cells['pread']).toEqual([cell]);
  });
});

test('a matrix has every row, and a column for each profile that ran', () => {
  const results = [
    result('pair/a', failed('stale-data')),
    result('pair/a', { profile: 'v5.15' }),
    result('race/d', failed('stale-data')),
    result('pair/c', { fs: 'other', profile: 'v5.15' }),
  ];
  const matrix = matrixOf(results, CHECKS);
  expect(matrix.format).toBe(1);
  expect(matrix.rows).toBe(MATRIX_ROWS);
  expect(Object.keys(matrix.filesystems)).toEqual(['toy', 'other']);
  const { toy, other } = matrix.filesystems;
  expect(toy?.profiles).toEqual(['v5.14', 'v5.15']);
  expect(Object.keys(toy?.cells ?? {})).toEqual(Object.keys(MATRIX_ROWS));
  expect(toy?.cells).toMatchObject({ pread: ['race', 'safe'], truncate: [null, null], remap: [null, null] });
  expect(other?.cells).toMatchObject({ pread: [null], truncate: ['safe'] });
});

test('truncation counts for the rows of fills where no hole can be punched, and for its own everywhere', () => {
  const checks = [
    checkOf([], { id: 'pair/punch', rows: ['pread'], requires: { punchHole: true } }),
    checkOf([], { id: 'pair/truncate', rows: ['truncate'], rowsWithoutPunch: ['pread'] }),
  ];
  const truncated = result('pair/truncate', failed('deadlock'));
  const cellsWith = (rest: Partial<CheckResult>): unknown =>
    matrixOf([result('pair/punch', rest), truncated], checks).filesystems['toy']?.cells;
  expect(cellsWith(PASS)).toMatchObject({ pread: ['safe'], truncate: ['deadlock'] });
  expect(cellsWith(NOT_RUN)).toMatchObject({ pread: ['deadlock'], truncate: ['deadlock'] });
});

test('the table of pairs: the worst over all geometries', () => {
  const table = pairTable(
    [
      result('pair/a', {}),
      result('pair/b', failed('stale-data')),
      result('pair/c', {}),
      result('pair/a', { profile: 'v5.15' }),
      result('race/d', failed('deadlock')),
    ],
    CHECKS,
  );
  expect(table).toMatchObject({
    fillers: ['pread'],
    invalidators: ['punch-hole', 'truncate-down'],
    profiles: ['v5.14', 'v5.15'],
  });
  expect(table.cell('pread', 'punch-hole', 'v5.14')).toBe('race');
  expect(table.cell('pread', 'punch-hole', 'v5.15')).toBe('safe');
  expect(table.cell('pread', 'truncate-down', 'v5.14')).toBe('safe');
  expect(table.cell('pread', 'truncate-down', 'v5.15')).toBeNull();
});
