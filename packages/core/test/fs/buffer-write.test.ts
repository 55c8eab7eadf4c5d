// Shows how a write prepares and takes over blocks, what an invalidation forgets, how a page becomes writable, and how
// it is written back (kernel-facts 1.5, 1.11, 1.12, 1.17). Runs it on a file whose block map is an array.

import {
  __blockWriteBegin,
  type BufferHead,
  blockInvalidatepage,
  blockIsPartiallyUptodate,
  blockPageMkwrite,
  blockPageMkwriteReturn,
  blockReadFullPage,
  blockTruncatePage,
  blockWriteBegin,
  blockWriteEnd,
  blockWriteFullPage,
  clearPageDirtyForIo,
  EAGAIN,
  EFAULT,
  EIO,
  ENOMEM,
  ENOSPC,
  genericWriteEnd,
  lockPage,
  loff,
  MmStruct,
  type Page,
  pgoff,
  putPage,
  setPageDirtyBuffers,
  type Task,
  tryToFreeBuffers,
  unlockPage,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  VmAreaStruct,
  type VmFault,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { buffers, content, TinyFs } from './tiny-fs.js';

/** write_begin on a fresh page 0; the page stays locked for what follows. */
function begin(fs: TinyFs, pos: number, len: number): { readonly page: Page; readonly result: number } {
  return fs.withLockedPage(0, (page) => __blockWriteBegin(page, loff(pos), len, fs.getBlock));
}

/** Copy and write_end on a page prepared before. */
function end(fs: TinyFs, page: Page, pos: number, text: string, len = text.length): number {
  return fs.run(
    (function* (): Task<number> {
      yield* lockPage(page);
      page.storeBytes(pos % 8, fs.cells(text));
      const accepted = yield* blockWriteEnd(page, loff(pos), len, text.length);
      yield* unlockPage(page);
      return accepted;
    })(),
  );
}

describe('__block_write_begin', () => {
  test('reads what the write leaves of a mapped block', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const requests = fs.requests();
    const { page, result } = begin(fs, 1, 2);
    expect(result).toBe(0);
    expect(requests).toEqual(['R 0+1']);
    expect(content(page)).toBe('AAAA....');
    expect(buffers(page)).toBe('mu -');
  });

  test('does not read a block that is written as a whole', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const requests = fs.requests();
    const { page } = begin(fs, 0, 4);
    expect(requests).toEqual([]);
    expect(buffers(page)).toBe('m -');
  });

  test('zeroes a new block around the write: nobody sees what was on the disk', () => {
    const fs = new TinyFs({ blocks: '..' });
    const { page } = begin(fs, 1, 2);
    expect(buffers(page)).toBe('mn -');
    expect(end(fs, page, 1, 'xy')).toBe(2);
    expect(content(page)).toBe('.xy.....');
    expect(buffers(page)).toBe('mud -');
    expect([page.dirty.peek(), page.uptodate.peek()]).toEqual([true, false]);
  });

  test('an unwritten block is treated as a new one', () => {
    const fs = new TinyFs({ blocks: 'u.' });
    const requests = fs.requests();
    const { page } = begin(fs, 1, 2);
    expect(requests).toEqual([]);
    expect(content(page)).toBe('........');
  });

  test('on a valid page, a new block is valid and dirty at once', () => {
    const fs = new TinyFs({ blocks: '..' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    fs.run(
      (function* (): Task<void> {
        yield* lockPage(page);
        yield* __blockWriteBegin(page, loff(5), 1, fs.getBlock);
        yield* unlockPage(page);
      })(),
    );
    expect(buffers(page)).toBe('u mud');
  });

  test('out of space: blocks got before are zeroed and dirty, the error is returned', () => {
    const fs = new TinyFs({ blocks: '..', nrBlocks: 1 });
    const { page, result } = begin(fs, 0, 8);
    expect(result).toBe(-ENOSPC);
    expect(buffers(page)).toBe('mud -');
    expect(content(page)).toBe('........');
  });

  test('a failed read', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = fs.newPage(0);
    const result = fs.runFailing(fs.insertAnd(page, (p) => __blockWriteBegin(p, loff(1), 2, fs.getBlock)));
    expect(result).toBe(-EIO);
  });

  test('both edges are read by one request', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const requests = fs.requests();
    const { page } = begin(fs, 2, 4);
    expect(requests).toEqual(['R 0+2']);
    expect(content(page)).toBe('AAAABBBB');
  });
});

