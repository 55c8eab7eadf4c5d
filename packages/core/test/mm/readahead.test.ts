// Shows what readahead reads (the windows of one reader in sequence, of markers, of random reads), and how: under
// invalidate_lock, split at pages that are cached, with the size of the file as it was before the lock was taken.

import {
  addToPageCacheLru,
  File,
  FMODE_RANDOM,
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  forcePageCacheReadahead,
  genericFileReadIter,
  IOCB_NOWAIT,
  iSizeWrite,
  type KernelRelease,
  loff,
  type Page,
  pageCacheAsyncReadahead,
  pageCacheSyncReadahead,
  pgoff,
  putPage,
  readaheadPage,
  type Task,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { Toy } from '../toy.js';
import { letters, noting, pread, show, stepsOn } from './letters.js';

/** A file of 256 pages whose pages are filled at once. Each function gives what was asked for because of it. */
interface Noted {
  readonly toy: Toy;
  /** read(2) of whole pages. */
  readonly read: (index: number, nr?: number) => readonly string[];
  /** A reader who wants pages, the first of which is missing. */
  readonly miss: (index: number, nr?: number) => readonly string[];
  /** A reader who wants one page, which has the marker. */
  readonly meet: (index: number) => readonly string[];
  /** Advice. */
  readonly force: (index: number, nr: number) => readonly string[];
}

function noted(raPages: number): Noted {
  const asked: string[] = [];
  const toy = new Toy({ nrPages: 256, raPages, aOps: noting(asked) });
  const { mapping, file } = toy;
  const because = (body: Task<unknown>): readonly string[] => {
    toy.drive(body);
    return asked.splice(0);
  };
  return {
    toy,
    read: (index, nr = 1) => {
      const iocb = { kiFilp: file, kiPos: loff(index * 8), kiFlags: 0 };
      return because(genericFileReadIter(iocb, { count: nr * 8, cells: [], isPipe: false }));
    },
    miss: (index, nr = 1) => because(pageCacheSyncReadahead(mapping, file, pgoff(index), nr)),
    meet: (index) => {
      const page = pageOf(toy, index);
      expect(page.readahead.peek()).toBe(true);
      return because(pageCacheAsyncReadahead(mapping, file, page, page.index, 1));
    },
    force: (index, nr) => because(forcePageCacheReadahead(mapping, file, pgoff(index), nr)),
  };
}

describe('windows', () => {
  test('from the start of a file: the first window, then the next whenever the marker is met', () => {
    const { miss, meet } = noted(32);
    // One page wanted, at most 32: four pages, of which the three behind the one wanted are ahead.
    expect(miss(0)).toEqual(['0-3 marker 1']);
    expect(meet(1)).toEqual(['4-11 marker 4']); // twice the size
    expect(meet(4)).toEqual(['12-27 marker 12']);
    expect(meet(12)).toEqual(['28-59 marker 28']); // the largest
    expect(meet(28)).toEqual(['60-91 marker 60']);
  });

  test('small windows of a large maximum grow by four', () => {
    const { miss, meet } = noted(128);
    expect(miss(0)).toEqual(['0-3 marker 1']); // at most a 32nd of 128: four times what is wanted
    expect(meet(1)).toEqual(['4-19 marker 4']); // 4 is less than a sixteenth of 128
    expect(meet(4)).toEqual(['20-51 marker 20']);
  });

  test('a larger request begins with a larger window', () => {
    expect(noted(32).miss(0, 3)).toEqual(['0-7 marker 3']); // rounded to 4, doubled
    // The whole maximum is wanted, and the reader would meet the marker at once.
    expect(noted(32).miss(0, 32)).toEqual(['0-31 marker 16']);
  });

  test('a miss where the next window would begin goes on with it', () => {
    const { miss } = noted(32);
    miss(0);
    // Its own marker would be met at once: the window after it comes along.
    expect(miss(4)).toEqual(['4-27 marker 12']);
  });

  test('one random page is read as it is, and forgotten', () => {
    const { toy, read } = noted(32);
    const before = toy.file.fRa.peek();
    expect(read(100)).toEqual(['100-100']);
    expect(toy.file.fRa.peek()).toEqual({ ...before, prevPos: 101 * 8 });
  });

  test.each([
    [101, '101-104 marker 102'],
    [102, '102-105 marker 103'], // one page left out
    [104, '104-104'],
  ])('after page 100, page %i', (index, expected) => {
    const { read, miss } = noted(32);
    read(100);
    expect(miss(index)).toEqual([expected]);
  });

  test('a read looks at the page behind it: its marker counts', () => {
    const { read } = noted(32);
    expect(read(0)).toEqual(['0-3 marker 1', '4-11 marker 4']);
    expect([read(1), read(2)]).toEqual([[], []]);
    expect(read(3)).toEqual(['12-27 marker 12']);
  });

  test('a marker that fits nothing: the window begins behind what is cached', () => {
    const { toy, meet } = noted(32);
    for (const index of [50, 51, 52]) toy.cache(index);
    pageOf(toy, 50).readahead.init(true);
    // Three pages to the gap and one wanted: four, doubled.
    expect(meet(50)).toEqual(['53-60 marker 53']);
  });

  test('no window behind more cached pages than a window has', () => {
    const { toy, meet } = noted(4);
    for (let index = 50; index < 60; index++) toy.cache(index);
    pageOf(toy, 50).readahead.init(true);
    expect(meet(50)).toEqual([]);
    expect(pageOf(toy, 50).readahead.peek()).toBe(false);
  });

  test('cached pages before a miss are the trace of a sequential reader', () => {
    const { toy, miss } = noted(32);
    for (const index of [50, 51, 52]) toy.cache(index);
    expect(miss(53)).toEqual(['53-56 marker 56']); // three before, one wanted
  });

  test('back to the start of the file it counts double', () => {
    const { toy, miss } = noted(32);
    for (const index of [0, 1, 2]) toy.cache(index);
    expect(miss(3)).toEqual(['3-9 marker 9']);
  });

  test('without readahead one page is read', () => {
    expect(noted(0).read(0, 2)).toEqual(['0-0', '1-1']);
  });

  test('a file opened for random access gets what it asks for', () => {
    const { toy, miss } = noted(32);
    toy.file.fMode |= FMODE_RANDOM;
    expect(miss(0, 3)).toEqual(['0-2']);
  });

  test('nothing is read beyond the end of the file', () => {
    const { toy, miss } = noted(32);
    toy.inode.iSize.init(17);
    expect(miss(0)).toEqual(['0-2 marker 0']); // the marker keeps its distance from the end
    expect(miss(10)).toEqual([]);
    toy.inode.iSize.init(0);
    expect(miss(0)).toEqual([]);
  });
});

function pageOf(toy: Toy, index: number): Page {
  return toy.mapping.iPages.at(index).peek() as Page;
}

describe('page_cache_async_ra', () => {
  test('a page under writeback keeps its marker, and nothing is read', () => {
    const { toy, meet } = noted(32);
    const page = toy.cache(3);
    page.readahead.init(true);
    page.writeback.init(true);
    expect([meet(3), page.readahead.peek()]).toEqual([[], true]);
  });

  test('a file without readahead reads nothing', () => {
    const { toy, meet } = noted(0);
    toy.cache(3).readahead.init(true);
    expect(meet(3)).toEqual([]);
  });
});

describe('page_cache_ra_unbounded', () => {
  const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];

  test('v5.15 holds invalidate_lock shared until all is submitted, not until it is read', () => {
    const toy = letters();
    toy.drive(forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 2));
    expect(toy.steps.slice(0, toy.steps.indexOf('up_read(mapping.invalidate_lock[12])'))).toEqual([
      'i_size_read(i_size[12])',
      'down_read(mapping.invalidate_lock[12])',
      'add_to_page_cache_lru(i_pages[0])',
      'add_to_page_cache_lru(i_pages[1])',
      'submit_bio(disk[0])',
      'submit_bio(disk[1])',
    ]);
    expect(toy.steps).toContain('SetPageUptodate(PG_uptodate[1])');
  });

  test('v5.14 takes no lock', () => {
    const toy = letters({ release: 'v5.14' });
    toy.drive(forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 2));
    expect(stepsOn(toy, 'mapping.invalidate_lock')).toEqual([]);
    expect([toy.cached(0), toy.cached(1)]).toEqual(['page', 'page']);
  });

  test('cached pages split the request', () => {
    const { toy, force } = noted(0);
    toy.cache(2);
    toy.cache(4);
    expect(force(0, 6)).toEqual(['0-1', '3-3', '5-5']);
    for (let index = 0; index < 6; index++) expect(pageOf(toy, index).refs.peek()).toBe(1);
  });

  test('pages that the filesystem leaves are unlocked and put', () => {
    const toy = new Toy({
      aOps: {
        *readahead(rac): Task<void> {
          const page = readaheadPage(rac) as Page;
          page.uptodate.store(true);
          yield* unlockPage(page);
          putPage(page);
        },
      },
    });
    toy.drive(forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 2));
    const state = (index: number): unknown[] => {
      const page = pageOf(toy, index);
      return [page.uptodate.peek(), page.lock.isLocked, page.refs.peek()];
    };
    expect([state(0), state(1)]).toEqual([
      [true, false, 1],
      [false, false, 1],
    ]);
  });

  test('a filesystem with readpages gets pages that are in no cache yet; what it leaves is put', () => {
    const seen: unknown[] = [];
    const left: Page[] = [];
    const toy = new Toy({
      aOps: {
        *readpages(_file, mapping, pages): Task<void> {
          seen.push(pages.map((page) => [page.index, page.mapping.peek(), page.lock.isLocked]));
          const page = pages.shift() as Page;
          yield* addToPageCacheLru(page, mapping, page.index);
          yield* unlockPage(page);
          putPage(page);
          left.push(...pages);
        },
      },
    });
    toy.drive(forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 2));
    expect(seen).toEqual([
      [
        [0, null, false],
        [1, null, false],
      ],
    ]);
    expect([toy.cached(0), toy.cached(1), left.map((page) => page.refs.peek())]).toEqual([
      'page',
      'none',
      [0],
    ]);
  });

  test('a page that cannot be allocated ends the run', () => {
    const toy = letters({ faults: { allocPage: true } });
    let asked = 0;
    const body = forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 3);
    toy.execution.spawn('ra', body, 'A');
    const ending = toy.execution.run({
      newExecution: () => true,
      nextTask: ({ runnable }) => runnable[0] as number,
      nextChoice: () => (++asked === 2 ? 1 : 0),
    });
    expect([ending.kind, toy.cached(0), toy.cached(1), toy.cached(2)]).toEqual([
      'done',
      'page',
      'none',
      'none',
    ]);
  });

  test.each(RELEASES)('%s: i_size is read before the lock: pages beyond a new end', (release) => {
    const toy = letters({ release });
    function* shrink(): Task<void> {
      yield* filemapInvalidateLock(toy.mapping);
      yield* iSizeWrite(toy.inode, 8);
      yield* filemapInvalidateUnlock(toy.mapping);
    }
    const ending = toy.race({ R: forcePageCacheReadahead(toy.mapping, toy.file, pgoff(0), 3), T: shrink() }, [
      ['T', 'down_write'],
      ['R', 'i_size_read'],
      ['T', 'up_write'],
    ]);
    expect([ending.kind, toy.cached(0), toy.cached(2)]).toEqual(['done', 'page', 'page']);
  });

  test('a caller that must not wait waits for invalidate_lock, and only here', () => {
    const toy = letters();
    let text = '';
    function* read(): Task<void> {
      text = yield* pread(toy, 0, 4, IOCB_NOWAIT);
    }
    function* holder(): Task<void> {
      yield* filemapInvalidateLock(toy.mapping);
      yield* filemapInvalidateUnlock(toy.mapping);
    }
    const ending = toy.race({ H: holder(), R: read() }, [
      ['H', 'down_write'],
      ['R', 'i_size_read'],
      ['H', 'up_write'],
      ['R', 'down_read'],
    ]);
    expect([ending.kind, text, toy.cached(0)]).toEqual(['done', '-EAGAIN', 'page']);
  });

  test('is exempt from "must not wait" only for as long as it lasts', () => {
    const toy = letters();
    const inTask: boolean[] = [];
    function* body(): Task<void> {
      const task = toy.execution.task;
      if (task === null) throw new Error('no task');
      task.nowait = true;
      yield* pageCacheSyncReadahead(toy.mapping, toy.file, pgoff(0), 1);
      inTask.push(task.nowait);
      task.nowait = false;
    }
    toy.drive(body());
    expect(inTask).toEqual([true]);
  });
});

test('two files opened on one inode have windows of their own', () => {
  const { toy, miss } = noted(32);
  miss(0);
  const other = new File(toy.inode);
  toy.drive(pageCacheSyncReadahead(toy.mapping, other, pgoff(0), 2));
  expect(toy.file.fRa.peek()).toMatchObject({ start: 0, size: 4, asyncSize: 3 });
  expect(other.fRa.peek()).toMatchObject({ start: 0, size: 4, asyncSize: 2 });
});

test('what was read ahead is what is on the disk', () => {
  const toy = letters({ raPages: 4 });
  expect(toy.drive(pread(toy, 0, 32))).toBe('AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDD');
  expect(show(pageOf(toy, 3).peekBytes())).toBe('DDDDDDDD');
});
