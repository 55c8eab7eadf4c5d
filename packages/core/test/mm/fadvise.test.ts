// Shows what each advice does to the cache and the open file, and which arguments are refused.

import {
  EINVAL,
  FMODE_RANDOM,
  ksysReadahead,
  loff,
  type Page,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  setPageWriteback,
  unlockPage,
  vfsFadvise,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy } from '../toy.js';

/** Nothing to fill a page from. */
const IN_MEMORY = { readpage: undefined } as never;

const advise = (toy: Toy, advice: number, offset = 0, len = 0): number =>
  toy.drive(vfsFadvise(toy.file, loff(offset), len, advice));

describe('posix_fadvise', () => {
  test('unknown advice and negative lengths are refused', () => {
    const toy = new Toy();
    expect(advise(toy, 99)).toBe(-EINVAL);
    expect(advise(toy, POSIX_FADV_NORMAL, 0, -1)).toBe(-EINVAL);
    expect(advise(toy, POSIX_FADV_NOREUSE)).toBe(0);
  });

  test('RANDOM, SEQUENTIAL and NORMAL set how the open file reads ahead', () => {
    const toy = new Toy();
    const policy = (advice: number): [boolean, number] => {
      advise(toy, advice);
      return [(toy.file.fMode & FMODE_RANDOM) !== 0, toy.file.fRa.peek().raPages];
    };
    toy.file.fRa.init({ ...toy.file.fRa.peek(), raPages: 7 });
    expect(policy(POSIX_FADV_RANDOM)).toEqual([true, 7]);
    expect(policy(POSIX_FADV_SEQUENTIAL)).toEqual([false, 0]);
    toy.file.fRa.init({ ...toy.file.fRa.peek(), raPages: 7 });
    expect(policy(POSIX_FADV_NORMAL)).toEqual([false, 0]);
  });

  test('is ignored where the page cache is the data', () => {
    const toy = new Toy({ aOps: IN_MEMORY });
    toy.cache(0);
    for (const advice of [POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED]) expect(advise(toy, advice)).toBe(0);
    expect(toy.drive(ksysReadahead(toy.file, loff(0), 16))).toBe(0);
    expect(advise(toy, 99)).toBe(-EINVAL);
    expect(toy.mapping.nrpages.peek()).toBe(1);
  });

  test('the filesystem may have its own opinion', () => {
    const toy = new Toy({ iFop: { fadvise: (_file, offset, len, advice) => result(offset + len + advice) } });
    expect(advise(toy, POSIX_FADV_WILLNEED, 8, 16)).toBe(27);
    expect(toy.drive(ksysReadahead(toy.file, loff(8), 16))).toBe(27);
  });

  const cases: [string, number, number, string[]][] = [
    ['everything', 0, 0, ['none', 'none', 'none', 'none']],
    ['whole pages', 8, 16, ['page', 'none', 'none', 'page']],
    ['a part of the first page: it stays', 1, 15, ['page', 'none', 'page', 'page']],
    ['a part of the last page: it stays', 0, 12, ['none', 'page', 'page', 'page']],
    ['a part of one page: it stays', 0, 4, ['page', 'page', 'page', 'page']],
    ['up to the end of the file, inside a page', 16, 14, ['page', 'page', 'none', 'none']],
  ];
  test.each(cases)('DONTNEED on %s', (_, offset, len, expected) => {
    const toy = new Toy();
    toy.inode.iSize.init(30);
    for (const index of [0, 1, 2, 3]) toy.cache(index);
    expect(advise(toy, POSIX_FADV_DONTNEED, offset, len)).toBe(0);
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(expected);
  });

  test('DONTNEED starts to write what is dirty and does not wait for it', () => {
    const writepage = function* (page: Page) {
      yield* setPageWriteback(page);
      yield* unlockPage(page);
      return 0;
    };
    const toy = new Toy({ aOps: { writepage } });
    const page = toy.cache(0, 'A', { dirty: true });
    toy.cache(1);
    expect(advise(toy, POSIX_FADV_DONTNEED)).toBe(0);
    expect([page.dirty.peek(), page.writeback.peek()]).toEqual([false, true]);
    expect([toy.cached(0), toy.cached(1)]).toEqual(['page', 'none']);
  });
});
