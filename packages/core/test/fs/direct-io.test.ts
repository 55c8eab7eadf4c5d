// Shows what direct I/O does to the disk and to the cache, and when it refuses (kernel-facts 1.14). Runs it on a file
// whose block map is an array.

import {
  type AddressSpace,
  blockReadFullPage,
  EAGAIN,
  EINVAL,
  EIO,
  ENOSPC,
  ENOTBLK,
  FMODE_NOWAIT,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  IOMAP_DIO_UNWRITTEN,
  IOMAP_WRITE,
  type IomapDioOps,
  type IovIter,
  iomapDioRw,
  type Kiocb,
  loff,
  machine,
  type Page,
  setPageDirtyBuffers,
  showCells,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { content, TinyFs } from './tiny-fs.js';

/** Maps block by block, like the array. */
function opsOf(fs: TinyFs, endIo?: IomapDioOps['endIo']): IomapDioOps {
  return {
    iomapBegin: function* (inode, pos, _length, flags) {
      const { blockSize } = machine;
      const iblock = Math.floor(pos / blockSize);
      const found = yield* fs.getBlock(inode, iblock, (flags & IOMAP_WRITE) !== 0);
      if (typeof found === 'number') return found;
      const type = found.unwritten ? 'unwritten' : found.mapped ? 'mapped' : 'hole';
      return { type, offset: iblock * blockSize, length: blockSize, phys: [found.phys], gens: [found.gen] };
    },
    ...(endIo === undefined ? {} : { endIo }),
  };
}

function iocb(fs: TinyFs, pos: number, flags = 0): Kiocb {
  return { kiFilp: fs.file, kiPos: loff(pos), kiFlags: IOCB_DIRECT | flags };
}

function read(fs: TinyFs, pos: number, count: number, flags = 0): string {
  const iter: IovIter = { count, cells: [], isPipe: false };
  const result = fs.run(iomapDioRw(iocb(fs, pos, flags), iter, opsOf(fs)));
  return result < 0 ? `error ${result}` : showCells(iter.cells.flat());
}

function write(fs: TinyFs, pos: number, text: string, flags = 0, endIo?: IomapDioOps['endIo']): number {
  return fs.run(iomapDioRw(iocb(fs, pos, flags), fs.cells(text), opsOf(fs, endIo)));
}

function cached(fs: TinyFs, index: number): Page {
  return fs.withPage(index, (page) => blockReadFullPage(page, fs.getBlock)).page;
}

describe('a direct read', () => {
  test('reads blocks, and zeroes for holes and unwritten blocks', () => {
    const fs = new TinyFs({ blocks: 'A.uD' });
    expect(read(fs, 0, 16)).toBe('AAAA........DDDD');
    expect(fs.inode.iMapping.nrpages.peek()).toBe(0);
  });

  test('ends at the end of the file', () => {
    const fs = new TinyFs({ blocks: 'AB', size: 6 });
    expect(read(fs, 4, 8)).toBe('BB');
    expect(read(fs, 8, 4)).toBe('');
  });

  test('sees what is dirty in the cache: it is written back first', () => {
    const fs = new TinyFs({ blocks: 'AB', aOps: { writepages: writeBack } });
    const page = cached(fs, 0);
    fs.run(setPageDirtyBuffers(page));
    expect(read(fs, 0, 4)).toBe('AAAA');
    expect(written).toBe(1);
  });

  test('inside a block: -EINVAL; a failed request: -EIO', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    expect(read(fs, 1, 4)).toBe(`error ${-EINVAL}`);
    const iter: IovIter = { count: 4, cells: [], isPipe: false };
    expect(fs.runFailing(iomapDioRw(iocb(fs, 0), iter, opsOf(fs)))).toBe(-EIO);
  });

  test('counts as direct I/O in flight from before the first look-up to the end', () => {
    const fs = new TinyFs({ blocks: 'A' });
    const verbs = fs.verbs();
    read(fs, 0, 4);
    const [begin, look, end] = ['inode_dio_begin', 'tiny_get_block', 'inode_dio_end'].map((v) =>
      verbs.indexOf(v),
    );
    expect([begin, look, end]).toEqual([begin, look, end].sort((a, b) => (a as number) - (b as number)));
    expect(fs.inode.iDioCount.peek()).toBe(0);
  });

  test('NOWAIT gives up if a page of the range is dirty, not if it is clean', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    fs.file.fMode |= FMODE_NOWAIT;
    const page = cached(fs, 0);
    expect(read(fs, 0, 4, IOCB_NOWAIT)).toBe('AAAA');
    fs.run(setPageDirtyBuffers(page));
    expect(read(fs, 0, 4, IOCB_NOWAIT)).toBe(`error ${-EAGAIN}`);
  });
});

