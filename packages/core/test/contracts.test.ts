// Shows that each demand of the locking table is checked: a caller or a filesystem that breaks it on purpose is
// reported with the rule it broke, and one that keeps it is not.

import {
  ADDRESS_SPACE_OPERATIONS,
  AOP_WRITEPAGE_ACTIVATE,
  callDirectIO,
  callErrorRemovePage,
  callFault,
  callInvalidatepage,
  callIsPartiallyUptodate,
  callLaunderPage,
  callMapPages,
  callPageMkwrite,
  callReadahead,
  callReadpage,
  callReleasepage,
  callWriteBegin,
  callWriteEnd,
  callWritepage,
  callWritepages,
  demandLocks,
  downRead,
  downWrite,
  FAULT_FLAG_RETRY_NOWAIT,
  filemapInvalidateLock,
  filemapInvalidateLockShared,
  inodeLock,
  type KernelRelease,
  lockPage,
  loff,
  MmStruct,
  notifyChange,
  Page,
  pgoff,
  readaheadPage,
  type Task,
  truncateInodePages,
  unlockPage,
  upRead,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_OPERATIONS,
  VmAreaStruct,
  type VmFault,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { nothing, result, Toy, type ToyOptions, thrown } from './toy.js';

const ALL = { sync: 'WB_SYNC_ALL', rangeStart: loff(0), rangeEnd: loff(31) } as const;

/** The rule that a body breaks on a machine with page 0 cached, or `undefined`. */
function rule(options: ToyOptions, body: (toy: Toy, page: Page) => Task<unknown>): unknown {
  const toy = new Toy(options);
  const page = toy.cache(0, 'A', { buffers: true });
  const data = thrown(() => toy.drive(body(toy, page)));
  if (data['code'] !== undefined) expect(data['code']).toBe('CONTRACT');
  return data['rule'];
}

/** Do some things before another. */
function* after(before: readonly Task<unknown>[], body: () => Task<unknown>): Task<void> {
  for (const step of before) yield* step;
  yield* body();
}

function* unlocking(page: Page, value = 0): Task<number> {
  yield* unlockPage(page);
  return value;
}

describe('the tables', () => {
  test('v5.14 has no column for invalidate_lock, v5.15 has', () => {
    const columns = (release: KernelRelease): string[] =>
      Object.entries(ADDRESS_SPACE_OPERATIONS[release])
        .filter(([, row]) => row.invalidateLock !== '-')
        .map(([op, row]) => `${op} ${row.invalidateLock}`);
    expect(columns('v5.14')).toEqual([]);
    expect(columns('v5.15')).toEqual([
      'readpage shared',
      'readahead shared',
      'readpages shared',
      'invalidatepage exclusive',
    ]);
  });

  test('handlers of faults run under mmap_lock', () => {
    expect(Object.values(VM_OPERATIONS).every((row) => row.mmapLock === 'shared')).toBe(true);
  });
});

describe('readpage', () => {
  const aOps = { readpage: (_: unknown, page: Page) => unlocking(page) };

  test.each([
    ['nothing held', 'v5.15', 'invalidate_lock', () => []],
    ['nothing held', 'v5.14', undefined, () => []],
    ['invalidate_lock shared', 'v5.15', undefined, (t: Toy) => [filemapInvalidateLockShared(t.mapping)]],
    ['invalidate_lock exclusive', 'v5.15', undefined, (t: Toy) => [filemapInvalidateLock(t.mapping)]],
    ['i_rwsem exclusive', 'v5.15', undefined, (t: Toy) => [inodeLock(t.inode)]],
    ['i_rwsem shared', 'v5.15', 'invalidate_lock', (t: Toy) => [downRead(t.inode.iRwsem)]],
  ] as const)('with %s in %s: %s', (_, release, broken, locks) => {
    const found = rule({ release, aOps }, (toy, page) =>
      after([...locks(toy), lockPage(page)], () => callReadpage(null, page)),
    );
    expect(found).toBe(broken);
  });

  test('needs the page lock', () => {
    expect(rule({ release: 'v5.14', aOps }, (_, page) => callReadpage(null, page))).toBe('page-locked');
  });

  test('the page lock of somebody else is not enough', () => {
    const toy = new Toy({ release: 'v5.14', aOps });
    const page = toy.cache(0);
    const reader = after([toy.inode.iSize.read()], () => callReadpage(null, page));
    const ending = toy.race({ A: lockPage(page), B: reader }, [['A', 'lock_page']]);
    expect(ending).toMatchObject({ kind: 'threw', error: { data: { op: 'readpage', rule: 'page-locked' } } });
  });

  test.each([0, -5])('must unlock the page when it returns %d', (value) => {
    const found = rule({ release: 'v5.14', aOps: { readpage: () => result(value) } }, (_, page) =>
      after([lockPage(page)], () => callReadpage(null, page)),
    );
    expect(found).toBe('page-unlocked');
  });

  test('may hand the page lock to I/O', () => {
    const readpage = (_: unknown, page: Page): Task<number> => {
      page.lock.handOff();
      return result(0);
    };
    const found = rule({ release: 'v5.14', aOps: { readpage } }, (_, page) =>
      after([lockPage(page)], () => callReadpage(null, page)),
    );
    expect(found).toBeUndefined();
  });

  test('needs a page that is in the cache', () => {
    const found = rule({ aOps }, () => callReadpage(null, new Page(pgoff(1), true)));
    expect(found).toBe('page-mapping');
  });

  test('the message says what happened, where, and what was expected', () => {
    const toy = new Toy({ aOps });
    const page = toy.cache(0);
    expect(() => toy.drive(after([lockPage(page)], () => callReadpage(null, page)))).toThrow(
      'toy: readpage(page 0) of inode 12 in v5.15: called with invalidate_lock not held; it must be shared.',
    );
  });
});

describe('readahead', () => {
  const request = (toy: Toy, page: Page) => ({
    file: null,
    mapping: toy.mapping,
    index: pgoff(0),
    pages: [page],
  });

  test('must unlock what it takes', () => {
    const aOps: ToyOptions['aOps'] = {
      readahead: function* (rac) {
        readaheadPage(rac);
        yield* nothing();
      },
    };
    const found = rule({ release: 'v5.14', aOps }, (toy, page) =>
      after([lockPage(page)], () => callReadahead(request(toy, page))),
    );
    expect(found).toBe('page-unlocked');
  });

  test('may leave pages to its caller', () => {
    const found = rule({ release: 'v5.14', aOps: { readahead: nothing } }, (toy, page) =>
      after([lockPage(page)], () => callReadahead(request(toy, page))),
    );
    expect(found).toBeUndefined();
  });

  test.each([
    ['page-locked', 'v5.14', false],
    ['invalidate_lock', 'v5.15', true],
  ] as const)('%s', (broken, release, locked) => {
    const found = rule({ release, aOps: { readahead: nothing } }, (toy, page) =>
      after(locked ? [lockPage(page)] : [], () => callReadahead(request(toy, page))),
    );
    expect(found).toBe(broken);
  });

  test('must be there', () => {
    const found = rule({ release: 'v5.14' }, (toy, page) =>
      after([lockPage(page)], () => callReadahead(request(toy, page))),
    );
    expect(found).toBe('missing');
  });
});

describe('write_begin', () => {
  const begin = (writeBegin: (toy: Toy, page: Page) => Task<Page | number>, locked = true): unknown => {
    const hook: { body: () => Task<Page | number> } = { body: () => result(-5) };
    return rule({ aOps: { writeBegin: () => hook.body() } }, (toy, page) => {
      hook.body = () => writeBegin(toy, page);
      return after(locked ? [inodeLock(toy.inode)] : [], () =>
        callWriteBegin(toy.file, toy.mapping, loff(0), 4),
      );
    });
  };
  const locking = function* (page: Page): Task<Page> {
    yield* lockPage(page);
    return page;
  };

  test('returns a locked page', () => {
    expect(begin((_, page) => locking(page))).toBeUndefined();
    expect(begin((_, page) => result(page))).toBe('page-locked');
  });
  test('returns an errno, and then no page is locked', () => {
    expect(begin(() => result(-5))).toBeUndefined();
    expect(begin(() => result(5))).toBe('result');
    const failing = function* (page: Page): Task<number> {
      yield* lockPage(page);
      return -5;
    };
    expect(begin((_, page) => failing(page))).toBe('page-unlocked');
  });
  test('returns the page of that position', () => {
    expect(begin(() => result(new Page(pgoff(1), true)))).toBe('page-mapping');
  });
  test('needs i_rwsem exclusive', () => {
    expect(begin((_, page) => locking(page), false)).toBe('i_rwsem');
  });
});

describe('write_end', () => {
  const end = (writeEnd: (page: Page) => Task<number>, locked = true, owned = true): unknown =>
    rule({ aOps: { writeEnd: (_f, _m, _p, _l, _c, page) => writeEnd(page) } }, (toy, page) =>
      after([...(owned ? [inodeLock(toy.inode)] : []), ...(locked ? [lockPage(page)] : [])], () =>
        callWriteEnd(toy.file, toy.mapping, loff(0), 4, 4, page),
      ),
    );

  test('unlocks the page', () => {
    expect(end((page) => unlocking(page, 4))).toBeUndefined();
    expect(end(() => result(4))).toBe('page-unlocked');
  });
  test('accepts no more than was copied', () => {
    expect(end((page) => unlocking(page, 5))).toBe('result');
  });
  test('needs both locks', () => {
    expect(end((page) => unlocking(page, 4), false)).toBe('page-locked');
    expect(end((page) => unlocking(page, 4), true, false)).toBe('i_rwsem');
  });
});

describe('writepage and writepages', () => {
  const write = (writepage: (page: Page) => Task<number>, locked = true, busy = false): unknown =>
    rule({ aOps: { writepage } }, (_, page) => {
      page.writeback.init(busy);
      return after(locked ? [lockPage(page)] : [], () => callWritepage(page, ALL));
    });

  test('writepage unlocks the page, unless it asks to keep it', () => {
    expect(write((page) => unlocking(page))).toBeUndefined();
    expect(write(() => result(0))).toBe('page-unlocked');
    expect(write(() => result(AOP_WRITEPAGE_ACTIVATE))).toBeUndefined();
    expect(write((page) => unlocking(page, AOP_WRITEPAGE_ACTIVATE))).toBe('page-locked');
  });
  test('writepage needs the page lock, and no writeback', () => {
    expect(write((page) => unlocking(page), false)).toBe('page-locked');
    expect(write((page) => unlocking(page), true, true)).toBe('page-writeback');
  });
  test('writepages takes page locks itself and leaves none', () => {
    const aOps = { writepages: () => result(0) };
    expect(rule({ aOps }, (toy) => callWritepages(toy.mapping, ALL))).toBeUndefined();
    const found = rule({ aOps }, (toy, page) =>
      after([lockPage(page)], () => callWritepages(toy.mapping, ALL)),
    );
    expect(found).toBe('page-unlocked');
  });
  test('direct_IO takes page locks itself', () => {
    const aOps = { directIO: () => result(0) };
    const found = rule({ aOps }, (toy, page) =>
      after([lockPage(page)], () => callDirectIO({ kiFilp: toy.file, kiPos: loff(0), kiFlags: 0 }, [])),
    );
    expect(found).toBe('page-unlocked');
  });
});

describe('invalidatepage', () => {
  const invalidate = (
    locks: (toy: Toy, page: Page) => Task<unknown>[],
    release: KernelRelease = 'v5.15',
    invalidatepage: (page: Page) => Task<void> = nothing,
  ): unknown =>
    rule({ release, aOps: { invalidatepage } }, (toy, page) =>
      after([...locks(toy, page), lockPage(page)], () => callInvalidatepage(page, 0, 8)),
    );

  test('needs invalidate_lock exclusive since v5.15', () => {
    expect(invalidate((toy) => [filemapInvalidateLock(toy.mapping)])).toBeUndefined();
    expect(invalidate((toy) => [filemapInvalidateLockShared(toy.mapping)])).toBe('invalidate_lock');
    expect(invalidate((toy) => [inodeLock(toy.inode)])).toBe('invalidate_lock');
    expect(invalidate(() => [], 'v5.14')).toBeUndefined();
  });
  test('but not in tear-down, nor for broken memory', () => {
    expect(invalidate((toy) => [toy.mapping.exiting.write(true)])).toBeUndefined();
    expect(invalidate((_, page) => [page.hwpoison.write(true)])).toBeUndefined();
  });
  test('keeps the page locked', () => {
    expect(invalidate(() => [], 'v5.14', unlockPage)).toBe('page-locked');
  });
  test('must be there if something is attached, and is not missed otherwise', () => {
    const attached = rule({ release: 'v5.14' }, (_, page) =>
      after([lockPage(page)], () => callInvalidatepage(page, 0, 8)),
    );
    expect(attached).toBe('missing');
    const toy = new Toy();
    const bare = toy.cache(1);
    expect(thrown(() => toy.drive(callInvalidatepage(bare, 0, 8)))).toEqual({});
  });
});

describe('operations on a locked page', () => {
  const aOps: ToyOptions['aOps'] = {
    releasepage: () => result(false),
    launderPage: () => result(0),
    isPartiallyUptodate: () => result(true),
    errorRemovePage: () => result(0),
  };
  test.each([
    ['releasepage', (_: Toy, page: Page) => callReleasepage(page)],
    ['launder_page', (_: Toy, page: Page) => callLaunderPage(page)],
    ['is_partially_uptodate', (_: Toy, page: Page) => callIsPartiallyUptodate(page, 0, 8)],
    ['error_remove_page', (toy: Toy, page: Page) => callErrorRemovePage(toy.mapping, page)],
  ] as const)('%s', (_, call) => {
    expect(rule({ aOps }, call)).toBe('page-locked');
    expect(rule({ aOps }, (toy, page) => after([lockPage(page)], () => call(toy, page)))).toBeUndefined();
  });

  test('releasepage tells the truth', () => {
    const found = rule({ aOps: { releasepage: () => result(true) } }, (_, page) =>
      after([lockPage(page)], () => callReleasepage(page)),
    );
    expect(found).toBe('page-private');
  });

  test('releasepage is not asked while the page is written back', () => {
    const toy = new Toy({ aOps: { releasepage: () => result(true) } });
    const page = toy.cache(0, 'A', { buffers: true });
    page.writeback.init(true);
    toy.drive(lockPage(page));
    expect(thrown(() => toy.drive(callReleasepage(page)))['rule']).toBe('page-locked');
  });
});

describe('faults', () => {
  type Handler = (vmf: VmFault) => Task<number>;
  const fault = (
    op: 'fault' | 'mapPages' | 'pageMkwrite',
    handler: Handler,
    { held = true, flags = 0, locked = false } = {},
  ): unknown =>
    rule({}, (toy, page) => {
      const mm = new MmStruct();
      const ops = { fault: handler, [op]: handler };
      const vma = new VmAreaStruct(mm, toy.file, 0, 4, pgoff(0), 0, ops);
      const vmf: VmFault = { vma, vpn: 0, pgoff: pgoff(0), flags, page, cowPage: null };
      const call = { fault: callFault, mapPages: mapAll, pageMkwrite: callPageMkwrite }[op];
      return after([...(held ? [downRead(mm.mmapLock)] : []), ...(locked ? [lockPage(page)] : [])], () =>
        call(vmf),
      );
    });
  const mapAll: Handler = (vmf) => callMapPages(vmf, pgoff(0), pgoff(3));
  const lock: Handler = function* (vmf) {
    yield* lockPage(vmf.page as Page);
    return VM_FAULT_LOCKED;
  };
  const dropping = (value: number): Handler =>
    function* (vmf) {
      yield* upRead(vmf.vma.vmMm.mmapLock);
      return value;
    };
  const lockAndForget: Handler = function* (vmf) {
    yield* lockPage(vmf.page as Page);
    return VM_FAULT_NOPAGE;
  };
  const lockTruncated: Handler = function* (vmf) {
    yield* lockPage(vmf.page as Page);
    yield* (vmf.page as Page).mapping.write(null);
    return VM_FAULT_LOCKED;
  };

  test.each(['fault', 'mapPages', 'pageMkwrite'] as const)('%s needs mmap_lock', (op) => {
    expect(fault(op, () => result(0), { held: false })).toBe('mmap_lock');
    expect(fault(op, () => result(0))).toBeUndefined();
  });

  test('RETRY means that mmap_lock was released, unless RETRY_NOWAIT', () => {
    expect(fault('fault', dropping(VM_FAULT_RETRY))).toBeUndefined();
    expect(fault('fault', () => result(VM_FAULT_RETRY))).toBe('mmap_lock');
    const nowait = { flags: FAULT_FLAG_RETRY_NOWAIT };
    expect(fault('fault', () => result(VM_FAULT_RETRY), nowait)).toBeUndefined();
    expect(fault('fault', dropping(VM_FAULT_RETRY), nowait)).toBe('mmap_lock');
  });

  test('every other result means that it is held', () => {
    expect(fault('fault', dropping(VM_FAULT_NOPAGE))).toBe('mmap_lock');
    expect(fault('fault', dropping(VM_FAULT_SIGBUS))).toBe('mmap_lock');
  });

  test('RETRY comes without an error', () => {
    expect(fault('fault', dropping(VM_FAULT_RETRY | VM_FAULT_SIGBUS))).toBe('result');
  });

  test.each(['fault', 'pageMkwrite'] as const)('LOCKED from %s means locked, and in the cache', (op) => {
    expect(fault(op, lock)).toBeUndefined();
    expect(fault(op, () => result(VM_FAULT_LOCKED))).toBe('page-locked');
    expect(fault(op, lockTruncated)).toBe('page-mapping');
    expect(fault(op, lockAndForget)).toBe('page-unlocked');
  });

  test('page_mkwrite locks the page itself and cannot ask for a retry', () => {
    expect(fault('pageMkwrite', () => result(0), { locked: true })).toBe('page-unlocked');
    expect(fault('pageMkwrite', dropping(VM_FAULT_RETRY))).toBe('result');
  });
});

describe('generic functions', () => {
  test.each([
    ['exclusive', undefined, (t: Toy) => [filemapInvalidateLock(t.mapping)]],
    ['shared', 'invalidate_lock', (t: Toy) => [filemapInvalidateLockShared(t.mapping)]],
    ['not', 'invalidate_lock', (t: Toy) => [inodeLock(t.inode)]],
  ] as const)('truncation with invalidate_lock held %s: %s', (_, broken, locks) => {
    const truncate = (release: KernelRelease): unknown =>
      rule({ release, aOps: { invalidatepage: dropBuffers } }, (toy) =>
        after(locks(toy), () => truncateInodePages(toy.mapping, loff(0))),
      );
    expect(truncate('v5.15')).toBe(broken);
    expect(truncate('v5.14')).toBeUndefined();
  });

  test('the truncation of simple_setattr() takes no invalidate_lock', () => {
    const toy = new Toy({ iOp: {} });
    expect(() => demandLocks('truncate_inode_pages_range', toy.mapping)).not.toThrow();
  });

  test('a rule that a filesystem is known not to keep is not enforced on it, and no other', () => {
    const toy = new Toy({ exempt: { truncate_inode_pages_range: 'invalidate_lock' } });
    expect(() => demandLocks('truncate_inode_pages_range', toy.mapping)).not.toThrow();
    expect(() => demandLocks('read_cache_page', toy.mapping)).toThrow();
  });

  test('read_cache_page needs invalidate_lock from its caller', () => {
    const read = (locks: (toy: Toy) => Task<unknown>[]): unknown =>
      rule({}, (toy) =>
        after(locks(toy), () => {
          demandLocks('read_cache_page', toy.mapping);
          return nothing();
        }),
      );
    expect(read(() => [])).toBe('invalidate_lock');
    expect(read((toy) => [filemapInvalidateLock(toy.mapping)])).toBeUndefined();
    expect(read((toy) => [downWrite(toy.inode.iRwsem)])).toBeUndefined();
  });

  test('setattr needs i_rwsem exclusive', () => {
    const change = (locks: (toy: Toy) => Task<unknown>[]): unknown =>
      rule({}, (toy) => after(locks(toy), () => notifyChange(toy.inode, { iaValid: 0, iaSize: loff(0) })));
    expect(change(() => [])).toBe('i_rwsem');
    expect(change((toy) => [downRead(toy.inode.iRwsem)])).toBe('i_rwsem');
    expect(change((toy) => [inodeLock(toy.inode)])).toBeUndefined();
  });
});

/** Drop the buffers of a page, as block_invalidatepage() does for a whole one. */
function* dropBuffers(page: Page): Task<void> {
  page.buffers.init(null);
  page.refs.init(page.refs.peek() - 1);
  yield* nothing();
}
