// Shows how a fault on a file finds, fills and maps its page, step by step: which locks it takes and in which order,
// when it lets go of mmap_lock, what it answers, and that no reference, pin or lock is left behind.

import {
  deleteFromPageCache,
  downRead,
  downWrite,
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_RETRY_NOWAIT,
  FAULT_FLAG_TRIED,
  filemapFault,
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  filemapMapPages,
  filemapPageMkwrite,
  fillCells,
  type KernelRelease,
  lockPage,
  loff,
  type MmStruct,
  type Page,
  pgoff,
  putPage,
  SharedVar,
  showByte,
  type Task,
  truncatePagecache,
  truncatePagecacheRange,
  unlockPage,
  upRead,
  upWrite,
  userLoad,
  userStore,
  VM_FAULT_LOCKED,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WRITE,
  type VmAreaStruct,
  type VmFault,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, type Toy, type ToyOptions, text } from '../../toy.js';
import { letters, map, stale, stepsOn } from '../letters.js';

const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];
const LOCKS = ['mm.mmap_lock', 'mapping.invalidate_lock', 'PG_locked'];

interface World {
  readonly toy: Toy;
  readonly mm: MmStruct;
  readonly vma: VmAreaStruct;
}

function world(options: ToyOptions = {}, vmFlags = VM_SHARED | VM_WRITE): World {
  const toy = letters(options);
  return { toy, ...map(toy, vmFlags) };
}

function faultOn(vma: VmAreaStruct, index: number, flags: number): VmFault {
  return { vma, vpn: index, pgoff: pgoff(index), flags, page: null, cowPage: null };
}

/** A fault as the driver makes it, up to the answer of filemap_fault; gives back page and mmap_lock. */
function* fault(vma: VmAreaStruct, index: number, flags: number): Task<number> {
  const { mmapLock } = vma.vmMm;
  yield* downRead(mmapLock);
  const vmf = faultOn(vma, index, flags);
  const answer = yield* filemapFault(vmf);
  if (vmf.page !== null) {
    yield* unlockPage(vmf.page);
    putPage(vmf.page);
  }
  if ((answer & VM_FAULT_RETRY) === 0 || (flags & FAULT_FLAG_RETRY_NOWAIT) !== 0) yield* upRead(mmapLock);
  return answer;
}

/** What a filesystem does to the page cache in truncate(2). */
function* truncate(toy: Toy, size: number): Task<void> {
  yield* filemapInvalidateLock(toy.mapping);
  yield* truncatePagecache(toy.inode, loff(size));
  yield* filemapInvalidateUnlock(toy.mapping);
}

function pageOf(toy: Toy, index: number): Page {
  return toy.mapping.iPages.at(index).peek() as Page;
}

