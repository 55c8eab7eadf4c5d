// Shows what iomap does to pages and to the disk: fills, writes, zeroing, unsharing, page_mkwrite, writeback, and what it
// does when they fail (kernel-facts 1.5, 1.11, 1.12, 1.17). Runs it on a file whose block map is an array.

import {
  type AddressSpaceOperations,
  ContractError,
  EIO,
  ENOSPC,
  File,
  findGetPage,
  IOMAP_WRITE,
  type Iomap,
  type IomapOps,
  type IomapWritebackOps,
  inodeLock,
  inodeUnlock,
  iomapFileBufferedWrite,
  iomapFileUnshare,
  iomapFinishIoend,
  iomapInvalidatepage,
  iomapIsPartiallyUptodate,
  iomapIter,
  iomapPageMkwrite,
  iomapReadahead,
  iomapReadpage,
  iomapReleasepage,
  iomapTruncatePage,
  iomapWritepages,
  iomapZeroRange,
  LLONG_MAX,
  lockPage,
  loff,
  MmStruct,
  machine,
  type Page,
  type Pgoff,
  pgoff,
  phys,
  putPage,
  setPageDirtyNobuffers,
  type Task,
  unlockPage,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_SIGBUS,
  VmAreaStruct,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { content, TinyFs, type TinyOptions } from './tiny-fs.js';

const A_OPS: Partial<AddressSpaceOperations> = {
  invalidatepage: iomapInvalidatepage,
  releasepage: iomapReleasepage,
  isPartiallyUptodate: iomapIsPartiallyUptodate,
  setPageDirty: setPageDirtyNobuffers,
};

/** A filesystem on iomap: blocks that lie together are one piece; `shared` says of which block writes go elsewhere. */
class IomapFs extends TinyFs {
  /** Calls of iomapEnd, as `written/length`. */
  readonly ended: string[] = [];
  /** Block in the file -> block on disk that replaces it. */
  readonly elsewhere = new Map<number, number>();

  constructor(options: TinyOptions) {
    super({ ...options, aOps: A_OPS });
  }

  readonly ops: IomapOps = {
    iomapBegin: (inode, pos, length, flags) => this.#begin(inode, pos, length, flags),
    iomapEnd: (_inode, _pos, length, written) => this.#end(length, written),
  };

  *#begin(...[inode, pos, length, flags]: Parameters<IomapOps['iomapBegin']>): Task<Iomap | number> {
    const { blockSize } = machine;
    const first = Math.floor(pos / blockSize);
    const end = Math.ceil((pos + length) / blockSize);
    const found = yield* this.getBlock(inode, first, (flags & IOMAP_WRITE) !== 0);
    if (typeof found === 'number') return found;
    const type = found.unwritten ? 'unwritten' : found.mapped ? 'mapped' : 'hole';
    const run = [found];
    for (let at = first + 1; at < end && type === 'mapped' && found.new === false; at++) {
      const next = this.map.at(at).load();
      if (!next.mapped || next.phys !== found.phys + run.length) break;
      run.push(next);
    }
    const piece: Iomap = {
      type,
      offset: first * blockSize,
      length: run.length * blockSize,
      phys: run.map((block) => block.phys),
      gens: run.map((block) => block.gen),
      isNew: found.new,
    };
    const other = this.elsewhere.get(first);
    if (other === undefined || (flags & IOMAP_WRITE) === 0) return piece;
    return {
      ...piece,
      type: 'unwritten',
      length: blockSize,
      phys: [phys(other)],
      gens: [0],
      shared: true,
      srcmap: piece,
    };
  }

  *#end(length: number, written: number): Task<number> {
    this.ended.push(`${written}/${length}`);
    yield* this.inode.iSize.read();
    return 0;
  }

  readonly writeback: IomapWritebackOps = {
    mapBlocks: (wpc, inode, pos) => this.#map(wpc, inode, pos),
  };

  *#map(...[wpc, inode, pos]: Parameters<IomapWritebackOps['mapBlocks']>): Task<number> {
    const { iomap } = wpc;
    if (iomap !== null && pos >= iomap.offset && pos < iomap.offset + iomap.length) return 0;
    const found = yield* this.#begin(inode, pos, machine.blockSize, 0);
    if (typeof found === 'number') return found;
    wpc.iomap = found;
    return 0;
  }

  /** Fill a page, and look at it. */
  read(index: number): Page {
    return this.withPage(index, (page) => iomapReadpage(page, this.ops)).page;
  }

  /** As a write does, under i_rwsem. */
  locked<T>(task: Task<T>): T {
    return this.run(underRwsem(this, task));
  }

  write(pos: number, text: string): number {
    const iocb = { kiFilp: this.file, kiPos: loff(pos), kiFlags: 0 };
    return this.locked(iomapFileBufferedWrite(iocb, this.cells(text), this.ops));
  }

  sync(ops = this.writeback): Task<number> {
    const wbc = { sync: 'WB_SYNC_ALL', rangeStart: loff(0), rangeEnd: LLONG_MAX } as const;
    return iomapWritepages(this.inode.iMapping, wbc, { iomap: null, ioend: null }, ops);
  }

  page(index: number): Page {
    const page = this.run(findGetPage(this.inode.iMapping, pgoff(index)));
    if (page === null) throw new Error('not cached');
    putPage(page);
    return page;
  }
}

