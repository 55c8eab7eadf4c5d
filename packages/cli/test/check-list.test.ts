// Shows that checks can be listed for programs and for files, and that a file of checks selects those that it lists.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Project } from './command.js';

const NAMED = ['race/e1-read-vs-punch', 'race/e7-zero-range-vs-read'];

let project: Project;
beforeAll(() => {
  project = new Project({ 'fs-b': "export default { ...ext4, name: 'b', follows: ['v5.15'] };" });
});
afterAll(() => project.remove());

const refused = (...args: string[]): string => {
  const { status, stdout, stderr } = project.call(...args);
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  return stderr;
};

describe('list --json', () => {
  test('says what each check is about and what it is selected on', () => {
    const { status, stdout } = project.call('list', 'b', 'ext4', 'E7', 'E1', '-s', 'v5.15', '--json');
    expect(status).toBe(0);
    const { format, checks } = JSON.parse(stdout);
    expect(format).toBe(1);
    expect(checks.map(({ id }: { id: string }) => id)).toEqual(NAMED);
    expect(checks[0]).toMatchObject({
      groups: expect.arrayContaining(['named', 'punch']),
      requires: { punchHole: true },
      summary: expect.stringMatching(/\.$/),
      on: ['b', 'ext4'].map((fs) => ({ fs, profiles: ['v5.15'] })),
    });
  });

  test('lists what list prints', () => {
    const { checks } = JSON.parse(project.call('list', '-g', 'lockdep', '--json').stdout);
    const ids = checks.map(({ id }: { id: string }) => `${id}\n`).join('');
    expect(ids).toBe(project.call('list', '-g', 'lockdep').stdout);
    expect(ids).not.toBe('');
  });

  test('is not for a run', () => {
    expect(refused('run', 'E7', '--list', '--json')).toMatch(/unknown option '--json'/);
  });
});

describe('--check-list', () => {
  test('takes what list prints, whole', () => {
    const listed = project.call('list', '-g', 'punch').stdout;
    project.write('all.txt', listed);
    expect(project.call('list', '--check-list', 'all.txt').stdout).toBe(listed);
    expect(project.call('run', '--list', '--check-list', 'all.txt').stdout).toBe(listed);
  });

  test('takes comments, globs and short names, in addition to what is named, in the order of the suite', () => {
    project.write('few.txt', '# those that matter\n\n  E7   # by its short name\nrace/e1-*#and a glob\n');
    const { status, stdout } = project.call('run', 'E8', '--check-list', 'few.txt', '--list');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${NAMED.join('\n')}\nrace/e8-collapse-vs-read\n`,
    });
  });

  test('runs those checks and no others', () => {
    project.write('one.txt', `${NAMED[1]}\n`);
    const { status, stdout } = project.call('run', 'b', '--check-list', 'one.txt');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Ran: 1 of 1 /);
  });

  test('a line that fits no check is refused by file and line', () => {
    project.write('typo.txt', '# first\nE7\nrace/e9-nothing\n');
    expect(refused('run', '--check-list', 'typo.txt')).toMatch(
      /^fsport: typo\.txt:3: "race\/e9-nothing" fits no check\./,
    );
  });

  test('an empty list, or none, is refused, and not taken for everything', () => {
    project.write('empty.txt', '# nothing\n\n');
    expect(refused('run', '--check-list', 'empty.txt')).toMatch(/^fsport: empty\.txt: it lists no check\./);
    expect(refused('list', '--check-list', 'none.txt')).toMatch(
      /^fsport: --check-list none\.txt: it cannot be read \(ENOENT\)\./,
    );
  });

  test('a configuration cannot set it for all calls', () => {
    project.write('below/fsport.config.mjs', "export default { checkList: ['few.txt'] };");
    const { status, stderr } = project.callIn('below', 'run', 'E7');
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/"checkList" is no option/),
    });
  });
});