describe('filemap_fault', () => {
  test.each(RELEASES)('a cached uptodate page is served without invalidate_lock in %s', (release) => {
    const { toy, vma } = world({ release });
    const page = toy.cache(1, 'B');
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY))).toBe(VM_FAULT_LOCKED);
    expect(stepsOn(toy, ...LOCKS)).toEqual([
      'down_read(mm.mmap_lock)',
      'trylock_page(PG_locked[1])',
      'unlock_page(PG_locked[1])',
      'up_read(mm.mmap_lock)',
    ]);
    expect([page.refs.peek(), page.lock.isLocked]).toEqual([1, false]);
  });

  test.each([
    ['v5.14', []],
    ['v5.15', ['down_read(mapping.invalidate_lock[12])', 'up_read(mapping.invalidate_lock[12])']],
  ] as const)('a page that is not there is inserted and filled in %s under %p', (release, locks) => {
    const { toy, vma } = world({ release });
    // Not allowed to retry: mmap_lock stays held over the I/O.
    expect(toy.drive(fault(vma, 1, 0))).toBe(VM_FAULT_LOCKED | VM_FAULT_MAJOR);
    expect(stepsOn(toy, 'mapping.invalidate_lock')).toEqual(locks);
    expect([text(pageOf(toy, 1)), pageOf(toy, 1).refs.peek()]).toEqual(['BBBBBBBB', 1]);
  });

  test('invalidate_lock is taken before the page is inserted, and released with the page locked', () => {
    const { toy, vma } = world();
    toy.drive(fault(vma, 1, 0));
    const lockAt = toy.steps.indexOf('down_read(mapping.invalidate_lock[12])');
    const insertAt = toy.steps.findIndex((step) => step.startsWith('add_to_page_cache'));
    const unlockAt = toy.steps.indexOf('up_read(mapping.invalidate_lock[12])');
    expect([lockAt < insertAt, insertAt < unlockAt]).toEqual([true, true]);
    const after = toy.steps.slice(unlockAt).filter((step) => step.includes('PG_locked'));
    expect(after).toEqual(['unlock_page(PG_locked[1])']);
  });

  test('a cached page that is not uptodate is locked below invalidate_lock', () => {
    const { toy, vma } = world();
    const page = stale(toy, 1);
    expect(toy.drive(fault(vma, 1, 0))).toBe(VM_FAULT_LOCKED);
    expect(stepsOn(toy, 'mapping.invalidate_lock', 'PG_locked').slice(0, 2)).toEqual([
      'down_read(mapping.invalidate_lock[12])',
      'trylock_page(PG_locked[1])',
    ]);
    expect([text(page), page.refs.peek()]).toEqual(['BBBBBBBB', 1]);
  });

  test.each(RELEASES)('mmap_lock is dropped before the wait for I/O, once, in %s', (release) => {
    const { toy, vma } = world({ release });
    const pins = toy.file.fCount.peek();
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY))).toBe(VM_FAULT_RETRY | VM_FAULT_MAJOR);
    expect(stepsOn(toy, 'mm.mmap_lock')).toEqual(['down_read(mm.mmap_lock)', 'up_read(mm.mmap_lock)']);
    expect(toy.steps.indexOf('up_read(mm.mmap_lock)')).toBeLessThan(
      toy.steps.findIndex((step) => step.startsWith('submit_bio')),
    );
    expect([toy.file.fCount.peek(), pageOf(toy, 1).refs.peek()]).toEqual([pins, 1]);
    expect([toy.mapping.invalidateLock.isLocked, pageOf(toy, 1).lock.isLocked]).toEqual([false, false]);
    // The second try may not drop it again.
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED))).toBe(VM_FAULT_LOCKED);
  });

  test('a second try that finds the page gone waits with mmap_lock held', () => {
    const { toy, vma } = world();
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED))).toBe(
      VM_FAULT_LOCKED | VM_FAULT_MAJOR,
    );
    expect(toy.steps.indexOf('up_read(mm.mmap_lock)')).toBe(toy.steps.length - 1);
  });

  test('a fault that must not wait leaves a locked page alone and keeps mmap_lock', () => {
    const { toy, vma } = world();
    const page = toy.cache(1, 'B');
    const flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT;
    let answer = -1;
    let held = false;
    const faulter = function* (): Task<void> {
      yield* downRead(vma.vmMm.mmapLock);
      answer = yield* filemapFault(faultOn(vma, 1, flags));
      held = vma.vmMm.mmapLock.isLocked;
      yield* upRead(vma.vmMm.mmapLock);
    };
    const locker = function* (): Task<void> {
      yield* lockPage(page);
      yield* unlockPage(page);
    };
    const ending = toy.race({ A: locker(), B: faulter() }, [
      ['A', 'lock_page'],
      ['B', 'up_read'],
    ]);
    expect([ending.kind, answer, held]).toEqual(['done', VM_FAULT_RETRY, true]);
    expect(page.refs.peek()).toBe(1);
  });

  test('a fault that may wait drops mmap_lock for a locked page and asks to be repeated', () => {
    const { toy, vma } = world();
    const page = toy.cache(1, 'B');
    let answer = -1;
    const faulter = function* (): Task<void> {
      answer = yield* fault(vma, 1, FAULT_FLAG_ALLOW_RETRY);
    };
    const locker = function* (): Task<void> {
      yield* lockPage(page);
      // A writer of mmap_lock must get in while the fault waits.
      yield* downWrite(vma.vmMm.mmapLock);
      yield* upWrite(vma.vmMm.mmapLock);
      yield* unlockPage(page);
    };
    const ending = toy.race({ A: locker(), B: faulter() }, [
      ['A', 'lock_page'],
      ['B', 'up_read'],
      ['A', 'up_write'],
    ]);
    expect([ending.kind, answer]).toEqual(['done', VM_FAULT_RETRY]);
    expect([page.refs.peek(), page.lock.isLocked]).toEqual([1, false]);
  });

  test.each([
    ['before it dropped mmap_lock', 0],
    ['after it dropped mmap_lock', FAULT_FLAG_ALLOW_RETRY],
  ])('a fault killed while it waits for the page, %s, has released mmap_lock once', (_, flag) => {
    const { toy, vma } = world();
    const page = toy.cache(1, 'B');
    const signal = new SharedVar('fatal signal', false);
    let answer = -1;
    const faulter = function* (): Task<void> {
      answer = yield* fault(vma, 1, flag | FAULT_FLAG_KILLABLE);
    };
    const locker = function* (): Task<void> {
      yield* lockPage(page);
      yield* signal.write(true, 'kill');
      yield* unlockPage(page);
    };
    toy.watch();
    toy.execution.spawn('A', locker(), 'A');
    toy.execution.spawn('B', faulter(), 'B').signal = signal;
    const order = ['A', ...(flag === 0 ? 'BBBB' : 'BBBBB'), 'A', 'B', 'B'];
    let at = 0;
    const ending = toy.execution.run({
      newExecution: () => true,
      nextTask: ({ tasks, runnable }) => {
        const wanted = tasks.find(({ name }) => name === order[at])?.index ?? -1;
        at++;
        return runnable.includes(wanted) ? wanted : (runnable[0] as number);
      },
      nextChoice: () => 0,
    });
    expect(toy.steps).toContain('lock_page_killable(PG_locked[1])');
    expect([ending.kind, answer & VM_FAULT_RETRY]).toEqual(['done', VM_FAULT_RETRY]);
    expect(stepsOn(toy, 'mm.mmap_lock').filter((step) => step.startsWith('up_read'))).toHaveLength(1);
    expect(vma.vmMm.mmapLock.isLocked).toBe(false);
    expect(page.refs.peek()).toBe(1);
  });

  test('beyond the file: SIGBUS without a lock', () => {
    const { toy, vma } = world();
    toy.inode.iSize.init(9);
    expect(toy.drive(fault(vma, 2, 0))).toBe(VM_FAULT_SIGBUS);
    expect(stepsOn(toy, 'mapping.invalidate_lock', 'PG_locked')).toEqual([]);
    // The page that the end is in can be touched.
    expect(toy.drive(fault(vma, 1, 0))).toBe(VM_FAULT_LOCKED | VM_FAULT_MAJOR);
  });

  test('the file shrinks in between: SIGBUS, and the new page stays beyond the end', () => {
    const { toy, vma } = world();
    let answer = -1;
    const faulter = function* (): Task<void> {
      answer = yield* fault(vma, 2, 0);
    };
    const ending = toy.race({ A: faulter(), B: toy.inode.iSize.write(8, 'i_size_write') }, [
      ['A', 'add_to_page_cache_lru'],
      ['B', 'i_size_write'],
    ]);
    expect([ending.kind, answer]).toEqual(['done', VM_FAULT_SIGBUS]);
    const page = pageOf(toy, 2);
    expect([toy.cached(2), page.refs.peek(), page.lock.isLocked]).toEqual(['page', 1, false]);
  });

  test.each(RELEASES)('a read that fails: SIGBUS with mmap_lock held in %s', (release) => {
    const { toy, vma } = world({
      release,
      aOps: {
        *readpage(_: unknown, page: Page): Task<number> {
          yield* unlockPage(page);
          return 0;
        },
      },
    });
    expect(toy.drive(fault(vma, 1, 0))).toBe(VM_FAULT_SIGBUS);
    expect(toy.mapping.invalidateLock.isLocked).toBe(false);
    expect([pageOf(toy, 1).refs.peek(), pageOf(toy, 1).uptodate.peek()]).toEqual([1, false]);
  });

  test('no error is told once mmap_lock was dropped: RETRY, and the next try meets it', () => {
    const { toy, vma } = world({
      aOps: {
        *readpage(_: unknown, page: Page): Task<number> {
          yield* unlockPage(page);
          return 0;
        },
      },
    });
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY))).toBe(VM_FAULT_RETRY | VM_FAULT_MAJOR);
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED))).toBe(VM_FAULT_SIGBUS);
  });

  test('a page that left the cache before it was locked is looked up again', () => {
    const { toy, vma } = world();
    const first = toy.cache(1, '?');
    let answer = -1;
    const faulter = function* (): Task<void> {
      answer = yield* fault(vma, 1, 0);
    };
    const remover = function* (): Task<void> {
      yield* lockPage(first);
      yield* deleteFromPageCache(first);
      yield* unlockPage(first);
    };
    const ending = toy.race({ A: faulter(), B: remover() }, [
      ['A', 'find_get_page'],
      ['B', 'unlock_page'],
    ]);
    expect([ending.kind, answer]).toEqual(['done', VM_FAULT_LOCKED]);
    expect([text(pageOf(toy, 1)), first.refs.peek()]).toEqual(['BBBBBBBB', 0]);
  });

  test('a page that was uptodate when found and is not when locked: invalidate_lock first, without page lock', () => {
    const { toy, vma } = world();
    const page = toy.cache(1, '?');
    const faulter = fault(vma, 1, 0);
    const ending = toy.race({ A: faulter, B: page.uptodate.write(false, 'ClearPageUptodate') }, [
      ['A', 'find_get_page'],
      ['B', 'ClearPageUptodate'],
    ]);
    expect(ending.kind).toBe('done');
    expect(stepsOn(toy, 'mapping.invalidate_lock', 'PG_locked').slice(0, 4)).toEqual([
      'trylock_page(PG_locked[1])',
      'unlock_page(PG_locked[1])',
      'down_read(mapping.invalidate_lock[12])',
      'trylock_page(PG_locked[1])',
    ]);
    expect([text(page), page.refs.peek()]).toEqual(['BBBBBBBB', 1]);
  });

  test('waits for an invalidation, and fills what is there after it', () => {
    const { toy, vma } = world();
    const invalidate = function* (): Task<void> {
      yield* filemapInvalidateLock(toy.mapping);
      const block = toy.sb.sBdev.blocks.at(1);
      yield* block.section('move', () => block.store({ ...block.load(), cells: fillCells(8, 88, 0) }));
      yield* filemapInvalidateUnlock(toy.mapping);
    };
    const ending = toy.race({ A: invalidate(), B: fault(vma, 1, 0) }, [
      ['A', 'down_write'],
      ['B', 'find_get_page'],
    ]);
    expect([ending.kind, text(pageOf(toy, 1))]).toEqual(['done', 'XXXXXXXX']);
  });
});

