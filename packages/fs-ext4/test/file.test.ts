// Shows what buffered and direct reads and writes do to bytes, map, sizes and cache, in both releases and with one and
// two blocks to a page (kernel-facts 1.12, 1.14, 3.1).

import {
  EAGAIN,
  EFBIG,
  EINVAL,
  EIO,
  ENOSPC,
  EOPNOTSUPP,
  IOCB_APPEND,
  IOCB_DIRECT,
  IOCB_DSYNC,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFsync,
  ksysPread64,
  ksysPwrite64,
  loff,
  machine as running,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { GEOMETRIES, RELEASES, World, type WorldOptions } from './world.js';

const MACHINES = RELEASES.flatMap((release) => GEOMETRIES.map((geometry) => ({ release, ...geometry })));

function write(world: World, pos: number, text: string, flags = 0): number {
  return world.run(ksysPwrite64(world.file, loff(pos), world.cells(text), flags));
}

describe.each(MACHINES)('$release, page $pageSize, block $blockSize', (machine) => {
  const make = (file: string, options: Partial<WorldOptions> = {}): World =>
    new World({ file, ...machine, ...options });
  const sub = machine.blockSize < machine.pageSize;

  /** The bytes are right in the cache, on the disk, and the filesystem is sound. */
  function expectBytes(world: World, bytes: string): void {
    expect(world.read()).toBe(bytes);
    expect(world.fsck()).toEqual([]);
    expect(world.run(ksysFsync(world.file))).toBe(0);
    expect(world.map()).not.toContain('d');
    world.dropCache();
    expect(world.read()).toBe(bytes);
    expect(world.fsck()).toEqual([]);
  }

  test('data, holes and unwritten blocks are read', () => {
    expect(make('A.uD').read()).toBe('AAAAAAAA................DDDDDDDD');
  });

  test('a whole page is read without buffers', () => {
    const world = make('AB');
    world.read();
    expect(world.page(0)?.buffers.peek()).toBe(null);
  });

  test('an overwrite keeps the block', () => {
    const world = make('AB');
    expect(write(world, 6, '0123')).toBe(4);
    expectBytes(world, 'AAAAAA0123BBBBBB');
  });

  test('a write into a hole reserves, and allocates when it is written back', () => {
    const world = make('A.C');
    expect(write(world, 9, 'xy')).toBe(2);
    expect(world.map()).toBe(sub ? 'mmd.mm' : 'mdm');
    expect(world.read()).toBe('AAAAAAAA.xy.....CCCCCCCC');
    world.run(ksysFsync(world.file));
    expect(world.map()).toBe(sub ? 'mmm.mm' : 'mmm');
    expectBytes(world, 'AAAAAAAA.xy.....CCCCCCCC');
  });

  test('a write into an unwritten block zeroes around it', () => {
    const world = make('Au');
    write(world, 9, 'xy');
    world.run(ksysFsync(world.file));
    expect(world.map()).toBe(sub ? 'mmmu' : 'mm');
    expectBytes(world, 'AAAAAAAA.xy.....');
  });

  test('an extending write: i_disksize follows when the blocks are allocated', () => {
    const world = make('A');
    expect(write(world, 6, '0123456789')).toBe(10);
    expect(world.sizes()).toEqual([16, 8]);
    world.run(ksysFsync(world.file));
    expect(world.sizes()).toEqual([16, 16]);
    expectBytes(world, 'AAAAAA0123456789');
  });

  test('an extending write inside an allocated block: at once', () => {
    const world = make('A', { size: 2 });
    write(world, 2, 'xy');
    expect(world.sizes()).toEqual([4, 4]);
    expectBytes(world, 'AAxy');
  });

  test('a write behind a gap', () => {
    const world = make('A', { size: 3 });
    write(world, 18, 'xy');
    expectBytes(world, 'AAA...............xy');
  });

  test('an append, and a write that must be durable', () => {
    const world = make('A');
    expect(write(world, 0, '01', IOCB_APPEND | IOCB_DSYNC)).toBe(2);
    expect(world.map()).not.toContain('d');
    expectBytes(world, 'AAAAAAAA01');
  });

  test('a write at the end of the largest file is cut, one beyond it refused', () => {
    const world = make('A');
    expect(write(world, 62, '0123')).toBe(2);
    expect(write(world, 64, '0')).toBe(-EFBIG);
  });

  test('out of space: what fits stays, what was got beyond the end is taken back', () => {
    const world = make('A', { nrBlocks: sub ? 5 : 2 });
    expect(write(world, 8, '0123456789abcdef')).toBe(8);
    expect(write(world, 16, '01234567')).toBe(-ENOSPC);
    expect(world.map()).toBe(sub ? 'mmdd' : 'md');
    expect(world.sizes()[0]).toBe(16);
    expectBytes(world, 'AAAAAAAA01234567');
  });

  test('NOWAIT: a read never fills the cache, a buffered write is not supported', () => {
    const world = make('AB');
    const nowait = IOCB_NOWAIT | IOCB_NOIO;
    expect(world.read(0, 8, nowait)).toBe(`error ${-EAGAIN}`);
    world.read(0, 8);
    expect(world.read(0, 8, nowait)).toBe('AAAAAAAA');
    expect(write(world, 0, '01', IOCB_NOWAIT)).toBe(-EOPNOTSUPP);
  });

  test('a direct read: blocks, zeroes for holes, unwritten and delayed blocks, to the end of the file', () => {
    const world = make('A.uD', { size: 28 });
    expect(world.read(0, 64, IOCB_DIRECT)).toBe('AAAAAAAA................DDDD');
    expect(world.inode.iMapping.nrpages.peek()).toBe(0);
    expect(world.read(1, 8, IOCB_DIRECT)).toBe(`error ${-EINVAL}`);
  });

  test('a direct read sees what was written through the cache', () => {
    const world = make('A.');
    write(world, 6, '0123');
    expect(world.read(0, 16, IOCB_DIRECT)).toBe('AAAAAA0123......');
  });

  test('a direct overwrite drops the cached pages', () => {
    const world = make('ABC');
    world.read();
    expect(write(world, 8, '01234567', IOCB_DIRECT)).toBe(8);
    expect(world.page(1)).toBe(null);
    expectBytes(world, 'AAAAAAAA01234567CCCCCCCC');
  });

  test('a direct write into holes and unwritten blocks allocates and converts', () => {
    const world = make('A.u');
    expect(write(world, 8, '0123456789abcdef', IOCB_DIRECT)).toBe(16);
    expect(world.map()).toBe(sub ? 'mmmmmm' : 'mmm');
    expectBytes(world, 'AAAAAAAA0123456789abcdef');
  });

  test('an extending direct write: both sizes', () => {
    const world = make('A');
    expect(write(world, 8, '01234567', IOCB_DIRECT)).toBe(8);
    expect(world.sizes()).toEqual([16, 16]);
    expectBytes(world, 'AAAAAAAA01234567');
  });

  test('an extending direct write that fails is taken back', () => {
    const world = make('A', { faults: { writeIo: true } });
    const cells = world.cells('01234567');
    expect(world.runFailing(ksysPwrite64(world.file, loff(8), cells, IOCB_DIRECT))).toBe(-EIO);
    expect(world.map()).toBe(sub ? 'mm' : 'm');
    expect(world.sizes()).toEqual([8, 8]);
    expect(world.fsck()).toEqual([]);
  });

  test('a direct write out of space', () => {
    const world = make('A', { nrBlocks: sub ? 3 : 1 });
    expect(write(world, 8, '01234567', IOCB_DIRECT)).toBe(-ENOSPC);
    expect(world.map()).toBe(sub ? 'mm' : 'm');
    expect(world.fsck()).toEqual([]);
  });

  test('a direct write that cannot drop a page goes through the cache, to the disk and out again', () => {
    const world = make('AB');
    write(world, 0, '0'); // gives page 0 buffers
    world.run(ksysFsync(world.file));
    // Somebody holds on to the buffers for a while.
    const { aOps } = world.inode.iMapping;
    world.inode.iMapping.aOps = { ...aOps, releasepage: refuse };
    expect(write(world, 0, 'abcdefgh', IOCB_DIRECT)).toBe(8);
    world.inode.iMapping.aOps = aOps;
    expectBytes(world, 'abcdefghBBBBBBBB');
  });

  test('NOWAIT direct I/O gives up if the cache is in the way, or the write needs blocks', () => {
    const world = make('AB.');
    const flags = IOCB_DIRECT | IOCB_NOWAIT;
    expect(world.read(0, 8, flags)).toBe('AAAAAAAA');
    expect(write(world, 0, '01234567', flags)).toBe(8);
    expect(write(world, 16, '01234567', flags)).toBe(-EAGAIN);
    expect(write(world, 24, '01234567', flags)).toBe(-EAGAIN);
    world.read(8, 8);
    expect(write(world, 8, '01234567', flags)).toBe(-EAGAIN);
    write(world, 8, 'x');
    expect(world.read(8, 8, flags)).toBe(`error ${-EAGAIN}`);
    expect(world.run(ksysPread64(world.file, loff(0), 8, flags)).result).toBe(8);
  });

  test('each byte knows where it came from', () => {
    const world = make('AB');
    const { cells } = world.run(ksysPread64(world.file, loff(8), 1));
    expect(running.origins.of(cells[0] as number).text).toBe('"B" written to inode 12 at byte 8 by mkfs');
  });
});

// biome-ignore lint/correctness/useYield: a task without a step
function* refuse(): Generator<never, boolean, unknown> {
  return false;
}
