// Shows what those who remove or write pages do to page-table entries: none is left that maps a removed page, no
// store is lost on the way, and a clean page is not writable.

import {
  clearPageDirtyForIo,
  genericErrorRemovePage,
  invalidateInodePages2Range,
  invalidateMappingPages,
  ksysMadvise,
  ksysMmap,
  ksysMunmap,
  lockPage,
  loff,
  MADV_POPULATE_READ,
  MmStruct,
  memoryFailure,
  Page,
  type PagePte,
  POSIX_FADV_WILLNEED,
  pagecacheIsizeExtended,
  pgoff,
  reclaimPage,
  type Task,
  truncateInodePages,
  truncatePagecache,
  truncatePagecacheRange,
  unlockPage,
  VM_FAULT_LOCKED,
  VM_FAULT_SIGBUS,
  VM_SHARED,
  VM_WRITE,
  type VmFault,
  vfsFadvise,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, result, Toy, type ToyOptions } from '../toy.js';

/** A machine whose file is mapped from address 0, shared. */
function mappedToy(options: ToyOptions = {}): { toy: Toy; mm: MmStruct } {
  const mmap = () => ({ fault: () => result(VM_FAULT_SIGBUS) });
  const toy = new Toy({ release: 'v5.14', ...options, iFop: { mmap, ...options.iFop } });
  const mm = new MmStruct();
  toy.drive(ksysMmap(mm, toy.file, pgoff(0), 4, VM_SHARED | VM_WRITE, 0));
  return { toy, mm };
}

/** Map a page as a fault would have. */
function map(mm: MmStruct, page: Page, bits: Partial<PagePte> = {}, vpn: number = page.index): void {
  mm.ptes.at(vpn).init({ page, write: false, dirty: false, ...bits });
  page.mapcount.init(page.mapcount.peek() + 1);
  page.refs.init(page.refs.peek() + 1);
}

describe('removing a mapped page', () => {
  const removers: [string, (toy: Toy) => Task<unknown>][] = [
    ['truncate_inode_pages', (toy) => truncateInodePages(toy.mapping, loff(8))],
    ['truncate_pagecache', (toy) => truncatePagecache(toy.inode, loff(8))],
    ['truncate_pagecache_range', (toy) => truncatePagecacheRange(toy.inode, loff(8), loff(15))],
    ['invalidate_inode_pages2', (toy) => invalidateInodePages2Range(toy.mapping, pgoff(1), pgoff(1))],
    ['reclaim', (toy) => reclaimPage(toy.mapping, pgoff(1))],
  ];
  test.each(removers)('%s removes its entries first', (_, remove) => {
    const { toy, mm } = mappedToy();
    const other = toy.cache(0);
    const page = toy.cache(1);
    map(mm, other);
    map(mm, page);
    toy.drive(remove(toy));
    expect([mm.ptes.at(0).peek()?.page, mm.ptes.at(1).peek()]).toEqual([other, null]);
    expect([page.mapcount.peek(), page.refs.peek(), page.mapping.peek()]).toEqual([0, 0, null]);
  });

  test('invalidate_mapping_pages leaves it alone', () => {
    const { toy, mm } = mappedToy();
    map(mm, toy.cache(1));
    expect(toy.drive(invalidateMappingPages(toy.mapping, pgoff(0), pgoff(3)))).toBe(0);
  });

  test('a store through a dirty entry makes reclaim keep the page; truncation drops it', () => {
    const { toy, mm } = mappedToy();
    const page = toy.cache(1);
    map(mm, page, { write: true, dirty: true });
    expect(toy.drive(reclaimPage(toy.mapping, pgoff(1)))).toBe(false);
    expect([page.dirty.peek(), page.mapcount.peek()]).toEqual([true, 0]);
    map(mm, page, { write: true, dirty: true });
    toy.drive(truncateInodePages(toy.mapping, loff(0)));
    expect([page.dirty.peek(), page.refs.peek()]).toEqual([false, 0]);
  });

  test('a page that is mapped again right after the range was unmapped is unmapped again under its lock', () => {
    everyInterleaving(
      () => {
        const { toy, mm } = mappedToy();
        const page = toy.cache(3);
        const fault = function* (): Task<void> {
          yield* lockPage(page);
          if (page.mapping.load() !== null) {
            yield* mm.ptes.at(3).section('do_set_pte', () => {
              mm.ptes.at(3).store({ page, write: false, dirty: false });
              page.mapcount.add(1);
              page.refs.add(1);
            });
          }
          yield* unlockPage(page);
        };
        const punch = truncatePagecacheRange(toy.inode, loff(24), loff(31));
        return { toy, mm, page, tasks: { A: fault(), B: punch } };
      },
      ({ mm, page }, ending) => {
        expect(ending.kind).toBe('done');
        expect([mm.ptes.at(3).peek(), page.mapcount.peek(), page.refs.peek()]).toEqual([null, 0, 0]);
      },
    );
  });

  test('private copies outlive a punch, not a truncation', () => {
    const { toy, mm } = mappedToy();
    toy.cache(1);
    const copy = new Page(pgoff(1), false, true);
    copy.mapcount.init(1);
    mm.ptes.at(1).init({ page: copy, write: true, dirty: true });
    toy.drive(truncatePagecacheRange(toy.inode, loff(8), loff(15)));
    expect(mm.ptes.at(1).peek()?.page).toBe(copy);
    toy.drive(truncatePagecache(toy.inode, loff(8)));
    expect(mm.ptes.at(1).peek()).toBeNull();
  });
});

