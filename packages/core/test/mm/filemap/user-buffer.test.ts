// Shows what a read into, or a write from, a mapping does: the copy faults, holding no lock that a fault takes; what
// cannot be touched ends it, with the bytes copied until then; a write never faults with its page locked.

import {
  type AddressSpaceOperations,
  BlockDevice,
  EFAULT,
  EOPNOTSUPP,
  EXDEV,
  File,
  fillCells,
  getPage,
  Inode,
  ksysMunmap,
  ksysPread64,
  ksysPwrite64,
  lockPage,
  loff,
  type Page,
  putPage,
  SuperBlock,
  type Task,
  type UserBuffer,
  unlockPage,
  VM_RAND_READ,
  VM_SHARED,
  VM_WRITE,
  vfsCloneFileRange,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import { result, Toy, text } from '../../toy.js';
import { letters, map } from '../letters.js';

const SHARED = VM_SHARED | VM_WRITE | VM_RAND_READ;

/** Writes go to pages that are cached already. */
function writable(): Toy {
  const aOps: Partial<AddressSpaceOperations> = {
    *writeBegin(_file, mapping, pos): Task<Page | number> {
      const page = mapping.iPages.at(Math.floor(pos / 8)).peek() as Page;
      getPage(page);
      yield* lockPage(page);
      return page;
    },
    *writeEnd(_file, _mapping, _pos, _len, copied, page): Task<number> {
      yield* unlockPage(page);
      putPage(page);
      return copied;
    },
  };
  return letters({ aOps });
}

function bufferAt(mm: UserBuffer['mm'], vaddr: number): UserBuffer {
  return { mm, vaddr, taken: [] };
}

const pwrite = (toy: Toy, count: number, user: UserBuffer): number =>
  toy.drive(ksysPwrite64(toy.file, loff(0), fillCells(count, 0, 0), 0, user));

test('a read puts its bytes into the mapping, through a fault', () => {
  const toy = letters();
  const { mm } = map(toy, SHARED);
  const { result: read } = toy.drive(ksysPread64(toy.file, loff(0), 8, 0, bufferAt(mm, 12)));
  expect(read).toBe(8);
  const pages = [1, 2].map((index) => toy.mapping.iPages.at(index).peek() as Page);
  expect(pages.map(text)).toEqual(['BBBBAAAA', 'AAAACCCC']);
});

test('a read ends where its buffer does', () => {
  const toy = letters();
  const { mm } = map(toy, SHARED, 2);
  expect(toy.drive(ksysPread64(toy.file, loff(0), 8, 0, bufferAt(mm, 12))).result).toBe(4);
  expect(toy.drive(ksysPread64(toy.file, loff(0), 8, 0, bufferAt(mm, 16))).result).toBe(-EFAULT);
});

test('a write takes its bytes out of the mapping, even of the page it writes to', () => {
  const toy = writable();
  const page = toy.cache(0, 'A');
  page.storeBytes(4, fillCells(4, 'b'.charCodeAt(0), 0));
  const { mm } = map(toy, SHARED);
  const user = bufferAt(mm, 4);
  expect(pwrite(toy, 4, user)).toBe(4);
  expect(text(page)).toBe('bbbbbbbb');
  expect(user.taken.map((cell) => String.fromCharCode(cell & 0xff)).join('')).toBe('bbbb');
});

test('a write faults its source in before its page is locked, and copies with the lock', () => {
  const toy = writable();
  toy.cache(0, 'A');
  toy.cache(1, 'B');
  const { mm } = map(toy, SHARED);
  pwrite(toy, 8, bufferAt(mm, 8));
  const order = ['load(', 'lock_page(PG_locked[0])', 'copy_page_from_iter_atomic('];
  const seen = toy.steps.filter((step) => order.some((one) => step.startsWith(one)));
  // The first load faults, the second finds what the fault mapped.
  expect(seen.map((step) => order.findIndex((one) => step.startsWith(one)))).toEqual([0, 0, 1, 2]);
});

test('a source that goes away between the two is faulted in again', () => {
  const toy = writable();
  const target = toy.cache(0, 'A');
  const source = toy.cache(1, 'B');
  const { mm } = map(toy, SHARED);
  const pte = mm.ptes.at(1);
  function* zap(): Task<void> {
    yield* pte.section('zap', () => {
      pte.store(null);
      source.mapcount.add(-1);
      putPage(source);
    });
  }
  const body = ksysPwrite64(toy.file, loff(0), fillCells(8, 0, 0), 0, bufferAt(mm, 8));
  const ending = toy.race({ w: body, z: zap() }, [
    ['w', 'lock_page'],
    ['z', 'zap'],
  ]);
  expect(ending.kind).toBe('done');
  expect(text(target)).toBe('BBBBBBBB');
  expect(toy.steps.filter((step) => step.startsWith('copy_page_from_iter_atomic'))).toHaveLength(2);
});

test('a write from nowhere writes nothing', () => {
  const toy = writable();
  const page = toy.cache(0, 'A');
  const { mm, vma } = map(toy, SHARED);
  toy.drive(ksysMunmap(mm, vma));
  expect(pwrite(toy, 8, bufferAt(mm, 8))).toBe(-EFAULT);
  expect(text(page)).toBe('AAAAAAAA');
});

test('clone is refused without the operation, and between filesystems', () => {
  const toy = new Toy();
  const clone = (to: File): number => toy.drive(vfsCloneFileRange(toy.file, loff(0), to, loff(8), loff(8)));
  expect(clone(toy.file)).toBe(-EOPNOTSUPP);
  const other = new SuperBlock('other', 'v5.15', new BlockDevice(8), null, {});
  const ops = { aOps: { readpage: () => result(0) }, iOp: {}, iFop: { readIter: () => result(0) } };
  expect(clone(new File(new Inode(other, 12, ops, null), 0))).toBe(-EXDEV);
});
