// Shows what walks over the cache return: pages in order with a reference each, in batches; those that lock skip
// silently what they would have to wait for; and shadows are cleared on the way.

import {
  condResched,
  deleteFromPageCacheBatch,
  findGetEntries,
  findGetEntry,
  findLockEntries,
  lockPage,
  type Page,
  pagevecRelease,
  pgoff,
  type Task,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy, thrown } from '../../toy.js';

const SHADOW = { shadow: true } as const;

function indices(pages: readonly Page[]): number[] {
  return pages.map(({ index }) => index);
}

describe('entries of pages in swap', () => {
  test('are passed over and stay, and are seen by who asks for them', () => {
    const toy = new Toy();
    toy.cache(1);
    const entry = { swap: [] };
    toy.mapping.iPages.at(0).init(entry);
    for (const walk of [findGetEntries, findLockEntries]) {
      const { pages } = toy.drive(walk(toy.mapping, pgoff(0), 2));
      expect(indices(pages)).toEqual([1]);
      for (const page of pages) if (walk === findLockEntries) toy.drive(unlockPage(page));
      pagevecRelease(pages);
    }
    expect(toy.drive(findGetEntry(toy.mapping, pgoff(0)))).toBe(entry);
    expect(toy.mapping.iPages.at(0).peek()).toBe(entry);
  });
});

describe('find_get_entries', () => {
  test('returns the pages of the range in order, each with a reference', () => {
    const toy = new Toy();
    const pages = [0, 1, 3].map((index) => toy.cache(index));
    const batch = toy.drive(findGetEntries(toy.mapping, pgoff(1), 4));
    expect([indices(batch.pages), batch.next]).toEqual([[1, 3], 4]);
    expect(pages.map((page) => page.refs.peek())).toEqual([1, 2, 2]);
    expect(pages.some((page) => page.lock.isLocked)).toBe(false);
    pagevecRelease(batch.pages);
    expect(pages.map((page) => page.refs.peek())).toEqual([1, 1, 1]);
  });

  test('stops after fifteen, and says where to go on', () => {
    const toy = new Toy({ nrPages: 20 });
    for (let index = 0; index < 20; index++) toy.cache(index);
    const first = toy.drive(findGetEntries(toy.mapping, pgoff(2), 20));
    expect([indices(first.pages), first.next]).toEqual([Array.from({ length: 15 }, (_, i) => i + 2), 17]);
    const second = toy.drive(findGetEntries(toy.mapping, first.next, 20));
    expect([indices(second.pages), second.next]).toEqual([[17, 18, 19], 20]);
  });

  test('clears shadows of the range and no other', () => {
    const toy = new Toy();
    for (const index of [0, 1]) toy.mapping.iPages.at(index).init(SHADOW);
    expect(toy.drive(findGetEntries(toy.mapping, pgoff(1), 4)).pages).toEqual([]);
    expect([toy.cached(0), toy.cached(1)]).toEqual(['shadow', 'none']);
  });

  test('a page that takes the place of a shadow meanwhile stays', () => {
    const toy = new Toy();
    toy.mapping.iPages.at(0).init(SHADOW);
    // What comes in between the look and the clearing.
    const fill = toy.mapping.iPages.at(0).section('fill', () => toy.mapping.iPages.at(0).store(page));
    const page = toy.cache(1);
    const mapping = toy.mapping;
    toy.watch();
    const ending = toy.race({ A: findGetEntries(mapping, pgoff(0), 1), B: fill }, [
      ['A', 'find_get_entries'],
      ['B', 'fill'],
    ]);
    expect([ending.kind, mapping.iPages.at(0).peek()]).toEqual(['done', page]);
  });
});

describe('find_lock_entries', () => {
  test('returns pages locked', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    const body = function* (): Task<unknown[]> {
      const { pages } = yield* findLockEntries(toy.mapping, pgoff(0), 4);
      const seen = [indices(pages), page.lock.isLocked, page.refs.peek()];
      for (const found of pages) yield* unlockPage(found);
      pagevecRelease(pages);
      return seen;
    };
    expect(toy.drive(body())).toEqual([[1], true, 2]);
    expect(page.refs.peek()).toBe(1);
  });

  test('skips a page under writeback, and leaves nothing behind on it', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    page.writeback.init(true);
    expect(toy.drive(findLockEntries(toy.mapping, pgoff(0), 4)).pages).toEqual([]);
    expect([page.lock.isLocked, page.refs.peek()]).toEqual([false, 1]);
  });

  test('skips a page that somebody has locked, without waiting', () => {
    const toy = new Toy();
    const page = toy.cache(1);
    let found: readonly Page[] | null = null;
    const locker = function* (): Task<void> {
      yield* lockPage(page);
      yield* condResched();
      yield* unlockPage(page);
    };
    const walk = function* (): Task<void> {
      found = (yield* findLockEntries(toy.mapping, pgoff(1), 2)).pages;
    };
    toy.race({ A: locker(), B: walk() }, [
      ['A', 'lock_page'],
      ['B', 'trylock_page'],
    ]);
    expect([found, page.refs.peek()]).toEqual([[], 1]);
  });

  test('skips a page that left the cache between look and lock', () => {
    const found = new Set<string>();
    everyInterleaving(
      () => {
        const toy = new Toy();
        const page = toy.cache(0);
        const remove = function* (): Task<void> {
          yield* lockPage(page);
          if (page.mapping.load() !== null) yield* deleteFromPageCacheBatch(toy.mapping, [page]);
          yield* unlockPage(page);
        };
        const walk = function* (): Task<void> {
          const { pages } = yield* findLockEntries(toy.mapping, pgoff(0), 1);
          for (const locked of pages) {
            if (locked.mapping.load() !== toy.mapping) throw new Error('not in the cache');
            yield* unlockPage(locked);
          }
          found.add(String(indices(pages)));
          pagevecRelease(pages);
        };
        return { toy, page, tasks: { A: walk(), B: remove() } };
      },
      ({ page }, ending) => expect([ending, page.refs.peek()]).toEqual([{ kind: 'done' }, 0]),
    );
    expect(found).toEqual(new Set(['0', '']));
  });
});

describe('delete_from_page_cache_batch', () => {
  test('removes all in one step', () => {
    const freed: Page[] = [];
    const toy = new Toy({ aOps: { freepage: (page) => freed.push(page) } });
    const pages = [toy.cache(0), toy.cache(2)];
    const body = function* (): Task<void> {
      for (const page of pages) yield* lockPage(page);
      yield* deleteFromPageCacheBatch(toy.mapping, pages);
      for (const page of pages) yield* unlockPage(page);
    };
    toy.drive(body());
    expect(toy.steps.filter((step) => step.includes('i_pages'))).toHaveLength(1);
    expect([toy.mapping.nrpages.peek(), freed, pages.map((page) => page.refs.peek())]).toEqual([
      0,
      pages,
      [0, 0],
    ]);
  });

  test('nothing is no step', () => {
    const toy = new Toy();
    toy.drive(deleteFromPageCacheBatch(toy.mapping, []));
    expect(toy.steps).toEqual([]);
  });

  test('not without the page locks', () => {
    const toy = new Toy();
    const page = toy.cache(2);
    expect(thrown(() => toy.drive(deleteFromPageCacheBatch(toy.mapping, [page])))).toMatchObject({
      code: 'PAGE_NOT_LOCKED',
      page: 2,
    });
  });
});
