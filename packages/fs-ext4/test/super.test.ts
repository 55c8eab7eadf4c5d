// Shows what mkfs lays out, that mounts are isolated, what fsck finds, and what happens to an inode that goes away
// (kernel-facts 3.1, 5.9). Damage is done by hand.

import {
  evict,
  FALLOC_FL_KEEP_SIZE,
  ksysFallocate,
  ksysFsync,
  ksysPwrite64,
  loff,
  UsageError,
} from '@fsport/core';
import ext4 from '@fsport/fs-ext4';
import { describe, expect, test } from '@jest/globals';
import { World } from './world.js';

interface Extent {
  readonly state: string;
  readonly phys: number;
  readonly gen: number;
}

function slot(world: World, lblk: number): { peek(): Extent; init(extent: Extent): void } {
  const { iData } = world.inode.info as { iData: { at(i: number): never } };
  return iData.at(lblk);
}

describe('mkfs', () => {
  test('data blocks hold their letter up to the end of the file, and know where it came from', () => {
    const world = new World({ file: 'AB', size: 11 });
    expect([world.disk(0), world.disk(1)]).toEqual(['AAAAAAAA', 'BBB.....']);
    expect(world.fsck()).toEqual([]);
  });

  test('unwritten blocks hold what a former owner left', () => {
    const world = new World({ file: 'u' });
    expect(world.disk(0)).toBe('????????');
    expect(world.read()).toBe('........');
  });

  test('a file may have blocks beyond its end', () => {
    const world = new World({ file: 'Auu', size: 8 });
    expect(world.map()).toBe('muu');
    expect(world.fsck()).toEqual([]);
  });

  test('a disk that is too small is a mistake of the caller', () => {
    expect(() => new World({ file: 'ABC', nrBlocks: 2 })).toThrow(UsageError);
    expect(() => ext4.iget(new World({ file: 'A' }).sb, 13)).toThrow(UsageError);
  });

  test('a mount follows its profile', () => {
    expect(new World({ file: 'A', release: 'v5.14' }).sb.release).toBe('v5.14');
    expect(ext4.follows).toEqual(['v5.14', 'v5.15']);
  });
});

describe('fsck', () => {
  test('a block that was freed and is still mapped', () => {
    const world = new World({ file: 'AB' });
    const disk = world.bdev.blocks.at(1);
    disk.init({ ...disk.peek(), owner: -1, gen: 1 });
    expect(world.fsck()).toEqual(['block 1 of inode 12 is mapped to disk block 1, which was freed']);
  });

  test('a block with two owners, and one in no map', () => {
    const world = new World({ file: 'AB' });
    slot(world, 1).init(slot(world, 0).peek());
    expect(world.fsck()).toEqual([
      'disk block 0 belongs to block 0 of inode 12 and to block 1 of inode 12',
      'disk block 1 of inode 12 is in no map',
    ]);
  });

  test('a mapped block that is free', () => {
    const world = new World({ file: 'A' });
    world.bdev.freeBlocks.init([0, ...world.bdev.freeBlocks.peek()] as never);
    expect(world.fsck()).toEqual(['disk block 0 belongs to the free pool and to block 0 of inode 12']);
  });

  test('blocks beyond the end, unless they were put there', () => {
    const world = new World({ file: 'AB' });
    world.inode.iSize.init(8);
    (world.inode.info as { iDisksize: { init(size: number): void } }).iDisksize.init(8);
    expect(world.fsck()).toEqual(['block 1 of inode 12 is mapped and lies beyond its size 8']);
    const kept = new World({ file: 'A' });
    kept.run(ksysFallocate(kept.file, FALLOC_FL_KEEP_SIZE, loff(8), loff(8)));
    expect(kept.fsck()).toEqual([]);
  });

  test('i_disksize that will never follow i_size', () => {
    const world = new World({ file: 'A' });
    world.run(ksysPwrite64(world.file, loff(8), world.cells('xy')));
    expect(world.fsck()).toEqual([]); // it will, with the delayed block
    world.run(ksysFsync(world.file));
    world.inode.iSize.init(16);
    expect(world.fsck()).toEqual(['inode 12 has i_size 16 and i_disksize 10']);
  });

  test('reservations that nothing needs', () => {
    const world = new World({ file: 'A' });
    (world.sb.sFsInfo as { sDirtyclustersCounter: { init(n: number): void } }).sDirtyclustersCounter.init(1);
    expect(world.fsck()).toEqual(['1 blocks are reserved, 0 delayed blocks are in the maps']);
  });
});

describe('evict', () => {
  test('with the last link, blocks and pages go', () => {
    const world = new World({ file: 'AB' });
    world.read();
    world.run(ksysPwrite64(world.file, loff(16), world.cells('xy')));
    world.inode.iNlink = 0;
    world.run(evict(world.inode));
    expect(world.map()).toBe('');
    expect([...world.bdev.blocks.peekAll()].map(([, { owner }]) => owner)).toEqual([-1, -1]);
    expect(world.fsck()).toEqual([]);
  });

  test('without, only pages and reservations', () => {
    const world = new World({ file: 'A' });
    world.run(ksysPwrite64(world.file, loff(0), world.cells('xy')));
    world.run(ksysFsync(world.file));
    world.run(evict(world.inode));
    expect(world.map()).toBe('m');
    expect(world.disk(0)).toBe('xyAAAAAA');
    expect(world.fsck()).toEqual([]);
  });
});
