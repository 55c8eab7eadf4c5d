// Shows the verdict matrix of the last run, and what is said without one.

import { MATRIX_ROWS, type VerdictMatrix } from '@fsport/conformance';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Project } from './command.js';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.remove());

test('there is none without a run, or with one that cannot be read', () => {
  const none = project.call('matrix');
  expect(none).toMatchObject({
    status: 3,
    stdout: '',
    stderr: expect.stringMatching(/"fsport run" writes it/),
  });
  for (const text of ['{"format": 1', '{"format": 2, "results": []}', '{"format": 1}', '[]', 'null']) {
    project.write('old/latest/run.json', text);
    expect(project.call('matrix', '--results', 'old')).toMatchObject({ status: 3, stdout: '' });
  }
});

test('it has a cell for each row and profile', () => {
  project.call('run', 'ext4', 'E3', 'E7', '--results', 'here');
  const { status, stdout } = project.call('matrix', '--json', '--results', 'here');
  const { format, rows, filesystems }: VerdictMatrix = JSON.parse(stdout);
  expect({ status, format, rows }).toEqual({ status: 0, format: 1, rows: MATRIX_ROWS });
  expect(Object.keys(filesystems)).toEqual(['ext4']);
  expect(filesystems['ext4']?.profiles).toEqual(['v5.14', 'v5.15']);
  expect(Object.keys(filesystems['ext4']?.cells ?? {})).toEqual(Object.keys(MATRIX_ROWS));
  expect(filesystems['ext4']?.cells).toMatchObject({
    willneed: ['race', 'safe'],
    'shift-or-zero': ['race', 'safe'],
    pread: [null, null],
  });
  expect(project.call('matrix', '--results', 'here').stdout).toMatch(/^willneed +race +safe$/m);
});
