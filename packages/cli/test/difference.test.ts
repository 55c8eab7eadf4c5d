// Shows that a run which finds something that is not declared prints how it differs, and the command that shows that.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Project } from './command.js';

const E7 = 'race/e7-zero-range-vs-read';

let project: Project;
beforeAll(() => {
  project = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
  const wrong = { 'v5.14': { verdict: 'fail', property: 'refcount' }, 'v5.15': { verdict: 'fail' } };
  project.write('plugins/fs-b/expected.json', JSON.stringify({ [E7]: wrong }));
});
afterAll(() => project.remove());

/** The command is run where it was printed. */
function diff(line: string): string {
  return spawnSync('sh', ['-c', line], { cwd: project.folder, encoding: 'utf8' }).stdout;
}

test.each([['text'], ['minimal']])('the report %s', (name) => {
  const { status, stdout } = project.call(
    'run',
    'b',
    'E7',
    '--no-times',
    '-R',
    name,
    '--results',
    'my results',
  );
  expect(status).toBe(1);
  const found = [...stdout.matchAll(/^ {4}(diff -u .*)$/gm)].map(([, command]) => diff(command as string));
  expect(found.map((text) => text.split('\n').slice(3))).toEqual([
    [' verdict: fail', '-property: refcount', '+property: lost-zeroing', ''],
    ['-verdict: fail', '+verdict: pass', ''],
  ]);
  for (const line of found.flatMap((text) => text.trimEnd().split('\n').slice(3))) {
    expect(stdout).toContain(`\n    ${line}\n`);
  }
});

test('nothing of the kind is printed about what is as declared, or not known yet', () => {
  expect(project.call('run', 'ext4', 'E7').stdout).not.toContain('diff -u');
  const { status, stdout } = project.call('run', 'b', 'E7', '-s', 'v5.15', '--max-executions', '1');
  expect(status).toBe(2);
  expect(stdout).not.toContain('diff -u');
});

test('the same run prints the same', () => {
  const [first, second] = [1, 2].map(() => project.call('run', 'b', 'E7', '--no-times').stdout);
  expect(first).toMatch(/diff -u results\/latest\/v5\.14\/b\/race/);
  expect(second).toBe(first);
});