describe('block_write_begin', () => {
  test('finds or creates the page, and returns it locked', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = fs.run(
      (function* (): Task<Page> {
        const found = (yield* blockWriteBegin(fs.inode.iMapping, loff(0), 4, fs.getBlock)) as Page;
        expect(found.lock.isLocked).toBe(true);
        yield* unlockPage(found);
        return found;
      })(),
    );
    expect(fs.inode.iMapping.iPages.at(0).peek()).toBe(page);
  });

  test('on error the page stays in the cache, unlocked and put', () => {
    const fs = new TinyFs({ blocks: '..', nrBlocks: 0 });
    const result = fs.run(blockWriteBegin(fs.inode.iMapping, loff(0), 4, fs.getBlock));
    expect(result).toBe(-ENOSPC);
    const page = fs.inode.iMapping.iPages.at(0).peek() as Page;
    expect([page.lock.isLocked, page.refs.peek()]).toEqual([false, 2]); // the cache, the buffers
  });
});

describe('block_write_end', () => {
  test('a page becomes valid when its last block does', () => {
    const fs = new TinyFs({ blocks: '..' });
    const { page } = begin(fs, 0, 8);
    expect(end(fs, page, 0, '01234567')).toBe(8);
    expect([page.uptodate.peek(), page.dirty.peek()]).toEqual([true, true]);
  });

  test('too few bytes for a page that is not valid count as none', () => {
    const fs = new TinyFs({ blocks: '..' });
    const { page } = begin(fs, 0, 4);
    expect(end(fs, page, 0, '01', 4)).toBe(0);
    expect(content(page)).toBe('........');
  });

  test('on a valid page they are accepted', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    expect(end(fs, page, 0, '01', 4)).toBe(2);
    expect(content(page)).toBe('01AABBBB');
  });
});

describe('generic_write_end', () => {
  test('the file grows before the page is unlocked', () => {
    const fs = new TinyFs({ blocks: 'A', size: 4 });
    const { page } = begin(fs, 4, 2);
    const verbs = fs.verbs();
    const result = fs.run(
      (function* (): Task<number> {
        yield* lockPage(page);
        page.storeBytes(4, fs.cells('xy'));
        return yield* genericWriteEnd(fs.file, fs.inode.iMapping, loff(4), 2, 2, page);
      })(),
    );
    expect(result).toBe(2);
    expect(fs.inode.iSize.peek()).toBe(6);
    expect(verbs).toEqual(['lock_page', 'block_write_end', 'i_size_write', 'unlock_page']);
  });
});

describe('block_invalidatepage', () => {
  function dirtyPage(fs: TinyFs): Page {
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    end(fs, page, 0, '01234567');
    return page;
  }

  test('forgets the blocks that lie wholly inside, and keeps the others', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = dirtyPage(fs);
    fs.run(locked(page, blockInvalidatepage(page, 2, 6)));
    expect(buffers(page)).toBe('mud u');
    expect(page.dirty.peek()).toBe(true);
  });

  test('the whole page: lets go of the buffers, and the page is clean', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = dirtyPage(fs);
    const refs = page.refs.peek();
    fs.inode.iMapping.exiting.init(true); // as in evict: no invalidate_lock
    fs.run(locked(page, blockInvalidatepage(page, 0, 8)));
    expect(buffers(page)).toBe('none');
    expect([page.dirty.peek(), page.refs.peek()]).toEqual([false, refs - 1]);
  });
});

function* locked<T>(page: Page, body: Task<T>): Task<T> {
  yield* lockPage(page);
  const result = yield* body;
  yield* unlockPage(page);
  return result;
}

