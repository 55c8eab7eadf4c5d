// Shows what truncation and invalidation do to each kind of page, in which order, and what they wait for.

import {
  type AddressSpaceOperations,
  addToPageCacheLru,
  EBUSY,
  endPageWriteback,
  filemapInvalidateLock,
  findGetPage,
  genericErrorRemovePage,
  getPage,
  invalidateInodePages2Range,
  invalidateMappingPages,
  lockPage,
  loff,
  Page,
  pagecacheIsizeExtended,
  pgoff,
  putPage,
  setPageWriteback,
  type Task,
  truncateInodePages,
  truncateInodePagesFinal,
  truncateInodePagesRange,
  truncatePagecache,
  truncatePagecacheRange,
  truncateSetsize,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { nothing, result, Toy, type ToyOptions, text } from '../toy.js';

/** A machine that follows v5.14, where no lock is demanded, and notes calls of invalidatepage. */
function toy514(options: ToyOptions = {}): Toy & { readonly invalidated: string[] } {
  const invalidated: string[] = [];
  const aOps: Partial<AddressSpaceOperations> = {
    invalidatepage: function* (page, offset, length) {
      invalidated.push(`${page.index}: ${offset}+${length}`);
      if (length === 8) dropBuffers(page);
      yield* nothing();
    },
    ...options.aOps,
  };
  return Object.assign(new Toy({ release: 'v5.14', ...options, aOps }), { invalidated });
}

function dropBuffers(page: Page): void {
  page.buffers.init(null);
  putPage(page);
}

const range = (toy: Toy, first: number, last: number): void =>
  toy.drive(truncateInodePagesRange(toy.mapping, loff(first), loff(last)));

describe('truncate_inode_pages_range', () => {
  test('removes whole pages and zeroes the parts at both ends, in memory only', () => {
    const toy = toy514();
    const pages = [0, 1, 2, 3].map((index) => toy.cache(index, 'ABCD'[index]));
    range(toy, 3, 25);
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(['page', 'none', 'none', 'page']);
    expect(text(pages[0] as Page)).toBe('AAA.....');
    expect(text(pages[3] as Page)).toBe('..DDDDDD');
    expect(pages.map((page) => page.dirty.peek())).toEqual([false, false, false, false]);
    expect(pages.map((page) => page.refs.peek())).toEqual([1, 0, 0, 1]);
    expect(pages.map((page) => page.mapping.peek() === null)).toEqual([false, true, true, false]);
    expect(toy.mapping.nrpages.peek()).toBe(2);
  });

  test('zeroes a range inside one page once', () => {
    const toy = toy514();
    const page = toy.cache(1, 'B');
    range(toy, 10, 12);
    expect(text(page)).toBe('BB...BBB');
    expect(toy.steps.filter((step) => step.startsWith('zero'))).toHaveLength(1);
  });

  test.each([
    [8, 15, '........', 'none'],
    [8, 11, '....BBBB', 'page'],
    [12, 15, 'BBBB....', 'page'],
    [12, -1, 'BBBB....', 'page'],
  ])('bytes %d to %d', (first, last, left, cached) => {
    const toy = toy514();
    const page = toy.cache(1, 'B');
    toy.cache(2, 'C');
    range(toy, first, last);
    expect(toy.cached(1)).toBe(cached);
    if (cached === 'page') expect(text(page)).toBe(left);
    expect(toy.cached(2)).toBe(last === -1 ? 'none' : 'page');
  });

  test('with an empty cache it only looks', () => {
    const toy = toy514();
    range(toy, 0, -1);
    expect(toy.steps).toEqual(['mapping_empty(i_pages[0])']);
  });

  test('the first pass removes what it can lock; the second sweeps until nothing is left', () => {
    const toy = toy514();
    toy.cache(1);
    range(toy, 8, 23);
    expect(toy.steps).toEqual([
      'mapping_empty(i_pages[0])',
      'find_lock_entries(i_pages[1])',
      'trylock_page(PG_locked[1])',
      'find_lock_entries(i_pages[2])',
      'delete_from_page_cache_batch(i_pages[1])',
      'unlock_page(PG_locked[1])',
      'find_get_entries(i_pages[1])',
      'find_get_entries(i_pages[2])',
    ]);
  });

  test('several pages leave the cache in one step, all locked', () => {
    const toy = toy514();
    toy.cache(0);
    toy.cache(1);
    range(toy, 0, 15);
    expect(toy.steps.filter((step) => /delete|lock_page/.test(step))).toEqual([
      'trylock_page(PG_locked[0])',
      'trylock_page(PG_locked[1])',
      'delete_from_page_cache_batch(i_pages[0])',
      'unlock_page(PG_locked[0])',
      'unlock_page(PG_locked[1])',
    ]);
  });

  test('a locked page is left to the second pass, which waits for it and then starts over', () => {
    const toy = toy514();
    const page = toy.cache(0);
    toy.cache(1);
    const holder = function* (): Task<void> {
      yield* lockPage(page);
      yield* unlockPage(page);
    };
    toy.race({ A: holder(), B: truncateInodePages(toy.mapping, loff(0)) }, [
      ['A', 'lock_page'],
      ['B', 'delete_from_page_cache_batch'],
      ['A', 'unlock_page'],
    ]);
    expect(toy.cached(0)).toBe('none');
    const removed = toy.steps.filter((step) => step.startsWith('delete'));
    expect(removed).toEqual([
      'delete_from_page_cache_batch(i_pages[1])',
      'delete_from_page_cache(i_pages[0])',
    ]);
    // Whole range, what is behind page 0, and the whole range again.
    expect(toy.steps.filter((step) => step.startsWith('find_get_entries'))).toHaveLength(4 + 3 + 4);
  });

  test('writeback is waited for before a page goes', () => {
    const toy = toy514();
    const page = toy.cache(0);
    page.writeback.init(true);
    const ending = toy.race({ A: truncateInodePages(toy.mapping, loff(0)), B: endPageWriteback(page) }, [
      ['A', 'lock_page'],
    ]);
    expect(ending.kind).toBe('done');
    const order = toy.steps.filter((step) => /writeback|^delete/.test(step));
    expect(order).toEqual([
      'end_page_writeback(PG_writeback[0])',
      'wait_on_page_writeback(PG_writeback[0])',
      'delete_from_page_cache(i_pages[0])',
    ]);
  });

  test('what comes in behind the sweep is found by the next one', () => {
    const toy = toy514();
    toy.cache(0).lock.take({ mode: 'X', trylock: true, subclass: 0 });
    const first = toy.mapping.iPages.at(0).peek() as Page;
    const filler = function* (): Task<void> {
      yield* toy.inode.iSize.read('start');
      const page = new Page(pgoff(1), false);
      yield* addToPageCacheLru(page, toy.mapping, pgoff(1));
      yield* unlockPage(page);
      putPage(page);
    };
    toy.race({ A: truncateInodePages(toy.mapping, loff(0)), B: filler(), C: unlockPage(first) }, [
      ['A', 'find_get_entries'],
      ['A', 'find_get_entries'],
      ['B', 'add_to_page_cache_lru'],
      ['B', 'unlock_page'],
      ['C', 'unlock_page'],
    ]);
    expect(toy.mapping.nrpages.peek()).toBe(0);
  });

  test('a page that comes after a look at an empty cache is missed', () => {
    const toy = toy514();
    const page = new Page(pgoff(0), false);
    toy.race(
      { A: truncateInodePages(toy.mapping, loff(0)), B: addToPageCacheLru(page, toy.mapping, pgoff(0)) },
      [['A', 'mapping_empty']],
    );
    expect(toy.cached(0)).toBe('page');
  });

  test('dirty data is dropped, after the buffers', () => {
    const toy = toy514();
    const page = toy.cache(0, 'A', { dirty: true, buffers: true });
    range(toy, 0, 7);
    expect(toy.invalidated).toEqual(['0: 0+8']);
    expect(page.dirty.peek()).toBe(false);
    expect(page.refs.peek()).toBe(0);
    expect(toy.steps).toContain('cancel_dirty_page(PG_dirty[0])');
  });

  test('of a page that stays only the part is invalidated, and it stays dirty', () => {
    const toy = toy514();
    const page = toy.cache(0, 'A', { dirty: true, buffers: true });
    range(toy, 2, 5);
    expect(toy.invalidated).toEqual(['0: 2+4']);
    expect(page.dirty.peek()).toBe(true);
  });

  test('shadows are cleared', () => {
    const toy = toy514();
    toy.cache(0);
    toy.mapping.iPages.at(1).init({ shadow: true });
    range(toy, 0, -1);
    expect(toy.cached(1)).toBe('none');
  });

  test('a page inside which the range lies is looked up twice if it is not cached, as in the kernel', () => {
    const toy = toy514();
    toy.cache(3);
    const filler = function* (): Task<void> {
      yield* toy.inode.iSize.read('start');
      const page = new Page(pgoff(0), false);
      yield* addToPageCacheLru(page, toy.mapping, pgoff(0));
      page.storeBytes(0, [65, 65, 65, 65, 65, 65, 65, 65]);
      yield* unlockPage(page);
    };
    toy.race({ A: truncateInodePagesRange(toy.mapping, loff(3), loff(4)), B: filler() }, [
      ['A', 'mapping_empty'],
      ['A', 'pagecache_get_page'],
      ['B', 'add_to_page_cache_lru'],
      ['B', 'unlock_page'],
    ]);
    expect(text(toy.mapping.iPages.at(0).peek() as Page)).toBe('.....AAA');
  });
});

describe('callers of it', () => {
  test('truncate_setsize stores the size before it removes pages', () => {
    const toy = toy514();
    toy.cache(1);
    toy.drive(truncateSetsize(toy.inode, loff(4)));
    expect(toy.inode.iSize.peek()).toBe(4);
    const order = toy.steps.filter((step) => /^(?:i_size_write|delete)/.test(step));
    expect(order).toEqual(['i_size_write(i_size[12])', 'delete_from_page_cache_batch(i_pages[1])']);
  });

  test('truncate_pagecache removes from the first whole page on and zeroes the rest of the one before', () => {
    const toy = toy514();
    const page = toy.cache(0);
    toy.cache(1);
    toy.drive(truncatePagecache(toy.inode, loff(5)));
    expect(text(page)).toBe('AAAAA...');
    expect(toy.cached(1)).toBe('none');
  });

  test('truncate_pagecache_range keeps what is outside', () => {
    const toy = toy514();
    for (const index of [0, 1, 2]) toy.cache(index);
    toy.drive(truncatePagecacheRange(toy.inode, loff(8), loff(15)));
    expect([0, 1, 2].map((index) => toy.cached(index))).toEqual(['page', 'none', 'page']);
    toy.drive(truncatePagecacheRange(toy.inode, loff(4), loff(-1)));
    expect([0, 1, 2].map((index) => toy.cached(index))).toEqual(['page', 'none', 'none']);
  });

  test('truncate_inode_pages_final needs no lock, and reclaim leaves no shadow from then on', () => {
    const toy = new Toy({ aOps: { invalidatepage: (page) => result(dropBuffers(page)) } });
    toy.cache(0, 'A', { buffers: true });
    toy.drive(truncateInodePagesFinal(toy.mapping));
    expect(toy.mapping.exiting.peek()).toBe(true);
    expect(toy.mapping.nrpages.peek()).toBe(0);
  });

  test('generic_error_remove_page removes a page of this cache only', () => {
    const toy = toy514();
    const page = toy.cache(0);
    const remove = function* (): Task<number> {
      yield* lockPage(page);
      const error = yield* genericErrorRemovePage(toy.mapping, page);
      yield* unlockPage(page);
      return error;
    };
    getPage(page);
    expect(toy.drive(remove())).toBe(0);
    expect(toy.drive(remove())).toBe(-5);
  });

  test('v5.15 is content with invalidate_lock', () => {
    const toy = new Toy();
    toy.cache(0);
    const punch = function* (): Task<void> {
      yield* filemapInvalidateLock(toy.mapping);
      yield* truncatePagecacheRange(toy.inode, loff(0), loff(7));
    };
    toy.drive(punch());
    expect(toy.cached(0)).toBe('none');
  });
});

describe('pagecache_isize_extended', () => {
  const looked = (from: number, to: number, blockSize = 4): boolean => {
    const toy = toy514({ blockSize });
    toy.drive(pagecacheIsizeExtended(toy.inode, loff(from), loff(to)));
    return toy.steps.length > 0;
  };
  test.each([
    ['the new size is in the same block', 1, 4, false],
    ['a block of the page becomes part of the file', 1, 5, true],
    ['the old size ends a block', 4, 6, true],
    ['the old size is in the last block of its page', 5, 16, false],
    ['the old size ends a page', 8, 16, false],
    ['the file does not grow', 6, 6, false],
  ])('%s', (_, from, to, expected) => {
    expect(looked(from, to)).toBe(expected);
  });
  test('nothing to do with one block in a page', () => {
    expect(looked(1, 5, 8)).toBe(false);
  });
});

describe('invalidate_mapping_pages', () => {
  const cases: [string, boolean, (page: Page) => void][] = [
    ['a clean, idle page goes', true, () => {}],
    ['a dirty one stays', false, (page) => page.dirty.init(true)],
    ['one under writeback stays', false, (page) => page.writeback.init(true)],
    ['a mapped one stays', false, (page) => page.mapcount.init(1)],
    ['a locked one stays', false, (page) => page.lock.take({ mode: 'X', trylock: true, subclass: 0 })],
    ['one that somebody refers to stays', false, (page) => getPage(page)],
  ];
  test.each(cases)('%s', (_, goes, prepare) => {
    const toy = new Toy();
    const page = toy.cache(0);
    prepare(page);
    const count = toy.drive(invalidateMappingPages(toy.mapping, pgoff(0), pgoff(3)));
    expect(count).toBe(goes ? 1 : 0);
    expect(toy.cached(0)).toBe(goes ? 'none' : 'page');
  });

  test('one whose buffers are not released stays', () => {
    const toy = new Toy({ aOps: { releasepage: () => result(false) } });
    toy.cache(0, 'A', { buffers: true });
    expect(toy.drive(invalidateMappingPages(toy.mapping, pgoff(0), pgoff(3)))).toBe(0);
  });

  test('a reference that comes at the last moment keeps the page', () => {
    const toy = new Toy();
    toy.cache(0);
    toy.race(
      {
        A: invalidateMappingPages(toy.mapping, pgoff(0), pgoff(0)),
        B: findGetPage(toy.mapping, pgoff(0)),
      },
      [
        ['A', 'trylock_page'],
        ['B', 'find_get_page'],
      ],
    );
    expect(toy.cached(0)).toBe('page');
  });
});

describe('invalidate_inode_pages2_range', () => {
  const invalidate = (toy: Toy): number =>
    toy.drive(invalidateInodePages2Range(toy.mapping, pgoff(0), pgoff(3)));

  test('a page goes although somebody refers to it', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    getPage(page);
    expect(invalidate(toy)).toBe(0);
    expect(toy.cached(0)).toBe('none');
    expect(page.refs.peek()).toBe(1);
  });

  test('a dirty one stays, and the others go', () => {
    const toy = new Toy();
    toy.cache(0, 'A', { dirty: true });
    toy.cache(1);
    expect(invalidate(toy)).toBe(-EBUSY);
    expect([toy.cached(0), toy.cached(1)]).toEqual(['page', 'none']);
  });

  test('a dirty one is written first if the filesystem can', () => {
    const launderPage = (page: Page): Task<number> => {
      page.dirty.init(false);
      return result(0);
    };
    const toy = new Toy({ aOps: { launderPage } });
    toy.cache(0, 'A', { dirty: true });
    expect(invalidate(toy)).toBe(0);
    expect(toy.cached(0)).toBe('none');
  });

  test('the error of writing it is returned', () => {
    const toy = new Toy({ aOps: { launderPage: () => result(-5) } });
    toy.cache(0, 'A', { dirty: true });
    expect(invalidate(toy)).toBe(-5);
    expect(toy.cached(0)).toBe('page');
  });

  test('one whose buffers are not released stays', () => {
    const toy = new Toy({ aOps: { releasepage: () => result(false) } });
    toy.cache(0, 'A', { buffers: true });
    expect(invalidate(toy)).toBe(-EBUSY);
  });

  test('writeback is waited for', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    const writer = function* (): Task<void> {
      yield* lockPage(page);
      yield* setPageWriteback(page);
      yield* unlockPage(page);
      yield* endPageWriteback(page);
    };
    toy.race({ A: writer(), B: invalidateInodePages2Range(toy.mapping, pgoff(0), pgoff(0)) }, [
      ['A', 'unlock_page'],
      ['B', 'lock_page'],
      ['A', 'end_page_writeback'],
    ]);
    expect(toy.steps.indexOf('invalidate_complete_page2(i_pages[0])')).toBeGreaterThan(
      toy.steps.indexOf('end_page_writeback(PG_writeback[0])'),
    );
  });

  test('a page that left the cache while we waited for its lock is skipped', () => {
    const toy = toy514();
    const page = toy.cache(0);
    const remover = function* (): Task<void> {
      yield* lockPage(page);
      yield* genericErrorRemovePage(toy.mapping, page);
      yield* unlockPage(page);
    };
    toy.race({ A: remover(), B: invalidateInodePages2Range(toy.mapping, pgoff(0), pgoff(0)) }, [
      ['A', 'lock_page'],
      ['B', 'find_get_entries'],
    ]);
    expect(page.refs.peek()).toBe(0);
  });
});
