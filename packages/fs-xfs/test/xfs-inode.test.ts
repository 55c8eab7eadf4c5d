// Shows how the three locks of an inode are taken, tried, released, turned and asserted, in both releases, and how those of
// two inodes are (kernel-facts 3.2).

import {
  type File,
  heldMode,
  type Inode,
  ksysFallocate,
  ksysFtruncate,
  loff,
  type Rwsem,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { xfsBreakLayouts } from '#src/xfs-file.js';
import {
  assertIlocked,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_ILOCK_SHARED,
  XFS_IOLOCK_EXCL,
  XFS_IOLOCK_SHARED,
  XFS_MMAPLOCK_EXCL,
  XFS_MMAPLOCK_SHARED,
  xfsIlock,
  xfsIlockDemote,
  xfsIlockNowait,
  xfsIsilocked,
  xfsIunlock,
  xfsLockTwoInodes,
} from '#src/xfs-inode.js';
import { RELEASES, World } from './world.js';

const ALL_EXCL = XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL | XFS_ILOCK_EXCL;
const ALL_SHARED = XFS_IOLOCK_SHARED | XFS_MMAPLOCK_SHARED | XFS_ILOCK_SHARED;

/** How IOLOCK, MMAPLOCK of either release, and ILOCK are held by the task in progress. */
function held(inode: Inode): string {
  const { iMmaplock, iLock } = XFS_I(inode);
  const modes = [inode.iRwsem, iMmaplock, inode.iMapping.invalidateLock, iLock];
  return modes.map((sem) => heldMode(sem) ?? '-').join('');
}

/** Lock operations from now on. */
function locks(world: World): string[] {
  const seen: string[] = [];
  world.execution.recorder = {
    performed: (step) => seen.push(`${step.verb}(${(step.object as Rwsem | null)?.name ?? ''})`),
  };
  return seen;
}

describe.each(RELEASES)('%s', (release) => {
  const mmaplock = release === 'v5.14' ? 'xfs_inode.i_mmaplock[12]' : 'mapping.invalidate_lock[12]';
  const [X, S] = release === 'v5.14' ? ['XX-X', 'SS-S'] : ['X-XX', 'S-SS'];

  test('IOLOCK, then MMAPLOCK, then ILOCK; released in the same order', () => {
    const world = new World({ file: 'A', release });
    const seen = locks(world);
    world.run(
      (function* (): Task<void> {
        yield* xfsIlock(world.inode, ALL_EXCL);
        expect(held(world.inode)).toBe(X);
        yield* xfsIunlock(world.inode, ALL_EXCL);
        yield* xfsIlock(world.inode, ALL_SHARED);
        expect(held(world.inode)).toBe(S);
        yield* xfsIunlock(world.inode, ALL_SHARED);
        expect(held(world.inode)).toBe('----');
      })(),
    );
    const order = ['inode.i_rwsem[12]', mmaplock, 'xfs_inode.i_lock[12]'];
    const each = (verb: string): string[] => order.map((name) => `${verb}(${name})`);
    expect(seen).toEqual(['down_write', 'up_write', 'down_read', 'up_read'].flatMap(each));
  });

  test('a try that fails at the last lock holds none', () => {
    const world = new World({ file: 'A', release });
    const results: unknown[] = [];
    world.run(
      (function* (): Task<void> {
        yield* xfsIlock(world.inode, XFS_ILOCK_EXCL);
        results.push(yield* xfsIlockNowait(world.inode, ALL_SHARED), held(world.inode));
        yield* xfsIunlock(world.inode, XFS_ILOCK_EXCL);
        results.push(yield* xfsIlockNowait(world.inode, ALL_EXCL), held(world.inode));
        yield* xfsIunlock(world.inode, ALL_EXCL);
      })(),
    );
    expect(results).toEqual([false, '---X', true, X]);
  });

  test('demoted, all are held shared', () => {
    const world = new World({ file: 'A', release });
    let after = '';
    world.run(
      (function* (): Task<void> {
        yield* xfsIlock(world.inode, ALL_EXCL);
        yield* xfsIlockDemote(world.inode, ALL_EXCL);
        after = held(world.inode);
        yield* xfsIunlock(world.inode, ALL_SHARED);
      })(),
    );
    expect(after).toBe(S);
  });

  // v5.15 looks at i_rwsem, and at the flags of IOLOCK: with MMAPLOCK alone the answer is wrong, and with i_rwsem alone too.
  test.each([
    [XFS_MMAPLOCK_EXCL, XFS_MMAPLOCK_EXCL, true, false],
    [XFS_MMAPLOCK_SHARED, XFS_MMAPLOCK_EXCL, false, false],
    [XFS_MMAPLOCK_SHARED, XFS_MMAPLOCK_SHARED, true, false],
    [XFS_IOLOCK_EXCL, XFS_MMAPLOCK_EXCL, false, true],
    [XFS_IOLOCK_SHARED, XFS_MMAPLOCK_EXCL, false, false],
    [XFS_IOLOCK_EXCL, XFS_IOLOCK_EXCL, true, true],
    [XFS_IOLOCK_EXCL, XFS_IOLOCK_SHARED, true, true],
    [XFS_IOLOCK_SHARED, XFS_IOLOCK_EXCL, false, false],
    [XFS_ILOCK_SHARED, XFS_ILOCK_SHARED, true, true],
    [XFS_ILOCK_SHARED, XFS_ILOCK_EXCL, false, false],
    // Only the first kind of lock counts: ILOCK, MMAPLOCK, IOLOCK.
    [XFS_ILOCK_EXCL, XFS_ILOCK_EXCL | XFS_IOLOCK_EXCL, true, true],
  ])('held %i, asked for %i', (flags, asked, before, after) => {
    const world = new World({ file: 'A', release });
    const expected = release === 'v5.14' ? before : after;
    world.run(
      (function* (): Task<void> {
        yield* xfsIlock(world.inode, flags);
        expect(xfsIsilocked(world.inode, asked)).toBe(expected);
        if (expected) assertIlocked(world.inode, asked);
        else expect(() => assertIlocked(world.inode, asked)).toThrow('xfs_isilocked');
        yield* xfsIunlock(world.inode, flags);
      })(),
    );
  });

  test('two inodes: the lower number first', () => {
    const world = new World({ file: 'A', release });
    const { inode, otherInode } = world;
    const seen = locks(world);
    world.run(
      (function* (): Task<void> {
        yield* xfsLockTwoInodes(otherInode, inode, XFS_ILOCK_EXCL);
        for (const each of [inode, otherInode]) yield* xfsIunlock(each, XFS_ILOCK_EXCL);
      })(),
    );
    expect(seen.slice(0, 2)).toEqual([
      'down_write(xfs_inode.i_lock[12])',
      'down_write(xfs_inode.i_lock[13])',
    ]);
  });

  test('two inodes, the first in the log: the second is tried, and on failure both start over', () => {
    const world = new World({ file: 'A', release });
    const { inode, otherInode } = world;
    XFS_I(inode).inAil.init(true);
    const both = function* (): Task<void> {
      yield* xfsLockTwoInodes(inode, otherInode, XFS_ILOCK_EXCL);
      for (const each of [inode, otherInode]) yield* xfsIunlock(each, XFS_ILOCK_EXCL);
    };
    // It holds the second and wants the first, as a transaction of two inodes in the other order would.
    const opposite = function* (): Task<void> {
      yield* xfsIlock(otherInode, XFS_ILOCK_EXCL);
      yield* xfsIlock(inode, XFS_ILOCK_EXCL);
      for (const each of [inode, otherInode]) yield* xfsIunlock(each, XFS_ILOCK_EXCL);
    };

    expect(
      world.race({ b: opposite(), a: both() }, [
        ['b', 'down_write'],
        ['a', 'down_write'],
      ]),
    ).toBe('done');
    expect(world.steps.filter((step) => step.startsWith('a ')).map((step) => step.slice(2))).toEqual([
      'down_write',
      'down_write_trylock', // busy
      'up_write',
      'down_write', // waits for the second, holding nothing
      'up_write',
      'down_write',
      'down_write_trylock',
      'up_write',
      'up_write',
    ]);
  });
});

describe('leases on where the blocks are', () => {
  test('all locks are let go until they are given back, and IOLOCK is exclusive then', () => {
    const world = new World({ file: 'A' });
    const { inode } = world;
    const { layoutLease } = XFS_I(inode);
    layoutLease.init(true);
    const seen: string[] = [];
    const breaker = function* (): Task<void> {
      yield* xfsIlock(inode, XFS_IOLOCK_SHARED);
      const flags = yield* xfsBreakLayouts(inode, XFS_IOLOCK_SHARED);
      seen.push(held(inode), String(flags === XFS_IOLOCK_EXCL));
      yield* xfsIunlock(inode, flags);
    };
    const client = function* (): Task<void> {
      // It must be able to write before it gives the lease back.
      yield* xfsIlock(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
      seen.push('written');
      yield* xfsIunlock(inode, XFS_IOLOCK_EXCL | XFS_MMAPLOCK_EXCL);
      yield* layoutLease.write(false);
    };
    expect(world.race({ a: breaker(), c: client() })).toBe('done');
    expect(seen).toEqual(['written', 'X---', 'true']);
  });

  test.each([
    ['truncate', (file: File): Task<number> => ksysFtruncate(file, loff(0))],
    ['fallocate', (file: File): Task<number> => ksysFallocate(file, 0, loff(0), loff(8))],
  ])('%s waits for them', (_, call) => {
    const world = new World({ file: 'A' });
    const { layoutLease } = XFS_I(world.inode);
    layoutLease.init(true);
    const order: string[] = [];
    const caller = function* (): Task<void> {
      order.push(`returned ${yield* call(world.file)}`);
    };
    const client = function* (): Task<void> {
      order.push('given back');
      yield* layoutLease.write(false);
    };
    expect(world.race({ a: caller(), c: client() })).toBe('done');
    expect(order).toEqual(['given back', 'returned 0']);
  });
});
