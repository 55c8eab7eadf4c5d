/** Reads the expected.json of a package: every key must be about a check of the suite. */
import { readFileSync } from 'node:fs';
import { UsageError } from '@fsport/core';
import { CHECKS } from './checks/registry.js';
import { type Expected, parseExpected } from './expected.js';

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = (error as Error).message;
    const text = `${path} cannot be read: ${why}. A package that declares nothing has an expected.json of {}.`;
    throw new UsageError('BAD_EXPECTED', { where: path }, text);
  }
}

/**
 * Read an expected.json.
 *
 * @param path - The file.
 * @throws UsageError `BAD_EXPECTED`: it cannot be read, or a key is no check and matches none.
 */
export function readExpected(path: string): Expected {
  const expected = parseExpected(jsonOf(path), path);
  const [stranger] = expected.unmatched(CHECKS.map(({ id }) => id));
  if (stranger === undefined) return expected;
  const text = `${path}: no check is called "${stranger}". "fsport list" prints the ids that a key can match.`;
  throw new UsageError('BAD_EXPECTED', { where: path, key: stranger }, text);
}
