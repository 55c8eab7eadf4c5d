// Shows which ranges may share blocks, in which order the refusals come, and what dedupe compares and locks (kernel-facts
// 1.13).

import {
  EBADE,
  EFBIG,
  EINVAL,
  EIO,
  EOPNOTSUPP,
  EXDEV,
  File,
  genericRemapFileRangePrep,
  Inode,
  type InodeOperations,
  type Iomap,
  type IomapOps,
  inodeLock,
  inodeUnlock,
  iomapReadpage,
  loff,
  machine,
  type Page,
  pgoff,
  REMAP_FILE_CAN_SHORTEN,
  REMAP_FILE_DEDUP,
  readMappingPage,
  SuperBlock,
  type Task,
  vfsCloneFileRange,
  vfsDedupeFileRange,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { TinyFs } from './tiny-fs.js';

const DEDUPE = REMAP_FILE_DEDUP | REMAP_FILE_CAN_SHORTEN;

/** Two files of one filesystem, read block by block: the first of a {@link TinyFs}, and another like it. */
class TwoFiles extends TinyFs {
  readonly other: File;
  readonly calls: unknown[][] = [];

  constructor(blocks: string, others: string) {
    super({ blocks: blocks + others });
    const map = this.map;
    const opsFrom = (start: number): IomapOps => ({
      *iomapBegin(_inode, pos): Task<Iomap> {
        const { blockSize } = machine;
        const iblock = Math.floor(pos / blockSize);
        const { phys: block, gen } = yield* map.at(start + iblock).read();
        return { type: 'mapped', offset: iblock * blockSize, length: blockSize, phys: [block], gens: [gen] };
      },
    });
    const tables = (start: number) => ({
      aOps: { readpage: (_: unknown, page: Page) => iomapReadpage(page, opsFrom(start)) },
      iOp: {} as InodeOperations,
      iFop: {
        readIter: (): never => {
          throw new Error('not called here');
        },
        remapFileRange: (...args: unknown[]): Task<number> => this.#remapped(args),
      },
    });
    const [one, two] = [12, 13].map(
      (ino, i) => new Inode(this.inode.iSb, ino, tables(i * blocks.length), null),
    );
    (one as Inode).iSize.init(blocks.length * 4);
    (two as Inode).iSize.init(others.length * 4);
    for (let at = 0; at < others.length; at++) {
      const disk = this.bdev.blocks.at(map.at(blocks.length + at).peek().phys);
      disk.init({ ...disk.peek(), owner: 13 });
    }
    this.first = new File(one as Inode);
    this.other = new File(two as Inode);
  }

  readonly first: File;

  *#remapped(args: unknown[]): Task<number> {
    this.calls.push(args.slice(1));
    yield* this.other.fInode.iSize.read();
    return 4;
  }

  /** Prepare a remap from the second file into the first. */
  prepare(posIn: number, posOut: number, len: number, flags = 0, fileOut = this.first): number {
    const range = { fileIn: this.other, posIn: loff(posIn), fileOut, posOut: loff(posOut), len, flags };
    return this.run(underBoth(this, genericRemapFileRangePrep(range)));
  }
}

function* underBoth<T>(fs: TwoFiles, task: Task<T>): Task<T> {
  yield* inodeLock(fs.first.fInode);
  yield* inodeLock(fs.other.fInode);
  const result = yield* task;
  yield* inodeUnlock(fs.other.fInode);
  yield* inodeUnlock(fs.first.fInode);
  return result;
}

describe('the calls', () => {
  const fs = (): TwoFiles => new TwoFiles('AB', 'KL');
  const at = (pos: number) => loff(pos);

  test('hand over to the filesystem, and say which of the two it is', () => {
    const one = fs();
    expect(one.run(vfsCloneFileRange(one.other, at(4), one.first, at(0), at(4)))).toBe(4);
    expect(one.run(vfsDedupeFileRange(one.other, at(4), one.first, at(0), at(4)))).toBe(4);
    expect(one.calls).toEqual([
      [4, one.first, 0, 4, 0],
      [4, one.first, 0, 4, DEDUPE],
    ]);
  });

  test('dedupe of nothing is nothing', () => {
    const one = fs();
    expect([one.run(vfsDedupeFileRange(one.other, at(0), one.first, at(0), at(0))), one.calls]).toEqual([
      0,
      [],
    ]);
  });

  test.each([
    ['clone', vfsCloneFileRange, -EOPNOTSUPP],
    ['dedupe', vfsDedupeFileRange, -EINVAL],
  ])('%s: refused ranges, files of two filesystems, no such operation', (_, call, missing) => {
    const one = fs();
    const foreign = new SuperBlock('other', 'v5.15', one.bdev, null, {});
    const elsewhere = new File(
      new Inode(foreign, 14, { aOps: one.inode.iMapping.aOps, iOp: {}, iFop: one.first.fOp }, null),
    );
    const bare = one.file;
    expect(one.run(call(one.other, at(-1), one.first, at(0), at(4)))).toBe(-EINVAL);
    expect(one.run(call(one.other, at(64), one.first, at(0), at(4)))).toBe(-EFBIG);
    expect(one.run(call(elsewhere, at(0), one.first, at(0), at(4)))).toBe(-EXDEV);
    expect(one.run(call(bare, at(0), bare, at(0), at(4)))).toBe(missing);
    expect(one.calls).toEqual([]);
  });
});

