// Shows that the audit says which check needs which lock, the same with any number of workers, and what it says of a lock
// that is planted and needless. Which fault is found by what is that of the mutants of ext4.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PATIENCE_MS, Project } from './command.js';

let project: Project;
beforeAll(() => {
  project = new Project({
    'fs-b': `export default { ...ext4, name: 'b', iget(sb, ino) {
      const inode = ext4.iget(sb, ino), { fallocate } = inode.iFop, needless = new core.Mutex('b.needless');
      function* allocateTwiceLocked(...args) {
        yield* core.mutexLock(needless);
        const err = yield* fallocate(...args);
        yield* core.mutexUnlock(needless);
        return err;
      }
      inode.iFop = { ...inode.iFop, fallocate: allocateTwiceLocked };
      return inode; } };`,
  });
});
afterAll(() => project.remove());

test(
  'each lock has the first check that notices; with another number of workers it is the same text',
  () => {
    const args = ['audit', 'ext4', 'E3', 'E7', '-s', 'v5.15'];
    const { status, stdout, stderr } = project.call(...args, '-j', '1');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^CHECKS +-- asked 4, which pass$/m);
    const [, invalidate] = /\nmapping\.invalidate_lock\n((?: .*\n)+)/.exec(stdout) as RegExpExecArray;
    expect(invalidate).toMatch(/^ {2}page_cache_ra_unbounded +race\/e3-\S+: stale-data, \d/m);
    expect(invalidate).toMatch(/^ {2}ext4_zero_range +race\/e7-zero-range-vs-read: lost-zeroing, \d/m);
    expect(project.call(...args, '-j', '3')).toEqual({ status, stdout, stderr });
  },
  PATIENCE_MS,
);

test(
  'a needless lock is said to be one',
  () => {
    const { status, stdout } = project.call('audit', 'b', 'E7', '-s', 'v5.15');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^b\.needless\n {2}allocate_twice_locked +no check needs it \(1 take it\): .*redundant/m,
    );
  },
  PATIENCE_MS,
);

test('a check that fails anyway is not asked', () => {
  const { status, stdout } = project.call('audit', 'ext4', 'E7', '-s', 'v5.14');
  expect(status).toBe(0);
  expect(stdout).toMatch(/taken at 0 places/);
  expect(stdout).toMatch(/^CHECKS +-- asked 0, which pass; 1 fail anyway$/m);
});

test('a check that is not finished is not asked', () => {
  const { stdout } = project.call('audit', 'ext4', 'E7', '-s', 'v5.15', '--max-executions', '1');
  expect(stdout).toMatch(/asked 0, which pass; 1 not finished$/m);
});

test.each<readonly [string, string[], RegExp]>([
  ['no filesystem', [], /missing required argument 'fs'/],
  ['an unknown filesystem', ['ext5'], /"ext5"/],
  ['a check in its place', ['E7'], /"E7"/],
  ['an unknown check', ['ext4', 'E99'], /"E99"/],
  ['an unknown profile', ['ext4', '-s', 'v9.9'], /"v9\.9"/],
  ['no executions', ['ext4', '--max-executions', '0'], /at least 1/],
  ['an unknown option', ['ext4', '--time', '5s'], /unknown option '--time'/],
])('%s is refused', (_, args, message) => {
  const { status, stdout, stderr } = project.call('audit', ...args);
  expect({ status, stdout, stderr }).toEqual({
    status: 3,
    stdout: '',
    stderr: expect.stringMatching(message),
  });
});
