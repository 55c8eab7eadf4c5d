// Shows that shards, run apart and put together, are the run that was not split, to the byte; and that what is missing
// or does not belong together is never a pass.

import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKS } from '@fsport/conformance';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Job, jobKey } from '#src/jobs.js';
import { shardOf } from '#src/shard.js';
import { PATIENCE_MS, Project } from './command.js';

/** Jobs of one filesystem; only its name is looked at. */
const JOBS = CHECKS.slice(0, 20).map(
  (check) => ({ plugin: { fs: { name: 'x' } }, profile: 'v5.15', check }) as Job,
);

describe('a split', () => {
  const parts = (count: number, seconds: ReadonlyMap<string, number>): (readonly number[])[] =>
    Array.from({ length: count }, (_, i) => shardOf(JOBS, seconds, { index: i + 1, count }).jobs);

  test.each([1, 2, 3, 7, 25])('in %i has each job once', (count) => {
    const all = parts(count, new Map()).flat();
    expect(all.sort((a, b) => a - b)).toEqual([...JOBS.keys()]);
  });

  test('without times is even', () => {
    expect(parts(3, new Map()).map(({ length }) => length)).toEqual([7, 7, 6]);
  });

  test('with times gives the long one a shard of its own', () => {
    const seconds = new Map(JOBS.map((job, i) => [jobKey(job), i === 4 ? 100 : 1]));
    expect(parts(2, seconds)).toContainEqual([4]);
  });

  test('with some times counts the others as average ones', () => {
    const seconds = new Map([
      [jobKey(JOBS[0] as Job), 30],
      [jobKey(JOBS[1] as Job), 10],
    ]);
    // 18 of 20 seconds and 40 more: 200 on each side.
    const loads = parts(2, seconds).map((part) =>
      part.reduce((sum, i) => sum + (seconds.get(jobKey(JOBS[i] as Job)) ?? 20), 0),
    );
    expect(loads).toEqual([200, 200]);
  });
});

const SELECTION = ['ext4', 'E3', 'E6', 'E7', '-e', 'race/e3-madvise-* # known', '--no-times'];
const SHARDS = [1, 2, 3].map((index) => `results/shard-${index}-of-3`);
const [ONE, TWO, THREE] = SHARDS as [string, string, string];

let project: Project;
beforeAll(() => {
  project = new Project();
  for (const index of [1, 2, 3]) project.call('run', ...SELECTION, '--shard', `${index}/3`);
}, PATIENCE_MS);
afterAll(() => project.remove());

const runJson = (): string => readFileSync(join(project.folder, 'results/latest/run.json'), 'utf8');

test(
  'shards put together are the run that was not split',
  () => {
    const merged = project.call('merge', ...SHARDS, '--no-times');
    const mergedRun = runJson();
    const about = (kind: string): string => {
      const path = `results/latest/v5.14/ext4/race/e7-zero-range-vs-read.${kind}`;
      return readFileSync(join(project.folder, path), 'utf8');
    };
    const [mergedToken, mergedTrace] = [about('token'), about('trace.json')];
    rmSync(join(project.folder, 'results/latest'), { recursive: true });
    const whole = project.call('run', ...SELECTION);
    expect(whole.status).toBe(0);
    expect(merged).toEqual(whole);
    expect(mergedRun).toBe(runJson());
    expect(mergedToken).toBe(about('token'));
    expect(mergedTrace).toBe(about('trace.json'));
    expect(project.call('merge', THREE, ONE, TWO, '--no-times')).toEqual(whole);
  },
  PATIENCE_MS,
);

describe('what is missing is unknown', () => {
  const unwrapped = (text: string): string => text.replace(/\s+/g, ' ');

  test('if a shard is; the run can go on', () => {
    const { status, stdout } = project.call('merge', ONE, THREE, '--no-times');
    expect(status).toBe(2);
    expect(unwrapped(stdout)).toContain('no result of it: shard 2 of 3 is missing');
    expect(runJson()).toContain('"verdict": "unknown"');
    expect(project.call('run', ...SELECTION, '--resume').status).toBe(0);
    expect(runJson()).not.toContain('"verdict": "unknown"');
  });

  test('if a shard was killed', () => {
    const cut = 'results/cut';
    cpSync(join(project.folder, TWO), join(project.folder, cut), { recursive: true });
    const journal = readFileSync(join(project.folder, cut, 'journal.jsonl'), 'utf8').split('\n');
    project.write(`${cut}/journal.jsonl`, `${journal.slice(0, 2).join('\n')}\n`);
    const { status, stdout } = project.call('merge', ONE, cut, THREE, '--no-times');
    expect(status).toBe(2);
    expect(unwrapped(stdout)).toContain('shard 2 of 3 did not finish it');
  });

  test('even if the package declares that the verdict is unknown', () => {
    const other = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    const declared = { 'race/e7-*': { 'v5.15': { verdict: 'unknown' } } };
    other.write('node_modules/fs-b/expected.json', JSON.stringify(declared));
    other.call('run', 'b', 'E6', 'E7', '-s', 'v5.15', '--shard', '1/3');
    other.call('run', 'b', 'E6', 'E7', '-s', 'v5.15', '--shard', '2/3');
    const { status, stdout } = other.call('merge', 'results/shard-1-of-3', 'results/shard-2-of-3');
    other.remove();
    expect(status).toBe(2);
    expect(unwrapped(stdout)).toContain('shard 3 of 3 is missing');
  });
});

