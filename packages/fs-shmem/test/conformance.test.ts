// Shows that tmpfs is what expected.json says, check by check, and that all of it together is the verdict matrix that
// was worked out from the kernel sources. A cell that is null there was not judged.

import { readFileSync } from 'node:fs';
import { CHECKS, MATRIX_ROWS, matrixOf, testConformance } from '@fsport/conformance';
import shmem from '@fsport/fs-shmem';
import { expect, test } from '@jest/globals';

interface Facts {
  readonly profiles: readonly string[];
  readonly cells: Readonly<Record<string, readonly (string | null)[]>>;
}

const facts = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as Facts;

const results = testConformance(shmem, { test, expected: new URL('../expected.json', import.meta.url) });

const judged = Object.keys(MATRIX_ROWS).filter((row) => facts.cells[row]?.[0] !== null);

test.each(judged)('verdict matrix: %s', (row) => {
  const own = results.filter(({ profile }) => facts.profiles.includes(profile));
  const computed = matrixOf(own, CHECKS).filesystems['shmem'];
  expect(computed?.profiles).toEqual(facts.profiles);
  expect(computed?.cells[row]).toEqual(facts.cells[row]);
});

test('with the patch that was left out, the matrix is the same as without it', () => {
  const computed = matrixOf(results, CHECKS).filesystems['shmem'];
  for (const row of judged) expect(computed?.cells[row]?.[2]).toEqual(facts.cells[row]?.[1]);
});