let written = 0;

function* writeBack(mapping: AddressSpace): Task<number> {
  written++;
  const page = mapping.iPages.at(0).peek() as Page;
  yield* page.dirty.write(false);
  return 0;
}

describe('a direct write', () => {
  test('reaches the disk and drops the cached pages of its range', () => {
    const fs = new TinyFs({ blocks: 'ABCD' });
    cached(fs, 0);
    const other = cached(fs, 1);
    const at = iocb(fs, 4);
    expect(fs.run(iomapDioRw(at, fs.cells('wxyz'), opsOf(fs)))).toBe(4);
    expect(at.kiPos).toBe(8);
    expect([fs.diskOf(0), fs.diskOf(1)]).toEqual(['AAAA', 'wxyz']);
    expect(fs.inode.iMapping.iPages.at(0).peek()).toBe(null);
    expect(fs.inode.iMapping.iPages.at(1).peek()).toBe(other);
  });

  test('user memory is let go', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    write(fs, 0, '01234567');
    expect(machine.pages.map((page) => page.refs.peek())).toEqual(machine.pages.map(() => 0));
  });

  test('-ENOTBLK if a page cannot be dropped: the caller writes through the cache', () => {
    const fs = new TinyFs({ blocks: 'AB', aOps: { releasepage: () => neverReleases() } });
    cached(fs, 0);
    expect(write(fs, 0, 'wxyz')).toBe(-ENOTBLK);
    expect(fs.diskOf(0)).toBe('AAAA');
  });

  test('a page that came back and cannot be dropped is noted as an error', () => {
    let release = true;
    const fs = new TinyFs({
      blocks: 'AB',
      aOps: {
        releasepage: (page) => (release ? page.buffers.section('release', () => true) : neverReleases()),
      },
    });
    const result = write(fs, 0, 'wxyz', 0, function* (_iocb, _size, error) {
      // Somebody reads the block into the cache before the write is complete.
      release = false;
      const page = fs.newPage(0);
      yield* fs.insertAnd(page, (p) => blockReadFullPage(p, fs.getBlock));
      expect(content(page)).not.toBe('wxyz');
      return error;
    });
    expect(result).toBe(4);
    expect(fs.inode.iMapping.wbErr.peek()).toBe(-EIO);
  });

  test('NOWAIT gives up if a page of the range is cached', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    fs.file.fMode |= FMODE_NOWAIT;
    cached(fs, 0);
    expect(write(fs, 0, 'wxyz', IOCB_NOWAIT)).toBe(-EAGAIN);
    expect(fs.diskOf(0)).toBe('AAAA');
  });

  test('an error of the filesystem ends it', () => {
    const fs = new TinyFs({ blocks: '..', nrBlocks: 1 });
    expect(write(fs, 0, '01234567')).toBe(-ENOSPC);
  });

  test('endIo hears the size, the error, and whether blocks were unwritten', () => {
    const fs = new TinyFs({ blocks: 'Au' });
    const heard: unknown[] = [];
    write(fs, 0, '01234567', 0, function* (_iocb, size, error, flags) {
      heard.push(size, error, flags);
      yield* fs.inode.iSize.read();
      return error;
    });
    expect(heard).toEqual([8, 0, IOMAP_DIO_UNWRITTEN]);
  });
});

// biome-ignore lint/correctness/useYield: a task without a step
function* neverReleases(): Task<boolean> {
  return false;
}