function* underRwsem<T>(fs: IomapFs, task: Task<T>): Task<T> {
  yield* inodeLock(fs.inode);
  const result = yield* task;
  yield* inodeUnlock(fs.inode);
  return result;
}

/** A page: valid, dirty, locked, under writeback, broken; and which of its blocks are valid. */
function state(page: Page): string {
  const flags = [
    page.uptodate.peek() && 'u',
    page.dirty.peek() && 'd',
    page.lock.isLocked && 'L',
    page.writeback.peek() && 'w',
    page.error.peek() && 'E',
  ].filter((flag) => flag !== false);
  const blocks = page.iop
    .peek()
    ?.peek()
    .uptodate.map((valid) => (valid ? '1' : '0'));
  return `${flags.join('') || '-'} ${blocks?.join('') ?? 'none'}`;
}

describe('a walk', () => {
  // biome-ignore lint/correctness/useYield: a task without a step
  function* bodyOf(results: number[]): Task<number> {
    const result = results.shift();
    if (result === undefined) throw new Error('asked once more');
    return result;
  }

  test('goes from piece to piece, and tells the filesystem how much of each was used', () => {
    const fs = new IomapFs({ blocks: 'A BC' });
    const iter = { inode: fs.inode, pos: 0, len: 12, flags: 0 };
    expect(fs.run(iomapIter(iter, fs.ops, () => bodyOf([4, 8].slice(iter.pos === 0 ? 0 : 1))))).toBe(0);
    expect([iter.pos, iter.len, fs.ended]).toEqual([12, 0, ['4/4', '8/8']]);
  });

  test('ends with the first error, of the body or of the filesystem', () => {
    const fs = new IomapFs({ blocks: 'A BC' });
    const iter = { inode: fs.inode, pos: 0, len: 12, flags: 0 };
    expect(fs.run(iomapIter(iter, fs.ops, () => bodyOf([-EIO])))).toBe(-EIO);
    expect([iter.pos, fs.ended]).toEqual([0, ['0/4']]);
    fs.errors.set(0, -ENOSPC);
    expect(fs.run(iomapIter(iter, fs.ops, () => bodyOf([])))).toBe(-ENOSPC);
  });

  test('a piece of no bytes is no answer', () => {
    const fs = new IomapFs({ blocks: 'A' });
    const iter = { inode: fs.inode, pos: 4, len: 4, flags: 0 };
    const nothing: Iomap = { type: 'unwritten', offset: 4, length: 0, phys: [], gens: [] };
    // biome-ignore lint/correctness/useYield: a task without a step
    const iomapBegin = function* (): Task<Iomap> {
      return nothing;
    };
    expect(() => fs.run(iomapIter(iter, { iomapBegin }, () => bodyOf([])))).toThrow(ContractError);
  });
});

