// Shows what system calls check before the filesystem is asked, and that none ends with a lock.

import {
  EINVAL,
  EOPNOTSUPP,
  EXDEV,
  File,
  filemapInvalidateLockShared,
  Inode,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  inodeLock,
  inodeLockShared,
  inodeUnlock,
  type Kiocb,
  ksysCopyFileRange,
  ksysFadvise64,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysPread64,
  ksysPwrite64,
  ksysReadahead64,
  LLONG_MAX,
  loff,
  POSIX_FADV_NORMAL,
  SuperBlock,
  syscall,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, type ToyOptions, thrown } from '../toy.js';

/** Notes the request and gives two bytes in two pieces. */
function reading(seen: Kiocb[]): ToyOptions {
  return {
    iFop: {
      readIter: (iocb, iter) => {
        seen.push({ ...iocb });
        iter.cells.push([1], [2]);
        return result(2);
      },
    },
  };
}

describe('system calls', () => {
  test('one that ends with a lock is reported, with the lock', () => {
    const toy = new Toy();
    const leak = function* (): Task<number> {
      yield* inodeLockShared(toy.inode);
      yield* filemapInvalidateLockShared(toy.mapping);
      return 0;
    };
    expect(thrown(() => toy.drive(syscall('test', leak())))).toEqual({
      code: 'LOCK_LEAK',
      task: 'toy',
      call: 'test',
      locks: 'inode.i_rwsem[12]:S, mapping.invalidate_lock[12]:S',
    });
  });

  test('a filesystem that leaks in an error path is found', () => {
    const setattr = function* (inode: Toy['inode']): Task<number> {
      yield* filemapInvalidateLockShared(inode.iMapping);
      return -EINVAL;
    };
    const toy = new Toy({ iOp: { setattr } });
    expect(thrown(() => toy.drive(ksysFtruncate(toy.file, loff(0))))).toMatchObject({
      code: 'LOCK_LEAK',
      call: 'ftruncate',
      locks: 'mapping.invalidate_lock[12]:S',
    });
  });

  test('IOCB_NOWAIT must not sleep, and binds this call only', () => {
    const waits: ToyOptions = {
      iFop: {
        readIter: function* (iocb) {
          yield* inodeLock(iocb.kiFilp.fInode);
          yield* inodeUnlock(iocb.kiFilp.fInode);
          return 0;
        },
      },
    };
    const toy = new Toy(waits);
    const read = (flags: number): Task<unknown> => ksysPread64(toy.file, loff(0), 8, flags);
    expect(thrown(() => toy.drive(read(IOCB_NOWAIT | IOCB_NOIO)))['code']).toBe('NOWAIT_SLEEPS');
    const after = new Toy({ iFop: { readIter: () => result(0) } });
    const both = function* (): Task<void> {
      yield* ksysPread64(after.file, loff(0), 8, IOCB_NOWAIT);
      yield* inodeLock(after.inode);
    };
    expect(thrown(() => after.drive(both()))).toEqual({});
  });
});

describe('read and write', () => {
  test('the pieces of a read are put together', () => {
    const seen: Kiocb[] = [];
    const toy = new Toy(reading(seen));
    expect(toy.drive(ksysPread64(toy.file, loff(3), 8, IOCB_NOIO))).toEqual({ result: 2, cells: [1, 2] });
    expect(seen).toEqual([{ kiFilp: toy.file, kiPos: 3, kiFlags: IOCB_NOIO }]);
  });

  test.each([
    ['a negative position', -1, 0, -EINVAL],
    ['direct I/O the filesystem has not', 0, IOCB_DIRECT, -EINVAL],
  ])('%s is refused', (_, pos, flags, error) => {
    const toy = new Toy({ iFop: { writeIter: () => result(1) } });
    expect(toy.drive(ksysPread64(toy.file, loff(pos), 8, flags)).result).toBe(error);
    expect(toy.drive(ksysPwrite64(toy.file, loff(pos), [65], flags))).toBe(error);
  });

  test('IOCB_NOWAIT needs a file that can', () => {
    const toy = new Toy({ iFop: { writeIter: () => result(1) } });
    toy.file.fMode = 0;
    expect(toy.drive(ksysPread64(toy.file, loff(0), 8, IOCB_NOWAIT)).result).toBe(-EOPNOTSUPP);
    expect(toy.drive(ksysPwrite64(toy.file, loff(0), [65], IOCB_NOWAIT))).toBe(-EOPNOTSUPP);
    expect(toy.drive(ksysPwrite64(toy.file, loff(0), [65]))).toBe(1);
  });

  test('a filesystem that cannot write', () => {
    const toy = new Toy();
    expect(toy.drive(ksysPwrite64(toy.file, loff(0), [65]))).toBe(-EINVAL);
  });
});

describe('the other calls', () => {
  test('reach the filesystem, or say that it has no such operation', () => {
    const toy = new Toy();
    expect(toy.drive(ksysFallocate(toy.file, 0, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
    expect(toy.drive(ksysFsync(toy.file))).toBe(-EINVAL);
    expect(toy.drive(ksysFtruncate(toy.file, loff(0)))).toBe(0);
    expect(toy.drive(ksysFadvise64(toy.file, loff(0), 0, POSIX_FADV_NORMAL))).toBe(0);
  });

  test('fsync covers the whole file', () => {
    const seen: unknown[] = [];
    const fsync = (...[, start, last, datasync]: [unknown, number, number, boolean]): Task<number> => {
      seen.push(start, last, datasync);
      return result(0);
    };
    const toy = new Toy({ iFop: { fsync } });
    expect(toy.drive(ksysFsync(toy.file))).toBe(0);
    expect(seen).toEqual([0, LLONG_MAX, false]);
  });

  test('a copy ends with its source, and refuses what overlaps and what is elsewhere', () => {
    const seen: number[][] = [];
    const copyFileRange = (...[, posIn, , posOut, len]: [unknown, number, unknown, number, number]) => {
      seen.push([posIn, posOut, len]);
      return result(len);
    };
    const toy = new Toy({ iFop: { copyFileRange } });
    const copy = (from: number, to: number, len: number, target = toy.file): number =>
      toy.drive(ksysCopyFileRange(toy.file, loff(from), target, loff(to), len));
    const size = toy.inode.iSize.peek();
    expect([copy(size - 4, 0, 8), copy(size, 0, 8), copy(0, 4, 8)]).toEqual([4, 0, -EINVAL]);
    const elsewhere = new SuperBlock('other', 'v5.15', toy.sb.sBdev, null, {});
    const ops = { aOps: {}, iOp: {}, iFop: toy.inode.iFop };
    expect(copy(0, 0, 8, new File(new Inode(elsewhere, 13, ops, null)))).toBe(-EXDEV);
    expect(seen).toEqual([[size - 4, 0, 4]]);
  });

  test('readahead is advice', () => {
    const toy = new Toy({ iFop: { fadvise: (_file, _offset, _len, advice) => result(advice) } });
    expect(toy.drive(ksysReadahead64(toy.file, loff(0), 8))).toBe(3);
  });
});
