// Shows how a read goes through the page cache, step by step: what it locks and in which order, what it does when the
// page it found is truncated, being filled by somebody else or cannot be read, and that no reference or lock is left.

import {
  addToPageCacheLru,
  deleteFromPageCache,
  filemapInvalidateLock,
  filemapInvalidateLockShared,
  filemapInvalidateUnlock,
  filemapInvalidateUnlockShared,
  IOCB_DIRECT,
  type KernelRelease,
  lockPage,
  Page,
  pgoff,
  putPage,
  readCachePage,
  readMappingPage,
  type Task,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, type Toy, thrown } from '../../toy.js';
import { letters, pread, readIter, show, stale, stepsOn } from '../letters.js';

const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];
const LOCKS = ['mapping.invalidate_lock', 'PG_locked'];

function pageAt(toy: Toy, index: number): Page {
  const slot = toy.mapping.iPages.at(index).peek();
  if (!(slot instanceof Page)) throw new Error(`no page ${index}`);
  return slot;
}

/** Truncate one page: under its page lock. */
function* removePage(page: Page): Task<void> {
  yield* lockPage(page);
  yield* deleteFromPageCache(page);
  yield* unlockPage(page);
}

describe('filemap_read', () => {
  test('a hit takes no lock and leaves no reference', () => {
    const toy = letters();
    const page = toy.cache(0, 'A');
    expect(toy.drive(pread(toy, 2, 4))).toBe('AAAA');
    expect(stepsOn(toy, ...LOCKS)).toEqual([]);
    expect(page.refs.peek()).toBe(1);
  });

  test('reads across pages, up to the end of the file', () => {
    const toy = letters();
    toy.inode.iSize.init(20);
    expect(toy.drive(pread(toy, 6, 100))).toBe('AABBBBBBBBCCCC');
    expect(toy.drive(pread(toy, 20, 4))).toBe('');
    expect(toy.drive(pread(toy, 32, 4))).toBe('');
    expect(toy.drive(pread(toy, 0, 0))).toBe('');
  });

  test('i_size is read after the page became uptodate', () => {
    const toy = letters();
    toy.inode.iSize.init(8);
    toy.drive(pread(toy, 0, 4));
    const uptodate = toy.steps.indexOf('SetPageUptodate(PG_uptodate[0])');
    expect(uptodate).toBeGreaterThanOrEqual(0);
    expect(toy.steps.lastIndexOf('i_size_read(i_size[12])')).toBeGreaterThan(uptodate);
  });

  test.each(RELEASES)('%s: at the end of the file it inserts a page beyond it', (release) => {
    const toy = letters({ release });
    toy.inode.iSize.init(8);
    expect(toy.drive(pread(toy, 8, 4))).toBe('');
    expect(toy.cached(1)).toBe('page');
    expect(pageAt(toy, 1).refs.peek()).toBe(1);
  });

  test('filemap_create_page holds invalidate_lock from the insertion to the end of the I/O', () => {
    const toy = letters();
    toy.inode.iSize.init(0); // readahead finds nothing
    toy.drive(pread(toy, 0, 4));
    const held = toy.steps.slice(
      toy.steps.indexOf('down_read(mapping.invalidate_lock[12])') + 1,
      toy.steps.indexOf('up_read(mapping.invalidate_lock[12])'),
    );
    expect(held).toEqual([
      'add_to_page_cache_lru(i_pages[0])',
      'submit_bio(disk[0])',
      'bio_endio(disk[0])',
      'SetPageUptodate(PG_uptodate[0])',
      'unlock_page(PG_locked[0])',
      'wait_on_page_locked_killable(PG_locked[0])',
    ]);
  });

  test('v5.14 takes no lock but the page lock', () => {
    const toy = letters({ release: 'v5.14' });
    toy.inode.iSize.init(0);
    toy.drive(pread(toy, 0, 4));
    expect(stepsOn(toy, 'mapping.invalidate_lock')).toEqual([]);
  });

  test('the page behind the request is looked at, and filled if it is cached and not valid', () => {
    const toy = letters();
    toy.cache(0, 'A');
    const behind = stale(toy, 1);
    expect(toy.drive(pread(toy, 0, 8))).toBe('AAAAAAAA');
    expect(behind.uptodate.peek()).toBe(true);
  });

  test('an error behind good pages gives the good pages', () => {
    const toy = letters({ aOps: { readpage: failing } });
    toy.cache(0, 'A');
    stale(toy, 1);
    expect(toy.drive(pread(toy, 4, 8))).toBe('AAAA');
    expect(toy.drive(pread(toy, 8, 8))).toBe('-EIO');
  });

  test('copying while holding a lock that a fault takes is refused', () => {
    const toy = letters();
    toy.cache(0, 'A');
    function* body(): Task<void> {
      yield* filemapInvalidateLockShared(toy.mapping);
      yield* readIter(toy, 0, { count: 4, cells: [], isPipe: false });
    }
    expect(thrown(() => toy.drive(body()))).toMatchObject({
      code: 'COPY_UNDER_LOCK',
      lock: 'mapping.invalidate_lock[12]',
      mode: 'S',
    });
  });
});

