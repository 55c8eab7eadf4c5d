// Shows what each fallocate(2) mode and truncate(2) does to bytes, map, sizes and disk, in both releases and with one
// and two blocks to a page (kernel-facts 3.1, 1.15). Each file reads the same whether a letter is one block or two.

import {
  EFBIG,
  EINVAL,
  ENOSPC,
  EOPNOTSUPP,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysPwrite64,
  loff,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { GEOMETRIES, RELEASES, World, type WorldOptions } from './world.js';

const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

const MACHINES = RELEASES.flatMap((release) => GEOMETRIES.map((geometry) => ({ release, ...geometry })));

function fallocate(world: World, mode: number, offset: number, len: number): number {
  return world.run(ksysFallocate(world.file, mode, loff(offset), loff(len)));
}

describe.each(MACHINES)('$release, page $pageSize, block $blockSize', (machine) => {
  const make = (file: string, options: Partial<WorldOptions> = {}): World =>
    new World({ file, ...machine, ...options });
  const sub = machine.blockSize < machine.pageSize;

  /** The bytes are right in the cache, on the disk, and the filesystem is sound. */
  function expectBytes(world: World, bytes: string): void {
    expect(world.read()).toBe(bytes);
    expect(world.fsck()).toEqual([]);
    world.run(ksysFsync(world.file));
    world.dropCache();
    expect(world.read()).toBe(bytes);
    expect(world.fsck()).toEqual([]);
  }

  test.each([
    { cached: false, title: 'nothing cached' },
    { cached: true, title: 'everything cached' },
  ])('punch of whole pages, $title', ({ cached }) => {
    const world = make('ABCD');
    if (cached) world.read();
    expect(fallocate(world, PUNCH, 8, 16)).toBe(0);
    expect(world.map()).toBe(sub ? 'mm....mm' : 'm..m');
    expect(world.page(1)).toBe(null);
    expectBytes(world, 'AAAAAAAA................DDDDDDDD');
  });

  test.each([{ cached: false }, { cached: true }])(
    'punch with partial blocks at both ends, cached $cached',
    ({ cached }) => {
      const world = make('ABCD');
      if (cached) world.read();
      expect(fallocate(world, PUNCH, 6, 12)).toBe(0);
      expect(world.map()).toBe(sub ? 'mm..mmmm' : 'm.mm');
      // The edge pages were filled and zeroed by the punch itself, and are dirty.
      expect(world.page(0)?.dirty.peek()).toBe(true);
      expectBytes(world, 'AAAAAA............CCCCCCDDDDDDDD');
    },
  );

  test('punch inside one block frees nothing', () => {
    const world = make('AB');
    expect(fallocate(world, PUNCH, 1, 2)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmmm' : 'mm');
    expectBytes(world, 'A..AAAAABBBBBBBB');
  });

  test('punch of one block of a page keeps the page, with its buffer forgotten', () => {
    const world = make('AB');
    world.read();
    fallocate(world, PUNCH, 4, 4);
    expect(world.map()).toBe(sub ? 'm.mm' : 'mm');
    expect(world.page(0)).not.toBe(null);
    expectBytes(world, 'AAAA....BBBBBBBB');
  });

  test('punch drops what was dirtied, and frees delayed blocks and reservations', () => {
    const world = make('A.');
    world.run(ksysPwrite64(world.file, loff(9), world.cells('xy')));
    expect(fallocate(world, PUNCH, 8, 8)).toBe(0);
    expect(world.map()).toBe(sub ? 'mm' : 'm');
    expectBytes(world, 'AAAAAAAA........');
  });

  test('punch beyond the end of the file reaches the end of its last page, and nothing at all beyond it', () => {
    const world = make('ABC', { size: 12 });
    expect(fallocate(world, PUNCH, 8, 32)).toBe(0);
    expect(world.map()).toBe(sub ? 'mm..mm' : 'm.m');
    expect(fallocate(world, PUNCH, 12, 32)).toBe(0);
    expect(world.sizes()).toEqual([12, 12]);
    expect(world.read()).toBe('AAAAAAAA....');
  });

  test('punch makes i_disksize follow: the delayed blocks that would have are gone', () => {
    const world = make('A');
    world.run(ksysPwrite64(world.file, loff(8), world.cells('01234567')));
    expect(world.sizes()).toEqual([16, 8]);
    // Write-back before the lock raises it; what is dirtied after it does not get that far.
    expect(fallocate(world, PUNCH, 8, 8)).toBe(0);
    expect(world.sizes()).toEqual([16, 16]);
  });

  test('a freed block belongs to a stranger at once', () => {
    const world = make('AB');
    fallocate(world, PUNCH, 0, 8);
    const owners = [...world.bdev.blocks.peekAll()].map(([, { owner }]) => owner);
    expect(owners).toEqual(sub ? [-1, -1, 12, 12] : [-1, 12]);
  });

  test('zero range: whole blocks become unwritten, the ends are zeroed', () => {
    const world = make('ABCD');
    world.read();
    expect(fallocate(world, FALLOC_FL_ZERO_RANGE, 6, 12)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmuummmm' : 'mumm');
    expectBytes(world, 'AAAAAA............CCCCCCDDDDDDDD');
  });

  test('zero range of a hole allocates, and grows the file', () => {
    const world = make('A.');
    expect(fallocate(world, FALLOC_FL_ZERO_RANGE, 8, 16)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmuuuu' : 'muu');
    expect(world.sizes()).toEqual([24, 24]);
    expectBytes(world, 'AAAAAAAA................');
  });

  test('zero range that keeps the size', () => {
    const world = make('AB');
    expect(fallocate(world, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 8, 16)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmuuuu' : 'muu');
    expect(world.sizes()).toEqual([16, 16]);
    expectBytes(world, 'AAAAAAAA........');
  });

  test('collapse closes the gap and keeps what was dirty around it', () => {
    const world = make('ABCD');
    world.run(ksysPwrite64(world.file, loff(1), world.cells('xyz')));
    world.run(ksysPwrite64(world.file, loff(25), world.cells('xyz')));
    expect(fallocate(world, FALLOC_FL_COLLAPSE_RANGE, 8, 8)).toBe(0);
    expect(world.sizes()).toEqual([24, 24]);
    expectBytes(world, 'AxyzAAAACCCCCCCCDxyzDDDD');
  });

  test('collapse must be of whole blocks and end before the end of the file', () => {
    const world = make('ABCD');
    expect(fallocate(world, FALLOC_FL_COLLAPSE_RANGE, 1, 8)).toBe(-EINVAL);
    expect(fallocate(world, FALLOC_FL_COLLAPSE_RANGE, 8, 3)).toBe(-EINVAL);
    expect(fallocate(world, FALLOC_FL_COLLAPSE_RANGE, 16, 16)).toBe(-EINVAL);
    expectBytes(world, 'AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDD');
  });

  test('insert makes room and keeps what was dirty', () => {
    const world = make('ABC');
    world.run(ksysPwrite64(world.file, loff(9), world.cells('xyz')));
    expect(fallocate(world, FALLOC_FL_INSERT_RANGE, 8, 16)).toBe(0);
    expect(world.map()).toBe(sub ? 'mm....mmmm' : 'm..mm');
    expect(world.sizes()).toEqual([40, 40]);
    expectBytes(world, 'AAAAAAAA................BxyzBBBBCCCCCCCC');
  });

  test('insert must be of whole blocks, begin in the file, and fit', () => {
    const world = make('AB');
    expect(fallocate(world, FALLOC_FL_INSERT_RANGE, 1, 8)).toBe(-EINVAL);
    expect(fallocate(world, FALLOC_FL_INSERT_RANGE, 16, 8)).toBe(-EINVAL);
    expect(fallocate(world, FALLOC_FL_INSERT_RANGE, 8, 64)).toBe(-EFBIG);
    expectBytes(world, 'AAAAAAAABBBBBBBB');
  });

  test('preallocation: unwritten blocks, the file grows; or keeps its size', () => {
    const world = make('A.');
    expect(fallocate(world, FALLOC_FL_KEEP_SIZE, 20, 12)).toBe(0);
    expect(world.map()).toBe(sub ? 'mm...uuu' : 'm.uu');
    expect(world.sizes()).toEqual([16, 16]);
    expect(world.fsck()).toEqual([]);
    expect(fallocate(world, 0, 4, 16)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmuuuuuu' : 'muuu');
    expect(world.sizes()).toEqual([20, 20]);
    expectBytes(world, 'AAAAAAAA............');
  });

  test('preallocation out of space keeps what it got', () => {
    const world = make('A', { nrBlocks: sub ? 3 : 2 });
    expect(fallocate(world, 0, 8, 16)).toBe(-ENOSPC);
    expect(world.map()).toBe(sub ? 'mmu' : 'mu');
    expect(world.fsck()).toEqual([]);
  });

  test('preallocation of a delayed block takes over its reservation', () => {
    const world = make('A.', { nrBlocks: sub ? 4 : 2 });
    world.run(ksysPwrite64(world.file, loff(8), world.cells('01234567')));
    expect(fallocate(world, 0, 8, 8)).toBe(0);
    expect(world.map()).toBe(sub ? 'mmuu' : 'mu');
    expectBytes(world, 'AAAAAAAA01234567');
  });

  test('other modes are refused', () => {
    expect(fallocate(make('A'), FALLOC_FL_UNSHARE_RANGE, 0, 8)).toBe(-EOPNOTSUPP);
  });

  test('truncate down frees, and zeroes the rest of the last block on the disk too', () => {
    const world = make('ABCD');
    world.read();
    expect(world.run(ksysFtruncate(world.file, loff(11)))).toBe(0);
    expect(world.map()).toBe(sub ? 'mmm' : 'mm');
    expect(world.sizes()).toEqual([11, 11]);
    expectBytes(world, 'AAAAAAAABBB');
    expect(world.disk(sub ? 2 : 1)).toBe(sub ? 'BBB.' : 'BBB.....');
  });

  test('truncate up shows zeroes', () => {
    const world = make('AB', { size: 11 });
    expect(world.run(ksysFtruncate(world.file, loff(20)))).toBe(0);
    expect(world.sizes()).toEqual([20, 20]);
    expectBytes(world, 'AAAAAAAABBB.........');
  });

  test('truncate to the same size frees what was preallocated beyond it', () => {
    const world = make('A');
    fallocate(world, FALLOC_FL_KEEP_SIZE, 8, 8);
    expect(world.run(ksysFtruncate(world.file, loff(8)))).toBe(0);
    expect(world.map()).toBe(sub ? 'mm' : 'm');
    expectBytes(world, 'AAAAAAAA');
  });

  test('truncate drops delayed blocks and their reservations', () => {
    const world = make('A');
    world.run(ksysPwrite64(world.file, loff(6), world.cells('0123456789')));
    expect(world.run(ksysFtruncate(world.file, loff(7)))).toBe(0);
    expect(world.sizes()).toEqual([7, 7]);
    expectBytes(world, 'AAAAAA0');
  });
});
