// Shows what calls return and leave behind, on disk as in the cache: fallocate(2) in all its modes, sizes, shared blocks,
// direct I/O, and what is refused. Whatever happened, fsck finds nothing (kernel-facts 3.2).

import {
  EAGAIN,
  EBADE,
  EFAULT,
  EFBIG,
  EINVAL,
  ENOSPC,
  ENOTTY,
  EOPNOTSUPP,
  evict,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  type File,
  IOCB_APPEND,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  inodeLock,
  inodeUnlock,
  ksysFtruncate,
  ksysIoctl,
  ksysPread64,
  loff,
  POSIX_FADV_WILLNEED,
  pgoff,
  reclaimPage,
  showCells,
  type Task,
  UsageError,
  vfsCloneFileRange,
  vfsDedupeFileRange,
} from '@fsport/core';
import xfs from '@fsport/fs-xfs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { XFS_I } from '#src/xfs-inode.js';
import { RELEASES, World, type WorldOptions } from './world.js';

let world: World;

function make(options: WorldOptions): World {
  world = new World(options);
  return world;
}

afterEach(() => {
  expect(world.fsck()).toEqual([]);
});

const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

function clone(from: number, to: number, len: number, [source, dest]: readonly [File, File]): number {
  return world.run(vfsCloneFileRange(source, loff(from), dest, loff(to), loff(len)));
}

describe.each(RELEASES)('%s: fallocate', (release) => {
  test.each([
    ['punch', PUNCH, 6, 12, 0, 'AAAAAA............CCCCCC', 'mapped, hole, mapped'],
    ['punch to the end', PUNCH, 12, 99, 0, 'AAAAAAAABBBB............', 'mapped, mapped, hole'],
    ['zero', FALLOC_FL_ZERO_RANGE, 6, 12, 0, 'AAAAAA............CCCCCC', 'mapped, unwritten, mapped'],
    ['collapse', FALLOC_FL_COLLAPSE_RANGE, 0, 8, 0, 'BBBBBBBBCCCCCCCC', 'mapped, mapped'],
    ['collapse to the end', FALLOC_FL_COLLAPSE_RANGE, 8, 16, -EINVAL, '', ''],
    ['collapse inside a block', FALLOC_FL_COLLAPSE_RANGE, 4, 8, -EINVAL, '', ''],
    [
      'insert',
      FALLOC_FL_INSERT_RANGE,
      8,
      8,
      0,
      'AAAAAAAA........BBBBBBBBCCCCCCCC',
      'mapped, hole, mapped, mapped',
    ],
    ['insert at the end', FALLOC_FL_INSERT_RANGE, 24, 8, -EINVAL, '', ''],
    ['insert too much', FALLOC_FL_INSERT_RANGE, 8, 48, -EFBIG, '', ''],
    ['insert inside a block', FALLOC_FL_INSERT_RANGE, 8, 4, -EINVAL, '', ''],
    ['allocate', 0, 20, 12, 0, 'AAAAAAAABBBBBBBBCCCCCCCC........', 'mapped, mapped, mapped, unwritten'],
    [
      'allocate, keeping the size',
      FALLOC_FL_KEEP_SIZE,
      24,
      8,
      0,
      'AAAAAAAABBBBBBBBCCCCCCCC',
      'mapped, mapped, mapped',
    ],
    ['something else', 1 << 10, 0, 8, -EOPNOTSUPP, '', ''],
  ])('%s', (_, mode, pos, len, result, text, map) => {
    make({ file: 'ABC', release });
    world.write(0, 'AAAA'); // dirty, so that it must be written back and not be lost
    const before = world.text();
    expect(world.fallocate(mode, pos, Math.min(len, 64 - pos))).toBe(result);
    const shown = world.text();
    expect(shown).toBe(result === 0 ? text : before);
    if (result === 0) expect(world.map()).toBe(map);
    expect(world.onDisk()).toBe(shown);
  });

  test('reclaim writes a dirty page in v5.14, and leaves it in v5.15, which has no writepage', () => {
    make({ file: 'A', release });
    world.write(0, 'xy');
    expect(world.race({ k: reclaimPage(world.inode.iMapping, pgoff(0)) }, [], 1)).toBe('done');
    expect(world.steps.includes('k submit_bio')).toBe(release === 'v5.14');
    expect(world.onDisk()).toBe('xyAAAAAA');
  });

  test('without space', () => {
    make({ file: 'A', nrBlocks: 2, release });
    expect([world.fallocate(0, 8, 16), world.inode.iSize.peek()]).toEqual([-ENOSPC, 8]);
    XFS_I(world.inode).keepSize = true;
  });
});

