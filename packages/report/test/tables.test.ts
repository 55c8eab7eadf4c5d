// Shows that verdicts land in the right cells, that tables keep to the width, and the shape of run.json.

import { MATRIX_ROWS, type VerdictMatrix } from '@fsport/conformance';
import { matrixMarkdown, matrixText, pairTablesText, runJson, WIDTH } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { check, longest, PLAIN, result } from './fixtures/results.js';

const MATRIX: VerdictMatrix = {
  format: 1,
  rows: MATRIX_ROWS,
  filesystems: {
    ext4: {
      profiles: ['v5.14', 'v5.15'],
      cells: { pread: ['race', 'safe'], willneed: ['race+deadlock', null] },
    },
    shmem: { profiles: ['v5.15+shmem-invalidate-lock'], cells: { pread: ['n/a'] } },
  },
};

describe('the matrix', () => {
  const text = matrixText(MATRIX, PLAIN);

  test('has a row for each scenario, releases side by side', () => {
    expect(text).toMatch(/^pread +race +safe +n\/a$/m);
    expect(text).toMatch(/^willneed +race\+deadlock +- +-$/m);
    for (const [row, about] of Object.entries(MATRIX_ROWS)) {
      expect(text).toMatch(new RegExp(`^${row} `, 'm'));
      expect(text).toContain(about);
    }
  });

  test('keeps to the width however many filesystems there are, and loses none', () => {
    const ext4 = MATRIX.filesystems['ext4'] as never;
    const names = Array.from({ length: 26 }, (_, i) => `filesystem-${i}`);
    const filesystems = Object.fromEntries(names.map((name) => [name, ext4]));
    const wide = matrixText({ ...MATRIX, filesystems }, PLAIN);
    expect(longest(wide)).toBeLessThanOrEqual(WIDTH);
    expect(wide.match(/race\+deadlock/g)).toHaveLength(26);
    expect(wide.match(/filesystem-\d+/g)).toEqual(names);
  });

  test('has the same text with colours', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(matrixText(MATRIX, { ...PLAIN, color: true }).replaceAll(/\u001b\[\d+m/g, '')).toBe(text);
  });
});

test('the matrix in Markdown has a row for each scenario and the releases of a filesystem in one cell', () => {
  const lines = matrixMarkdown(MATRIX).split('\n');
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()));
  expect(new Set(cells.map((line) => line.length)).size).toBe(1);
  expect(cells[1]?.slice(1, -1).every((cell) => /^-+$/.test(cell))).toBe(true);
  for (const row of Object.keys(MATRIX_ROWS)) expect(cells.some((line) => line[1] === row)).toBe(true);
  expect(cells.find((line) => line[1] === 'pread')).toContain('race, safe');
});

describe('the table of pairs', () => {
  const checks = ['page', 'block'].flatMap((geometry) =>
    ['pread', 'mkwrite'].flatMap((filler) =>
      ['punch-hole', 'truncate-down'].map((invalidator) =>
        check(`pair/${filler}-vs-${invalidator}.${geometry}`, { pair: { filler, invalidator } }),
      ),
    ),
  );

  test('has the worst verdict of each pair over its geometries', () => {
    const results = checks.flatMap(({ id }) => [
      id === 'pair/pread-vs-punch-hole.block'
        ? result({ check: id, profile: 'v5.14', verdict: 'fail', property: 'stale-data' })
        : result({ check: id, profile: 'v5.14' }),
      result({ check: id }),
    ]);
    const text = pairTablesText(results, checks, PLAIN);
    expect(text).toMatch(/^pread +race +safe +safe +safe$/m);
    expect(text).toMatch(/^mkwrite +safe +safe +safe +safe$/m);
    expect(longest(text)).toBeLessThanOrEqual(WIDTH);
  });

  test('leaves out who and what the filesystem does not claim', () => {
    const results = checks.map(({ id }) =>
      result({ check: id, ...(id.startsWith('pair/pread-vs-punch') ? {} : { verdict: 'notrun' as const }) }),
    );
    const text = pairTablesText(results, checks, PLAIN);
    expect(text).toMatch(/^pread +safe$/m);
    expect(text).not.toMatch(/mkwrite|truncate/);
  });
});

test('run.json has a format and the results as they are', () => {
  const results = [result(), result({ verdict: 'notrun', reason: 'no' })];
  const text = runJson(results);
  expect(JSON.parse(text)).toEqual({ format: 1, results });
  expect(text.endsWith('}\n')).toBe(true);
});
