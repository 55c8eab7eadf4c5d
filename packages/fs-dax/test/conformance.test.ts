// Shows that each release is what expected.json says, check by check; that the cells that were worked out from the kernel
// sources come out so (`null` there is not judged); and that the releases after v4.0 are safe in every row.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import dax from '@fsport/fs-dax';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

const results = testConformance(dax, { test, expected: new URL('../expected.json', import.meta.url) });

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['dax'];
  expect(computed?.profiles).toEqual([...facts.profiles, 'v5.14', 'v5.15']);
  const cells = computed?.cells[row] ?? [];
  const expected = facts.cells[row] as readonly (string | null)[];
  expect(cells.slice(0, 2).map((cell, at) => (expected[at] === null ? null : cell))).toEqual(expected);
  expect(['safe', 'n/a']).toEqual(expect.arrayContaining(cells.slice(2)));
});