/** A readpage that fails at once: the page is unlocked, with the error flag. */
function* failing(_file: unknown, page: Page): Task<number> {
  page.error.store(true);
  yield* unlockPage(page);
  return 0;
}

describe('filemap_update_page', () => {
  test.each(RELEASES)('%s: a page truncated before it is locked is looked up again', (release) => {
    const toy = letters({ release });
    const old = stale(toy, 0);
    const ending = toy.race({ R: pread(toy, 0, 4), T: removePage(old) }, [
      ['R', 'filemap_get_read_batch'],
      ['T', 'unlock_page'],
    ]);
    expect(ending.kind).toBe('done'); // pread(2) throws if a lock is left
    expect(old.refs.peek()).toBe(0);
    expect(pageAt(toy, 0).refs.peek()).toBe(1);
    expect(toy.steps.filter((step) => step === 'down_read(mapping.invalidate_lock[12])').length).toBe(
      toy.steps.filter((step) => step === 'up_read(mapping.invalidate_lock[12])').length,
    );
  });

  test('waits for who is filling the page without invalidate_lock and without a reference', () => {
    const toy = letters();
    const page = stale(toy, 0);
    function* filler(): Task<void> {
      yield* lockPage(page);
      yield* page.uptodate.write(true, 'SetPageUptodate');
      yield* unlockPage(page);
    }
    let refs = 0;
    page.uptodate.show = () => {
      refs = page.refs.peek();
      return '';
    };
    const ending = toy.race({ R: pread(toy, 0, 4), F: filler() }, [
      ['R', 'filemap_get_read_batch'],
      ['F', 'lock_page'],
      ['R', 'up_read'],
      ['F', 'SetPageUptodate'],
    ]);
    expect(ending.kind).toBe('done');
    expect(refs).toBe(1); // the cache's
    expect(stepsOn(toy, ...LOCKS)).toEqual([
      'lock_page(PG_locked[0])',
      'down_read(mapping.invalidate_lock[12])',
      'trylock_page(PG_locked[0])',
      'up_read(mapping.invalidate_lock[12])',
      'unlock_page(PG_locked[0])',
      'put_and_wait_on_page_locked(PG_locked[0])',
    ]);
  });

  test('holds invalidate_lock over the I/O', () => {
    const toy = letters();
    stale(toy, 0);
    toy.drive(pread(toy, 0, 4));
    const released = toy.steps.indexOf('up_read(mapping.invalidate_lock[12])');
    expect(toy.steps.indexOf('SetPageUptodate(PG_uptodate[0])')).toBeLessThan(released);
    expect(toy.steps.indexOf('down_read(mapping.invalidate_lock[12])')).toBeLessThan(
      toy.steps.indexOf('trylock_page(PG_locked[0])'),
    );
  });

  test('a failed read gives -EIO, leaves the page, and reads less ahead', () => {
    const toy = letters({ raPages: 8, faults: { readIo: true } });
    const page = stale(toy, 0);
    let text = '';
    function* read(): Task<void> {
      text = yield* pread(toy, 0, 4);
    }
    expect(toy.race({ R: read() }, [], 1).kind).toBe('done'); // every choice: the error
    expect(text).toBe('-EIO');
    expect([toy.cached(0), page.uptodate.peek(), page.error.peek(), page.refs.peek()]).toEqual([
      'page',
      false,
      true,
      1,
    ]);
    expect(toy.file.fRa.peek().raPages).toBe(2);
  });

  test('an old error is forgotten before the page is read again', () => {
    const toy = letters();
    const page = stale(toy, 0);
    page.error.init(true);
    expect(toy.drive(pread(toy, 0, 4))).toBe('AAAA');
    expect(page.error.peek()).toBe(false);
  });

  describe('with blocks smaller than a page', () => {
    const ranges: [number, number][] = [];
    function partly(): Toy {
      ranges.length = 0;
      return letters({
        blockSize: 4,
        aOps: {
          isPartiallyUptodate: (_, from, count) => {
            ranges.push([from, count]);
            return result(from + count <= 4);
          },
        },
      });
    }

    test('valid blocks are enough', () => {
      const toy = partly();
      const page = stale(toy, 0);
      expect(toy.drive(pread(toy, 1, 3))).toBe('???');
      expect(page.uptodate.peek()).toBe(false);
      expect(ranges).toEqual([[1, 3]]);
    });

    test('of a page that the request only begins before, the part behind its start counts', () => {
      const toy = partly();
      toy.cache(0, 'A');
      stale(toy, 1);
      expect(toy.drive(pread(toy, 6, 4))).toBe('AA??');
      expect(ranges).toEqual([[0, 2]]);
    });

    test('for a pipe the whole page must be valid', () => {
      const toy = partly();
      const page = stale(toy, 0);
      const iter = { count: 4, cells: [], isPipe: true };
      expect(toy.drive(readIter(toy, 0, iter))).toBe(4);
      expect([ranges, page.uptodate.peek(), show(iter.cells.flat())]).toEqual([[], true, 'AAAA']);
    });
  });
});

