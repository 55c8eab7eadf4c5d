// Shows what becomes of a page whose memory is broken: clean, dirty, in use, or already gone.

import {
  EBUSY,
  EHWPOISON,
  EIO,
  endPageWriteback,
  filemapCheckErrors,
  genericErrorRemovePage,
  getPage,
  memoryFailure,
  Page,
  pgoff,
  putPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy } from '../toy.js';

const REMOVES = { aOps: { errorRemovePage: genericErrorRemovePage } };

describe('memory_failure', () => {
  test('a clean page leaves the cache', () => {
    const toy = new Toy(REMOVES);
    const page = toy.cache(0);
    expect(toy.drive(memoryFailure(page))).toBe(0);
    expect([toy.cached(0), page.refs.peek(), page.hwpoison.peek()]).toEqual(['none', 0, true]);
    expect(toy.drive(filemapCheckErrors(toy.mapping))).toBe(0);
  });

  test('it takes neither i_rwsem nor invalidate_lock, in v5.15 neither, buffers or not', () => {
    const invalidatepage = (page: Page) => {
      page.buffers.init(null);
      putPage(page);
      return result<void>(undefined);
    };
    const toy = new Toy({ aOps: { ...REMOVES.aOps, invalidatepage } });
    const page = toy.cache(0, 'A', { buffers: true });
    expect(toy.drive(memoryFailure(page))).toBe(0);
    expect(toy.steps.filter((step) => step.startsWith('down'))).toEqual([]);
  });

  test('a dirty page leaves the cache with its data, and fsync says so', () => {
    const toy = new Toy(REMOVES);
    const page = toy.cache(0, 'A', { dirty: true });
    expect(toy.drive(memoryFailure(page))).toBe(0);
    expect([toy.cached(0), page.error.peek(), page.dirty.peek()]).toEqual(['none', true, false]);
    expect(toy.drive(filemapCheckErrors(toy.mapping))).toBe(-EIO);
  });

  test('a page that somebody refers to leaves the cache and counts as failed', () => {
    const toy = new Toy(REMOVES);
    const page = toy.cache(0);
    getPage(page);
    expect(toy.drive(memoryFailure(page))).toBe(-EBUSY);
    expect(toy.cached(0)).toBe('none');
  });

  test('without error_remove_page only a clean page goes', () => {
    const toy = new Toy();
    expect(toy.drive(memoryFailure(toy.cache(0)))).toBe(0);
    expect(toy.drive(memoryFailure(toy.cache(1, 'A', { dirty: true })))).toBe(-EBUSY);
    expect([toy.cached(0), toy.cached(1)]).toEqual(['none', 'page']);
  });

  test('the error of error_remove_page counts as failed', () => {
    const toy = new Toy({ aOps: { errorRemovePage: () => result(-EIO) } });
    const page = toy.cache(0);
    expect(toy.drive(memoryFailure(page))).toBe(-EBUSY);
    expect([page.lock.isLocked, page.refs.peek()]).toEqual([false, 1]);
  });

  test('writeback is waited for', () => {
    const toy = new Toy(REMOVES);
    const page = toy.cache(0);
    page.writeback.init(true);
    toy.race({ A: memoryFailure(page), B: endPageWriteback(page) }, [['A', 'lock_page']]);
    expect(toy.cached(0)).toBe('none');
    expect(toy.steps).toContain('wait_on_page_writeback(PG_writeback[0])');
  });

  test('a page that is gone, free, or known to be broken', () => {
    const toy = new Toy(REMOVES);
    const page = new Page(pgoff(0), false);
    expect(toy.drive(memoryFailure(page))).toBe(-EBUSY);
    expect(toy.drive(memoryFailure(page))).toBe(-EHWPOISON);
    const free = new Page(pgoff(0), false);
    putPage(free);
    expect(toy.drive(memoryFailure(free))).toBe(0);
    expect(free.refs.peek()).toBe(0);
  });
});