describe('readahead of faults', () => {
  const options = { raPages: 4 };

  test('a miss reads around the address: half a window before it, mmap_lock dropped first', () => {
    const { toy, vma } = world(options);
    expect(toy.drive(fault(vma, 3, FAULT_FLAG_ALLOW_RETRY))).toBe(VM_FAULT_RETRY | VM_FAULT_MAJOR);
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(['none', 'page', 'page', 'page']);
    expect(toy.file.fRa.peek()).toMatchObject({ start: 1, size: 4, asyncSize: 1, mmapMiss: 1 });
  });

  test('random access reads one page', () => {
    const { toy, vma } = world(options, VM_RAND_READ);
    toy.drive(fault(vma, 1, 0));
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(['none', 'page', 'none', 'none']);
  });

  test('sequential access reads ahead, nothing before', () => {
    const { toy, vma } = world(options, VM_SEQ_READ);
    toy.drive(fault(vma, 1, 0));
    expect(toy.cached(0)).toBe('none');
    expect(toy.cached(1)).toBe('page');
    expect(toy.file.fRa.peek().mmapMiss).toBe(0);
  });

  test('more than a hundred misses too many: given up; a hit counts back', () => {
    const { toy, vma } = world(options);
    toy.file.fRa.init({ ...toy.file.fRa.peek(), mmapMiss: 100 });
    toy.drive(fault(vma, 1, 0));
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(['none', 'page', 'none', 'none']);
    expect(toy.file.fRa.peek().mmapMiss).toBe(101);
    toy.drive(fault(vma, 1, 0));
    expect(toy.file.fRa.peek().mmapMiss).toBe(100);
  });

  test('only a first try reads the next window at the marker', () => {
    const { toy, vma } = world(options);
    toy.cache(1, 'B').readahead.init(true);
    toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED));
    expect([toy.cached(2), pageOf(toy, 1).readahead.peek()]).toEqual(['none', true]);
    expect(toy.drive(fault(vma, 1, FAULT_FLAG_ALLOW_RETRY))).toBe(VM_FAULT_RETRY);
    expect([toy.cached(2), pageOf(toy, 1).readahead.peek()]).toEqual(['page', false]);
  });
});

