// Shows how a dirty page gets to the disk, what a walk over dirty pages skips or waits for, and who is told of
// errors.

import {
  type AddressSpaceOperations,
  AOP_WRITEPAGE_ACTIVATE,
  cancelDirtyPage,
  clearPageDirtyForIo,
  EIO,
  ENOSPC,
  endPageWriteback,
  filemapCheckErrors,
  filemapFdatawaitRange,
  filemapFdatawriteRange,
  filemapFlush,
  filemapRangeHasPage,
  filemapRangeNeedsWriteback,
  filemapWriteAndWaitRange,
  fileWriteAndWaitRange,
  genericErrorRemovePage,
  LLONG_MAX,
  lockPage,
  loff,
  mappingSetError,
  mappingTagged,
  type Page,
  setPageDirty,
  setPageDirtyNobuffers,
  setPageWriteback,
  type Task,
  unlockPage,
  type WritebackControl,
  writeCachePages,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, type ToyOptions, thrown } from '../toy.js';

const START = loff(0);

/** A filesystem that notes what it writes, and whose I/O ends at once. */
function writingToy(
  options: ToyOptions & { readonly error?: number } = {},
): Toy & { readonly written: number[] } {
  const written: number[] = [];
  const aOps: Partial<AddressSpaceOperations> = {
    writepage: function* (page) {
      written.push(page.index);
      yield* writeNow(page);
      return options.error ?? 0;
    },
    ...options.aOps,
  };
  return Object.assign(new Toy({ ...options, aOps }), { written });
}

/** Writes a page, and the I/O ends at once. */
function* writeNow(page: Page): Task<number> {
  yield* setPageWriteback(page);
  yield* unlockPage(page);
  yield* endPageWriteback(page);
  return 0;
}

function* locked<T>(page: Page, body: () => Task<T>): Task<T> {
  yield* lockPage(page);
  const value = yield* body();
  yield* unlockPage(page);
  return value;
}

describe('the flags', () => {
  test('a page becomes dirty once', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    expect(toy.drive(setPageDirtyNobuffers(page))).toBe(true);
    expect(toy.drive(setPageDirtyNobuffers(page))).toBe(false);
    expect(page.dirty.peek()).toBe(true);
  });

  test('the filesystem may have its own way', () => {
    const toy = new Toy({ aOps: { setPageDirty: () => result(true) } });
    const page = toy.cache(0);
    expect(toy.drive(locked(page, () => setPageDirty(page)))).toBe(true);
    expect(page.dirty.peek()).toBe(false);
  });

  test('cleaning for I/O needs the page lock and says whether there is anything to write', () => {
    const toy = new Toy();
    const page = toy.cache(0, 'A', { dirty: true });
    expect(thrown(() => toy.drive(clearPageDirtyForIo(page)))['code']).toBe('PAGE_NOT_LOCKED');
    const again = new Toy();
    const other = again.cache(0, 'A', { dirty: true });
    expect(again.drive(locked(other, () => clearPageDirtyForIo(other)))).toBe(true);
    expect(again.drive(locked(other, () => clearPageDirtyForIo(other)))).toBe(false);
  });

  test('a page that is cleaned is still found by who looks for dirty pages, until writeback begins', () => {
    const toy = new Toy();
    const page = toy.cache(0, 'A', { dirty: true });
    const dirty = (): boolean => toy.drive(mappingTagged(toy.mapping, 'PAGECACHE_TAG_DIRTY'));
    const busy = (): boolean => toy.drive(mappingTagged(toy.mapping, 'PAGECACHE_TAG_WRITEBACK'));
    toy.drive(locked(page, () => clearPageDirtyForIo(page)));
    expect([page.dirty.peek(), dirty(), busy()]).toEqual([false, true, false]);
    toy.drive(locked(page, () => setPageWriteback(page)));
    expect([page.dirty.peek(), dirty(), busy()]).toEqual([false, false, true]);
    toy.drive(endPageWriteback(page));
    expect([dirty(), busy()]).toEqual([false, false]);
  });

  test('writeback begins under the page lock and ends once', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    expect(thrown(() => setPageWriteback(page))['code']).toBe('PAGE_NOT_LOCKED');
    expect(thrown(() => toy.drive(endPageWriteback(page)))).toMatchObject({
      code: 'CONTRACT',
      op: 'end_page_writeback',
    });
  });

  test('cancelling costs no step if the page is clean', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    toy.drive(cancelDirtyPage(page));
    expect(toy.steps).toEqual([]);
    page.dirty.init(true);
    toy.drive(cancelDirtyPage(page));
    expect(page.dirty.peek()).toBe(false);
  });
});

