// Shows that ext4 is what expected.json says, check by check, that each deliberate fault is caught by the check that it
// names, and that all of it together is the verdict matrix that was worked out from the kernel sources.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import ext4 from '@fsport/fs-ext4';
import { expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly string[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

const results = testConformance(ext4, {
  test,
  expected: new URL('../expected.json', import.meta.url),
  mutants: MUTANTS,
});

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['ext4'];
  expect(computed?.profiles).toEqual(facts.profiles);
  expect(computed?.cells[row]).toEqual(facts.cells[row]);
});
