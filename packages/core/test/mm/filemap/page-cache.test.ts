// Shows what look-up, insert and remove do to pages: who holds which reference, what is locked, and that nobody ends up
// with a page that has left the cache.

import {
  AOP_TRUNCATED_PAGE,
  addToPageCacheLru,
  awaitPageUnlocked,
  condResched,
  deleteFromPageCache,
  EEXIST,
  FGP_CREAT,
  FGP_FOR_MMAP,
  FGP_LOCK,
  FGP_NOWAIT,
  findGetPage,
  findLockPage,
  getPage,
  isPage,
  KERNEL_RELEASES,
  type KernelRelease,
  lockPage,
  Page,
  pageCacheAlloc,
  pagecacheGetPage,
  pgoff,
  putPage,
  showByte,
  type Task,
  trylockPage,
  unlockPage,
  userLoad,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy, text, thrown } from '../../toy.js';
import { letters, map, pread, readpage, stale } from '../letters.js';

const SHADOW = { shadow: true } as const;

function* remove(page: Page): Task<void> {
  yield* lockPage(page);
  yield* deleteFromPageCache(page);
  yield* unlockPage(page);
}

/** Replace a page by another, as a truncation and a fill after it. */
function* replace(toy: Toy, page: Page): Task<void> {
  yield* remove(page);
  const fresh = new Page(page.index, false);
  yield* addToPageCacheLru(fresh, toy.mapping, page.index);
  yield* unlockPage(fresh);
  putPage(fresh);
}

describe('insert', () => {
  test('a page comes in locked, not uptodate, with a reference for the cache', () => {
    const toy = new Toy();
    const page = new Page(pgoff(1), false);
    expect(toy.drive(addToPageCacheLru(page, toy.mapping, pgoff(1)))).toBe(0);
    expect([page.lock.isLocked, page.uptodate.peek(), page.refs.peek()]).toEqual([true, false, 2]);
    expect([page.mapping.peek(), toy.mapping.nrpages.peek()]).toEqual([toy.mapping, 1]);
  });

  test('where there is one already: -EEXIST, and the fresh page is as it was', () => {
    const toy = new Toy();
    const first = toy.cache(1);
    const page = new Page(pgoff(1), false);
    expect(toy.drive(addToPageCacheLru(page, toy.mapping, pgoff(1)))).toBe(-EEXIST);
    expect([page.lock.isLocked, page.mapping.peek(), page.refs.peek()]).toEqual([false, null, 1]);
    expect([toy.mapping.iPages.at(1).peek(), toy.mapping.nrpages.peek()]).toEqual([first, 1]);
  });

  test('where there is a shadow: it replaces it', () => {
    const toy = new Toy();
    toy.mapping.iPages.at(1).init(SHADOW);
    toy.cache(1);
    expect(toy.cached(1)).toBe('page');
  });

  test('of two tasks one wins', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const results: number[] = [];
        const insert = function* (): Task<void> {
          const page = new Page(pgoff(0), false);
          results.push(yield* addToPageCacheLru(page, toy.mapping, pgoff(0)));
          if (page.mapping.load() !== null) yield* unlockPage(page);
          putPage(page);
        };
        return { toy, results, tasks: { A: insert(), B: insert() } };
      },
      ({ toy, results }) => {
        expect([...results].sort((a, b) => a - b)).toEqual([-EEXIST, 0]);
        expect(toy.mapping.nrpages.peek()).toBe(1);
      },
    );
  });
});

describe('remove', () => {
  test('index and content stay, the mapping goes, and with it the reference of the cache', () => {
    const freed: Page[] = [];
    const toy = new Toy({ aOps: { freepage: (page) => freed.push(page) } });
    const page = toy.cache(2, 'C');
    toy.drive(remove(page));
    expect([toy.cached(2), page.index, page.mapping.peek(), page.refs.peek()]).toEqual(['none', 2, null, 0]);
    expect([text(page), toy.mapping.nrpages.peek(), freed]).toEqual(['CCCCCCCC', 0, [page]]);
  });

  test('not without the page lock', () => {
    const toy = new Toy();
    const page = toy.cache(2);
    expect(thrown(() => toy.drive(deleteFromPageCache(page)))).toMatchObject({
      code: 'PAGE_NOT_LOCKED',
      page: 2,
    });
  });
});

