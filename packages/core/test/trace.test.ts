// Shows that the trace bus speaks of the page cache as the kernel's tracepoints do, and costs nothing while nobody
// listens.

import { deleteFromPageCache, lockPage, mappingSetError, type Task, TraceBus } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { Toy } from './toy.js';

describe('tracepoints of the page cache', () => {
  test('a page enters and leaves', () => {
    const toy = new Toy();
    const seen: unknown[] = [];
    toy.trace.on('mm_filemap_add_to_page_cache', (event) => seen.push('add', event));
    toy.trace.on('mm_filemap_delete_from_page_cache', (event) => seen.push('delete', event));
    const page = toy.cache(2);
    const remove = function* (): Task<void> {
      yield* lockPage(page);
      yield* deleteFromPageCache(page);
    };
    toy.drive(remove());
    const event = { ino: 12, index: 2 };
    expect(seen).toEqual(['add', event, 'delete', event]);
  });

  test('all of them can be heard at once', () => {
    const toy = new Toy();
    const seen: unknown[] = [];
    toy.trace.onAll((event, fields) => seen.push(event, fields));
    expect(toy.trace.active).toBe(true);
    toy.cache(2);
    toy.drive(mappingSetError(toy.mapping, -5));
    expect(seen.slice(0, 3)).toEqual([
      'mm_filemap_add_to_page_cache',
      { ino: 12, index: 2 },
      'filemap_set_wb_err',
    ]);
  });

  test('a write error is noted', () => {
    const toy = new Toy();
    const seen: unknown[] = [];
    toy.trace.on('filemap_set_wb_err', (event) => seen.push(event.ino));
    toy.drive(mappingSetError(toy.mapping, -5));
    expect(seen).toEqual([12]);
  });
});

test('is active only if somebody listens', () => {
  const bus = new TraceBus();
  expect(bus.active).toBe(false);
  const seen: number[] = [];
  bus.on('mm_filemap_add_to_page_cache', ({ index }) => seen.push(index));
  bus.emit('mm_filemap_add_to_page_cache', { ino: 12, index: 3 });
  expect([bus.active, seen]).toEqual([true, [3]]);
});

test('each machine has a bus of its own', () => {
  const [one, other] = [new Toy(), new Toy()];
  one.trace.on('mm_filemap_add_to_page_cache', () => undefined);
  expect([one.trace.active, other.trace.active]).toEqual([true, false]);
});
