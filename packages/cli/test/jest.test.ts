// Shows that a package in a project of its own, with nothing but a plain Jest configuration, runs the suite as Jest tests;
// and that a failure there is the one that the command finds, with the same token.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PATIENCE_MS, Project } from './command.js';

const JEST = fileURLToPath(new URL('../../../node_modules/jest/bin/jest.js', import.meta.url));
const E7 = 'race/e7-zero-range-vs-read';

const TEST = `import { testConformance } from '@fsport/conformance';
import { expect, test } from '@jest/globals';
import mine from 'fs-mine';
const results = testConformance(mine, { test, expected: new URL('expected.json', import.meta.url) });
test('race/e7 results are there for what comes after them', () => {
  expect(results.map(({ verdict }) => verdict)).toEqual(['fail', 'pass']);
});
`;

let project: Project;
beforeAll(() => {
  // ext4 without what it declares: the race of v5.14 is a failure.
  project = new Project({ 'fs-mine': "export default { ...ext4, name: 'mine' };" }, [
    'conformance',
    '@jest/globals',
  ]);
  project.write('jest.config.mjs', 'export default { transform: {} };\n');
  project.write(
    'package.json',
    '{ "name": "project", "type": "module", "dependencies": { "fs-mine": "*" } }',
  );
  project.write('test/mine.test.js', TEST);
  project.write('test/expected.json', '{}');
});
afterAll(() => project.remove());

test(
  'the suite runs under a plain Jest configuration, and fails with the token that the command prints',
  () => {
    const args = ['--experimental-vm-modules', JEST, '-t', 'race/e7', '--ci', '--no-cache'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: project.folder, encoding: 'utf8' });
    expect(stderr).toMatch(/Tests: +1 failed, \d{3,} skipped, 2 passed/);
    expect(status).toBe(1);
    expect(stderr).toMatch(`mine v5.14 ${E7}: fail, expected pass`);
    const replay = /fsport (replay mine '\S+' -s v5\.14)/.exec(stderr)?.[1] as string;
    const { stdout } = project.call('run', 'mine', 'E7', '-s', 'v5.14');
    expect(stdout).toContain(`fsport ${replay}`);
    const [command, fs, token, flag, profile] = replay.replaceAll("'", '').split(' ') as [
      string,
      string,
      string,
      string,
      string,
    ];
    expect(project.call(command, fs, token, flag, profile).status).toBe(1);
  },
  PATIENCE_MS,
);

test('an expected.json that cannot be read is one clear error', () => {
  project.write('test/mine.test.js', TEST.replace("'expected.json'", "'none.json'"));
  const args = ['--experimental-vm-modules', JEST, '--ci', join('test', 'mine.test.js')];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: project.folder, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/none\.json.*cannot be read/);
});
