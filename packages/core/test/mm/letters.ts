// A file on a disk whose pages read AAAAAAAA, BBBBBBBB and so on, with reads that end in a task of their own, and ways
// to see what a task did.

import {
  type AddressSpaceOperations,
  byteOf,
  type Cells,
  errnoName,
  fillCells,
  genericFileMmap,
  genericFileReadIter,
  genericFileWriteIter,
  type IovIter,
  type Kiocb,
  ksysMmap,
  ksysPread64,
  loff,
  MmStruct,
  type Page,
  pgoff,
  phys,
  type ReadaheadControl,
  submitBio,
  type Task,
  unlockPage,
  type VmAreaStruct,
} from '@fsport/core';
import { Toy, type ToyOptions } from '../toy.js';

/** Fill a page from the disk; the page lock goes with the request. */
export function* readpage(_file: unknown, page: Page): Task<number> {
  const inode = page.mapping.peek()?.host;
  if (inode === undefined) throw new Error('not in the cache');
  page.lock.handOff();
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'R',
    ino: inode.iIno,
    vecs: page.content.map((_, block) => ({
      page,
      block,
      phys: phys(page.index * page.content.length + block),
      gen: 0,
    })),
    endIo: function* (error): Task<void> {
      if (error === 0) yield* page.uptodate.write(true, 'SetPageUptodate');
      else yield* page.error.write(true, 'SetPageError');
      yield* unlockPage(page);
    },
  });
  return 0;
}

/** A machine with such a file, mapped nowhere. */
export function letters(options: ToyOptions = {}): Toy {
  const toy = new Toy({
    ...options,
    aOps: { readpage, ...options.aOps },
    iFop: {
      readIter: genericFileReadIter,
      writeIter: genericFileWriteIter,
      mmap: genericFileMmap,
      ...options.iFop,
    },
  });
  const { blockSize = 8, nrPages = 4 } = options;
  const perPage = 8 / blockSize;
  for (let block = 0; block < nrPages * perPage; block++) {
    const cells = fillCells(blockSize, 65 + Math.floor(block / perPage), 0);
    toy.sb.sBdev.blocks
      .at(block)
      .init({ owner: 12, sharers: [], gen: 0, cells, writes: 0, mapped: 0, pins: 0 });
  }
  return toy;
}

/** A page in the cache that is not uptodate, unlocked. */
export function stale(toy: Toy, index: number): Page {
  const page = toy.cache(index, '?');
  page.uptodate.init(false);
  return page;
}

/** Map the whole file from address 0. */
export function map(toy: Toy, vmFlags: number, nrPages = 4): { mm: MmStruct; vma: VmAreaStruct } {
  const mm = new MmStruct();
  const vma = toy.drive(ksysMmap(mm, toy.file, pgoff(0), nrPages, vmFlags, 0));
  return { mm, vma: vma as VmAreaStruct };
}

/** Letters of some bytes, a dot for zero. */
export function show(cells: Cells): string {
  return cells.map((cell) => (byteOf(cell) === 0 ? '.' : String.fromCharCode(byteOf(cell)))).join('');
}

/** A read(2), with its bytes or its error as people read them. */
export function* pread(toy: Toy, pos: number, count: number, flags = 0): Task<string> {
  const { result, cells } = yield* ksysPread64(toy.file, loff(pos), count, flags);
  return result < 0 ? errnoName(result) : show(cells);
}

/** A read that is not a system call, so that it may hold locks and go to a pipe. */
export function* readIter(toy: Toy, pos: number, iter: IovIter, flags = 0): Task<number> {
  const iocb: Kiocb = { kiFilp: toy.file, kiPos: loff(pos), kiFlags: flags };
  return yield* genericFileReadIter(iocb, iter);
}

/** Those steps since the last watch that touch an object of one of these labels. */
export function stepsOn(toy: Toy, ...labels: readonly string[]): string[] {
  return toy.steps.filter((step) => labels.some((label) => step.includes(`(${label}`)));
}

/** A readahead operation that fills all at once, and notes what it was asked for: `0-3` and where the marker is. */
export function noting(asked: string[]): Partial<AddressSpaceOperations> {
  function* readahead(rac: ReadaheadControl): Task<void> {
    const [first] = rac.pages;
    const marker = rac.pages.find((page) => page.readahead.peek());
    const range = `${first?.index}-${rac.pages.at(-1)?.index}`;
    asked.push(marker === undefined ? range : `${range} marker ${marker.index}`);
    for (const page of rac.pages) page.uptodate.store(true);
    // The pages are left to the caller to unlock and put.
  }
  return { readahead };
}