describe('filemap_map_pages', () => {
  function* around({ mm, vma }: World, at: number): Task<number> {
    yield* downRead(mm.mmapLock);
    const answer = yield* filemapMapPages(faultOn(vma, at, 0), pgoff(0), pgoff(3));
    yield* upRead(mm.mmapLock);
    return answer;
  }
  const mapped = (mm: MmStruct): number[] => [0, 1, 2, 3].filter((vpn) => mm.ptes.at(vpn).peek() !== null);

  test('maps what is cached and valid, fills nothing, and takes no invalidate_lock', () => {
    const w = world();
    const [first, third] = [w.toy.cache(0, 'A'), w.toy.cache(2, 'C')];
    expect(w.toy.drive(around(w, 2))).toBe(VM_FAULT_NOPAGE);
    expect(mapped(w.mm)).toEqual([0, 2]);
    expect(stepsOn(w.toy, 'mapping.invalidate_lock')).toEqual([]);
    // The entry keeps a reference.
    expect([first, third].map((page) => [page.refs.peek(), page.mapcount.peek()])).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(w.mm.ptes.at(2).peek()).toMatchObject({ write: false, dirty: false });
  });

  test('nothing at the address itself: 0, so that the fault goes on', () => {
    const w = world();
    w.toy.cache(0);
    expect(w.toy.drive(around(w, 2))).toBe(0);
  });

  test.each<[string, (page: Page) => void]>([
    ['not uptodate', (page) => page.uptodate.init(false)],
    ['marked for readahead', (page) => page.readahead.init(true)],
    ['poisoned', (page) => page.hwpoison.init(true)],
  ])('skips a page that is %s', (_, spoil) => {
    const w = world();
    const page = w.toy.cache(1);
    spoil(page);
    expect([w.toy.drive(around(w, 1)), mapped(w.mm), page.refs.peek()]).toEqual([0, [], 1]);
  });

  test('skips a page that somebody has locked, without waiting', () => {
    const w = world();
    const page = w.toy.cache(1);
    const locker = function* (): Task<void> {
      yield* lockPage(page);
      yield* unlockPage(page);
    };
    const ending = w.toy.race({ A: locker(), B: around(w, 1) }, [
      ['A', 'lock_page'],
      ['B', 'up_read'],
    ]);
    expect([ending.kind, mapped(w.mm), page.refs.peek()]).toEqual(['done', [], 1]);
  });

  test('skips a page beyond the end', () => {
    const w = world();
    const page = w.toy.cache(2);
    w.toy.inode.iSize.init(16);
    expect([w.toy.drive(around(w, 2)), mapped(w.mm), page.refs.peek()]).toEqual([0, [], 1]);
  });

  test('leaves an entry alone that is there already', () => {
    const w = world();
    const page = w.toy.cache(1);
    w.toy.drive(around(w, 1));
    expect(w.toy.drive(around(w, 1))).toBe(0);
    expect([page.refs.peek(), page.mapcount.peek()]).toEqual([2, 1]);
  });

  test('whatever the order, a page that a hole punch removes is mapped nowhere', () => {
    const count = everyInterleaving(
      () => {
        const w = world({ release: 'v5.14' });
        const page = w.toy.cache(0);
        const around0 = filemapMapPages(faultOn(w.vma, 0, 0), pgoff(0), pgoff(0));
        const punch = truncatePagecacheRange(w.toy.inode, loff(0), loff(7));
        return { ...w, page, tasks: { A: around0, B: punch } };
      },
      ({ mm, page, toy }, ending) => {
        expect(ending.kind).toBe('done');
        expect([mm.ptes.at(0).peek(), page.mapcount.peek(), page.refs.peek()]).toEqual([null, 0, 0]);
        expect(toy.cached(0)).toBe('none');
      },
    );
    expect(count).toBeGreaterThan(1);
  });
});