describe('write_cache_pages', () => {
  const control = (sync: WritebackControl['sync'] = 'WB_SYNC_ALL', last = 31): WritebackControl => ({
    sync,
    rangeStart: START,
    rangeEnd: loff(last),
  });
  /** Writes nothing and unlocks. */
  const writer = (seen: number[], value = 0) =>
    function* (page: Page): Task<number> {
      seen.push(page.index);
      yield* unlockPage(page);
      return value;
    };

  test('writes what is dirty and in the range, and drops its references', () => {
    const toy = new Toy();
    const pages = [0, 1, 2, 3].map((index) => toy.cache(index, 'A', { dirty: index !== 1 }));
    const seen: number[] = [];
    expect(toy.drive(writeCachePages(toy.mapping, control('WB_SYNC_ALL', 23), writer(seen)))).toBe(0);
    expect(seen).toEqual([0, 2]);
    expect(pages.map((page) => page.refs.peek())).toEqual([1, 1, 1, 1]);
    expect(pages.map((page) => page.dirty.peek())).toEqual([false, false, false, true]);
  });

  test('with nothing dirty it is one step', () => {
    const toy = new Toy();
    toy.cache(0);
    toy.drive(writeCachePages(toy.mapping, control(), writer([])));
    expect(toy.steps).toEqual(['find_get_pages_range_tag(i_pages[0])']);
  });

  test.each([
    ['was truncated', (toy: Toy, page: Page) => genericErrorRemovePage(toy.mapping, page)],
    ['was cleaned', (_: Toy, page: Page) => cancelDirtyPage(page)],
  ] as const)('skips a page that %s while it waited for the lock', (_, spoil) => {
    const toy = new Toy();
    const page = toy.cache(0, 'A', { dirty: true });
    const seen: number[] = [];
    toy.race(
      {
        A: locked<unknown>(page, () => spoil(toy, page)),
        B: writeCachePages(toy.mapping, control(), writer(seen)),
      },
      [
        ['A', 'lock_page'],
        ['B', 'find_get_pages_range_tag'],
      ],
    );
    expect(seen).toEqual([]);
    expect(page.lock.isLocked).toBe(false);
  });

  test('WB_SYNC_NONE skips a page under writeback; WB_SYNC_ALL waits for it', () => {
    for (const [sync, expected] of [
      ['WB_SYNC_NONE', []],
      ['WB_SYNC_ALL', [0]],
    ] as const) {
      const toy = new Toy();
      const page = toy.cache(0, 'A', { dirty: true });
      page.writeback.init(true);
      const seen: number[] = [];
      const ending = toy.race(
        { A: writeCachePages(toy.mapping, control(sync), writer(seen)), B: endPageWriteback(page) },
        [['A', 'lock_page']],
      );
      expect(ending.kind).toBe('done');
      expect(seen).toEqual(expected);
    }
  });

  test('an error ends a walk of WB_SYNC_NONE; WB_SYNC_ALL goes on and returns the first', () => {
    for (const [sync, expected] of [
      ['WB_SYNC_NONE', [0]],
      ['WB_SYNC_ALL', [0, 1]],
    ] as const) {
      const toy = new Toy();
      const pages = [0, 1].map((index) => toy.cache(index, 'A', { dirty: true }));
      const seen: number[] = [];
      expect(toy.drive(writeCachePages(toy.mapping, control(sync), writer(seen, -EIO)))).toBe(-EIO);
      expect(seen).toEqual(expected);
      expect(pages.map((page) => page.refs.peek())).toEqual([1, 1]);
    }
  });

  test('a page that is to stay active is unlocked here', () => {
    const toy = new Toy();
    const page = toy.cache(0, 'A', { dirty: true });
    const keep = (): Task<number> => result(AOP_WRITEPAGE_ACTIVATE);
    expect(toy.drive(writeCachePages(toy.mapping, control(), keep))).toBe(0);
    expect(page.lock.isLocked).toBe(false);
  });
});