describe.each(RELEASES)('%s: sizes', (release) => {
  const truncate = (size: number): number => world.run(ksysFtruncate(world.file, loff(size)));

  test('down and up again exposes nothing', () => {
    make({ file: 'AB', release, blockSize: 4 });
    expect([truncate(2), truncate(8)]).toEqual([0, 0]);
    expect([world.text(), world.onDisk(), world.map()]).toEqual(['AA......', 'AA......', 'mapped, hole']);
  });

  test('down to nothing, over a delayed block', () => {
    make({ file: '.', release });
    world.write(0, 'xy');
    expect([truncate(0), world.text(), world.map()]).toEqual([0, '', '']);
  });

  test('too large', () => {
    make({ file: 'A', release });
    expect(truncate(99)).toBe(-EFBIG);
  });

  test('a write behind a gap zeroes what is there of the last block', () => {
    make({ file: 'A', size: 4, release });
    expect([world.write(12, 'xy'), world.onDisk()]).toEqual([2, 'AAAA........xy']);
  });

  test('an append, and a direct one behind a gap', () => {
    make({ file: 'A', size: 4, release });
    expect(world.write(0, 'xy', IOCB_APPEND)).toBe(2);
    expect(world.write(16, 'wwwwwwww', IOCB_DIRECT)).toBe(8);
    expect(world.text()).toBe('AAAAxy..........wwwwwwww');
  });

  test('an evicted file gives back what was prepared for it, and with its last link all of it', () => {
    make({ file: 'A.', release });
    world.write(8, 'xy');
    world.run(evict(world.inode));
    expect(XFS_I(world.inode).iDf.extents.at(1).peek().state).toBe('hole');
    world.otherInode.iNlink = 0;
    world.run(evict(world.otherInode));
    expect(() => xfs.iget(world.sb, 13)).toThrow(UsageError);
  });
});

describe('writes', () => {
  test('what is delayed is allocated by writeback, and valid when that has ended', () => {
    make({ file: '..' });
    world.write(0, '0123456789abcdef');
    expect(world.map()).toBe('delalloc, delalloc');
    expect(world.sync()).toBe(0);
    expect([world.map(), world.onDisk()]).toEqual(['mapped, mapped', '0123456789abcdef']);
  });

  test('without space say so, and reserve nothing', () => {
    make({ file: 'A.', nrBlocks: 1 });
    expect([world.write(8, 'x'), world.map()]).toEqual([-ENOSPC, 'mapped, hole']);
  });

  test('buffered ones do not promise not to wait', () => {
    make({ file: 'A' });
    const cells = [65];
    expect(
      world.run(
        world.file.fOp.writeIter?.(
          { kiFilp: world.file, kiPos: loff(0), kiFlags: IOCB_NOWAIT },
          cells,
        ) as Task<number>,
      ),
    ).toBe(-EOPNOTSUPP);
  });

  test('direct ones inside a block are refused; on a hole they allocate', () => {
    make({ file: 'A.' });
    expect([world.write(1, 'x', IOCB_DIRECT), world.write(8, 'xxxxxxxx', IOCB_DIRECT)]).toEqual([-EINVAL, 8]);
    expect([world.map(), world.text()]).toEqual(['mapped, mapped', 'AAAAAAAAxxxxxxxx']);
  });

  test('that must not wait meet a busy lock', () => {
    make({ file: 'A' });
    const results: number[] = [];
    const cells = [...'xxxxxxxx'].map((c) => c.charCodeAt(0));
    world.run(
      (function* (): Task<void> {
        yield* inodeLock(world.inode);
        const iocb = { kiFilp: world.file, kiPos: loff(0), kiFlags: IOCB_NOWAIT | IOCB_DIRECT };
        results.push(yield* world.file.fOp.writeIter?.(iocb, cells) as Task<number>);
        results.push(yield* world.file.fOp.readIter(iocb, { count: 8, cells: [], isPipe: false }));
        yield* inodeUnlock(world.inode);
      })(),
    );
    expect(results).toEqual([-EAGAIN, -EAGAIN]);
  });

  test('advice fills the cache under IOLOCK shared', () => {
    make({ file: 'A' });
    const fadvise = world.file.fOp.fadvise as NonNullable<File['fOp']['fadvise']>;
    expect(world.run(fadvise(world.file, loff(0), loff(8), POSIX_FADV_WILLNEED))).toBe(0);
    expect(world.run(fadvise(world.file, loff(0), loff(8), 99))).toBe(-EINVAL);
  });
});

