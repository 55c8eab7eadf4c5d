// Shows which arguments of truncate and fallocate never reach a filesystem, and what reaches it.

import {
  doTruncate,
  EFBIG,
  EINVAL,
  EOPNOTSUPP,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  heldMode,
  type Iattr,
  loff,
  vfsFallocate,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, text } from '../toy.js';

describe('truncate', () => {
  test('a negative length is refused without a lock', () => {
    const toy = new Toy();
    expect(toy.drive(doTruncate(toy.inode, loff(-1)))).toBe(-EINVAL);
    expect(toy.steps).toEqual([]);
  });

  test('setattr runs under i_rwsem exclusive, and its result is returned', () => {
    const seen: [Iattr, string | null][] = [];
    const toy = new Toy({
      iOp: {
        setattr: (inode, attr) => {
          seen.push([attr, heldMode(inode.iRwsem)]);
          return result(-EFBIG);
        },
      },
    });
    expect(toy.drive(doTruncate(toy.inode, loff(99)))).toBe(-EFBIG);
    expect(seen).toEqual([[{ iaValid: 8, iaSize: 99 }, 'X']]);
    expect(toy.inode.iRwsem.isLocked).toBe(false);
  });

  test('without setattr it is simple_setattr(): the size and the cache, up to the largest file', () => {
    const toy = new Toy({ iOp: {} });
    const page = toy.cache(0);
    toy.cache(1);
    expect(toy.drive(doTruncate(toy.inode, loff(5)))).toBe(0);
    expect([toy.inode.iSize.peek(), text(page), toy.cached(1)]).toEqual([5, 'AAAAA...', 'none']);
    expect(toy.drive(doTruncate(toy.inode, loff(32)))).toBe(0);
    expect(toy.drive(doTruncate(toy.inode, loff(33)))).toBe(-EFBIG);
    expect(toy.inode.iSize.peek()).toBe(32);
  });
});

describe('fallocate', () => {
  const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const allocate = (mode: number, offset = 0, len = 8, operation = true): number => {
    const iFop = operation ? { fallocate: () => result(0) } : {};
    const toy = new Toy({ iFop });
    return toy.drive(vfsFallocate(toy.file, mode, loff(offset), loff(len)));
  };

  test.each([
    ['plain', 0, 0],
    ['keep size', FALLOC_FL_KEEP_SIZE, 0],
    ['punch', PUNCH, 0],
    ['punch without keep size', FALLOC_FL_PUNCH_HOLE, -EOPNOTSUPP],
    ['zero', FALLOC_FL_ZERO_RANGE, 0],
    ['zero, keep size', FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0],
    ['zero and punch', FALLOC_FL_ZERO_RANGE | PUNCH, -EOPNOTSUPP],
    ['collapse', FALLOC_FL_COLLAPSE_RANGE, 0],
    ['collapse, keep size', FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, -EINVAL],
    ['collapse and insert', FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE, -EINVAL],
    ['insert', FALLOC_FL_INSERT_RANGE, 0],
    ['insert, keep size', FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE, -EINVAL],
    ['unshare', FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 0],
    ['unshare and zero', FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_ZERO_RANGE, -EINVAL],
    ['a flag that does not exist', 0x80, -EOPNOTSUPP],
  ])('%s', (_, mode, expected) => {
    expect(allocate(mode)).toBe(expected);
  });

  test('ranges', () => {
    expect(allocate(0, -1)).toBe(-EINVAL);
    expect(allocate(0, 0, 0)).toBe(-EINVAL);
    expect(allocate(0x80, 0, 0)).toBe(-EINVAL);
    expect(allocate(0, 24, 8)).toBe(0);
    expect(allocate(0, 24, 9)).toBe(-EFBIG);
  });

  test('a filesystem without it', () => {
    expect(allocate(PUNCH, 0, 8, false)).toBe(-EOPNOTSUPP);
    expect(allocate(PUNCH, 24, 9, false)).toBe(-EFBIG);
  });
});