describe('a fill', () => {
  test.each([
    ['AB', 'AAAABBBB', ['R 0+2'], 'u 11'],
    ['A B', 'AAAABBBB', ['R 0+1', 'R 2+1'], 'u 11'],
    ['A.', 'AAAA....', ['R 0+1'], 'u 11'],
    ['.A', '....AAAA', ['R 0+1'], 'u 11'],
    ['uA', '....AAAA', ['R 1+1'], 'u 11'],
    ['..', '........', [], 'u 11'],
  ])('of a page of blocks %p', (blocks, shown, requests, flags) => {
    const fs = new IomapFs({ blocks });
    const seen = fs.requests();
    const page = fs.read(0);
    expect([content(page), seen, state(page)]).toEqual([shown, requests, flags]);
  });

  test('a page of one block needs nothing attached', () => {
    const fs = new IomapFs({ blocks: 'A', blockSize: 8 });
    expect(state(fs.read(0))).toBe('u none');
  });

  test('blocks beyond the end of the file are zeroed and not read', () => {
    const fs = new IomapFs({ blocks: 'AB', size: 4 });
    const seen = fs.requests();
    expect([content(fs.read(0)), seen]).toEqual(['AAAA....', ['R 0+1']]);
  });

  test('a read that fails leaves what it was about invalid', () => {
    const fs = new IomapFs({ blocks: 'A.' });
    const page = fs.newPage(0);
    expect(fs.runFailing(fs.insertAnd(page, (p) => iomapReadpage(p, fs.ops)))).toBe(0);
    expect(state(page)).toBe('E 01');
  });

  test('an error of the filesystem is one of the page', () => {
    const fs = new IomapFs({ blocks: 'A' });
    fs.errors.set(0, -EIO);
    const page = fs.read(0);
    expect([page.uptodate.peek(), page.error.peek(), page.lock.isLocked]).toEqual([false, true, false]);
  });

  test('readahead reads neighbours together, and lets go of the pages', () => {
    const fs = new IomapFs({ blocks: 'ABCD.E' });
    const seen = fs.requests();
    const pages = [0, 1, 2].map((index) => fs.newPage(index));
    const fill = function* (left: readonly Page[]): Task<void> {
      const [first, ...rest] = left;
      if (first !== undefined) return yield* fs.insertAnd(first, () => fill(rest));
      const { iMapping: mapping } = fs.inode;
      yield* iomapReadahead({ file: null, mapping, index: pgoff(0), pages: [...pages] }, fs.ops);
    };
    fs.run(fill(pages));
    expect(pages.map((page) => `${content(page)} ${state(page)} ${page.refs.peek()}`)).toEqual([
      'AAAABBBB u 11 2',
      'CCCCDDDD u 11 2',
      '....EEEE u 11 2',
    ]);
    expect(seen).toEqual(['R 0+5']);
  });
});

describe('a write', () => {
  test('of whole blocks reads nothing', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    const seen = fs.requests();
    expect(fs.write(4, 'xxxx')).toBe(4);
    expect([state(fs.page(0)), seen]).toEqual(['d 01', []]);
  });

  test('reads what it leaves of a block, from where the block is read', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    fs.elsewhere.set(0, 9);
    const seen = fs.requests();
    expect(fs.write(1, 'xy')).toBe(2);
    expect([content(fs.page(0)), state(fs.page(0)), seen]).toEqual(['AxyA....', 'd 10', ['R 0+1']]);
  });

  test('zeroes what it leaves of a block that holds nothing', () => {
    const fs = new IomapFs({ blocks: 'u.', blockSize: 4 });
    expect([fs.write(1, 'xy'), fs.write(6, 'z')]).toEqual([2, 1]);
    expect([content(fs.page(0)), state(fs.page(0))]).toEqual(['.xy...z.', 'ud 11']);
  });

  test('makes the file longer before it unlocks the page', () => {
    const fs = new IomapFs({ blocks: 'A' });
    const seen = fs.verbs();
    expect(fs.write(2, 'xyz')).toBe(3);
    expect(fs.inode.iSize.peek()).toBe(5);
    expect(seen.indexOf('i_size_write')).toBeLessThan(seen.lastIndexOf('unlock_page'));
  });

  test('without i_rwsem breaks the contract', () => {
    const fs = new IomapFs({ blocks: 'A' });
    const iocb = { kiFilp: fs.file, kiPos: loff(0), kiFlags: 0 };
    expect(() => fs.run(iomapFileBufferedWrite(iocb, [65], fs.ops))).toThrow('i_rwsem');
  });

  test('that cannot read ends with -EIO, takes its page back beyond the end, and may without invalidate_lock', () => {
    const fs = new IomapFs({ blocks: 'A', size: 2 });
    const iocb = { kiFilp: fs.file, kiPos: loff(1), kiFlags: 0 };
    const result = fs.runFailing(underRwsem(fs, iomapFileBufferedWrite(iocb, fs.cells('xyz'), fs.ops)));
    expect([result, fs.inode.iSize.peek(), fs.ended, iocb.kiPos]).toEqual([-EIO, 2, ['0/3'], 1]);
    expect(state(fs.page(0))).toBe('- 00');
  });

  test('ends where the disk does', () => {
    const fs = new IomapFs({ blocks: 'A.', nrBlocks: 1 });
    expect([fs.write(0, 'xxxxyyyy'), fs.write(4, 'y')]).toEqual([4, -ENOSPC]);
  });
});