describe('writing and waiting', () => {
  test('writes, waits, and is told of no error', () => {
    const toy = writingToy();
    toy.cache(0, 'A', { dirty: true });
    toy.cache(2, 'A', { dirty: true });
    expect(toy.drive(filemapWriteAndWaitRange(toy.mapping, START, loff(15)))).toBe(0);
    expect(toy.written).toEqual([0]);
    expect(toy.drive(fileWriteAndWaitRange(toy.file, START, LLONG_MAX))).toBe(0);
    expect(toy.written).toEqual([0, 2]);
  });

  test('with no pages it only asks for errors', () => {
    const toy = writingToy();
    toy.drive(filemapWriteAndWaitRange(toy.mapping, START, LLONG_MAX));
    expect(toy.steps).toEqual(['mapping_tagged(i_pages[0])', 'filemap_check_errors(mapping.wb_err[12])']);
  });

  test('waits for the writeback of somebody else', () => {
    const toy = writingToy();
    const page = toy.cache(0);
    page.writeback.init(true);
    toy.race({ A: filemapFdatawaitRange(toy.mapping, START, LLONG_MAX), B: endPageWriteback(page) }, [
      ['A', 'find_get_pages_range_tag'],
    ]);
    expect(toy.steps.indexOf('wait_on_page_writeback(PG_writeback[0])')).toBeGreaterThan(
      toy.steps.indexOf('end_page_writeback(PG_writeback[0])'),
    );
  });

  test('finds a page that somebody else has cleaned and not yet submitted', () => {
    const toy = new Toy({ aOps: { writepage: writeNow } });
    const page = toy.cache(0, 'A', { dirty: true });
    const ending = toy.race(
      {
        A: filemapFdatawriteRange(toy.mapping, START, LLONG_MAX),
        B: filemapWriteAndWaitRange(toy.mapping, START, LLONG_MAX),
      },
      [
        ['A', 'clear_page_dirty_for_io'],
        ['B', 'find_get_pages_range_tag'],
        ['A', 'unlock_page'],
        ['B', 'find_get_pages_range_tag'],
      ],
    );
    expect(ending.kind).toBe('done');
    const order = toy.steps.filter((step) => /writeback\(PG/.test(step));
    expect(order).toEqual([
      'set_page_writeback(PG_writeback[0])',
      'end_page_writeback(PG_writeback[0])',
      'wait_on_page_writeback(PG_writeback[0])',
    ]);
    expect(page.refs.peek()).toBe(1);
  });

  test('-EIO is returned at once, without waiting', () => {
    const toy = writingToy({ aOps: { writepages: () => result(-EIO) } });
    const page = toy.cache(0, 'A', { dirty: true });
    page.writeback.init(true);
    expect(toy.drive(filemapWriteAndWaitRange(toy.mapping, START, LLONG_MAX))).toBe(-EIO);
  });

  test('another error is returned after waiting', () => {
    const toy = writingToy({ aOps: { writepages: () => result(-ENOSPC) } });
    const page = toy.cache(0, 'A', { dirty: true });
    page.writeback.init(true);
    const results: number[] = [];
    const flush = function* (): Task<void> {
      results.push(yield* filemapWriteAndWaitRange(toy.mapping, START, LLONG_MAX));
    };
    toy.race({ A: flush(), B: endPageWriteback(page) }, []);
    expect(results).toEqual([-ENOSPC]);
    expect(toy.steps).toContain('wait_on_page_writeback(PG_writeback[0])');
  });

  test('filemap_flush does not wait', () => {
    const toy = writingToy();
    toy.cache(0, 'A', { dirty: true });
    expect(toy.drive(filemapFlush(toy.mapping))).toBe(0);
    expect(toy.written).toEqual([0]);
    expect(toy.steps.join()).not.toContain('wait_on');
  });

  test('a clean cache does not reach the filesystem', () => {
    const toy = writingToy({
      aOps: {
        writepages: () => {
          throw new Error('asked to write');
        },
      },
    });
    toy.cache(0);
    expect(toy.drive(filemapFlush(toy.mapping))).toBe(0);
  });
});

describe('errors', () => {
  test('the first one is kept and told once', () => {
    const toy = new Toy();
    toy.drive(mappingSetError(toy.mapping, -ENOSPC));
    toy.drive(mappingSetError(toy.mapping, -EIO));
    toy.drive(mappingSetError(toy.mapping, 0));
    expect(toy.drive(filemapCheckErrors(toy.mapping))).toBe(-ENOSPC);
    expect(toy.drive(filemapCheckErrors(toy.mapping))).toBe(0);
  });

  test('an error of writepage reaches who waits, and is not told again', () => {
    const toy = writingToy({ error: -EIO });
    toy.cache(0, 'A', { dirty: true });
    expect(toy.drive(filemapWriteAndWaitRange(toy.mapping, START, LLONG_MAX))).toBe(-EIO);
    expect(toy.drive(filemapCheckErrors(toy.mapping))).toBe(0);
  });

  test('listeners hear of it', () => {
    const toy = new Toy();
    const heard: unknown[] = [];
    toy.trace.on('filemap_set_wb_err', (event) => heard.push(event));
    toy.drive(mappingSetError(toy.mapping, -EIO));
    expect(heard).toEqual([{ ino: 12, errseq: -EIO }]);
  });
});

describe('looking at a range', () => {
  const cases: [string, boolean, (page: Page) => void][] = [
    ['dirty', true, (page) => page.dirty.init(true)],
    ['under writeback', true, (page) => page.writeback.init(true)],
    ['clean', false, () => {}],
  ];
  test.each(cases)('a page that is %s', (_, needed, prepare) => {
    const toy = new Toy();
    prepare(toy.cache(1));
    const needs = (first: number, last: number): boolean =>
      toy.drive(filemapRangeNeedsWriteback(toy.mapping, loff(first), loff(last)));
    expect(needs(0, 15)).toBe(needed);
    expect(needs(0, 7)).toBe(false);
    expect(needs(16, 31)).toBe(false);
    const has = (first: number, last: number): boolean =>
      toy.drive(filemapRangeHasPage(toy.mapping, loff(first), loff(last)));
    expect([has(0, 15), has(0, 7), has(15, 15), has(16, 31), has(9, 8)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test('a locked page counts if there is anything dirty in the file', () => {
    const toy = new Toy();
    toy.cache(0).lock.take({ mode: 'X', trylock: true, subclass: 0 });
    const needs = (): boolean => toy.drive(filemapRangeNeedsWriteback(toy.mapping, loff(0), loff(7)));
    expect(needs()).toBe(false);
    toy.cache(3, 'A', { dirty: true });
    expect(needs()).toBe(true);
  });

  test('a shadow is not a page', () => {
    const toy = new Toy();
    toy.mapping.iPages.at(0).init({ shadow: true });
    expect(toy.drive(filemapRangeHasPage(toy.mapping, loff(0), loff(31)))).toBe(false);
  });
});
