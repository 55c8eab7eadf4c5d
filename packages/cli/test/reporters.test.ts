// Shows that a run writes several reports at once, that one which is killed leaves them valid with the rest as unknown,
// and that GitHub is told at which line of a filesystem a failure comes to its end.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BIN, ext4But, PATIENCE_MS, Project } from './command.js';

const E7 = 'race/e7-zero-range-vs-read';

let project: Project;
beforeAll(() => {
  // `b` is ext4 without an expected.json: what v5.14 does is declared nowhere.
  project = new Project({ 'fs-b': ext4But('b', '') });
});
afterAll(() => project.remove());

function read(path: string, where = project): string {
  return readFileSync(join(where.folder, path), 'utf8');
}

describe('several reports', () => {
  test('are each where they are wanted', () => {
    const called = project.call(
      ...[
        'run',
        'ext4',
        'E7',
        '--no-times',
        '-R',
        'text',
        '-R',
        'junit=out/a.xml,ktap=b.ktap',
        '-R',
        'junit',
      ],
    );
    expect(called).toMatchObject({ status: 0, stderr: '' });
    expect(called.stdout).toContain('xfail    lost-zeroing');
    expect(called.stdout).not.toMatch(/<testsuite|KTAP/);
    expect(read('out/a.xml')).toBe(read('results/latest/junit.xml'));
    expect(read('out/a.xml').match(/<testcase /g)).toHaveLength(2);
    const ktap = project.call('run', 'ext4', 'E7', '--no-times', '-R', 'ktap');
    expect(ktap.stdout).toBe(read('b.ktap'));
    expect(ktap.stdout).toMatch(/^KTAP version 1\n1\.\.2\n/);
  });

  test('that cannot be written are refused before anything runs', () => {
    project.write('folder/file', '');
    for (const [args, message] of [
      [['-R', 'junit='], /--reporter junit=.*no file/],
      [['-R', 'junit=x.xml', '-R', 'ktap=./x.xml'], /x\.xml.*two reports/],
      [['-R', 'ktap=folder'], /folder.*-R name=file/],
      [['-R', 'text=folder/file/x'], /folder.*-R name=file/],
      [['-R', 'tap'], /"tap".*text, minimal, github, json, ktap, junit/],
    ] as const) {
      const { status, stdout, stderr } = project.call('run', 'ext4', 'E7', ...args);
      expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
        status: 3,
        stdout: '',
        lines: 1,
      });
      expect(stderr).toMatch(message);
    }
    expect(existsSync(join(project.folder, 'x.xml'))).toBe(false);
  });
});

test(
  'a run that is killed leaves valid reports, with the rest as unknown',
  async () => {
    const other = new Project({ 'fs-spins': ext4But('spins', 'for (;;);') });
    const reports = 'text,json=run.json,ktap=run.ktap,junit=run.xml,minimal=run.txt';
    const args = [BIN, 'run', 'spins', 'E6', 'E7', '-s', 'v5.15', '-j', '1', '-R', reports];
    const child = spawn(process.execPath, args, { cwd: other.folder });
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      // The last report is written right after the text.
      if (seen.match(/ pass /g)?.length === 2) setTimeout(() => child.kill('SIGKILL'), 1000);
    });
    await once(child, 'close');
    const { results, unfinished } = JSON.parse(read('run.json', other));
    const ktap = read('run.ktap', other);
    const xml = read('run.xml', other);
    other.remove();
    expect(results).toHaveLength(2);
    expect(unfinished).toEqual([{ fs: 'spins', profile: 'v5.15', check: E7 }]);
    expect(ktap).toMatch(new RegExp(`not ok 3 ${E7} # TIMEOUT .*\nnot ok 1 spins@v5\\.15\n$`));
    expect(xml).toMatch(/tests="3" failures="0" errors="1"/);
    expect(xml.trimEnd().endsWith('</testsuites>')).toBe(true);
  },
  PATIENCE_MS,
);

describe('on GitHub', () => {
  function called(env: Readonly<Record<string, string>>, ...args: string[]): string {
    const options = { cwd: project.folder, encoding: 'utf8', env: { ...process.env, ...env } } as const;
    return spawnSync(process.execPath, [BIN, 'run', '-j', '1', ...args], options).stdout;
  }
  const env = (): Record<string, string> => ({
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: join(project.folder, 'plugins'),
    GITHUB_STEP_SUMMARY: join(project.folder, 'summary.md'),
  });

  test('a failure is annotated at a line of its filesystem, without being asked for', () => {
    project.write('summary.md', 'before\n');
    const stdout = called(env(), 'ext4', 'b', 'E7', '-s', 'v5.14');
    expect(stdout).toContain('FAIL'); // the text is still there
    const [annotation, ...more] = stdout.split('\n').filter((line) => line.startsWith('::'));
    expect(more).toEqual([]);
    expect(annotation).toMatch(
      /^::error file=fs-b\/index\.js,line=6,title=race\/e7-zero-range-vs-read \(b v5\.14\)::fail: lost-zeroing/,
    );
    expect(read('summary.md')).toMatch(
      /^before\n## fsport\n[\s\S]*\| ext4@v5\.14 \| b@v5\.14 \||\| b@v5\.14 \|/,
    );
  });

  test('a shard says nothing: that is for who merges', () => {
    expect(called(env(), 'b', 'E7', '-s', 'v5.14', '--shard', '1/1')).not.toContain('::error');
    expect(called({}, 'b', 'E7', '-s', 'v5.14')).not.toContain('::error');
  });
});
