// Shows that checks are found by where they are written: at any line of one, where a function is called that makes one,
// and in such a function. The lines are looked up in the source.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKS, selectChecks } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { expect, test } from '@jest/globals';
import { checksWrittenAt } from '#src/written-at.js';

const FOLDER = fileURLToPath(new URL('../../conformance/src/checks/', import.meta.url));
const E7 = 'race/e7-zero-range-vs-read';

/** The place of the first line after some texts that contains the last of them, and lines further on. */
function place(file: string, text: string, further = 0): string {
  const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes(text));
  expect(at).toBeGreaterThanOrEqual(0);
  return `${join(FOLDER, file)}:${at + 1 + further}`;
}

function idsAt(where: string): readonly string[] | undefined {
  return checksWrittenAt(where)?.map(({ id }) => id);
}

test.each([-1, 0, 1, 4, 7])('a check, by a line of it: its id and %i', (further) => {
  expect(idsAt(place('named.ts', `'${E7}'`, further))).toEqual([E7]);
});

test('a check that a function completes, where it is called', () => {
  expect(idsAt(place('triples.ts', "'store-grow-store'"))).toEqual(['triple/store-grow-store']);
});

test('all that a function makes, by a line of it', () => {
  const pairs = CHECKS.filter(({ pair }) => pair !== null).map(({ id }) => id);
  expect(idsAt(place('pairs.ts', 'pair/${'))).toEqual(pairs);
  expect(idsAt(place('pairs.ts', 'raPages: filler'))).toEqual(pairs);
  const advice = selectChecks(CHECKS, 'race/e3-*').map(({ id }) => id);
  expect(idsAt(place('named.ts', 'Readahead by advice'))).toEqual(advice);
});

test.each(['E7', E7, 'race/*', 'ext4'])('%s is no place', (text) => {
  expect(checksWrittenAt(text)).toBeNull();
});

test.each([
  ['a list of checks', () => place('named.ts', 'export const NAMED'), /no check is written there/],
  ['a comment', () => place('named.ts', '/** All named checks. */'), /no check is written there/],
  ['a line above them', () => place('named.ts', 'import '), /no check is written there/],
  ['a line that is not there', () => join(FOLDER, 'named.ts:99999'), /has \d+ lines/],
  ['line 0', () => join(FOLDER, 'named.ts:0'), /has \d+ lines/],
  ['a file that is not there', () => 'nowhere.ts:1', /^nowhere\.ts:1: the file cannot be read \(ENOENT\)\./],
])('%s is refused', (_, where, message) => {
  const found = (): unknown => checksWrittenAt(where());
  expect(found).toThrow(UsageError);
  expect(found).toThrow(message);
});
