// Shows what each advice on memory does to page-table entries, mapping and file, and that what reaches the file
// runs without mmap_lock, with the file pinned.

import {
  EACCES,
  EINVAL,
  ENODEV,
  ENOMEM,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type File,
  heldMode,
  ksysMadvise,
  ksysMmap,
  ksysMunmap,
  MADV_DONTNEED,
  MADV_NORMAL,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MmStruct,
  POSIX_FADV_WILLNEED,
  pgoff,
  type Task,
  VM_LOCKED,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WRITE,
  type VmAreaStruct,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, type ToyOptions } from '../toy.js';

const SHARED = VM_SHARED | VM_WRITE;

/** Pages 1 and 2 of the file, mapped at 10 and 11. */
function mapped(flags = SHARED, options: ToyOptions = {}): { toy: Toy; mm: MmStruct; vma: VmAreaStruct } {
  const mmap = () => ({ fault: () => result(0) });
  const toy = new Toy({ ...options, iFop: { mmap, ...options.iFop } });
  const mm = new MmStruct();
  const vma = toy.drive(ksysMmap(mm, toy.file, pgoff(1), 2, flags, 10)) as VmAreaStruct;
  return { toy, mm, vma };
}

describe('arguments', () => {
  test('unknown advice, and nothing to do', () => {
    const { toy, mm } = mapped();
    expect(toy.drive(ksysMadvise(mm, 10, 1, 77))).toBe(-EINVAL);
    expect(toy.drive(ksysMadvise(mm, 10, -1, MADV_DONTNEED))).toBe(-EINVAL);
    expect(toy.drive(ksysMadvise(mm, 10, 0, MADV_DONTNEED))).toBe(0);
    expect(toy.steps).toEqual([]);
  });

  test('what is not mapped is skipped, and said in the end', () => {
    const { toy, mm, vma } = mapped();
    expect(toy.drive(ksysMadvise(mm, 8, 3, MADV_RANDOM))).toBe(-ENOMEM);
    expect(vma.vmFlags & VM_RAND_READ).not.toBe(0);
    expect(toy.drive(ksysMadvise(mm, 11, 2, MADV_RANDOM))).toBe(-ENOMEM);
    expect(toy.drive(ksysMadvise(mm, 20, 1, MADV_RANDOM))).toBe(-ENOMEM);
    expect(toy.drive(ksysMadvise(mm, 8, 2, MADV_RANDOM))).toBe(-ENOMEM);
  });

  test('a filesystem without mmap', () => {
    const toy = new Toy();
    expect(toy.drive(ksysMmap(new MmStruct(), toy.file, pgoff(0), 1, 0, 10))).toBe(-ENODEV);
  });
});

describe('advice on the mapping', () => {
  test('RANDOM, SEQUENTIAL and NORMAL exclude each other, under mmap_lock exclusive', () => {
    const { toy, mm, vma } = mapped();
    const flags = (behavior: number): number => {
      expect(toy.drive(ksysMadvise(mm, 10, 2, behavior))).toBe(0);
      expect(toy.steps[0]).toMatch(/^down_write/);
      return vma.vmFlags & (VM_RAND_READ | VM_SEQ_READ);
    };
    expect(flags(MADV_RANDOM)).toBe(VM_RAND_READ);
    expect(flags(MADV_SEQUENTIAL)).toBe(VM_SEQ_READ);
    expect(flags(MADV_NORMAL)).toBe(0);
  });

  test('DONTNEED removes page-table entries and leaves the cache alone', () => {
    const { toy, mm, vma } = mapped();
    const page = toy.cache(1);
    page.mapcount.init(1);
    page.refs.init(2);
    mm.ptes.at(10).init({ page, write: true, dirty: true });
    expect(toy.drive(ksysMadvise(mm, 10, 2, MADV_DONTNEED))).toBe(0);
    expect([mm.ptes.at(10).peek(), toy.cached(1)]).toEqual([null, 'page']);
    expect([page.mapcount.peek(), page.refs.peek(), page.dirty.peek()]).toEqual([0, 1, true]);
    vma.vmFlags |= VM_LOCKED;
    expect(toy.drive(ksysMadvise(mm, 10, 2, MADV_DONTNEED))).toBe(-EINVAL);
  });
});

describe('advice that reaches the file', () => {
  test('REMOVE punches the range, without mmap_lock, with the file pinned', () => {
    const seen: unknown[] = [];
    const { toy, mm } = mapped(SHARED, {
      iFop: {
        fallocate: (file, mode, offset, len) => {
          seen.push([mode, offset, len], heldMode(mm.mmapLock), file.fCount.peek());
          return result(-5);
        },
      },
    });
    const before = toy.file.fCount.peek();
    expect(toy.drive(ksysMadvise(mm, 11, 1, MADV_REMOVE))).toBe(-5);
    expect(seen).toEqual([[FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16, 8], null, before + 1]);
    expect([toy.file.fCount.peek(), mm.mmapLock.isLocked]).toEqual([before, false]);
  });

  test('REMOVE needs a shared, writable mapping that is not locked', () => {
    for (const [flags, error] of [
      [VM_SHARED, -EACCES],
      [VM_WRITE, -EACCES],
      [SHARED | VM_LOCKED, -EINVAL],
    ] as const) {
      const { toy, mm } = mapped(flags);
      expect(toy.drive(ksysMadvise(mm, 10, 1, MADV_REMOVE))).toBe(error);
    }
  });

  test('WILLNEED is advice on the file, and its error is not returned', () => {
    const seen: unknown[] = [];
    const { toy, mm } = mapped(SHARED, {
      iFop: {
        fadvise: (_file, offset, len, advice) => {
          seen.push([offset, len, advice], heldMode(mm.mmapLock));
          return result(-5);
        },
      },
    });
    expect(toy.drive(ksysMadvise(mm, 10, 2, MADV_WILLNEED))).toBe(0);
    expect(seen).toEqual([[8, 16, POSIX_FADV_WILLNEED], null]);
  });

  test('the mapping may be gone when mmap_lock is taken again', () => {
    const fadvise = function* (file: File): Task<number> {
      yield* file.fInode.iSize.read('fadvise');
      return 0;
    };
    const { toy, mm, vma } = mapped(SHARED, { iFop: { fadvise } });
    const ending = toy.race({ A: ksysMadvise(mm, 10, 2, MADV_WILLNEED), B: ksysMunmap(mm, vma) }, [
      ['A', 'up_read'],
      ['B', 'up_write'],
    ]);
    expect(ending.kind).toBe('done');
    expect(mm.mmapLock.isLocked).toBe(false);
  });
});

describe('populating', () => {
  test('a read-only mapping is not populated for writing; what is mapped already costs no fault', () => {
    const { toy, mm } = mapped(VM_SHARED);
    expect(toy.drive(ksysMadvise(mm, 10, 1, MADV_POPULATE_WRITE))).toBe(-EINVAL);
    const page = toy.cache(1);
    mm.ptes.at(10).init({ page, write: false, dirty: false });
    expect(toy.drive(ksysMadvise(mm, 10, 1, MADV_POPULATE_READ))).toBe(0);
  });

  test('a gap is an error', () => {
    const { toy, mm } = mapped(VM_SHARED);
    const page = toy.cache(1);
    for (const vpn of [10, 11]) mm.ptes.at(vpn).init({ page, write: false, dirty: false });
    expect(toy.drive(ksysMadvise(mm, 10, 3, MADV_POPULATE_READ))).toBe(-ENOMEM);
  });
});
