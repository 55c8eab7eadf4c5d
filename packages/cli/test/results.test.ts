// Shows what a run leaves behind: a folder of its own with a link to the last one, the runs before it untouched, and
// beside each check what there is to say about it.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PATIENCE_MS, Project } from './command.js';

const E7 = 'race/e7-zero-range-vs-read';

let project: Project;
beforeAll(() => {
  // `b` declares that v5.14 passes and that v5.15 fails: both are wrong.
  project = new Project({ 'fs-b': "export default { ...ext4, name: 'b', supports: { ...ext4.supports } };" });
  const wrong = {
    [E7]: { 'v5.14': { verdict: 'pass' }, 'v5.15': { verdict: 'fail', property: 'lost-zeroing' } },
  };
  project.write('plugins/fs-b/expected.json', JSON.stringify(wrong));
});
afterAll(() => project.remove());

const results = (): string => join(project.folder, 'results');
const read = (path: string): string => readFileSync(join(results(), path), 'utf8');

/** Folders of runs, oldest first. */
function runs(): readonly string[] {
  return readdirSync(results())
    .filter((name) => /^\d{8}T\d{6}Z/.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

describe('beside a check is', () => {
  beforeAll(() => {
    expect(project.call('run', 'b', 'E7', 'X3').status).toBe(1);
  });

  test('what is declared and what was found, if that is not the same', () => {
    expect(read(`latest/v5.14/b/${E7}.out`)).toBe('verdict: pass\n');
    expect(read(`latest/v5.14/b/${E7}.out.bad`)).toBe('verdict: fail\nproperty: lost-zeroing\n');
    expect(read(`latest/v5.15/b/${E7}.out`)).toBe('verdict: fail\nproperty: lost-zeroing\n');
    expect(read(`latest/v5.15/b/${E7}.out.bad`)).toBe('verdict: pass\n');
  });

  test('the failure, its token and everything about its steps', () => {
    const token = read(`latest/v5.14/b/${E7}.token`).trim();
    const full = read(`latest/v5.14/b/${E7}.full`);
    expect(full).toContain(`fsport replay b '${token}' -s v5.14`);
    const trace = JSON.parse(read(`latest/v5.14/b/${E7}.trace.json`));
    expect(trace).toMatchObject({ format: 1, fs: 'b', profile: 'v5.14', check: E7, token });
    // Each numbered line of the drawing is a step of the trace.
    const drawn = full.split('\n').flatMap((line) => /^ +\d+ (?:>| ) +(\S+\(.*?\))/.exec(line)?.[1] ?? []);
    expect(trace.steps.map(({ text }: { text: string }) => text)).toEqual(drawn);
    expect(read(`latest/v5.14/b/${E7}.hints`)).toBe('v5.15 is declared to fail too: lost-zeroing\n');
  });

  test('why it was not run, in one file for all checks that were not run for that reason', () => {
    const [store, load] = ['store', 'load'].map((what) => `latest/v5.15/b/race/x3-clone-vs-${what}.notrun`);
    expect(read(store as string)).toBe('supports.clone is not claimed\n');
    const inode = (path: string): number => statSync(join(results(), path)).ino;
    expect(inode(load as string)).toBe(inode(store as string));
  });

  test('nothing else', () => {
    const files = (folder: string): readonly string[] =>
      readdirSync(join(results(), 'latest', folder)).sort();
    const kinds = (names: readonly string[]): readonly string[] =>
      names.map((name) => name.split(/(?<=[a-z])\./)[1] ?? '');
    expect(kinds(files('v5.14/b/race'))).toEqual(
      expect.arrayContaining(['full', 'hints', 'notrun', 'out', 'token']),
    );
    expect(files('v5.15/b/race').filter((name) => !name.endsWith('.notrun'))).toEqual([
      'e7-zero-range-vs-read.out',
      'e7-zero-range-vs-read.out.bad',
    ]);
  });
});

test(
  'the runs before are kept, and the last one is linked to',
  () => {
    const before = runs();
    const kept = read(`${before.at(-1)}/run.json`);
    project.call('run', 'ext4', 'E7', '-s', 'v5.15');
    const [last, ...more] = runs().filter((name) => !before.includes(name));
    expect(more).toEqual([]);
    expect(readlinkSync(join(results(), 'latest'))).toBe(last);
    expect(read(`${before.at(-1)}/run.json`)).toBe(kept);
    expect(JSON.parse(read('latest/run.json')).results).toHaveLength(1);
    const log = read('check.log');
    expect(log).toContain(`Failures: v5.14/b/${E7} v5.15/b/${E7}\nFailed 2 of 2 checks, exit status 1\n`);
    expect(log).toContain('Failed 0 of 1 checks, exit status 0\n');
  },
  PATIENCE_MS,
);

test(
  'a folder named latest becomes one of the runs before, and of very many the oldest go',
  () => {
    rmSync(join(results(), 'latest'));
    renameSync(join(results(), runs().at(-1) as string), join(results(), 'latest'));
    for (let day = 1; day <= 25; day++) {
      const folder = join(results(), `201901${String(day).padStart(2, '0')}T000000Z`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'run.json'), '{}');
    }
    writeFileSync(join(results(), 'notes.txt'), 'mine');
    const { status } = project.call('run', 'ext4', 'E7', '-s', 'v5.15');
    expect(status).toBe(0);
    expect(runs()).toHaveLength(20);
    expect(read('notes.txt')).toBe('mine');
    expect(readlinkSync(join(results(), 'latest'))).toBe(runs().at(-1));
  },
  PATIENCE_MS,
);