describe('zeroing', () => {
  test('a range, block by block; holes and unwritten blocks are zeroes already', () => {
    const fs = new IomapFs({ blocks: 'A.uB' });
    const seen = fs.requests();
    expect(fs.locked(iomapZeroRange(fs.inode, 2, 12, fs.ops))).toBe(4);
    expect([content(fs.page(0)), content(fs.page(1)), seen]).toEqual([
      'AA......',
      '......BB',
      ['R 0+1', 'R 2+1'],
    ]);
    expect([state(fs.page(0)), state(fs.page(1))]).toEqual(['d 10', 'd 01']);
  });

  test('to the end of a block', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    expect(fs.locked(iomapTruncatePage(fs.inode, 4, fs.ops))).toBe(0);
    expect(fs.locked(iomapTruncatePage(fs.inode, 3, fs.ops))).toBe(1);
    expect(content(fs.page(0))).toBe('AAA.....');
  });
});

describe('unsharing', () => {
  test('reads and dirties what is shared, and nothing else', () => {
    const fs = new IomapFs({ blocks: 'AB.C' });
    fs.elsewhere.set(0, 9);
    const seen = fs.requests();
    expect(fs.locked(iomapFileUnshare(fs.inode, 0, 16, fs.ops))).toBe(0);
    expect([content(fs.page(0)), state(fs.page(0)), seen]).toEqual(['AAAA....', 'd 10', ['R 0+1']]);
  });
});

describe('page_mkwrite', () => {
  function mkwrite(fs: IomapFs, page: Page): number {
    const vma = new VmAreaStruct(new MmStruct(), new File(fs.inode), 0, 4, pgoff(0), 0, { fault: never });
    const vmf = { vma, page, pgoff: page.index as Pgoff, address: 0, flags: 0 };
    return fs.run(iomapPageMkwrite(vmf as never, fs.ops));
  }
  const never = (): never => {
    throw new Error('not called here');
  };

  test('gets blocks for what lies in the file, and leaves the page locked and dirty', () => {
    const fs = new IomapFs({ blocks: 'A.', size: 6 });
    const page = fs.read(0);
    expect(mkwrite(fs, page)).toBe(VM_FAULT_LOCKED);
    expect([state(page), fs.lookups.slice(-2)]).toEqual(['udL 11', ['0 create', '1 create']]);
  });

  test('of a page that was truncated is to be tried again', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    const page = fs.read(0);
    fs.inode.iSize.init(0);
    expect([mkwrite(fs, page), page.lock.isLocked]).toEqual([VM_FAULT_NOPAGE, false]);
  });

  test('without space is fatal', () => {
    const fs = new IomapFs({ blocks: '..', nrBlocks: 0 });
    const page = fs.read(0);
    expect([mkwrite(fs, page), state(page)]).toEqual([VM_FAULT_SIGBUS, 'u 11']);
  });
});