describe.each(RELEASES)('%s: shared blocks', (release) => {
  const both = (): void => {
    make({ file: 'AB', other: 'KL', release });
  };
  const files = (): readonly [File, File] => [world.other, world.file];

  test('a clone shares them; a write to either goes elsewhere', () => {
    both();
    expect(clone(8, 8, 8, files())).toBe(8);
    expect([world.map(), world.map(world.other)]).toEqual(['mapped, mapped shared', 'mapped, mapped shared']);
    expect(world.write(10, 'xy')).toBe(2);
    expect([world.onDisk(), world.onDisk(world.other)]).toEqual(['AAAAAAAALLxyLLLL', 'KKKKKKKKLLLLLLLL']);
    expect(world.map()).toBe('mapped, mapped');
    expect(world.write(8, 'z', 0, world.other)).toBe(1); // it is alone now
    expect([world.onDisk(), world.onDisk(world.other)]).toEqual(['AAAAAAAALLxyLLLL', 'KKKKKKKKzLLLLLLL']);
  });

  test('a clone of all of it, holes included, makes the file longer', () => {
    make({ file: 'A', other: 'K.L', release });
    expect(clone(0, 0, 0, files())).toBe(24);
    expect([world.onDisk(), world.map()]).toEqual([
      'KKKKKKKK........LLLLLLLL',
      'mapped shared, hole, mapped shared',
    ]);
  });

  test('a clone behind the end of a file, and into itself', () => {
    make({ file: 'AB', size: 12, other: 'K', release });
    expect(clone(0, 24, 8, files())).toBe(8);
    expect(clone(0, 16, 8, [world.file, world.file])).toBe(8);
    expect(world.onDisk()).toBe('AAAAAAAABBBB....AAAAAAAAKKKKKKKK');
  });

  test('what both share already stays as it is', () => {
    both();
    clone(8, 8, 8, files());
    expect([clone(8, 8, 8, files()), world.map()]).toEqual([8, 'mapped, mapped shared']);
  });

  test('a clone that is refused leaves both unlocked', () => {
    both();
    expect(clone(4, 8, 8, files())).toBe(-EINVAL);
    expect(clone(16, 8, 0, files())).toBe(0);
    expect(clone(0, 0, 16, files())).toBe(16);
  });

  test('dedupe, of the same and of others', () => {
    make({ file: 'AB', other: 'KB', release });
    const dedupe = (pos: number): Task<number> =>
      vfsDedupeFileRange(world.other, loff(pos), world.file, loff(pos), loff(8));
    expect([world.run(dedupe(8)), world.run(dedupe(0))]).toEqual([8, -EBADE]);
    expect(world.map()).toBe('mapped, mapped shared');
  });

  test('a punched one stays with the other file', () => {
    both();
    clone(8, 8, 8, files());
    expect([world.fallocate(PUNCH, 8, 8), world.map(world.other)]).toEqual([0, 'mapped, mapped']);
    expect(world.onDisk(world.other)).toBe('KKKKKKKKLLLLLLLL');
  });

  test('unshared, each file has its own', () => {
    both();
    clone(0, 0, 16, files());
    expect(world.fallocate(FALLOC_FL_UNSHARE_RANGE, 0, 16)).toBe(0);
    expect([world.map(), world.map(world.other), world.onDisk()]).toEqual([
      'mapped, mapped',
      'mapped, mapped',
      'KKKKKKKKLLLLLLLL',
    ]);
    expect(XFS_I(world.inode).reflink.peek()).toBe(false);
  });

  test('unsharing what is not shared only allocates', () => {
    make({ file: 'A.', release });
    expect([world.fallocate(FALLOC_FL_UNSHARE_RANGE, 0, 16), world.map()]).toEqual([0, 'mapped, unwritten']);
  });

  test('a direct write goes elsewhere, too', () => {
    both();
    clone(8, 8, 8, files());
    expect(world.write(8, 'xxxxxxxx', IOCB_DIRECT)).toBe(8);
    const { cells } = world.run(ksysPread64(world.other, loff(8), 8, IOCB_DIRECT));
    expect([world.text(), showCells(cells), world.map()]).toEqual([
      'AAAAAAAAxxxxxxxx',
      'LLLLLLLL',
      'mapped, mapped',
    ]);
  });

  test('what was prepared beside a write and not used is given back on request', () => {
    both();
    clone(0, 0, 16, files());
    world.write(8, 'x');
    world.sync();
    const { cowBlocks } = XFS_I(world.inode);
    expect(cowBlocks.peek()).toBe(1);
    expect(world.run(ksysIoctl(world.file, 'XFS_IOC_FREE_EOFBLOCKS'))).toBe(0);
    expect(cowBlocks.peek()).toBe(0);
  });

  test('what a dirty page needs is not given back', () => {
    both();
    clone(0, 0, 16, files());
    world.write(8, 'x');
    world.run(ksysIoctl(world.file, 'XFS_IOC_FREE_EOFBLOCKS'));
    expect([XFS_I(world.inode).cowBlocks.peek(), world.onDisk()]).toEqual([2, 'KKKKKKKKxLLLLLLL']);
    world.fallocate(FALLOC_FL_COLLAPSE_RANGE, 0, 8); // and goes when blocks are shifted
    expect(XFS_I(world.inode).cowBlocks.peek()).toBe(0);
  });

  test('swapped, each file has those of the other', () => {
    both();
    clone(8, 8, 8, files());
    world.write(8, 'x'); // in the COW fork, which goes with the file
    const swap = (arg: File | null): number => world.run(ksysIoctl(world.file, 'XFS_IOC_SWAPEXT', arg));
    expect([swap(world.other), world.onDisk(), world.onDisk(world.other)]).toEqual([
      0,
      'KKKKKKKKLLLLLLLL',
      'AAAAAAAAxLLLLLLL',
    ]);
    expect([swap(null), swap(world.file)]).toEqual([-EINVAL, -EINVAL]);
    world.run(ksysFtruncate(world.other, loff(8)));
    expect(swap(world.other)).toBe(-EFAULT);
  });

  test('there are no other requests', () => {
    both();
    expect(world.run(ksysIoctl(world.file, 'FS_IOC_FSGETXATTR'))).toBe(-ENOTTY);
  });
});

describe('failing I/O', () => {
  test('a write that cannot be done leaves the shared block to its owners', () => {
    make({ file: 'AB', other: 'KL', faults: { writeIo: true } });
    clone(8, 8, 8, [world.other, world.file]);
    world.write(8, 'xxxxxxxx');
    const wbErr = (): number => world.inode.iMapping.wbErr.peek();
    world.execution.spawn(
      'b',
      (function* (): Task<void> {
        yield* world.file.fOp.fsync?.(world.file, loff(0), loff(64), false) as Task<number>;
      })(),
    );
    world.execution.run({
      newExecution: () => true,
      nextTask: ({ runnable }) => runnable[0] as number,
      nextChoice: () => 1,
    });
    expect([world.map(), wbErr()]).toEqual(['mapped, mapped shared', 0]);
    expect(XFS_I(world.inode).cowBlocks.peek()).toBe(1); // the one beside it
  });
});