describe('memory failure', () => {
  const broken = (bits: Partial<PagePte>): { page: Page; error: number; noted: number } => {
    const { toy, mm } = mappedToy({ aOps: { errorRemovePage: genericErrorRemovePage } });
    const page = toy.cache(1);
    map(mm, page, bits);
    const error = toy.drive(memoryFailure(page));
    expect(mm.ptes.at(1).peek()).toBeNull();
    return { page, error, noted: toy.mapping.wbErr.peek() };
  };
  test('a clean page is unmapped and forgotten', () => {
    expect(broken({})).toMatchObject({ error: 0, noted: 0 });
  });
  test('a store that only the entry knew of is lost, and fsync says so', () => {
    expect(broken({ write: true, dirty: true })).toMatchObject({ error: 0, noted: -5 });
  });
});

describe('write protection', () => {
  test('a page that is cleaned for I/O is written if only an entry was dirty, and not writable afterwards', () => {
    const { toy, mm } = mappedToy();
    const page = toy.cache(1);
    map(mm, page, { write: true, dirty: true });
    const clean = function* (): Task<boolean> {
      yield* lockPage(page);
      return yield* clearPageDirtyForIo(page);
    };
    expect(toy.drive(clean())).toBe(true);
    expect(mm.ptes.at(1).peek()).toEqual({ page, write: false, dirty: false });
    expect(page.dirty.peek()).toBe(false);
  });

  test('the page at the old end of the file is protected when the file grows, and dirty if it was writable', () => {
    for (const write of [true, false]) {
      const { toy, mm } = mappedToy({ blockSize: 4 });
      const page = toy.cache(0);
      map(mm, page, { write });
      toy.drive(pagecacheIsizeExtended(toy.inode, loff(2), loff(8)));
      expect([mm.ptes.at(0).peek()?.write, page.dirty.peek(), page.refs.peek()]).toEqual([false, write, 2]);
    }
  });
});

describe('filling by advice', () => {
  const readpage = function* (_: unknown, page: Page): Task<number> {
    yield* page.uptodate.write(true, 'SetPageUptodate');
    yield* unlockPage(page);
    return 0;
  };

  test('WILLNEED fills the pages of a range, up to the end of the file', () => {
    const { toy } = mappedToy({ release: 'v5.15', aOps: { readpage } });
    toy.inode.iSize.init(20);
    toy.file.fRa.init({ ...toy.file.fRa.peek(), raPages: 4 });
    expect(toy.drive(vfsFadvise(toy.file, loff(9), 0, POSIX_FADV_WILLNEED))).toBe(0);
    expect([0, 1, 2, 3].map((index) => toy.cached(index))).toEqual(['none', 'page', 'page', 'none']);
  });

  test('POPULATE_READ maps every page, or says that it cannot', () => {
    const pages = new Map<number, Page>();
    const fault = function* (vmf: VmFault): Task<number> {
      const page = pages.get(vmf.pgoff);
      if (page === undefined) return VM_FAULT_SIGBUS;
      yield* lockPage(page);
      page.refs.add(1);
      vmf.page = page;
      return VM_FAULT_LOCKED;
    };
    const { toy, mm } = mappedToy({ iFop: { mmap: () => ({ fault }) } });
    pages.set(0, toy.cache(0)).set(1, toy.cache(1));
    expect(toy.drive(ksysMadvise(mm, 0, 2, MADV_POPULATE_READ))).toBe(0);
    expect([0, 1].map((vpn) => mm.ptes.at(vpn).peek()?.page)).toEqual([pages.get(0), pages.get(1)]);
    expect(toy.drive(ksysMadvise(mm, 0, 3, MADV_POPULATE_READ))).toBe(-14);
  });
});

test('munmap gives the pages back', () => {
  const { toy, mm } = mappedToy();
  const page = toy.cache(0);
  map(mm, page, { write: true, dirty: true });
  const [vma] = mm.mmap.peek();
  expect(vma === undefined ? -1 : toy.drive(ksysMunmap(mm, vma))).toBe(0);
  expect([page.refs.peek(), page.mapcount.peek(), page.dirty.peek()]).toEqual([1, 0, true]);
});
