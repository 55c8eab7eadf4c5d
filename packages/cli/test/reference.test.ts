// Shows that docs/checks.md and docs/errors.md are what the registry of checks and the table of error codes say, by
// making them again, and that every check and every code has its line.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '@fsport/conformance';
import { ERRORS } from '@fsport/core';
import { expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The names in the first column of a page's tables. */
function names(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string);
}

test('docs/checks.md and docs/errors.md are current', () => {
  const script = join(ROOT, 'scripts/reference.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('every check and every error code has its line', () => {
  expect(names('checks.md')).toEqual(expect.arrayContaining(CHECKS.map(({ id }) => id)));
  expect(names('errors.md')).toEqual(Object.keys(ERRORS));
});
