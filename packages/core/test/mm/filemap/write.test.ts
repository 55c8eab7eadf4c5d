// Shows how a write goes through the page cache, or past it: what it holds while it copies, how it ends early, and what
// it leaves in the cache.

import {
  type AddressSpaceOperations,
  type Cells,
  downRead,
  EAGAIN,
  EFBIG,
  EINTR,
  EINVAL,
  EIO,
  ENOSPC,
  FGP_CREAT,
  FGP_LOCK,
  filemapInvalidateLockShared,
  fillCells,
  genericFileDirectWrite,
  genericFileWriteIter,
  genericPerformWrite,
  genericWriteChecks,
  heldMode,
  IOCB_APPEND,
  IOCB_DIRECT,
  IOCB_DSYNC,
  IOCB_NOWAIT,
  inodeLock,
  inodeUnlock,
  type Kiocb,
  lockPage,
  loff,
  Page,
  pagecacheGetPage,
  pgoff,
  putPage,
  SharedVar,
  type Task,
  unlockPage,
  zeroCells,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { spawnKillable } from '../../locking/locks.js';
import { result, Toy, type ToyOptions, text, thrown } from '../../toy.js';

/** What simple_write_begin and simple_write_end do, on a filesystem in memory. */
function memory(overrides: Partial<AddressSpaceOperations> = {}): Partial<AddressSpaceOperations> {
  return {
    *writeBegin(_file, mapping, pos): Task<Page | number> {
      const page = (yield* pagecacheGetPage(
        mapping,
        pgoff(Math.floor(pos / 8)),
        FGP_LOCK | FGP_CREAT,
      )) as Page;
      if (!page.uptodate.load()) page.storeBytes(0, zeroCells(8));
      return page;
    },
    *writeEnd(_file, mapping, pos, _len, copied, page): Task<number> {
      page.uptodate.store(true);
      page.dirty.store(true);
      const { iSize } = mapping.host;
      if (pos + copied > iSize.load()) iSize.store(loff(pos + copied));
      yield* unlockPage(page);
      putPage(page);
      return copied;
    },
    ...overrides,
  };
}

function world(options: ToyOptions = {}, overrides: Partial<AddressSpaceOperations> = {}): Toy {
  const toy = new Toy({ ...options, aOps: { ...memory(overrides), ...options.aOps } });
  toy.inode.iSize.init(0);
  return toy;
}

function cells(length: number, letter = 'w'): Cells {
  return fillCells(length, letter.charCodeAt(0), 0);
}

function iocb(toy: Toy, pos: number, flags = 0): Kiocb {
  return { kiFilp: toy.file, kiPos: loff(pos), kiFlags: flags };
}

function pageText(toy: Toy, index: number): string {
  const page = toy.mapping.iPages.at(index).peek();
  return page instanceof Page ? text(page) : 'none';
}

describe('generic_write_checks', () => {
  test.each<[string, number, number, number, number, number]>([
    ['nothing to write', 40, 0, 0, 0, 40],
    ['within the limits', 4, 6, 0, 6, 4],
    ['over the limit: a part', 28, 10, 0, 4, 28],
    ['beyond the limit', 32, 1, 0, -EFBIG, 32],
    ['an append goes to the end', 0, 5, IOCB_APPEND, 5, 10],
    ['IOCB_NOWAIT through the cache', 0, 1, IOCB_NOWAIT, -EINVAL, 0],
    ['IOCB_NOWAIT past it', 0, 1, IOCB_NOWAIT | IOCB_DIRECT, 1, 0],
  ])('%s', (_, pos, count, flags, checked, at) => {
    const toy = world();
    toy.inode.iSize.init(10);
    const kiocb = iocb(toy, pos, flags);
    expect([genericWriteChecks(kiocb, count), kiocb.kiPos]).toEqual([checked, at]);
  });
});

/** generic_perform_write as its callers call it: with i_rwsem exclusive. */
function* perform(toy: Toy, data: Cells, pos: number): Task<number> {
  yield* inodeLock(toy.inode);
  const written = yield* genericPerformWrite(iocb(toy, pos, 0), data);
  yield* inodeUnlock(toy.inode);
  return written;
}

describe('generic_perform_write', () => {
  test('page by page, dirty and uptodate, the size grows, nothing stays locked or referenced', () => {
    const toy = world();
    expect(toy.drive(perform(toy, cells(10), 4))).toBe(10);
    expect([pageText(toy, 0), pageText(toy, 1), toy.inode.iSize.peek()]).toEqual([
      '....wwww',
      'wwwwww..',
      14,
    ]);
    for (const index of [0, 1]) {
      const page = toy.mapping.iPages.at(index).peek() as Page;
      expect([page.dirty.peek(), page.lock.isLocked, page.refs.peek()]).toEqual([true, false, 1]);
    }
  });

  test('takes no invalidate_lock', () => {
    const toy = world();
    toy.drive(perform(toy, cells(10), 4));
    expect(toy.steps.filter((step) => step.includes('invalidate_lock'))).toEqual([]);
  });

  test('copies with the page locked', () => {
    const toy = world();
    toy.drive(perform(toy, cells(8), 0));
    const steps = toy.steps.map((step) => step.replace(/\(.*/, ''));
    const [insert, copy, unlock] = ['add_to_page_cache_lru', 'copy_page_from_iter_atomic', 'unlock_page'];
    const at = [insert, copy, unlock].map((verb) => steps.indexOf(verb as string));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at[0]).toBeGreaterThanOrEqual(0);
  });

  test.each<[string, (toy: Toy) => Task<unknown>]>([
    ['invalidate_lock', (toy) => filemapInvalidateLockShared(toy.mapping)],
    ['a page lock', (toy) => lockPage(toy.cache(3))],
  ])('the source can fault, so %s must not be held', (_, lock) => {
    const toy = world();
    const take = lock(toy);
    const body = function* (): Task<void> {
      yield* take;
      yield* perform(toy, cells(1), 0);
    };
    expect(thrown(() => toy.drive(body()))).toMatchObject({
      code: 'COPY_UNDER_LOCK',
      verb: 'fault_in_readable',
    });
  });

  test('an error of write_begin or write_end is told if nothing was written, otherwise what was', () => {
    const failing = (op: 'writeBegin' | 'writeEnd', from: number): Toy => {
      const ops = memory();
      const toy = world(
        {},
        {
          *writeBegin(file, mapping, pos, len): Task<Page | number> {
            if (op === 'writeBegin' && pos >= from) return -ENOSPC;
            return yield* (ops.writeBegin as NonNullable<typeof ops.writeBegin>)(file, mapping, pos, len);
          },
          *writeEnd(file, mapping, pos, len, copied, page): Task<number> {
            const written = yield* (ops.writeEnd as NonNullable<typeof ops.writeEnd>)(
              file,
              mapping,
              pos,
              len,
              copied,
              page,
            );
            return op === 'writeEnd' && pos >= from ? -EIO : written;
          },
        },
      );
      return toy;
    };
    const write = (toy: Toy): number => toy.drive(perform(toy, cells(16), 0));
    expect(write(failing('writeBegin', 0))).toBe(-ENOSPC);
    expect(write(failing('writeBegin', 8))).toBe(8);
    expect(write(failing('writeEnd', 0))).toBe(-EIO);
    expect(write(failing('writeEnd', 8))).toBe(8);
  });

  test('what write_end does not accept is written again', () => {
    const ops = memory();
    let refusals = 1;
    const toy = world(
      {},
      {
        *writeEnd(file, mapping, pos, len, copied, page): Task<number> {
          const accepted = refusals-- > 0 ? 0 : copied;
          return yield* (ops.writeEnd as NonNullable<typeof ops.writeEnd>)(
            file,
            mapping,
            pos,
            len,
            accepted,
            page,
          );
        },
      },
    );
    expect(toy.drive(perform(toy, cells(8), 0))).toBe(8);
    expect(toy.steps.filter((step) => step.startsWith('copy_page_from_iter_atomic'))).toHaveLength(2);
  });

  test.each([
    ['before the first page', 0, -EINTR],
    ['after the first page', 1, 8],
  ])('a task that is killed %s stops', (_, pages, expected) => {
    const toy = world();
    const signal = new SharedVar('signal', false);
    let written: number | null = null;
    const task = spawnKillable(toy, 'A', signal, function* (): Task<void> {
      written = yield* perform(toy, cells(24), 0);
    });
    const seen: string[] = [];
    toy.execution.recorder = {
      performed: (step) => {
        seen.push(step.verb);
        if (step.verb === 'unlock_page' && pages > 0) signal.init(true);
      },
    };
    if (pages === 0) signal.init(true);
    toy.execution.run({ newExecution: () => true, nextTask: () => task.index, nextChoice: () => 0 });
    expect(written).toBe(expected);
    expect(seen.filter((verb) => verb === 'unlock_page')).toHaveLength(pages);
  });
});

describe('generic_file_write_iter', () => {
  test('holds i_rwsem exclusive around the write, and not when it makes it durable', () => {
    const held: unknown[] = [];
    const toy = world({
      iFop: {
        *fsync(file, start, last): Task<number> {
          held.push(heldMode(file.fInode.iRwsem), start, last);
          yield* file.fInode.iSize.read();
          return 0;
        },
      },
    });
    const kiocb = iocb(toy, 4, IOCB_DSYNC);
    expect(toy.drive(genericFileWriteIter(kiocb, cells(6)))).toBe(6);
    expect([held, kiocb.kiPos]).toEqual([[null, 4, 9], 10]);
    expect(toy.steps.filter((step) => step.includes('i_rwsem'))).toEqual([
      'down_write(inode.i_rwsem[12])',
      'up_write(inode.i_rwsem[12])',
    ]);
  });

  test('an error of the sync is the error of the write', () => {
    const toy = world({ iFop: { fsync: () => result(-EIO) } });
    expect(toy.drive(genericFileWriteIter(iocb(toy, 0, IOCB_DSYNC), cells(4)))).toBe(-EIO);
  });

  test('is not synced unless asked for, and releases i_rwsem when it refuses', () => {
    const toy = world({
      iFop: {
        fsync: () => {
          throw new Error('not asked for');
        },
      },
    });
    expect(toy.drive(genericFileWriteIter(iocb(toy, 0), cells(4)))).toBe(4);
    expect(toy.drive(genericFileWriteIter(iocb(toy, 40, IOCB_DSYNC), cells(4)))).toBe(-EFBIG);
    expect(toy.inode.iRwsem.isLocked).toBe(false);
  });

  test('writes what fits', () => {
    const toy = world();
    expect(toy.drive(genericFileWriteIter(iocb(toy, 30), cells(8)))).toBe(2);
    expect(toy.inode.iSize.peek()).toBe(32);
  });

  test('two appends never overwrite each other', () => {
    const toy = world();
    const append = (letter: string): Task<number> =>
      genericFileWriteIter(iocb(toy, 0, IOCB_APPEND), cells(4, letter));
    const ending = toy.race({ A: append('a'), B: append('b') }, [['B', 'down_write']]);
    expect([ending.kind, pageText(toy, 0), toy.inode.iSize.peek()]).toEqual(['done', 'bbbbaaaa', 8]);
  });
});

describe('a direct write', () => {
  interface Direct {
    readonly toy: Toy;
    readonly calls: string[];
  }
  function direct(
    written: (length: number) => number,
    during: (toy: Toy) => Task<void> = () => result(undefined),
  ): Direct {
    const calls: string[] = [];
    const toy: Toy = world({
      aOps: {
        *directIO(kiocb, data): Task<number> {
          calls.push(`direct ${kiocb.kiPos} ${(data as Cells).length}`);
          yield* during(toy);
          return written((data as Cells).length);
        },
        *writepage(page): Task<number> {
          yield* unlockPage(page);
          return 0;
        },
        releasepage: () => result(false),
      },
    });
    toy.inode.iSize.init(16);
    return { toy, calls };
  }
  function* write(toy: Toy, kiocb: Kiocb, data: Cells): Task<number> {
    yield* downRead(toy.inode.iRwsem);
    return yield* genericFileDirectWrite(kiocb, data);
  }

  test('drops what is cached of its range and no more, and moves the position', () => {
    const { toy, calls } = direct((length) => length);
    for (const index of [0, 1]) toy.cache(index);
    const kiocb = iocb(toy, 8, IOCB_DIRECT);
    expect(toy.drive(write(toy, kiocb, cells(8)))).toBe(8);
    expect([calls, toy.cached(0), toy.cached(1), kiocb.kiPos]).toEqual([['direct 8 8'], 'page', 'none', 16]);
  });

  test('grows the size if it ends beyond it', () => {
    const { toy } = direct((length) => length);
    toy.drive(write(toy, iocb(toy, 12, IOCB_DIRECT), cells(8)));
    expect(toy.inode.iSize.peek()).toBe(20);
    toy.drive(write(toy, iocb(toy, 0, IOCB_DIRECT), cells(4)));
    expect(toy.inode.iSize.peek()).toBe(20);
  });

  test('IOCB_NOWAIT gives up if a page is cached', () => {
    const { toy, calls } = direct((length) => length);
    toy.cache(1);
    expect(toy.drive(write(toy, iocb(toy, 8, IOCB_DIRECT | IOCB_NOWAIT), cells(8)))).toBe(-EAGAIN);
    expect(toy.drive(write(toy, iocb(toy, 0, IOCB_DIRECT | IOCB_NOWAIT), cells(8)))).toBe(8);
    expect(calls).toEqual(['direct 0 8']);
  });

  test('a page that came back meanwhile is dropped again', () => {
    const { toy } = direct(
      (length) => length,
      function* (inside) {
        const page = yield* pagecacheGetPage(inside.mapping, pgoff(1), FGP_CREAT | FGP_LOCK);
        yield* unlockPage(page as Page);
        putPage(page as Page);
      },
    );
    expect(toy.drive(write(toy, iocb(toy, 8, IOCB_DIRECT), cells(8)))).toBe(8);
    expect(toy.cached(1)).toBe('none');
  });

  test('a page that cannot be dropped: the write goes through the cache instead', () => {
    const { toy, calls } = direct((length) => length);
    // Somebody else uses what is attached to it, and it stays.
    const page = toy.cache(1, 'B', { buffers: true });
    expect(toy.drive(write(toy, iocb(toy, 8, IOCB_DIRECT), cells(8)))).toBe(0);
    expect([calls, toy.cached(1), page.refs.peek()]).toEqual([[], 'page', 2]);
  });

  test('takes no invalidate_lock', () => {
    const { toy } = direct((length) => length);
    toy.drive(write(toy, iocb(toy, 8, IOCB_DIRECT), cells(8)));
    expect(toy.steps.filter((step) => step.includes('invalidate_lock'))).toEqual([]);
  });
});
