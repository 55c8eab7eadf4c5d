// Shows what loads and stores through a mapping do to map, cache and sizes, in both releases and with one and two blocks
// to a page (kernel-facts 1.8, 1.11, 3.1).

import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  loff,
  showByte,
  userLoad,
  userStore,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { GEOMETRIES, RELEASES, World, type WorldOptions } from './world.js';

const MACHINES = RELEASES.flatMap((release) => GEOMETRIES.map((geometry) => ({ release, ...geometry })));

describe.each(MACHINES)('$release, page $pageSize, block $blockSize', (machine) => {
  function make(file: string, options: Partial<WorldOptions> = {}): World {
    const world = new World({ file, ...machine, ...options });
    world.mmap();
    return world;
  }

  function load(world: World, address: number): string {
    const cell = world.run(userLoad(world.mm, address));
    return typeof cell === 'number' ? showByte(cell) : cell;
  }

  function store(world: World, address: number, letter: string): string {
    const [cell] = world.cells(letter);
    return world.run(userStore(world.mm, address, cell as number));
  }

  const sub = machine.blockSize < machine.pageSize;

  test('a load sees the file, zeroes in holes and behind its end, and SIGBUS beyond its last page', () => {
    const world = make('A.C', { size: 18 });
    expect([1, 9, 17, 19].map((address) => load(world, address))).toEqual(['A', '.', 'C', '.']);
    expect(load(world, 25)).toBe('SIGBUS');
  });

  test('a store into a hole reserves blocks, and reaches the disk', () => {
    const world = make('A.');
    expect(store(world, 9, 'x')).toBe('ok');
    expect(world.map()).toBe(sub ? 'mmdd' : 'md');
    world.run(ksysFsync(world.file));
    expect(world.map()).toBe(sub ? 'mmmm' : 'mm');
    world.run(ksysFtruncate(world.file, loff(16)));
    expect(world.read()).toBe('AAAAAAAA.x......');
    expect(world.fsck()).toEqual([]);
  });

  test('a store into the last page gets blocks only inside the file', () => {
    const world = make('..', { size: 11 });
    expect(store(world, 9, 'x')).toBe('ok');
    expect(world.map()).toBe(sub ? '..d' : '.d');
    expect(store(world, 25, 'x')).toBe('SIGBUS');
  });

  test('writeback write-protects: the next store is seen as one', () => {
    const world = make('A');
    store(world, 1, 'x');
    world.run(ksysFsync(world.file));
    store(world, 2, 'y');
    expect(world.page(0)?.dirty.peek()).toBe(true);
    world.run(ksysFsync(world.file));
    expect(world.disk(0).slice(0, 3)).toBe('Axy');
  });

  test('out of space', () => {
    const world = make('A.', { nrBlocks: sub ? 2 : 1 });
    expect(store(world, 9, 'x')).toBe('SIGBUS');
    expect(world.map()).toBe(sub ? 'mm' : 'm');
    expect(world.fsck()).toEqual([]);
  });

  test('punch and truncate take the page out of the mapping', () => {
    const world = make('AB');
    store(world, 1, 'x');
    store(world, 9, 'y');
    const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    world.run(ksysFallocate(world.file, punch, loff(0), loff(8)));
    expect([load(world, 1), load(world, 9)]).toEqual(['.', 'y']);
    world.run(ksysFtruncate(world.file, loff(8)));
    expect(load(world, 9)).toBe('SIGBUS');
    expect(world.fsck()).toEqual([]);
  });
});
