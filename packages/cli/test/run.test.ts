// Shows what `fsport run` selects, prints, keeps and ends with, by calling the real command.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from '@fsport/conformance';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BIN, type Called, ext4But, PATIENCE_MS, Project } from './command.js';

const E3 = ['race/e3-fadvise-vs-punch', 'race/e3-readahead-vs-punch', 'race/e3-madvise-vs-punch'];
const E7 = 'race/e7-zero-range-vs-read';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.remove());

function resultsIn(folder: string, where = project): CheckResult[] {
  const run = JSON.parse(readFileSync(join(where.folder, folder, 'latest/run.json'), 'utf8'));
  expect(run.format).toBe(1);
  return run.results;
}

const listed = (...args: string[]): string[] => {
  const { status, stdout } = project.call('run', '--list', ...args);
  expect(status).toBe(0);
  return stdout.trimEnd().split('\n');
};

describe('a selection', () => {
  test('by short name, glob and id, in the order of the suite, wherever the options stand', () => {
    expect(listed(E7, 'ext4', '-s', 'v5.15', 'E3', '--', 'race/e3-*')).toEqual([...E3, E7]);
  });

  test('by group adds up with names; all of it is valid input again', () => {
    const ids = listed('-g', 'quick', 'E3', 'fs-ext4');
    expect(ids).toEqual(expect.arrayContaining(['race/e1-read-vs-punch', ...E3]));
    expect(project.call('list', ...ids).stdout).toBe(`${ids.join('\n')}\n`);
  });

  test('without names is the group auto', () => {
    expect(listed('-x', 'truncate,lockdep')).toEqual(listed('-g', 'auto', '-x', 'truncate', '-x', 'lockdep'));
  });

  test('leaves out what the user excludes, and says why', () => {
    project.write('out.txt', `# slow ones\n\n${E3[1]} # seen # twice\n`);
    const { stdout } = project.call(
      ...['run', 'ext4', 'E3', 'E7', '-s', 'v5.15', '-e', 'E7 # one', '--exclude-file', 'out.txt'],
    );
    expect(stdout).toMatch(/Excluded: 2\n/);
    expect(stdout).toMatch(new RegExp(`${E3[1]} +seen # twice\n +${E7} +one\n`));
    expect(resultsIn('results').map(({ check }) => check)).toEqual([E3[0], E3[2]]);
  });

  test('leaves out what the package of a filesystem excludes, for itself', () => {
    const two = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    two.write('plugins/fs-b/known.txt', 'E3 # cannot work\n');
    two.call('run', 'ext4', 'b', 'E3', 'E7', '-s', 'v5.15', '-X', 'known.txt');
    const ran = resultsIn('results', two).map(({ fs, check }) => `${fs} ${check}`);
    two.remove();
    expect(ran).toEqual([`b ${E7}`, ...[...E3, E7].map((id) => `ext4 ${id}`)]);
  });
});

