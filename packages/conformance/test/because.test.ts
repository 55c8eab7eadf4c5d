// Shows what a failure says about locks and other things that are left over, and about contracts that are broken: who took
// them in which step, and what the kernel says to it. Each filesystem here forgets one thing, or does one that it must not.

import { runCheck } from '@fsport/conformance';
import {
  current,
  downWrite,
  findGetPage,
  type Inode,
  inodeDioBegin,
  inodeLock,
  inodeUnlock,
  lockPage,
  mightFault,
  type Page,
  pgoff,
  putPage,
  type Task,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import { ADVISE, checkOf, fixture, type Parts, READ } from '#src/selftest/fixture.js';

/** Do harm to page 0, if it is cached. */
function ifCached(harm: (page: Page, inode: Inode) => Task<void>): (inode: Inode) => Task<number> {
  return function* (inode) {
    const page = yield* findGetPage(inode.iMapping, pgoff(0));
    if (page === null) return 0;
    yield* harm(page, inode);
    putPage(page);
    return 0;
  };
}

/** Access user memory with a lock that the fault takes. */
function* copyUnderLock(inode: Inode): Task<number> {
  yield* downWrite(inode.iMapping.invalidateLock);
  mightFault('copy_to_user');
  return 0;
}

function* leak(inode: Inode): Task<number> {
  yield* inodeLock(inode);
  return 0;
}

// biome-ignore lint/correctness/useYield: it is a task without steps.
function* leakInChild(inode: Inode): Task<number> {
  current.spawn('worker', inodeLock(inode));
  return 0;
}

function* unlockUnlocked(inode: Inode): Task<number> {
  yield* inodeUnlock(inode);
  return 0;
}

test.each<[string, Parts, string, readonly RegExp[]]>([
  [
    'a lock that a call keeps',
    { fadvise: leak },
    'lock-discipline',
    [
      /^fadvise\(WILLNEED\) \(\w\) holds inode\.i_rwsem\[12\] \(X\) since down_write\(\) in step \d+$/,
      /lockdep_sys_exit\(\)/,
    ],
  ],
  [
    'a lock that a worker keeps',
    { fadvise: leakInChild },
    'lock-discipline',
    [/^inode\.i_rwsem\[12\] was last taken by worker down_write\(\) in step \d+$/],
  ],
  [
    'a lock that was not taken',
    { fadvise: unlockUnlocked },
    'lock-discipline',
    [/^fadvise\(WILLNEED\) \(\w\) holds no lock$/, /lock_release\(\)/],
  ],
  [
    'an access to user memory under a lock',
    { fadvise: copyUnderLock },
    'lock-discipline',
    [
      /holds mapping\.invalidate_lock\[12\] \(X\) since down_write\(\) in step \d+$/,
      /might_fault\(\).*mm\/memory\.c/,
    ],
  ],
  [
    'a page that stays locked',
    {
      fadvise: ifCached(function* (page) {
        yield* lockPage(page);
        page.lock.handOff();
      }),
    },
    'lock-discipline',
    [/^PG_locked\[0\] was last taken by fadvise\(WILLNEED\) lock_page\(\) in step \d+$/],
  ],
  [
    'writeback that never ends',
    { fadvise: ifCached((page) => page.writeback.write(true, 'set_page_writeback')) },
    'lock-discipline',
    [/^PG_writeback of page 0 was last stored by fadvise\(WILLNEED\) set_page_writeback\(\) in step \d+$/],
  ],
  [
    'a direct I/O that is counted for ever',
    { fadvise: ifCached((_, inode) => inodeDioBegin(inode)) },
    'lock-discipline',
    [/^i_dio_count was last stored by fadvise\(WILLNEED\) \w+\(\) in step \d+$/],
  ],
])('%s', (_, parts, property, lines) => {
  // In one thread: the read comes first.
  const { failure } = runCheck(fixture(parts), 'v5.15', checkOf([[READ, ADVISE]]), null);
  expect(failure?.property).toBe(property);
  for (const line of lines) expect(failure?.because).toContainEqual(expect.stringMatching(line));
  // The step that is named is the one that did it.
  for (const [, verb, step] of failure?.because.join('\n').matchAll(/(\w+)\(\) in step (\d+)/g) ?? [])
    expect(failure?.steps[Number(step) - 1]?.text).toMatch(new RegExp(`^${verb}\\(`));
});
