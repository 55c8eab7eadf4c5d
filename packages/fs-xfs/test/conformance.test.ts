// Shows that xfs is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import xfs from '@fsport/fs-xfs';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly string[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

const results = testConformance(xfs, { test, expected: new URL('../expected.json', import.meta.url) });

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['xfs'];
  expect(computed?.profiles).toEqual(facts.profiles);
  expect(computed?.cells[row]).toEqual(facts.cells[row]);
});