describe('filemap_create_page', () => {
  test.each(RELEASES)('%s: if somebody else inserts a page first, that one is used', (release) => {
    const toy = letters({ release });
    toy.inode.iSize.init(0);
    function* other(): Task<void> {
      const page = new Page(pgoff(0), false);
      yield* addToPageCacheLru(page, toy.mapping, pgoff(0));
      yield* page.uptodate.write(true, 'SetPageUptodate');
      yield* unlockPage(page);
      putPage(page);
    }
    // The second look-up of the reader comes after readahead found nothing.
    const ending = toy.race({ R: pread(toy, 0, 4), O: other() }, [
      ['R', 'filemap_get_read_batch'],
      ['R', 'i_size_read'],
      ['R', 'filemap_get_read_batch'],
      ['O', 'unlock_page'],
    ]);
    expect(ending.kind).toBe('done');
    expect(toy.steps.filter((step) => step === 'add_to_page_cache_lru(i_pages[0])')).toHaveLength(2);
    expect(pageAt(toy, 0).refs.peek()).toBe(1);
  });

  test('without memory: -ENOMEM', () => {
    const toy = letters({ faults: { allocPage: true } });
    let text = '';
    function* read(): Task<void> {
      text = yield* pread(toy, 0, 4);
    }
    toy.race({ R: read() }, [], 1);
    expect([text, toy.cached(0)]).toEqual(['-ENOMEM', 'none']);
  });
});

describe('a task that is killed', () => {
  test('does not go on waiting', () => {
    const toy = letters();
    const page = stale(toy, 0);
    let text = '';
    function* read(): Task<void> {
      text = yield* pread(toy, 0, 4);
    }
    function* holder(): Task<void> {
      yield* lockPage(page);
      yield* signal.write(true, 'send_sig');
      yield* toy.inode.iSize.waitUntil((size) => size < 0, 'forever');
    }
    const signal = toy.inode.iMapping.exiting; // any boolean will do
    toy.execution.spawn('reader', read(), 'R').signal = signal;
    toy.race({ H: holder() }, [
      ['R', 'filemap_get_read_batch'],
      ['H', 'lock_page'],
      ['R', 'up_read'],
      ['H', 'send_sig'],
      ['R', 'put_and_wait_on_page_locked'],
    ]);
    expect(text).toBe('-EINTR');
  });
});

