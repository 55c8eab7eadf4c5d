// Shows what a read through buffers looks up, reads, zeroes and leaves behind, and who unlocks the page
// (kernel-facts 1.5). Runs it on a file whose block map is an array.

import { blockReadFullPage, EIO, machine, phys } from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { buffers, content, HOLE, TinyFs } from './tiny-fs.js';

describe('block_read_full_page', () => {
  test('reads mapped blocks, zeroes holes, and leaves the mappings in the buffers', () => {
    const fs = new TinyFs({ blocks: 'A.' });
    const { page, result } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(result).toBe(0);
    expect(content(page)).toBe('AAAA....');
    expect(buffers(page)).toBe('mu u');
    expect(page.uptodate.peek()).toBe(true);
    expect(page.lock.isLocked).toBe(false);
    expect(fs.lookups).toEqual(['0', '1']);
    expect(page.source).toEqual([{ phys: 0, gen: 0 }, null]);
  });

  test('unwritten blocks read as zeroes', () => {
    const fs = new TinyFs({ blocks: 'Au' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(content(page)).toBe('AAAA....');
  });

  test('nothing beyond the end of the file is looked up', () => {
    const fs = new TinyFs({ blocks: 'AB', size: 4 });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(fs.lookups).toEqual(['0']);
    expect(content(page)).toBe('AAAA....');
  });

  test('the size is sampled after the page was inserted: a truncate before the sample is seen', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const verbs = fs.verbs();
    fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(verbs.slice(0, 3)).toEqual(['add_to_page_cache_lru', 'i_size_read', 'tiny_get_block']);
  });

  test('one request for the page; the bytes arrive, then the page is valid and unlocked in one step', () => {
    const fs = new TinyFs({ blocks: 'A B' });
    const requests = fs.requests();
    const verbs = fs.verbs();
    fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(requests).toEqual(['R 0+2']);
    expect(verbs.slice(-3)).toEqual(['bio_endio', 'bio_endio', 'end_buffer_async_read']);
  });

  test('a buffer that is valid is neither looked up nor read', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    const requests = fs.requests();
    page.uptodate.init(false);
    page.buffers.peek()?.[1]?.init({ ...HOLE, uptodate: false, dirty: false });
    fs.lookups.length = 0;
    fs.run(
      (function* () {
        page.lock.take({ mode: 'X', trylock: true, subclass: 0 });
        yield* blockReadFullPage(page, fs.getBlock);
      })(),
    );
    expect(fs.lookups).toEqual(['1']);
    expect(requests).toEqual(['R 1+1']);
    expect(page.uptodate.peek()).toBe(true);
  });

  test('a buffer that says where its block is, is believed', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    page.uptodate.init(false);
    const stale = { ...HOLE, mapped: true, phys: phys(7), gen: 3, uptodate: false, dirty: false };
    page.buffers.peek()?.[0]?.init(stale);
    fs.lookups.length = 0;
    fs.run(
      (function* () {
        page.lock.take({ mode: 'X', trylock: true, subclass: 0 });
        yield* blockReadFullPage(page, fs.getBlock);
      })(),
    );
    expect(fs.lookups).toEqual([]);
    expect(content(page)).toBe('????BBBB');
  });

  test('an error of getBlock leaves the page invalid, with PG_error, unlocked', () => {
    const fs = new TinyFs({ blocks: '.B' });
    fs.errors.set(0, -EIO);
    const { page, result } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(result).toBe(0);
    expect([page.uptodate.peek(), page.error.peek(), page.lock.isLocked]).toEqual([false, true, false]);
    expect(buffers(page)).toBe('- mu');
  });

  test('an I/O error likewise', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = fs.newPage(0);
    fs.runFailing(fs.insertAnd(page, (p) => blockReadFullPage(p, fs.getBlock)));
    expect([page.uptodate.peek(), page.error.peek(), page.lock.isLocked]).toEqual([false, true, false]);
    expect(buffers(page)).toBe('m m');
  });

  test('buffers count as a reference', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(page.refs.peek()).toBe(3); // the cache, the buffers, the caller
    expect(machine.pages).toContain(page);
  });
});