describe('try_to_free_buffers', () => {
  test('refuses while a block is dirty or the page is under writeback', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    end(fs, page, 0, 'x');
    expect(fs.run(locked(page, tryToFreeBuffers(page)))).toBe(false);
    const bh = page.buffers.peek()?.[0] as BufferHead;
    bh.init({ ...bh.peek(), dirty: false });
    page.writeback.init(true);
    expect(fs.run(locked(page, tryToFreeBuffers(page)))).toBe(false);
    page.writeback.init(false);
    expect(fs.run(locked(page, tryToFreeBuffers(page)))).toBe(true);
    expect(buffers(page)).toBe('none');
  });
});

test('__set_page_dirty_buffers dirties every buffer, and says whether the page was clean', () => {
  const fs = new TinyFs({ blocks: 'A.' });
  const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
  expect(fs.run(setPageDirtyBuffers(page))).toBe(true);
  expect(buffers(page)).toBe('mud ud');
  expect(fs.run(setPageDirtyBuffers(page))).toBe(false);
});

test.each([
  { from: 0, count: 4, want: true },
  { from: 1, count: 2, want: true },
  { from: 2, count: 3, want: false },
  { from: 4, count: 4, want: false },
  { from: 0, count: 8, want: false },
])(
  'block_is_partially_uptodate($from, $count) with the first of two blocks valid',
  ({ from, count, want }) => {
    const fs = new TinyFs({ blocks: '..' });
    const { page } = begin(fs, 0, 4);
    end(fs, page, 0, '0123');
    expect(fs.run(locked(page, blockIsPartiallyUptodate(page, from, count)))).toBe(want);
  },
);

describe('block_page_mkwrite', () => {
  function mkwrite(fs: TinyFs, page: Page): number {
    const vmOps = {
      fault: (): never => {
        throw new Error('not called here');
      },
    };
    const vma = new VmAreaStruct(new MmStruct(), fs.file, 0, 1, pgoff(0), 0, vmOps);
    const vmf: VmFault = { vma, vpn: 0, pgoff: pgoff(0), flags: 0, page, cowPage: null };
    return fs.run(
      (function* (): Task<number> {
        const err = yield* blockPageMkwrite(vma, vmf, fs.getBlock);
        if (err === 0) yield* unlockPage(page);
        return err;
      })(),
    );
  }

  test('gets blocks for what lies in the file, and returns the page locked and dirty', () => {
    const fs = new TinyFs({ blocks: '..', size: 3 });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    fs.lookups.length = 0;
    expect(mkwrite(fs, page)).toBe(0);
    expect(fs.lookups).toEqual(['0 create']);
    expect(page.dirty.peek()).toBe(true);
    expect(buffers(page)).toBe('mud ud'); // set_page_dirty() dirties all
  });

  test('-EFAULT for a page beyond the file, or out of the cache; the page is unlocked', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    fs.inode.iSize.init(8);
    const beyond = fs.withPage(2, (p) => blockReadFullPage(p, fs.getBlock)).page;
    expect(mkwrite(fs, beyond)).toBe(-EFAULT);
    page.mapping.init(null);
    expect(mkwrite(fs, page)).toBe(-EFAULT);
    expect([page.lock.isLocked, beyond.lock.isLocked]).toEqual([false, false]);
  });

  test.each([
    { err: 0, want: VM_FAULT_LOCKED },
    { err: -EFAULT, want: VM_FAULT_NOPAGE },
    { err: -EAGAIN, want: VM_FAULT_NOPAGE },
    { err: -ENOMEM, want: VM_FAULT_OOM },
    { err: -ENOSPC, want: VM_FAULT_SIGBUS },
  ])('block_page_mkwrite_return($err)', ({ err, want }) => {
    expect(blockPageMkwriteReturn(err)).toBe(want);
  });
});

