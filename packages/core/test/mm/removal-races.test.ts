// Shows, by running every interleaving, that whoever removes a page at the same time as somebody else removes it
// once, that no reference is lost or left, and that a truncated page is never written.

import {
  endPageWriteback,
  findGetPage,
  invalidateInodePages2Range,
  invalidateMappingPages,
  loff,
  memoryFailure,
  type Page,
  pgoff,
  putPage,
  reclaimPage,
  setPageWriteback,
  type Task,
  truncateInodePages,
  unlockPage,
  writeCachePages,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy } from '../toy.js';

const FIRST = pgoff(0);
const LAST_PAGE = { sync: 'WB_SYNC_ALL', rangeStart: loff(24), rangeEnd: loff(31) } as const;

/** Holds a reference for a moment. */
function* looker(toy: Toy): Task<void> {
  const page = yield* findGetPage(toy.mapping, FIRST);
  if (page === null) return;
  yield* page.uptodate.read('PageUptodate');
  putPage(page);
}

const REMOVERS: Readonly<Record<string, (toy: Toy, page: Page) => Task<unknown>>> = {
  truncate: (toy) => truncateInodePages(toy.mapping, loff(24)),
  reclaim: (toy) => reclaimPage(toy.mapping, pgoff(3)),
  invalidate: (toy) => invalidateMappingPages(toy.mapping, pgoff(3), pgoff(3)),
  invalidate2: (toy) => invalidateInodePages2Range(toy.mapping, pgoff(3), pgoff(3)),
  'memory failure': (_, page) => memoryFailure(page),
};

describe('two that remove one page', () => {
  const names = Object.keys(REMOVERS);
  const pairs = names.flatMap((one, i) => names.slice(i).map((other) => [one, other] as const));
  test.each(pairs)('%s and %s', (one, other) => {
    const count = everyInterleaving(
      () => {
        const toy = new Toy({ release: 'v5.14' });
        const page = toy.cache(3);
        const start = (name: string): Task<unknown> =>
          (REMOVERS[name] as (typeof REMOVERS)[string])(toy, page);
        return { toy, page, tasks: { A: start(one), B: start(other) } };
      },
      ({ toy, page }, ending) => {
        expect(ending.kind).toBe('done');
        expect(page.lock.isLocked).toBe(false);
        // Each of them may give up because of the other's reference or lock; then the page stays, whole.
        const cached = toy.cached(3) === 'page';
        expect([page.refs.peek(), toy.mapping.nrpages.peek()]).toEqual(cached ? [1, 1] : [0, 0]);
        expect(page.mapping.peek()).toBe(cached ? toy.mapping : null);
        if ([one, other].some((name) => name.startsWith('truncate'))) expect(cached).toBe(false);
      },
    );
    expect(count).toBeGreaterThan(1);
  });
});

test('those who look at a page while reclaim is after it lose no reference and leave none', () => {
  everyInterleaving(
    () => {
      const toy = new Toy({ release: 'v5.14' });
      const page = toy.cache(0);
      return { toy, page, tasks: { A: looker(toy), B: reclaimPage(toy.mapping, FIRST), C: looker(toy) } };
    },
    ({ toy, page }, ending) => {
      expect(ending.kind).toBe('done');
      expect(page.refs.peek()).toBe(toy.cached(0) === 'page' ? 1 : 0);
    },
  );
});

test('a page that truncation has removed is not written, and truncation waits for one that is', () => {
  const outcomes = new Set<string>();
  everyInterleaving(
    () => {
      const toy = new Toy({ release: 'v5.14' });
      const page = toy.cache(3, 'A', { dirty: true });
      let inFlight = 0;
      let log = '';
      const writepage = function* (written: Page): Task<number> {
        expect(written.mapping.peek()).toBe(toy.mapping);
        log = 'written, ';
        yield* setPageWriteback(written);
        inFlight++;
        yield* unlockPage(written);
        yield* endPageWriteback(written);
        inFlight--;
        return 0;
      };
      const truncator = function* (): Task<void> {
        yield* truncateInodePages(toy.mapping, loff(24));
        // The blocks may be freed from here on.
        expect(inFlight).toBe(0);
        outcomes.add(`${log}truncated`);
      };
      return { toy, page, tasks: { A: writeCachePages(toy.mapping, LAST_PAGE, writepage), B: truncator() } };
    },
    ({ toy, page }, ending) => {
      expect(ending.kind).toBe('done');
      expect([toy.cached(3), page.refs.peek(), page.writeback.peek()]).toEqual(['none', 0, false]);
    },
  );
  expect([...outcomes].sort()).toEqual(['truncated', 'written, truncated']);
});