describe('references', () => {
  test('dropping more than there are is an error', () => {
    const toy = new Toy();
    const page = new Page(pgoff(3), false);
    const drop = function* (times: number): Task<void> {
      yield* condResched();
      for (let i = 0; i < times; i++) putPage(page);
    };
    expect(thrown(() => toy.drive(drop(2)))).toMatchObject({ code: 'PAGE_REFCOUNT', page: 3, refs: -1 });
  });

  test('the last one of a page that is cached or mapped cannot be dropped', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    const drop = function* (): Task<void> {
      yield* condResched();
      putPage(page);
    };
    expect(thrown(() => toy.drive(drop()))).toMatchObject({ code: 'PAGE_REFCOUNT', cached: true });
    const anon = new Page(pgoff(0), false, true);
    anon.mapcount.init(1);
    expect(thrown(() => putPage(anon))).toMatchObject({ code: 'PAGE_REFCOUNT', mapped: 1 });
  });

  test('a page without any cannot be revived', () => {
    const toy = new Toy();
    const page = new Page(pgoff(0), false);
    putPage(page);
    expect(thrown(() => getPage(page))).toMatchObject({ code: 'PAGE_REFCOUNT', refs: 'revived' });
    expect(toy.cached(0)).toBe('none');
  });
});

describe('look-up', () => {
  test('finds a page with a reference, and nothing where there is a shadow', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    toy.mapping.iPages.at(2).init(SHADOW);
    const look = (index: number): Page | null => toy.drive(findGetPage(toy.mapping, pgoff(index)));
    expect([look(0), look(1), look(2)]).toEqual([null, page, null]);
    expect([page.refs.peek(), isPage(SHADOW), isPage(null), isPage(page)]).toEqual([2, false, false, true]);
  });

  test('find_lock_page returns the page that is in the cache now, whatever happens meanwhile', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const page = toy.cache(0);
        const found: (Page | null)[] = [];
        const find = function* (): Task<void> {
          const got = yield* findLockPage(toy.mapping, pgoff(0));
          found.push(got);
          if (got === null) return;
          if (toy.mapping.iPages.at(0).peek() !== got) throw new Error('not in the cache');
          yield* unlockPage(got);
          putPage(got);
        };
        return { toy, page, found, tasks: { A: find(), B: replace(toy, page) } };
      },
      ({ toy, page, found }, ending) => {
        expect(ending).toEqual({ kind: 'done' });
        const now = toy.mapping.iPages.at(0).peek() as Page;
        expect([page, now, null]).toContain(found[0]);
        expect([page.refs.peek(), now.refs.peek()]).toEqual([0, 1]);
      },
    );
  });
});

