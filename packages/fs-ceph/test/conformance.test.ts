// Shows that ceph is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources, but for the cells of which the README says why they are not.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import ceph from '@fsport/fs-ceph';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

/** Advice deadlocks with a truncation; a store to a page that is not cached begins with a fault. */
const ARGUED: Facts['cells'] = {
  willneed: ['race+deadlock', 'deadlock'],
  truncate: ['deadlock', 'deadlock'],
  mkwrite: ['race', 'safe'],
};

const results = testConformance(ceph, { test, expected: new URL('../expected.json', import.meta.url) });
const judged = Object.keys(MATRIX_ROWS).filter((row) => !facts.cells[row]?.includes(null));

test.each(judged)('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['ceph'];
  expect(computed?.profiles).toEqual(facts.profiles);
  expect(computed?.cells[row]).toEqual(ARGUED[row] ?? facts.cells[row]);
});
