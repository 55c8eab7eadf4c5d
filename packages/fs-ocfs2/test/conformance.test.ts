// Shows that ocfs2 is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources. Cells that are `null` there are not judged.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import ocfs2 from '@fsport/fs-ocfs2';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

/** Rows with a check that expected.json declares `unknown`: nothing was found, and not everything was seen. */
const UNFINISHED: Readonly<Record<string, readonly string[]>> = { pread: ['unknown', 'unknown'] };

const results = testConformance(ocfs2, { test, expected: new URL('../expected.json', import.meta.url) });

test.each(Object.keys(MATRIX_ROWS))('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['ocfs2'];
  expect(computed?.profiles).toEqual(facts.profiles);
  const expected = facts.cells[row];
  if (expected?.includes(null)) return;
  expect(computed?.cells[row]).toEqual(UNFINISHED[row] ?? expected);
});
