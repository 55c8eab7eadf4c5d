// Shows what reads, writes, truncation, preallocation, hole punches, swap and seals do to bytes and pages, in all profiles
// (kernel-facts 3.9).

import {
  EBUSY,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  evict,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  IOCB_DIRECT,
  ksysFadvise64,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysMadvise,
  ksysMmap,
  ksysPread64,
  ksysPwrite64,
  ksysReadahead64,
  loff,
  MADV_WILLNEED,
  MmStruct,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  pgoff,
  userLoad,
  userStore,
  VM_SHARED,
  VM_WRITE,
  vfsCloneFileRange,
} from '@fsport/core';
import shmem from '@fsport/fs-shmem';
import { describe, expect, test } from '@jest/globals';
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  memfdAddSeals,
} from '#src/memfd.js';
import { World } from './world.js';

const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

describe.each(shmem.follows)('%s', (profile) => {
  const make = (layout: string): World => new World(profile, layout);
  const punch = (world: World, pos: number, len: number): number =>
    world.run(ksysFallocate(world.file, PUNCH, loff(pos), loff(len)));
  const truncate = (world: World, size: number): number => world.run(ksysFtruncate(world.file, loff(size)));
  const write = (world: World, pos: number, text: string): number =>
    world.run(ksysPwrite64(world.file, loff(pos), world.cells(text)));
  const map = (world: World): MmStruct => {
    const mm = new MmStruct();
    world.run(ksysMmap(mm, world.file, pgoff(0), 8, VM_SHARED | VM_WRITE, 0));
    return mm;
  };

  test('a read leaves holes as they are, a load fills them with zeroes that nobody needs to keep', () => {
    const world = make('A.u');
    expect(world.read()).toBe('AAAAAAAA................');
    expect(world.slots()).toBe('d.i');
    expect(world.run(userLoad(map(world), 8))).toBe(0);
    expect(world.slots()).toBe('dci');
  });

  test('a load of a page that is only allocated makes it valid, one beyond the end is refused', () => {
    const world = make('u');
    const mm = map(world);
    expect(world.run(userLoad(mm, 0))).toBe(0);
    expect(world.slots()).toBe('d');
    expect(world.run(userLoad(mm, 8))).toBe('SIGBUS');
    expect(world.slots()).toBe('d');
  });

  test('a store is in the file, a write zeroes the rest of a new page', () => {
    const world = make('A..');
    expect(world.run(userStore(map(world), 9, world.cells('x')[0] as number))).toBe('ok');
    expect(write(world, 18, 'yz')).toBe(2);
    expect(world.read()).toBe('AAAAAAAA.x........yz....');
    expect(world.slots()).toBe('ddd');
  });

  test('a write behind the end leaves a gap', () => {
    const world = make('A');
    write(world, 18, 'yz');
    expect(world.read()).toBe('AAAAAAAA..........yz');
    expect(world.slots()).toBe('d.d');
  });

  test('a hole punch removes whole pages and zeroes the rest', () => {
    const world = make('ABCD');
    expect(punch(world, 4, 16)).toBe(0);
    expect(world.read()).toBe('AAAA................CCCCDDDDDDDD');
    expect(world.slots()).toBe('d.dd');
    expect(world.fsck()).toEqual([]);
  });

  test('a hole punch inside a page, and one beyond the end', () => {
    const world = make('A');
    expect(punch(world, 2, 3)).toBe(0);
    expect(punch(world, 16, 8)).toBe(0);
    expect(world.read()).toBe('AA...AAA');
  });

  test('truncation down zeroes the tail, so that truncation up shows zeroes', () => {
    const world = make('AB');
    expect(truncate(world, 3)).toBe(0);
    expect(truncate(world, 12)).toBe(0);
    expect(world.read()).toBe('AAA.........');
    expect(world.slots()).toBe('d');
  });

  test('preallocation adds pages that are not valid, and grows the file unless it is told not to', () => {
    const world = make('A');
    expect(world.run(ksysFallocate(world.file, FALLOC_FL_KEEP_SIZE, loff(0), loff(16)))).toBe(0);
    expect([world.slots(), world.read()]).toEqual(['di', 'AAAAAAAA']);
    expect(world.run(ksysFallocate(world.file, 0, loff(8), loff(16)))).toBe(0);
    // What was allocated before is made valid: a failure would not take it back.
    expect([world.slots(), world.read()]).toEqual(['ddi', 'AAAAAAAA................']);
    expect(world.fsck()).toEqual([]);
  });

  test('what goes to swap comes back, and is punched and truncated there', () => {
    const world = make('ABC');
    for (const index of [0, 1, 2]) world.reclaim(index);
    expect(world.slots()).toBe('sss');
    expect(world.inode.iMapping.nrpages.peek()).toBe(0);
    expect(punch(world, 8, 8)).toBe(0);
    expect(world.slots()).toBe('s.s');
    expect(truncate(world, 16)).toBe(0);
    expect(world.slots()).toBe('s');
    expect(world.read()).toBe('AAAAAAAA........');
    expect(world.slots()).toBe('d');
  });

  test('reclaim drops what is clean: it is a hole again', () => {
    const world = make('.');
    world.run(userLoad(map(world), 0));
    world.reclaim(0);
    expect(world.slots()).toBe('');
    expect(world.read()).toBe('........');
  });

  test('advice is accepted and ignored', () => {
    const world = make('A.');
    expect(world.run(ksysFadvise64(world.file, loff(0), 16, POSIX_FADV_WILLNEED))).toBe(0);
    expect(world.run(ksysFadvise64(world.file, loff(0), 16, POSIX_FADV_DONTNEED))).toBe(0);
    expect(world.run(ksysFadvise64(world.file, loff(0), 16, 77))).toBe(-EINVAL);
    expect(world.run(ksysReadahead64(world.file, loff(0), 16))).toBe(0);
    expect(world.run(ksysMadvise(map(world), 0, 2, MADV_WILLNEED))).toBe(0);
    expect(world.run(ksysFsync(world.file))).toBe(0);
    expect(world.slots()).toBe('d');
  });

  test('what is not claimed is refused as by the kernel', () => {
    const world = make('A');
    const { file } = world;
    for (const mode of [FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE]) {
      expect(world.run(ksysFallocate(file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
    }
    expect(world.run(vfsCloneFileRange(file, loff(0), file, loff(8), loff(8)))).toBe(-EOPNOTSUPP);
    expect(world.run(ksysPread64(file, loff(0), 8, IOCB_DIRECT)).result).toBe(-EINVAL);
    expect(world.read()).toBe('AAAAAAAA');
  });

  test('an inode that goes away takes its pages and its swap along', () => {
    const world = make('AB');
    world.reclaim(1);
    world.inode.iSize.init(0);
    world.run(evict(world.inode));
    expect(world.slots()).toBe('');
  });
});

describe('seals', () => {
  const seal = (world: World, seals: number): number => world.run(memfdAddSeals(world.file, seals));

  test('are not there in v3.15', () => {
    expect(seal(new World('v3.15', 'A'), F_SEAL_GROW)).toBe(-EINVAL);
  });

  test.each([
    ['shrinking', F_SEAL_SHRINK, (w: World) => ksysFtruncate(w.file, loff(4))],
    ['growing', F_SEAL_GROW, (w: World) => ksysFtruncate(w.file, loff(12))],
    ['growing by a write', F_SEAL_GROW, (w: World) => ksysPwrite64(w.file, loff(8), w.cells('x'))],
    ['growing by an allocation', F_SEAL_GROW, (w: World) => ksysFallocate(w.file, 0, loff(8), loff(8))],
    ['writing', F_SEAL_WRITE, (w: World) => ksysPwrite64(w.file, loff(0), w.cells('x'))],
    ['punching', F_SEAL_WRITE, (w: World) => ksysFallocate(w.file, PUNCH, loff(0), loff(8))],
    ['punching later', F_SEAL_FUTURE_WRITE, (w: World) => ksysFallocate(w.file, PUNCH, loff(0), loff(8))],
  ])('keep from %s', (_, seals, call) => {
    const world = new World('v5.15', 'A');
    expect(seal(world, seals)).toBe(0);
    expect(world.run(call(world))).toBe(-EPERM);
    expect(world.read()).toBe('AAAAAAAA');
  });

  test('are refused if they come too late', () => {
    const world = new World('v5.15', 'A');
    world.run(ksysMmap(new MmStruct(), world.file, pgoff(0), 1, VM_SHARED | VM_WRITE, 0));
    expect(seal(world, F_SEAL_WRITE)).toBe(-EBUSY);
    expect(seal(world, F_SEAL_SEAL)).toBe(0);
    expect(seal(world, F_SEAL_GROW)).toBe(-EPERM);
  });
});
