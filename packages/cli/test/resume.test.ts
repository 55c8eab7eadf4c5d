// Shows that a run that was killed at any moment goes on to the same report, that no check that had finished runs
// again, and that nothing goes on as something else. Moments are drawn from a seed; what follows holds for all of them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '@fsport/explore';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BIN, type Called, PATIENCE_MS, Project } from './command.js';

const SELECTION = ['ext4', 'E3', 'E6', 'E7', '--no-times'];
const RUN = 'results/latest/run.json';
const JOURNAL = 'results/latest/journal.jsonl';

let project: Project;
beforeAll(() => {
  project = new Project();
});
afterAll(() => project.remove());

const read = (path: string): string => readFileSync(join(project.folder, path), 'utf8');
/** Jobs in the order in which they came to their end. */
const finished = (): string[] =>
  read(JOURNAL)
    .split('\n')
    .slice(1, -1)
    .map((line) => JSON.parse(line).job);

function whole(): readonly [Called, string] {
  rmSync(join(project.folder, 'results'), { recursive: true, force: true });
  return [project.call('run', ...SELECTION), read(RUN)];
}

describe('a run that was killed', () => {
  test(
    'at any moment, goes on to the same report, and repeats nothing that had finished',
    async () => {
      const expected = whole();
      expect(expected[0].status).toBe(0);
      const random = new Prng(1);
      const cutShort: boolean[] = [];
      for (let time = 0; time < 10; time++) {
        rmSync(join(project.folder, 'results'), { recursive: true, force: true });
        const args = [BIN, 'run', ...SELECTION, '-j', '1'];
        const child = spawn(process.execPath, args, { cwd: project.folder, stdio: 'ignore' });
        const exit = once(child, 'exit');
        // From when there is a journal to what is about the end of the run.
        while (!existsSync(join(project.folder, JOURNAL))) await sleep(5);
        await sleep(random.below(600));
        child.kill('SIGKILL');
        await exit;
        const before = finished();
        cutShort.push(before.length < 12);
        expect([project.call('run', ...SELECTION, '--resume'), read(RUN)]).toEqual(expected);
        const after = finished();
        expect(after.slice(0, before.length)).toEqual(before);
        expect(new Set(after).size).toBe(after.length);
      }
      expect(cutShort).toContain(true);
    },
    2 * PATIENCE_MS,
  );

  test('while it wrote the journal, or before its report, goes on without what is only half there', () => {
    const expected = whole();
    const half = read(JOURNAL).lastIndexOf('"seconds"');
    truncateSync(join(project.folder, JOURNAL), half);
    rmSync(join(project.folder, RUN));
    expect(finished().length).toBeGreaterThan(0);
    expect([project.call('run', ...SELECTION, '--resume'), read(RUN)]).toEqual(expected);
    expect(new Set(finished()).size).toBe(finished().length);
  });

  test('before it had a journal is a new run', () => {
    const expected = whole();
    rmSync(join(project.folder, 'results'), { recursive: true });
    project.write('results/latest/journal.jsonl.new', '{"for');
    expect([project.call('run', ...SELECTION, '--resume'), read(RUN)]).toEqual(expected);
  });
});

test('a run that had ended is reported again, and nothing runs', () => {
  const expected = whole();
  const before = read(JOURNAL);
  expect([project.call('run', ...SELECTION, '--resume', '-j', '2'), read(RUN)]).toEqual(expected);
  expect(read(JOURNAL)).toBe(before);
});

test('what was lost with a worker that died runs again', () => {
  const [, run] = whole();
  const lines = read(JOURNAL).split('\n');
  writeFileSync(join(project.folder, JOURNAL), `${lines.slice(0, 3).join('\n')}\n`);
  appendFileSync(join(project.folder, JOURNAL), 'not a line of ours\n');
  project.call('run', ...SELECTION, '--resume');
  expect(read(RUN)).toBe(run);
});

describe('nothing goes on as something else', () => {
  const BAD: readonly (readonly [string, string[], RegExp])[] = [
    ['another selection', ['ext4', 'E3', 'E6'], /E7|e7-zero/],
    ['one profile less', [...SELECTION, '-s', 'v5.15'], /v5\.14/],
    ['other budgets', [...SELECTION, '--max-executions', '7'], /at most 7 executions/],
    ['another seed', [...SELECTION, '--seed', '7'], /seed 7/],
    ['another end', [...SELECTION, '--bail'], /--bail/],
    ['another order', [...SELECTION, '-r', '--seed', '1'], /order/],
  ];

  test('and says what differs', () => {
    whole();
    const before = read(RUN);
    const wrong = BAD.flatMap(([what, args, message]) => {
      const { status, stdout, stderr } = project.call('run', ...args, '--resume');
      const fits = status === 3 && stdout === '' && message.test(stderr) && /cannot go on/.test(stderr);
      return fits ? [] : [{ what, status, stderr }];
    });
    expect(wrong).toEqual([]);
    expect(read(RUN)).toBe(before);
  });

  test('not with a filesystem package that was edited, or that declares something else', () => {
    const other = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    const call = (...args: string[]): Called => other.call('run', 'b', 'E7', '-s', 'v5.15', ...args);
    expect(call().status).toBe(0);
    other.write('node_modules/fs-b/expected.json', '{}');
    const declared = call('--resume');
    rmSync(join(other.folder, 'node_modules/fs-b/expected.json'));
    const same = call('--resume');
    appendFileSync(join(other.folder, 'node_modules/fs-b/index.js'), '// edited\n');
    const edited = call('--resume');
    other.remove();
    expect([declared, same, edited].map(({ status }) => status)).toEqual([3, 0, 3]);
    expect(edited.stderr).toMatch(/fs-b/);
  });
});