describe('filemap_page_mkwrite', () => {
  function* mkwrite(vma: VmAreaStruct, page: Page): Task<number> {
    const vmf = { ...faultOn(vma, page.index, 0), page };
    const answer = yield* filemapPageMkwrite(vmf);
    if ((answer & VM_FAULT_LOCKED) !== 0) yield* unlockPage(page);
    return answer;
  }

  test('dirties the page and leaves it locked; takes no invalidate_lock', () => {
    const { toy, vma } = world();
    const page = toy.cache(1);
    expect(toy.drive(mkwrite(vma, page))).toBe(VM_FAULT_LOCKED);
    expect(page.dirty.peek()).toBe(true);
    expect(stepsOn(toy, 'mapping.invalidate_lock')).toEqual([]);
  });

  test('a page that left the cache: NOPAGE, unlocked and clean', () => {
    const { toy, vma } = world();
    const page = toy.cache(1);
    toy.drive(truncate(toy, 8));
    expect(toy.drive(mkwrite(vma, page))).toBe(VM_FAULT_NOPAGE);
    expect([page.lock.isLocked, page.dirty.peek()]).toEqual([false, false]);
  });

  test('looks at the mapping only: a page beyond the end that is still cached becomes writable', () => {
    const { toy, vma } = world();
    const page = toy.cache(2);
    toy.inode.iSize.init(8);
    expect(toy.drive(mkwrite(vma, page))).toBe(VM_FAULT_LOCKED);
  });
});