describe('writeback', () => {
  test('writes the valid blocks of dirty pages, neighbours together', () => {
    const fs = new IomapFs({ blocks: 'ABCD' });
    fs.write(4, 'wwwwxxxxyyyy');
    const seen = fs.requests();
    expect(fs.run(fs.sync())).toBe(0);
    expect([1, 2, 3].map((block) => fs.diskOf(block))).toEqual(['wwww', 'xxxx', 'yyyy']);
    expect([fs.diskOf(0), seen]).toEqual(['AAAA', ['W 1+3']]);
    expect([state(fs.page(0)), state(fs.page(1))]).toEqual(['- 01', 'u 11']);
  });

  test('ends with the last block of a page, also of two requests', () => {
    const fs = new IomapFs({ blocks: 'A B' });
    fs.write(0, 'xxxxyyyy');
    const seen = fs.requests();
    fs.run(fs.sync());
    expect([state(fs.page(0)), seen]).toEqual(['u 11', ['W 0+1', 'W 2+1']]);
  });

  test('zeroes what lies beyond the end of the file', () => {
    const fs = new IomapFs({ blocks: 'A', blockSize: 8, size: 8 });
    fs.write(0, 'xxxxxxxx');
    fs.inode.iSize.init(3);
    fs.run(fs.sync());
    expect(fs.diskOf(0)).toBe('xxx.....');
  });

  test('leaves a page beyond the end dirty: somebody truncates it', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    fs.write(0, 'xxxxyyyy');
    fs.inode.iSize.init(0);
    const seen = fs.requests();
    expect([fs.run(fs.sync()), state(fs.page(0)), seen]).toEqual([0, 'ud 11', []]);
  });

  test('a page that cannot be mapped is not valid any more; the filesystem may clean up after it', () => {
    const fs = new IomapFs({ blocks: 'A', blockSize: 8 });
    fs.write(0, 'xxxxxxxx');
    fs.errors.set(0, -EIO);
    const discarded: number[] = [];
    const ops: IomapWritebackOps = {
      ...fs.writeback,
      *discardPage(_page, fileoff): Task<void> {
        discarded.push(fileoff);
        yield* fs.inode.iSize.read();
      },
    };
    expect([fs.run(fs.sync(ops)), state(fs.page(0)), discarded]).toEqual([-EIO, '- none', [0]]);
    expect(fs.inode.iMapping.wbErr.peek()).toBe(-EIO);
  });

  test('a failure is noted for fsync', () => {
    const fs = new IomapFs({ blocks: 'A', blockSize: 8 });
    fs.write(0, 'xxxxxxxx');
    fs.runFailing(fs.sync());
    expect([state(fs.page(0)), fs.inode.iMapping.wbErr.peek()]).toEqual(['uE none', -EIO]);
  });

  test('the filesystem may do something between the end of the I/O and of the writeback, or refuse the I/O', () => {
    const fs = new IomapFs({ blocks: 'A', blockSize: 8 });
    const log: string[] = [];
    const ops = (page: Page, status: number): IomapWritebackOps => ({
      ...fs.writeback,
      *prepareIoend(ioend): Task<number> {
        log.push(`${ioend.type} ${ioend.offset}`);
        ioend.endIo = function* (own, error): Task<void> {
          log.push(`end ${error} ${state(page)}`);
          yield* iomapFinishIoend(own, error);
        };
        yield* fs.inode.iSize.read();
        return status;
      },
    });
    fs.write(0, 'xxxxxxxx');
    const page = fs.page(0);
    fs.run(fs.sync(ops(page, 0)));
    fs.write(0, 'yyyyyyyy');
    expect(fs.run(fs.sync(ops(page, -EIO)))).toBe(-EIO);
    expect(log).toEqual(['mapped 0', 'end 0 uw none', 'mapped 0', `end ${-EIO} uw none`]);
    expect(fs.diskOf(0)).toBe('xxxxxxxx');
  });
});

describe('what is attached to a page', () => {
  const partly = (fs: IomapFs, from: number, count: number): boolean =>
    fs.run(underPageLock(fs.page(0), iomapIsPartiallyUptodate(fs.page(0), from, count)));

  function* underPageLock<T>(page: Page, task: Task<T>): Task<T> {
    yield* lockPage(page);
    const result = yield* task;
    yield* unlockPage(page);
    return result;
  }

  test('says which bytes are valid', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    fs.write(4, 'xxxx');
    expect([partly(fs, 4, 4), partly(fs, 5, 99), partly(fs, 3, 2)]).toEqual([true, true, false]);
  });

  test('goes with the page, not with a part of it, and not while it is dirty', () => {
    const fs = new IomapFs({ blocks: 'AB' });
    fs.write(4, 'xxxx');
    const page = fs.page(0);
    expect(fs.run(underPageLock(page, iomapReleasepage(page)))).toBe(false);
    fs.run(underPageLock(page, iomapInvalidatepage(page, 4, 4)));
    expect([state(page), page.refs.peek()]).toEqual(['d 01', 2]);
    fs.run(underPageLock(page, iomapInvalidatepage(page, 0, 8)));
    expect([state(page), page.refs.peek()]).toEqual(['- none', 1]);
  });
});
