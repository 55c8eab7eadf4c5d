// Shows the locks of an inode, that direct I/O is waited for, and what is left of an inode that is torn down.

import {
  downRead,
  evict,
  Inode,
  inodeDioBegin,
  inodeDioEnd,
  inodeDioWait,
  inodeLock,
  inodeLockShared,
  inodeTrylock,
  inodeTrylockShared,
  inodeUnlock,
  inodeUnlockShared,
  lockTwoNondirectories,
  SuperBlock,
  type Task,
  truncateInodePagesFinal,
  unlockTwoNondirectories,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { nothing, result, Toy, thrown } from '../toy.js';

const OPS = { aOps: { readpage: () => result(0) }, iOp: {}, iFop: { readIter: () => result(0) } };

describe('i_rwsem', () => {
  test('shared and exclusive, waiting or not', () => {
    const toy = new Toy();
    const { inode } = toy;
    const both = function* (): Task<boolean[]> {
      yield* inodeLock(inode);
      const busy = yield* inodeTrylockShared(inode);
      yield* inodeUnlock(inode);
      yield* inodeLockShared(inode);
      const shared = yield* inodeTrylockShared(inode);
      const exclusive = yield* inodeTrylock(inode);
      yield* inodeUnlockShared(inode);
      yield* inodeUnlockShared(inode);
      const free = yield* inodeTrylock(inode);
      yield* inodeUnlock(inode);
      return [busy, shared, exclusive, free];
    };
    expect(toy.drive(both())).toEqual([false, true, false, true]);
  });

  test('two inodes are locked in one order, whoever asks, and the same one once', () => {
    const toy = new Toy();
    const other = new Inode(toy.sb, 13, OPS, null);
    const order = (first: Inode | null, second: Inode | null): string[] => {
      toy.drive(
        (function* (): Task<void> {
          yield* lockTwoNondirectories(first, second);
          yield* unlockTwoNondirectories(first, second);
        })(),
      );
      return toy.steps.filter((step) => step.startsWith('down'));
    };
    const both = ['down_write(inode.i_rwsem[12])', 'down_write(inode.i_rwsem[13])'];
    expect(order(toy.inode, other)).toEqual(both);
    expect(order(other, toy.inode)).toEqual(both);
    expect(order(other, other)).toEqual([both[1]]);
    expect(order(null, other)).toEqual([both[1]]);
    expect(order(other, null)).toEqual([both[1]]);
    expect(toy.inode.iRwsem.isLocked || other.iRwsem.isLocked).toBe(false);
  });
});

describe('direct I/O', () => {
  test('is waited for', () => {
    const toy = new Toy();
    const io = function* (): Task<void> {
      yield* inodeDioBegin(toy.inode);
      yield* downRead(toy.mapping.invalidateLock);
      yield* inodeDioEnd(toy.inode);
    };
    toy.race({ A: io(), B: inodeDioWait(toy.inode) }, [['A', 'inode_dio_begin']]);
    expect(toy.steps.at(-1)).toBe('inode_dio_wait(i_dio_count[12])');
    expect(toy.inode.iDioCount.peek()).toBe(0);
  });

  test('ends no more often than it began', () => {
    const toy = new Toy();
    expect(thrown(() => toy.drive(inodeDioEnd(toy.inode)))).toMatchObject({
      code: 'CONTRACT',
      op: 'inode_dio_end',
    });
  });
});

describe('evict', () => {
  test('drops the cache, in the way of the filesystem if it has one', () => {
    const toy = new Toy();
    toy.cache(0);
    toy.drive(evict(toy.inode));
    expect(toy.mapping.nrpages.peek()).toBe(0);
    expect(toy.sb.inodes.size).toBe(0);

    const seen: number[] = [];
    const evictInode = function* (inode: Inode): Task<void> {
      seen.push(inode.iIno);
      yield* truncateInodePagesFinal(inode.iMapping);
    };
    const sb = new SuperBlock('toy', 'v5.15', toy.sb.sBdev, null, { evictInode });
    toy.drive(evict(new Inode(sb, 14, OPS, null)));
    expect(seen).toEqual([14]);
  });

  test('leaves no page behind', () => {
    const toy = new Toy();
    const sb = new SuperBlock('toy', 'v5.15', toy.sb.sBdev, null, { evictInode: nothing });
    const inode = new Inode(sb, 14, OPS, null);
    inode.iMapping.nrpages.init(1);
    expect(thrown(() => toy.drive(evict(inode)))).toMatchObject({ code: 'CONTRACT', op: 'evict_inode' });
  });
});
