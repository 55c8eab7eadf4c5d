// Shows which pages are read without buffers, which are "confused" and get them, and that one look-up and one request
// serve several pages (kernel-facts 1.5). Runs it on a file whose block map is an array.

import {
  blockReadFullPage,
  EIO,
  type MapBlocks,
  mpageReadahead,
  mpageReadpage,
  type Page,
  pgoff,
  type ReadaheadControl,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { buffers, content, TinyFs } from './tiny-fs.js';

function state(page: Page): unknown {
  const { uptodate, error, lock } = page;
  return {
    content: content(page),
    buffers: buffers(page),
    valid: uptodate.peek(),
    error: error.peek(),
    locked: lock.isLocked,
  };
}

const VALID = { valid: true, error: false, locked: false };

describe('mpage_readpage', () => {
  test.each([
    { blocks: 'AB', title: 'neighbours on the disk', want: 'AAAABBBB', requests: ['R 0+2'] },
    { blocks: '..', title: 'holes only: no request', want: '........', requests: [] },
    { blocks: 'A.', title: 'data, then a hole', want: 'AAAA....', requests: ['R 0+1'] },
    { blocks: 'Au', title: 'unwritten counts as a hole', want: 'AAAA....', requests: ['R 0+1'] },
  ])('without buffers: $title', ({ blocks, want, requests }) => {
    const fs = new TinyFs({ blocks });
    const seen = fs.requests();
    const { page } = fs.withPage(0, (p) => mpageReadpage(p, fs.getBlock));
    expect(state(page)).toEqual({ ...VALID, content: want, buffers: 'none' });
    expect(seen).toEqual(requests);
  });

  test.each([
    { blocks: '.B', title: 'a hole, then data', want: '....BBBB', left: 'u mu' },
    { blocks: 'A B', title: 'elsewhere on the disk', want: 'AAAABBBB', left: 'mu mu' },
  ])('confused, leaves buffers: $title', ({ blocks, want, left }) => {
    const fs = new TinyFs({ blocks });
    const { page } = fs.withPage(0, (p) => mpageReadpage(p, fs.getBlock));
    expect(state(page)).toEqual({ ...VALID, content: want, buffers: left });
  });

  test('confused: a page that has buffers', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    page.uptodate.init(false);
    fs.run(
      (function* () {
        page.lock.take({ mode: 'X', trylock: true, subclass: 0 });
        yield* mpageReadpage(page, fs.getBlock);
      })(),
    );
    expect(state(page)).toEqual({ ...VALID, content: 'AAAABBBB', buffers: 'mu mu' });
  });

  test('beyond the end of the file nothing is looked up', () => {
    const fs = new TinyFs({ blocks: 'AB', size: 3 });
    const { page } = fs.withPage(0, (p) => mpageReadpage(p, fs.getBlock));
    expect(fs.lookups).toEqual(['0']);
    expect(content(page)).toBe('AAA.....');
  });

  test('an error of the look-up: zeroes, PG_error, not valid, unlocked', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    fs.errors.set(1, -EIO);
    const { page } = fs.withPage(0, (p) => mpageReadpage(p, fs.getBlock));
    expect(state(page)).toEqual({
      content: '........',
      buffers: 'none',
      valid: false,
      error: true,
      locked: false,
    });
  });

  test('an I/O error: PG_error, not valid, unlocked', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = fs.newPage(0);
    fs.runFailing(fs.insertAnd(page, (p) => mpageReadpage(p, fs.getBlock)));
    expect(state(page)).toMatchObject({ valid: false, error: true, locked: false });
  });
});

describe('mpage_readahead', () => {
  /** Insert pages and read them ahead. */
  function readahead(fs: TinyFs, indices: readonly number[], mapBlocks?: MapBlocks): readonly Page[] {
    const pages = indices.map((index) => fs.newPage(index));
    const rac: ReadaheadControl = {
      file: null,
      mapping: fs.inode.iMapping,
      index: pgoff(indices[0] as number),
      pages: pages.slice(),
    };
    function* insertAll(): Task<void> {
      for (const page of pages) yield* fs.insertAnd(page, function* () {});
      yield* mpageReadahead(rac, fs.getBlock, mapBlocks);
    }
    fs.run(insertAll());
    expect(rac.pages).toEqual([]);
    return pages;
  }

  test('neighbours on the disk share a request', () => {
    const fs = new TinyFs({ blocks: 'ABCD' });
    const requests = fs.requests();
    const pages = readahead(fs, [0, 1]);
    expect(requests).toEqual(['R 0+4']);
    expect(pages.map(state)).toEqual([
      { ...VALID, content: 'AAAABBBB', buffers: 'none' },
      { ...VALID, content: 'CCCCDDDD', buffers: 'none' },
    ]);
  });

  test('others do not, and a partial page ends a request', () => {
    const fs = new TinyFs({ blocks: 'AB CDE.FG' });
    const requests = fs.requests();
    readahead(fs, [0, 1, 2, 3]);
    expect(requests).toEqual(['R 0+2', 'R 3+3', 'R 6+2']);
  });

  test('a look-up of several blocks serves several pages; a hole is looked up for each', () => {
    const fs = new TinyFs({ blocks: 'ABCD....' });
    const asked: string[] = [];
    const run: MapBlocks = function* (inode, iblock, maxBlocks) {
      asked.push(`${iblock}+${maxBlocks}`);
      const found = yield* fs.getBlock(inode, iblock, false);
      if (typeof found === 'number') return found;
      const phys = [0, 1, 2, 3].slice(iblock) as never;
      return { mapped: found.mapped, len: 4 - (iblock % 4), phys, gens: [0, 0, 0, 0] };
    };
    const pages = readahead(fs, [0, 1, 2, 3], run);
    expect(asked).toEqual(['0+8', '4+4', '6+2']);
    expect(pages.map(content)).toEqual(['AAAABBBB', 'CCCCDDDD', '........', '........']);
  });

  test('each page is put', () => {
    const fs = new TinyFs({ blocks: 'ABCD' });
    expect(readahead(fs, [0, 1]).map((page) => page.refs.peek())).toEqual([1, 1]);
  });
});
