// Shows that zonefs is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources. Cells that are `null` there are not judged.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import zonefs from '@fsport/fs-zonefs';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

const results = testConformance(zonefs, { test, expected: new URL('../expected.json', import.meta.url) });

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['zonefs'];
  expect(computed?.profiles).toEqual(facts.profiles);
  const expected = facts.cells[row];
  if (expected?.includes(null)) return;
  expect(computed?.cells[row]).toEqual(expected);
});
