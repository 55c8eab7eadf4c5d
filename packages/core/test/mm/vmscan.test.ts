// Shows which pages reclaim takes, which it leaves alone, and that a reference keeps a page.

import {
  clearPageDirtyForIo,
  endPageWriteback,
  findGetPage,
  getPage,
  type Page,
  pgoff,
  putPage,
  reclaimPage,
  setPageDirty,
  setPageWriteback,
  shrinkPageList,
  type Task,
  truncateInodePagesFinal,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, type ToyOptions } from '../toy.js';

const reclaim = (toy: Toy, index = 0): boolean => toy.drive(reclaimPage(toy.mapping, pgoff(index)));

describe('reclaim', () => {
  test('takes a clean page and leaves a shadow', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    expect(reclaim(toy)).toBe(true);
    expect(toy.cached(0)).toBe('shadow');
    expect([page.refs.peek(), page.mapping.peek(), toy.mapping.nrpages.peek()]).toEqual([0, null, 0]);
    expect(page.lock.isLocked).toBe(false);
  });

  test('takes no lock but the page lock', () => {
    const toy = new Toy();
    toy.cache(0);
    reclaim(toy);
    expect(toy.steps).toEqual([
      'isolate_lru_page(i_pages[0])',
      'trylock_page(PG_locked[0])',
      '__remove_mapping(i_pages[0])',
      'unlock_page(PG_locked[0])',
    ]);
  });

  test('finds nothing where nothing is', () => {
    const toy = new Toy();
    expect(reclaim(toy)).toBe(false);
    toy.mapping.iPages.at(0).init({ shadow: true });
    expect(reclaim(toy)).toBe(false);
  });

  const spared: [string, (page: Page) => void][] = [
    ['that somebody refers to', (page) => getPage(page)],
    ['that is locked', (page) => page.lock.take({ mode: 'X', trylock: true, subclass: 0 })],
    ['under writeback', (page) => page.writeback.init(true)],
    ['that is dirty, if there is no writepage', (page) => page.dirty.init(true)],
  ];
  test.each(spared)('spares a page %s', (_, prepare) => {
    const toy = new Toy();
    const page = toy.cache(0);
    prepare(page);
    const refs = page.refs.peek();
    expect(reclaim(toy)).toBe(false);
    expect(toy.cached(0)).toBe('page');
    expect(page.refs.peek()).toBe(refs);
  });

  test.each([true, false])('asks the filesystem to let go of its buffers: %s', (released) => {
    const releasepage = (page: Page): Task<boolean> => {
      if (released) {
        page.buffers.init(null);
        putPage(page);
      }
      return result(released);
    };
    const toy = new Toy({ aOps: { releasepage } });
    toy.cache(0, 'A', { buffers: true });
    expect(reclaim(toy)).toBe(released);
  });

  test('a reference that comes at the last moment keeps the page', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    toy.race({ A: reclaimPage(toy.mapping, pgoff(0)), B: findGetPage(toy.mapping, pgoff(0)) }, [
      ['A', 'trylock_page'],
      ['B', 'find_get_page'],
    ]);
    expect(toy.cached(0)).toBe('page');
    expect(page.refs.peek()).toBe(2);
  });

  test('a page that becomes dirty at the last moment stays', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    const writer = function* (): Task<void> {
      yield* toy.inode.iSize.read('start');
      yield* setPageDirty(page);
    };
    toy.race({ A: reclaimPage(toy.mapping, pgoff(0)), B: writer() }, [
      ['A', 'trylock_page'],
      ['B', '__set_page_dirty_nobuffers'],
    ]);
    expect(toy.cached(0)).toBe('page');
  });

  test('leaves no shadow in a mapping that is being torn down', () => {
    const toy = new Toy();
    toy.cache(0);
    toy.race({ A: reclaimPage(toy.mapping, pgoff(0)), B: truncateInodePagesFinal(toy.mapping) }, [
      ['A', 'trylock_page'],
      ['B', 'mapping_set_exiting'],
      ['A', '__remove_mapping'],
    ]);
    expect(toy.cached(0)).toBe('none');
  });

  test('a page that left the cache before it was locked is not reclaimed again', () => {
    const toy = new Toy();
    const page = toy.cache(0);
    getPage(page);
    toy.drive(truncateInodePagesFinal(toy.mapping));
    expect(toy.drive(shrinkPageList([page]))).toBe(0);
    expect(page.refs.peek()).toBe(0);
  });
});

describe('pageout', () => {
  const options: ToyOptions = {
    aOps: {
      writepage: function* (page) {
        yield* setPageWriteback(page);
        yield* unlockPage(page);
        return 0;
      },
    },
  };
  const run = (choice: number, setUp: ToyOptions = options): { toy: Toy; page: Page } => {
    const toy = new Toy(setUp);
    const page = toy.cache(0, 'A', { dirty: true });
    toy.race({ A: reclaimPage(toy.mapping, pgoff(0)) }, [], choice);
    return { toy, page };
  };

  test('a dirty page is left alone or written, as the scheduler chooses', () => {
    expect(run(0).page.dirty.peek()).toBe(true);
    const { toy, page } = run(1);
    expect([page.dirty.peek(), page.writeback.peek(), toy.cached(0)]).toEqual([false, true, 'page']);
    expect([page.lock.isLocked, page.refs.peek()]).toEqual([false, 1]);
  });

  test('and is reclaimed at once if it was written at once', () => {
    const { toy } = run(1, { aOps: { writepage: writeNow } });
    expect(toy.cached(0)).toBe('shadow');
  });

  test('it is not written while somebody refers to it', () => {
    const toy = new Toy(options);
    const page = toy.cache(0, 'A', { dirty: true });
    getPage(page);
    toy.race({ A: reclaimPage(toy.mapping, pgoff(0)) }, [], 1);
    expect(page.dirty.peek()).toBe(true);
    expect(page.lock.isLocked).toBe(false);
  });

  function* writeNow(page: Page): Task<number> {
    yield* setPageWriteback(page);
    yield* unlockPage(page);
    yield* endPageWriteback(page);
    return 0;
  }

  test('an error is noted for fsync', () => {
    const fails = function* (page: Page): Task<number> {
      yield* unlockPage(page);
      return -5;
    };
    expect(run(1, { aOps: { writepage: fails } }).toy.mapping.wbErr.peek()).toBe(-5);
  });

  test('what was cleaned stays findable until its writeback begins', () => {
    const toy = new Toy();
    const page = toy.cache(0, 'A', { dirty: true });
    page.lock.take({ mode: 'X', trylock: true, subclass: 0 });
    toy.drive(clearPageDirtyForIo(page));
    expect(page.towrite.peek()).toBe(true);
  });
});