describe('block_truncate_page', () => {
  test('reads the block, zeroes its end in the cache, and leaves it dirty', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    expect(fs.run(blockTruncatePage(fs.inode.iMapping, loff(5), fs.getBlock))).toBe(0);
    const page = fs.inode.iMapping.iPages.at(0).peek() as Page;
    expect(content(page)).toBe('....B...');
    expect(buffers(page)).toBe('- mud');
    expect([page.dirty.peek(), page.lock.isLocked]).toEqual([true, false]);
  });

  test('nothing to do at a block boundary, or in a hole', () => {
    const fs = new TinyFs({ blocks: 'A.' });
    expect(fs.run(blockTruncatePage(fs.inode.iMapping, loff(4), fs.getBlock))).toBe(0);
    expect(fs.inode.iMapping.nrpages.peek()).toBe(0);
    expect(fs.run(blockTruncatePage(fs.inode.iMapping, loff(5), fs.getBlock))).toBe(0);
    expect((fs.inode.iMapping.iPages.at(0).peek() as Page).dirty.peek()).toBe(false);
  });
});

describe('block_write_full_page', () => {
  const WBC = { sync: 'WB_SYNC_ALL', rangeStart: loff(0), rangeEnd: loff(63) } as const;

  function* write(fs: TinyFs, page: Page): Task<number> {
    yield* lockPage(page);
    yield* clearPageDirtyForIo(page);
    return yield* blockWriteFullPage(page, fs.getBlock, WBC);
  }

  function dirtied(fs: TinyFs): Page {
    const { page } = fs.withPage(0, (p) => blockReadFullPage(p, fs.getBlock));
    page.storeBytes(0, fs.cells('01234567'));
    fs.run(setPageDirtyBuffers(page));
    return page;
  }

  test('gets blocks, writes, and the page is clean and unlocked', () => {
    const fs = new TinyFs({ blocks: 'A.' });
    const page = dirtied(fs);
    const requests = fs.requests();
    expect(fs.run(write(fs, page))).toBe(0);
    expect(requests).toEqual(['W 0+2']);
    expect([fs.diskOf(0), fs.diskOf(1)]).toEqual(['0123', '4567']);
    expect(buffers(page)).toBe('mu mu');
    expect([page.dirty.peek(), page.writeback.peek(), page.lock.isLocked]).toEqual([false, false, false]);
  });

  test('what lies beyond the end of the file is zeroed and not written', () => {
    const fs = new TinyFs({ blocks: 'AB', size: 3 });
    const page = dirtied(fs);
    const requests = fs.requests();
    fs.run(write(fs, page));
    expect(requests).toEqual(['W 0+1']);
    expect(fs.diskOf(0)).toBe('012.');
    expect(content(page)).toBe('012.....');
  });

  test('a page beyond the end is left to whoever truncates', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = dirtied(fs);
    fs.inode.iSize.init(0);
    const requests = fs.requests();
    expect(fs.run(write(fs, page))).toBe(0);
    expect([requests, page.lock.isLocked]).toEqual([[], false]);
  });

  test('out of space: what has a block is written, the error is returned and noted', () => {
    const fs = new TinyFs({ blocks: 'A.', nrBlocks: 1 });
    const page = dirtied(fs);
    expect(fs.run(write(fs, page))).toBe(-ENOSPC);
    expect(fs.diskOf(0)).toBe('0123');
    expect(fs.inode.iMapping.wbErr.peek()).toBe(-ENOSPC);
    expect([page.error.peek(), page.writeback.peek(), page.lock.isLocked]).toEqual([true, false, false]);
  });

  test('a failed write is noted', () => {
    const fs = new TinyFs({ blocks: 'AB' });
    const page = dirtied(fs);
    fs.runFailing(write(fs, page));
    expect(fs.inode.iMapping.wbErr.peek()).toBe(-EIO);
    expect([page.error.peek(), page.writeback.peek()]).toEqual([true, false]);
    expect(buffers(page)).toBe('m m');
  });
});

test('a page is freed when nobody is left', () => {
  const fs = new TinyFs({ blocks: 'AB' });
  const { page } = begin(fs, 0, 4);
  expect(page.refs.peek()).toBe(3);
  putPage(page);
  expect(page.refs.peek()).toBe(2);
});