describe('a program with a mapping', () => {
  test.each(RELEASES)('loads what the disk holds in %s', (release) => {
    const { toy, mm } = world({ release });
    const cell = toy.drive(userLoad(mm, 17));
    expect(typeof cell === 'number' ? showByte(cell) : cell).toBe('C');
    expect([mm.mmapLock.isLocked, toy.file.fCount.peek()]).toEqual([false, 2]);
  });

  test('a store is seen in the page, which is dirty and writable', () => {
    const { toy, mm } = world();
    expect(toy.drive(userStore(mm, 17, 'x'.charCodeAt(0)))).toBe('ok');
    const page = pageOf(toy, 2);
    expect([text(page), page.dirty.peek()]).toEqual(['CxCCCCCC', true]);
    expect(mm.ptes.at(2).peek()).toMatchObject({ page, write: true, dirty: true });
  });

  test('a store to a private mapping goes to a copy', () => {
    const { toy, mm } = world({}, VM_WRITE);
    expect(toy.drive(userStore(mm, 17, 'x'.charCodeAt(0)))).toBe('ok');
    expect([text(pageOf(toy, 2)), pageOf(toy, 2).dirty.peek()]).toEqual(['CCCCCCCC', false]);
    expect(text(mm.ptes.at(2).peek()?.page as Page)).toBe('CxCCCCCC');
  });

  test('beyond the file SIGBUS, where nothing is mapped SIGSEGV, a store to a read-only mapping SIGSEGV', () => {
    const { toy, mm } = world({}, VM_SHARED);
    toy.inode.iSize.init(8);
    expect(toy.drive(userLoad(mm, 8))).toBe('SIGBUS');
    expect(toy.drive(userLoad(mm, 32))).toBe('SIGSEGV');
    expect(toy.drive(userStore(mm, 0, 1))).toBe('SIGSEGV');
    expect(mm.mmapLock.isLocked).toBe(false);
  });
});