test('a shard without a job is a run of nothing', () => {
  const { status, stdout } = project.call(
    'run',
    'ext4',
    'E7',
    '-s',
    'v5.15',
    '--shard',
    '2/2',
    '--results',
    'one',
  );
  expect({ status, ran: /Ran: 0 of 0/.test(stdout) }).toEqual({ status: 0, ran: true });
  project.call('run', 'ext4', 'E7', '-s', 'v5.15', '--shard', '1/2', '--results', 'one');
  expect(project.call('merge', 'one/shard-1-of-2', 'one/shard-2-of-2').status).toBe(0);
});

describe('bad usage', () => {
  const BAD: readonly (readonly [string, string[], RegExp])[] = [
    ['no fraction', ['run', 'ext4', '--shard', '2'], /--shard.*2\/3/],
    ['shard zero', ['run', 'ext4', '--shard', '0/3'], /--shard/],
    ['a shard beyond the last', ['run', 'ext4', '--shard', '4/3'], /--shard/],
    ['nothing to merge', ['merge'], /folders/],
    ['a folder without results', ['merge', ONE, 'none'], /none holds no results/],
    ['a whole run', ['merge', 'whole/latest'], /whole.latest holds a whole run/],
    ['a shard twice', ['merge', ONE, TWO, ONE], /are the same shard/],
    ['shards of different counts', ['merge', ONE, 'halves/shard-2-of-2'], /there were 3 shards and are 2/],
    [
      'shards of different selections',
      ['merge', ONE, 'other/shard-2-of-3'],
      /are not of one run: .* is selected, too/,
    ],
    ['shards of different options', ['merge', ONE, 'seed/shard-2-of-3'], /seed 7/],
    ['shards split by different times', ['merge', ONE, TWO, 'times/shard-3-of-3'], /overlap.*check\.time/],
    ['shards of another version', ['merge', 'old/one', 'old/two'], /fsport is \S+ instead of 0\.0\.0/],
  ];

  test(
    'loses nothing, and says in few words on the standard error output what to do',
    () => {
      project.call('run', 'ext4', 'E7');
      project.call('run', 'ext4', 'E7', '--results', 'whole');
      project.call('run', ...SELECTION, '--shard', '2/2', '--results', 'halves');
      project.call('run', 'ext4', 'E3', '--shard', '2/3', '--results', 'other');
      project.call('run', ...SELECTION, '--shard', '2/3', '--results', 'seed', '--seed', '7');
      const times = [
        'ext4 v5.15 race/e7-zero-range-vs-read 9.000',
        'ext4 v5.15 race/e3-fadvise-vs-punch 1.000',
      ];
      project.write('times/latest/check.time', `${times.join('\n')}\n`);
      project.call('run', ...SELECTION, '--shard', '3/3', '--results', 'times');
      for (const [index, name] of ['one', 'two'].entries()) {
        const journal = readFileSync(join(project.folder, SHARDS[index] as string, 'journal.jsonl'), 'utf8');
        project.write(`old/${name}/journal.jsonl`, journal.replace(/"fsport":"[^"]+"/, '"fsport":"0.0.0"'));
      }
      const before = runJson();
      const wrong = BAD.flatMap(([what, args, message]) => {
        const { status, stdout, stderr } = project.call(...args);
        const short = stderr.trimEnd().split('\n').length <= 3;
        return status === 3 && stdout === '' && short && message.test(stderr)
          ? []
          : [{ what, status, stderr }];
      });
      expect(wrong).toEqual([]);
      expect(runJson()).toBe(before);
    },
    PATIENCE_MS,
  );
});