// Each option has a bad use in flags.test.ts.
describe('bad usage', () => {
  const BAD: readonly (readonly [string, string[], RegExp])[] = [
    ['an unknown option', ['run', 'ext4', '--worker', '2'], /--worker'[\s\S]*Did you mean --workers\?/],
    ['an unknown command', ['rum'], /rum'[\s\S]*Did you mean run\?/],
    ['an option without its value', ['run', '--group'], /--group <names>/],
    ['a glob that fits nothing', ['run', 'ext4', 'pair/nothing-*'], /pair\/nothing-\*/],
    ['an empty name', ['run', '-g', 'auto,,quick'], /--group/],
    ['nothing selected', ['run', 'ext4', 'E7', '-e', 'E7 # why'], /Nothing is left/],
    ['an exclusion of nothing', ['run', 'ext4', '-e', 'E99 # gone'], /"E99" names no check/],
    ['a line without a reason', ['run', '-E', 'bad.txt'], /bad\.txt:2: "E7" has no reason/],
    ['no time', ['run', '--time', '0s'], /--time/],
    ['a number to bail after that is none', ['run', '--bail', 'ext4'], /--bail/],
    ['a folder of something else', ['run', 'ext4', 'E7', '--results', 'mine'], /mine.*holds no run/],
    ['no command', [], /Usage: fsport/],
  ];

  test(
    'loses nothing, and says in few words on the standard error output what to do',
    () => {
      project.write('bad.txt', '\nE7\n');
      project.write('mine/latest/thesis.txt', 'years of work');
      project.call('run', 'ext4', 'E7', '-s', 'v5.15');
      const before = resultsIn('results');
      expect(before).toHaveLength(1);
      const wrong = BAD.flatMap(([what, args, message]) => {
        const { status, stdout, stderr } = project.call(...args);
        const short = args.length === 0 || stderr.trimEnd().split('\n').length <= 3;
        return status === 3 && stdout === '' && short && message.test(stderr)
          ? []
          : [{ what, status, stderr }];
      });
      expect(wrong).toEqual([]);
      expect(resultsIn('results')).toEqual(before);
      expect(readFileSync(join(project.folder, 'mine/latest/thesis.txt'), 'utf8')).toBe('years of work');
    },
    PATIENCE_MS,
  );
});

describe('the exit status', () => {
  test('is 0 if all is as declared, a declared failure included', () => {
    const { status, stdout, stderr } = project.call('run', 'ext4', 'E7');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/v5\.14 .*xfail[\s\S]*v5\.15 .*pass/);
  });

  test('is 1 if a failure is not declared, and worse than an unknown verdict', () => {
    // `b` is ext4 without an expected.json: what v5.14 does is declared nowhere.
    const other = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    const { status } = other.call('run', 'b', 'E3', '--max-executions', '5');
    const verdicts = resultsIn('results', other).map((result) => result.verdict);
    other.remove();
    expect(new Set(verdicts)).toEqual(new Set(['fail', 'unknown']));
    expect(status).toBe(1);
  });

  test.each([
    ['executions', ['--max-executions', '2']],
    ['samples', ['--strategy', 'pos', '--max-executions', '3']],
  ])('is 2 if a budget of %s runs out: it never passes', (_, budget) => {
    const { status, stdout } = project.call('run', 'ext4', E7, '-s', 'v5.15', ...budget);
    expect({ status, unknown: / unknown /.test(stdout) }).toEqual({ status: 2, unknown: true });
  });

  test('is 4 if a worker dies, and the others go on', () => {
    const other = new Project({ 'fs-exits': ext4But('exits', 'process.exit(0);') });
    const { status, stderr } = other.call('run', 'exits', 'E3', 'E6', '-s', 'v5.15');
    const verdicts = resultsIn('results', other).map((result) => result.verdict);
    other.remove();
    expect({ status, verdicts }).toEqual({
      status: 4,
      verdicts: ['unknown', 'unknown', 'unknown', 'pass', 'pass'],
    });
    expect(stderr).toMatch(/internal error/);
  });
});

describe('a run', () => {
  test('writes run.json, and each failure with its token', () => {
    const { stdout } = project.call('run', 'ext4', 'E7', '--no-times');
    const [failed, passed] = resultsIn('results') as [CheckResult, CheckResult];
    const common = { fs: 'ext4', check: E7, ok: true, reason: null, seconds: 0 };
    expect(passed).toMatchObject({
      ...common,
      profile: 'v5.15',
      verdict: 'pass',
      exhaustive: true,
      token: null,
    });
    expect(failed).toMatchObject({ ...common, profile: 'v5.14', verdict: 'fail', expected: 'fail' });
    expect(failed).toMatchObject({ property: 'lost-zeroing', token: expect.stringContaining(`${E7}@1`) });
    const latest = join(project.folder, 'results/latest');
    expect(readFileSync(join(latest, `v5.14/ext4/${E7}.token`), 'utf8')).toBe(`${failed.token}\n`);
    expect(stdout).toContain(readFileSync(join(latest, `v5.14/ext4/${E7}.full`), 'utf8'));
    expect(existsSync(join(latest, 'v5.15'))).toBe(false);
    expect(readdirSync(latest).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('prints and keeps the same bytes each time, whatever the number of workers', () => {
    const bytes = (workers: string): readonly [Called, string] => {
      const called = project.call('run', 'ext4', 'E3', 'E7', '--no-times', '-R', 'text,json', '-j', workers);
      return [called, readFileSync(join(project.folder, 'results/latest/run.json'), 'utf8')];
    };
    const [called, run] = bytes('1');
    expect(called.status).toBe(0);
    expect(called.stdout).toContain(run);
    for (const workers of ['1', '2']) expect(bytes(workers)).toEqual([called, run]);
  });

  test('prints JSON and nothing else if that is asked for', () => {
    const { stdout } = project.call('run', 'ext4', 'E7', '-R', 'json');
    expect(JSON.parse(stdout)).toEqual({ format: 1, results: resultsIn('results') });
  });

  test('in a random order prints a seed that repeats it', () => {
    const first = project.call('run', 'ext4', 'E3', 'E6', 'E7', '-r', '-s', 'v5.15', '--no-times');
    const seed = /--seed (\d+)/.exec(first.stderr)?.[1] as string;
    const again = project.call(
      'run',
      'ext4',
      'E3',
      'E6',
      'E7',
      '-r',
      '-s',
      'v5.15',
      '--no-times',
      '--seed',
      seed,
    );
    expect(again).toEqual(first);
  });

  test('stops after as many unexpected verdicts as are allowed', () => {
    const other = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    const reasons = (...args: string[]): (string | null)[] => {
      expect(other.call('run', 'b', 'E3', '-s', 'v5.14', ...args).status).toBe(1);
      return resultsIn('results', other).map(({ reason }) => reason);
    };
    expect(reasons('--bail', '-j', '2')).toEqual([null, 'stopped by --bail', 'stopped by --bail']);
    expect(reasons('--bail', '2')).toEqual([null, null, 'stopped by --bail']);
    expect(reasons()).toEqual([null, null, null]);
    other.remove();
  });

  test('starts what took longest first, and prints it in the order of the suite all the same', () => {
    project.call('run', 'ext4', 'E3', '-s', 'v5.15');
    const times = readFileSync(join(project.folder, 'results/latest/check.time'), 'utf8');
    expect(
      times.split('\n').filter((line) => /^ext4 v5\.15 race\/e3-\S+ \d+\.\d{3}$/.test(line)),
    ).toHaveLength(3);
    project.call('run', 'ext4', 'E3', '-s', 'v5.15', '-j', '1');
    expect(resultsIn('results').map(({ check }) => check)).toEqual(E3);
  });

  test(
    'that is interrupted reports what it knows',
    async () => {
      const other = new Project({ 'fs-spins': ext4But('spins', 'for (;;);') });
      const args = [BIN, 'run', 'spins', 'E6', 'E7', '-s', 'v5.15', '-j', '1', '--no-times'];
      const child = spawn(process.execPath, args, { cwd: other.folder });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        if (!child.killed && stdout.match(/ pass /g)?.length === 2) child.kill('SIGINT');
      });
      const [status] = await once(child, 'close');
      const results = resultsIn('results', other);
      other.remove();
      expect(status).toBe(130);
      expect(stdout).toMatch(/Exit status 130/);
      expect(results.map(({ verdict, reason }) => [verdict, reason])).toEqual([
        ['pass', null],
        ['pass', null],
        ['unknown', 'interrupted'],
      ]);
    },
    PATIENCE_MS,
  );
});