describe('read_cache_page', () => {
  /** Call it as its users do: with invalidate_lock held. */
  function* guarded(toy: Toy, index: number): Task<Page | number> {
    yield* filemapInvalidateLock(toy.mapping);
    const page = yield* readMappingPage(toy.mapping, pgoff(index), toy.file);
    yield* filemapInvalidateUnlock(toy.mapping);
    return page;
  }

  test.each([
    ['missing', () => {}],
    ['uptodate', (toy: Toy) => toy.cache(1, 'B')],
    ['not uptodate', (toy: Toy) => stale(toy, 1)],
  ])('%s: the page, uptodate, with a reference', (_, arrange) => {
    const toy = letters();
    arrange(toy);
    const page = toy.drive(guarded(toy, 1)) as Page;
    expect([show(page.peekBytes()), page.refs.peek(), page.lock.isLocked]).toEqual(['BBBBBBBB', 2, false]);
  });

  test('takes no invalidate_lock itself', () => {
    const toy = letters();
    toy.drive(guarded(toy, 1));
    expect(stepsOn(toy, 'mapping.invalidate_lock')).toEqual([
      'down_write(mapping.invalidate_lock[12])',
      'up_write(mapping.invalidate_lock[12])',
    ]);
  });

  test('a page that cannot be read: -EIO', () => {
    const toy = letters({ aOps: { readpage: failing } });
    expect(toy.drive(guarded(toy, 1))).toBe(-5);
    expect(pageAt(toy, 1).refs.peek()).toBe(1);
  });

  test.each([
    ['truncated', removePage, false],
    ['filled by somebody else', fill, true],
  ])('a page that is %s while it is waited for', (_, meanwhile, kept) => {
    const toy = letters();
    const page = stale(toy, 1);
    const got: (Page | number)[] = [];
    function* reader(): Task<void> {
      yield* filemapInvalidateLockShared(toy.mapping);
      got[0] = yield* readCachePage(toy.mapping, pgoff(1), toy.file);
      yield* filemapInvalidateUnlockShared(toy.mapping);
    }
    const ending = toy.race({ R: reader(), M: meanwhile(page) }, [
      ['R', 'find_get_page'],
      ['M', 'lock_page'],
    ]);
    expect(ending.kind).toBe('done');
    expect(got).toEqual([pageAt(toy, 1)]);
    expect((got[0] as Page).refs.peek()).toBe(2);
    expect([got[0] === page, page.refs.peek()]).toEqual(kept ? [true, 2] : [false, 0]);
  });

  function* fill(page: Page): Task<void> {
    yield* lockPage(page);
    yield* page.uptodate.write(true, 'SetPageUptodate');
    yield* unlockPage(page);
  }

  test('without invalidate_lock it is a broken contract in v5.15', () => {
    const body = (toy: Toy) => readCachePage(toy.mapping, pgoff(0), toy.file);
    const toy = letters();
    expect(thrown(() => toy.drive(body(toy)))).toMatchObject({ code: 'CONTRACT', op: 'read_cache_page' });
    const old = letters({ release: 'v5.14' });
    expect(old.drive(body(old))).toBeInstanceOf(Page);
  });
});

describe('direct reads', () => {
  /** A device that gives so many bytes. */
  function direct(bytes: number): Toy {
    return letters({
      aOps: {
        directIO: (_, iter) => {
          if ('cells' in iter) {
            iter.cells.push(new Array(bytes).fill(68));
            iter.count -= bytes;
          }
          return result(bytes);
        },
      },
    });
  }

  test.each([
    ['all of it', 8, 'DDDDDDDD'],
    ['a short read goes on through the cache', 4, 'DDDDAAAA'],
  ])('%s', (_, bytes, expected) => {
    const toy = direct(bytes);
    expect(toy.drive(pread(toy, 0, 8, IOCB_DIRECT))).toBe(expected);
  });

  test('a short read at the end of the file ends there', () => {
    const toy = direct(4);
    toy.inode.iSize.init(4);
    expect(toy.drive(pread(toy, 0, 8, IOCB_DIRECT))).toBe('DDDD');
    expect(toy.cached(0)).toBe('none');
  });
});

test('a readpage that leaves the page locked is a broken contract', () => {
  const toy = letters({ aOps: { readpage: () => result(0) } });
  stale(toy, 0);
  expect(thrown(() => toy.drive(pread(toy, 0, 4)))).toMatchObject({
    code: 'CONTRACT',
    op: 'readpage',
    rule: 'page-unlocked',
  });
});
