// Shows that a verdict which is not as declared is shown as diff -u shows it, with the command that does: the lines are
// compared with what that command prints.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differenceText } from '@fsport/report';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'fsport it is '));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['a failure', 'verdict: pass\n', 'verdict: fail\nproperty: stale-data\n'],
  ['none, where one is declared', 'verdict: fail\nproperty: stale-data\n', 'verdict: pass\n'],
  ['another property', 'verdict: fail\nproperty: refcount\n', 'verdict: fail\nproperty: deadlock\n'],
  ['a property too many', 'verdict: fail\n', 'verdict: fail\nproperty: deadlock\n'],
  [
    'a reason',
    'verdict: fail\nproperty: deadlock\n',
    'verdict: notrun\nreason: supports.mmap is not claimed\n',
  ],
])('%s', (_, out, bad) => {
  const outPath = join(folder, "it's.out");
  const badPath = `${outPath}.bad`;
  writeFileSync(outPath, out);
  writeFileSync(badPath, bad);
  const lines = differenceText({ out, bad, outPath, badPath }).split('\n');
  expect(lines.every((line) => line.startsWith('    '))).toBe(true);
  const command = lines.at(-1)?.trim() as string;
  const { status, stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  expect(status).toBe(1);
  const [, , , ...body] = stdout.trimEnd().split('\n');
  expect(lines.slice(0, -1).map((line) => line.slice(4))).toEqual(body);
});

test('paths that need no quotes have none', () => {
  const text = differenceText({
    out: 'a\n',
    bad: 'b\n',
    outPath: 'results/x.out',
    badPath: 'results/x.out.bad',
  });
  expect(text).toBe('    -a\n    +b\n    diff -u results/x.out results/x.out.bad');
});
