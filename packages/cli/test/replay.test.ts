// Shows that what a failure prints replays it in another process, byte for byte, and that a token which does not fit
// is refused with the reason.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ext4But, PATIENCE_MS, Project } from './command.js';

const E7 = 'race/e7-zero-range-vs-read';

let project: Project;
let printed: string;
let token: string;
beforeAll(() => {
  project = new Project();
  printed = project.call('run', 'ext4', 'E7', '--no-times').stdout;
  token = /fsport replay ext4 '(\S+)' -s v5\.14/.exec(printed)?.[1] as string;
});
afterAll(() => project.remove());

describe('a token from the printed report', () => {
  test('shows the failure that was printed, and fails', () => {
    const replayed = project.call('replay', 'ext4', token, '-s', 'v5.14');
    expect(replayed).toMatchObject({ status: 1, stderr: '' });
    const schedule = printed.slice(printed.indexOf(`\n${E7}  ext4`) + 1, printed.indexOf('\n  Found'));
    expect(schedule.split('\n').length).toBeGreaterThan(10);
    expect(replayed.stdout.startsWith(schedule)).toBe(true);
  });

  test('prints the same bytes in any process, and finds its profile by itself', () => {
    const first = project.call('replay', 'fs-ext4', token);
    expect(first.stdout).toContain(' v5.14 ');
    expect(project.call('replay', '--profile', 'v5.14', 'ext4', token)).toEqual(first);
  });

  test('is explained: it has one switch, without which nothing is wrong', () => {
    // E7 needs the reader between two steps of the puncher, so no schedule without a preemption shows it.
    const { status, stdout } = project.call('explain', 'ext4', token);
    expect(status).toBe(0);
    const switches = stdout.split('\n  Switches\n')[1];
    expect(switches).toMatch(
      /^ {2}- step \d+, p between \S+ and\s+\S+: nothing is wrong if p goes on here\n$/,
    );
    const steps = /step (\d+)/.exec(switches as string)?.[1] as string;
    const cut = project.call('replay', 'ext4', `${token.split(':')[0]}:p${steps}r0`, '-s', 'v5.14');
    expect(cut).toMatchObject({ status: 0, stdout: expect.stringMatching(/nothing is wrong/) });
  });
});

test('a schedule written by hand is replayed, and passes if nothing is wrong with it', () => {
  const { status, stdout } = project.call('replay', 'ext4', `${E7}@1:p100`, '-s', 'v5.15');
  expect({ status, stdout: /nothing is wrong/.test(stdout) }).toEqual({ status: 3, stdout: false });
  const fits = project.call('replay', 'ext4', `${E7}@1:p1r1`, '-s', 'v5.15');
  expect({ status: fits.status, stdout: /nothing is wrong/.test(fits.stdout) }).toEqual({
    status: 0,
    stdout: true,
  });
});

describe('a model that computes for ever', () => {
  let spinning: Project;
  beforeAll(() => {
    spinning = new Project({ 'fs-b': ext4But('b', 'for (;;);') });
  });
  afterAll(() => spinning.remove());

  test(
    'fails its replay',
    () => {
      const { status, stdout } = spinning.call('replay', 'b', `${E7}@1:p1r1`, '-s', 'v5.15');
      expect(status).toBe(1);
      expect(stdout).toMatch(/never-yields(?:.|\n)*the replay ran for 10 s without coming to an end/);
    },
    PATIENCE_MS,
  );

  test.each([
    ['explain', ['b', `${E7}@1:p1r1`, '-s', 'v5.15', '--format', 'svg']],
    ['diff', ['ext4@v5.15', 'b@v5.15', `${E7}@1:p1r1`]],
  ])(
    'cannot be shown by %s',
    (command, args) => {
      const { status, stdout, stderr } = spinning.call(command, ...args);
      expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({
        status: 3,
        stdout: '',
        lines: 2,
      });
      expect(stderr).toMatch(/b@v5\.15 ran for 10 s without coming to an end.*"yield\*" in fs-b/);
    },
    PATIENCE_MS,
  );
});

test('a model that throws when it is mounted cannot be compared', () => {
  const other = new Project({
    'fs-b': "export default { ...ext4, name: 'b', mount() { throw new TypeError('no disk'); } };",
  });
  const { status, stdout, stderr } = other.call('diff', 'ext4@v5.15', 'b', `${E7}@1:p1r1`);
  other.remove();
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  expect(stderr).toMatch(/fs-b cannot be mounted as v5\.15: TypeError: no disk/);
});

describe('a token is refused', () => {
  const refused = (...args: string[]): string => {
    const { status, stdout, stderr } = project.call('replay', ...args);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 3, stdout: '', lines: 2 });
    return stderr;
  };

  test('that is torn', () => {
    expect(refused('ext4', token.slice(0, -3))).toMatch(/cannot be read.*Copy it whole/);
    expect(refused('ext4', 'nonsense')).toMatch(/cannot be read/);
  });

  test('of another format', () => {
    expect(refused('ext4', token.replace('@1', '@0'))).toMatch(/format 0.*reads format 1/);
  });

  test('of a check that is gone', () => {
    expect(refused('ext4', token.replace('race/e7-', 'race/e77-'))).toMatch(/race\/e77-.*fsport list/);
  });

  test('that is stale, with the first step that differs', () => {
    expect(refused('ext4', token, '-s', 'v5.15')).toMatch(/does not fit.*step/);
  });

  test('for a filesystem or profile that is not there', () => {
    expect(refused('ext5', token)).toMatch(/"ext5".*ext4/);
    expect(refused('ext4', token, '-s', 'v4.0')).toMatch(/"v4\.0".*v5\.14, v5\.15/);
  });
});