describe('pagecache_get_page', () => {
  const get = (toy: Toy, flags: number): Page | null =>
    toy.drive(pagecacheGetPage(toy.mapping, pgoff(1), flags));

  test('creates only if asked to', () => {
    const toy = new Toy();
    expect([get(toy, 0), get(toy, FGP_LOCK)]).toEqual([null, null]);
    const page = get(toy, FGP_LOCK | FGP_CREAT);
    expect([page?.lock.isLocked, page?.uptodate.peek(), page?.refs.peek()]).toEqual([true, false, 2]);
  });

  test('FGP_FOR_MMAP: a created page is returned unlocked, a found one too', () => {
    const toy = new Toy();
    const page = get(toy, FGP_CREAT | FGP_FOR_MMAP);
    expect([page?.lock.isLocked, page?.refs.peek(), toy.cached(1)]).toEqual([false, 2, 'page']);
    expect(get(toy, FGP_CREAT | FGP_FOR_MMAP)).toBe(page);
    expect([page?.lock.isLocked, page?.refs.peek()]).toEqual([false, 3]);
  });

  test('FGP_NOWAIT: a locked page is none, and no reference stays', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    expect(get(toy, FGP_LOCK | FGP_NOWAIT)).toBe(page);
    expect(page.refs.peek()).toBe(2);
    expect(get(toy, FGP_LOCK | FGP_NOWAIT)).toBeNull();
    expect(page.refs.peek()).toBe(2);
  });

  test('an allocation that fails: none', () => {
    const toy = new Toy({ faults: { allocPage: true } });
    const got: unknown[] = [];
    const body = function* (): Task<void> {
      got.push(yield* pagecacheGetPage(toy.mapping, pgoff(1), FGP_CREAT | FGP_LOCK));
      got.push(yield* pageCacheAlloc(pgoff(1)));
    };
    toy.race({ A: body() }, [], 1);
    expect([got, toy.cached(1)]).toEqual([[null, null], 'none']);
  });

  test('two that create: both get the page of the one that won', () => {
    everyInterleaving(
      () => {
        const toy = new Toy();
        const got: (Page | null)[] = [];
        const create = function* (): Task<void> {
          const page = yield* pagecacheGetPage(toy.mapping, pgoff(0), FGP_CREAT | FGP_LOCK);
          got.push(page);
          if (page === null) return;
          yield* unlockPage(page);
          putPage(page);
        };
        return { toy, got, tasks: { A: create(), B: create() } };
      },
      ({ toy, got }, ending) => {
        expect(ending.kind).toBe('done');
        const page = toy.mapping.iPages.at(0).peek() as Page;
        expect([got, page.refs.peek()]).toEqual([[page, page], 1]);
      },
    );
  });
});

describe('AOP_TRUNCATED_PAGE from readpage: the page is unlocked, and is looked up again', () => {
  /** The first read of a page finds that the filesystem needs another lock first. */
  function stubborn(release: KernelRelease): { toy: Toy; calls: () => number } {
    let calls = 0;
    const toy = letters({
      release,
      aOps: {
        *readpage(file: unknown, page: Page): Task<number> {
          if (++calls > 1) return yield* readpage(file, page);
          yield* unlockPage(page);
          return AOP_TRUNCATED_PAGE;
        },
      },
    });
    return { toy, calls: () => calls };
  }

  test.each(KERNEL_RELEASES)('by a read that creates the page, in %s', (release) => {
    const { toy, calls } = stubborn(release);
    expect([toy.drive(pread(toy, 8, 4)), calls()]).toEqual(['BBBB', 2]);
    expect((toy.mapping.iPages.at(1).peek() as Page).refs.peek()).toBe(1);
  });

  test.each(KERNEL_RELEASES)('by a read that finds the page, in %s', (release) => {
    const { toy, calls } = stubborn(release);
    const page = stale(toy, 1);
    expect([toy.drive(pread(toy, 8, 4)), calls(), page.refs.peek()]).toEqual(['BBBB', 2, 1]);
  });

  test.each(KERNEL_RELEASES)('by a fault, in %s', (release) => {
    const { toy, calls } = stubborn(release);
    const { mm } = map(toy, 0);
    const cell = toy.drive(userLoad(mm, 8));
    expect([typeof cell === 'number' ? showByte(cell) : cell, calls()]).toEqual(['B', 2]);
    expect(toy.mapping.invalidateLock.isLocked).toBe(false);
  });
});

describe('try-locks and waits', () => {
  test('look at the lock and not at the cache', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    const body = function* (): Task<unknown[]> {
      const taken = yield* trylockPage(page);
      yield* deleteFromPageCache(page);
      yield* unlockPage(page);
      return [taken, yield* awaitPageUnlocked(page.lock, 'wait')];
    };
    expect(toy.drive(body())).toEqual([true, true]);
  });
});
