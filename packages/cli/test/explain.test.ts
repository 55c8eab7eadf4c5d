// Shows that a token is explained in each form and compared on two sides, by the command as people call it, and that
// what cannot be shown is refused in one line.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Called, PATIENCE_MS, Project } from './command.js';

const E1 = 'race/e1-read-vs-punch';

let project: Project;
let token: string;
beforeAll(() => {
  // `b` is ext4 in all but one step of a punch, `c` claims nothing.
  project = new Project({
    'fs-b': `export default { ...ext4, name: 'b', iget(sb, ino) {
      const inode = ext4.iget(sb, ino), { fallocate } = inode.iFop; inode.iFop = { ...inode.iFop, *fallocate(...args) {
        yield* core.condResched();
        return yield* fallocate(...args); } };
      return inode; } };`,
    'fs-c': "export default { ...ext4, name: 'c', supports: {} };",
  });
  const { stdout } = project.call('run', 'ext4', 'E1', '-s', 'v5.14', '--no-times');
  token = /fsport replay ext4 '(\S+)' -s v5\.14/.exec(stdout)?.[1] as string;
});
afterAll(() => project.remove());

test(
  'each form is printed, and begins as its readers expect',
  () => {
    for (const [format, begins] of [
      ['text', /^race\/e1-read-vs-punch {2}ext4 v5\.14/],
      ['changelog', /^ext4: stale data between fallocate\(PUNCH_HOLE\) and pread\(2\)\n/],
      ['mermaid', /^sequenceDiagram\n/],
      ['svg', /^<\?xml .*\n<svg /],
      ['perfetto', /^\{\n "traceEvents": \[/],
      ['shiviz', /^\(\?<host>/],
      ['ftrace', /^# tracer: nop\n/],
    ] as const) {
      const { status, stdout, stderr } = project.call('explain', 'ext4', token, `--format=${format}`);
      expect([format, status, stderr]).toEqual([format, 0, '']);
      expect(stdout).toMatch(begins);
    }
  },
  PATIENCE_MS,
);

describe('a schedule on two profiles', () => {
  let called: Called;
  beforeAll(() => {
    called = project.call('diff', 'ext4@v5.14', 'ext4@v5.15', token);
  });

  test('parts where the lock of v5.15 takes the place of that of v5.14', () => {
    // ext4 took i_mmap_sem where since v5.15 it takes the lock of the mapping.
    expect(called).toMatchObject({ status: 0, stderr: '' });
    const [, step] = /They part in step (\d+), in fallocate\(PUNCH_HOLE\)\./.exec(
      called.stdout,
    ) as unknown as [string, string];
    const line = called.stdout
      .split('\n')
      .find((one) => one.trimStart().startsWith(`${step} > p `)) as string;
    expect(line).toMatch(
      /down_write\(ext4_inode_info\.i_mmap_sem\[12\]\) +down_write\(mapping\.invalidate_lock\[12\]\)$/,
    );
    const before = called.stdout.split('\n').filter((one) => /^ +\d+ {3}p .*\(the same\)$/.test(one));
    expect(before.length).toBeGreaterThan(0);
  });

  test('fails on the one and is stopped by that lock on the other', () => {
    expect(called.stdout).toMatch(/ext4 v5\.14: stale-data: /);
    expect(called.stdout).toMatch(
      /ext4 v5\.15: cannot follow the schedule beyond step \d+: task r is blocked/,
    );
  });

  test('is found if only one of them is named', () => {
    expect(project.call('diff', 'ext4', 'ext4@v5.15', token)).toEqual(called);
  });
});

test('a schedule on two filesystems parts at the step that one of them has more', () => {
  const { status, stdout } = project.call('diff', 'ext4@v5.14', 'b', token);
  expect(status).toBe(0);
  expect(stdout).toContain('ext4 v5.14 and b v5.14');
  expect(stdout).toContain('They part in step 1, in fallocate(PUNCH_HOLE).');
  expect(stdout).toMatch(/1 > p \S+\(.* +cond_resched\(\)\n/);
});

test(
  'what cannot be shown is refused in one line',
  () => {
    for (const [args, message] of [
      [
        ['explain', 'ext4', token, '--format=xml'],
        /xml.*text, changelog, mermaid, svg, perfetto, shiviz, ftrace/,
      ],
      [['explain', 'ext4', 'nonsense', '--format=svg'], /cannot be read/],
      [['explain', 'ext4', token, '-s', 'v5.15', '--format=ftrace'], /does not fit/],
      [['diff', 'ext4', 'ext5', token], /"ext5"/],
      [['diff', 'ext4', 'ext4@v4.0', token], /"v4\.0".*v5\.14, v5\.15/],
      [['diff', 'ext4', 'ext4', token], /ext4@v5\.14 ext4@v5\.15/],
      [['diff', 'ext4', 'c', token], /c does not claim/],
      [['diff', 'ext4@v5.14', 'b', `${token}x`], /cannot be read/],
      [['diff', 'ext4@v5.14', 'b', token.replace(E1, 'race/e99')], /race\/e99/],
      [['diff', 'ext4@v5.14', 'b', `${E1}@1:z3`], /task z/],
    ] as const) {
      const { status, stdout, stderr } = project.call(...args);
      expect([args, status, stdout]).toEqual([args, 3, '']);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    }
  },
  2 * PATIENCE_MS,
);