describe('ranges', () => {
  test.each([
    ['whole blocks', 0, 4, 4, 0, 4],
    ['to the end of the source', 4, 4, 0, 0, 4],
    ['inside a block', 1, 0, 4, 0, -EINVAL],
    ['into a block', 0, 2, 4, 0, -EINVAL],
    ['beyond the end of the source', 8, 0, 4, 0, -EINVAL],
    ['more than the source has', 4, 0, 8, 0, -EINVAL],
    ['a part of a block', 0, 0, 6, 0, -EINVAL],
    ['from the end of the source on', 8, 0, 0, 0, 0],
    ['from beyond the end of the source on', 12, 0, 0, 0, -EINVAL],
    ['dedupe of nothing', 0, 0, 0, DEDUPE, 0],
    ['dedupe beyond the end of the destination', 0, 4, 8, DEDUPE, -EINVAL],
  ])('%s', (_, posIn, posOut, len, flags, result) => {
    expect(new TwoFiles('ABC'.slice(0, 2), 'KL').prepare(posIn, posOut, len, flags)).toBe(result);
  });

  test('of one file must not overlap', () => {
    const fs = new TwoFiles('AB', 'KLMN');
    expect([fs.prepare(0, 4, 8, 0, fs.other), fs.prepare(0, 8, 8, 0, fs.other)]).toEqual([-EINVAL, 8]);
  });

  test('the last block of the source may only become the last one of the destination', () => {
    const fs = new TwoFiles('ABCD', 'KL');
    fs.other.fInode.iSize.init(6);
    expect([fs.prepare(0, 0, 6), fs.prepare(0, 12, 6)]).toEqual([-EINVAL, 6]);
  });
});

describe('dedupe', () => {
  test('of the same bytes may go on, of others not', () => {
    expect(new TwoFiles('ABCD', 'KLCD').prepare(8, 8, 8, DEDUPE)).toBe(8);
    expect(new TwoFiles('ABCD', 'KLCX').prepare(8, 8, 8, DEDUPE)).toBe(-EBADE);
  });

  test('compares at other places of a page, too', () => {
    expect(new TwoFiles('XABC', 'ABCK').prepare(0, 4, 12, DEDUPE)).toBe(12);
    expect(new TwoFiles('XABC', 'ABDK').prepare(0, 4, 12, DEDUPE)).toBe(-EBADE);
  });

  test('leaves out a part of a block in the middle of the destination', () => {
    const fs = new TwoFiles('KLCD', 'KL');
    fs.other.fInode.iSize.init(6);
    expect(fs.prepare(0, 0, 6, DEDUPE)).toBe(4);
  });

  test('lets go of the pages that it read', () => {
    const fs = new TwoFiles('AB', 'AB');
    fs.prepare(0, 0, 8, DEDUPE);
    for (const { fInode } of [fs.first, fs.other]) {
      const slot = fInode.iMapping.iPages.at(0).peek();
      expect(slot !== null && 'refs' in slot && [slot.refs.peek(), slot.lock.isLocked]).toEqual([2, false]);
    }
  });

  test('that cannot read fails', () => {
    const fs = new TwoFiles('AB', 'AB');
    const range = {
      fileIn: fs.other,
      posIn: loff(0),
      fileOut: fs.first,
      posOut: loff(0),
      len: 8,
      flags: DEDUPE,
    };
    expect(fs.runFailing(underBoth(fs, genericRemapFileRangePrep(range)))).toBe(-EIO);
  });

  test('needs a lock against fills to read', () => {
    const fs = new TwoFiles('AB', 'AB');
    expect(() => fs.run(readMappingPage(fs.first.fMapping, pgoff(0), null))).toThrow('invalidate_lock');
  });
});
