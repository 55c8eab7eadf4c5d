// Shows what ocfs2 refuses, with the kernel's errno, what calls leave behind on the disk, and that the locks of the cluster are
// let go (kernel-facts 3.11).

import {
  BlockDevice,
  boot,
  ContractError,
  EFBIG,
  EINVAL,
  ENOSPC,
  EOPNOTSUPP,
  Execution,
  evict,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  File,
  type FileSpec,
  FMODE_NOWAIT,
  Identity,
  type Inode,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysPread64,
  ksysPwrite64,
  loff,
  type SuperBlock,
  showCells,
  type Task,
} from '@fsport/core';
import ocfs2 from '@fsport/fs-ocfs2';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ocfs2InodeUnlock } from '#src/dlmglue.js';

const FILE: FileSpec = { ino: 12, size: 20, blocks: [{ data: 'A' }, 'hole', { data: 'C' }] };
const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

class World {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly sb: SuperBlock;
  readonly inode: Inode;
  readonly file: File;

  constructor(release: 'v5.14' | 'v5.15', nrBlocks = 8) {
    boot({
      release,
      pageSize: 8,
      blockSize: 8,
      nrBlocks,
      maxBytes: 40,
      raPages: 2,
      faultAroundPages: 1,
      hostileReuse: true,
      faults: {},
    });
    const bdev = new BlockDevice(nrBlocks);
    ocfs2.mkfs(bdev, [FILE]);
    this.sb = ocfs2.mount(bdev, { profile: release });
    this.inode = ocfs2.iget(this.sb, 12);
    this.file = new File(this.inode, FMODE_NOWAIT);
  }

  run<T>(task: Task<T>): T {
    return this.execution.drive('test', task);
  }

  text(): string {
    return showCells(this.run(ksysPread64(this.file, loff(0), 40)).cells);
  }

  write(pos: number, data: string, flags = 0): number {
    const cells = [...data].map((letter) => letter.charCodeAt(0));
    return this.run(ksysPwrite64(this.file, loff(pos), cells, flags));
  }

  map(): string {
    return [0, 1, 2, 3].map((iblock) => ocfs2.bmap(this.inode, iblock).state).join(' ');
  }
}

let world: World;

afterEach(() => {
  expect(ocfs2.fsck(world.sb)).toEqual([]);
});

describe.each(['v5.14', 'v5.15'] as const)('%s', (release) => {
  test.each([
    ['plain fallocate', 0],
    ['a zeroed range', FALLOC_FL_ZERO_RANGE],
    ['a collapsed range', FALLOC_FL_COLLAPSE_RANGE],
  ])('%s is refused', (_, mode) => {
    world = new World(release);
    expect(world.run(ksysFallocate(world.file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
  });

  test('what must not wait, direct I/O, and too large a size are refused', () => {
    world = new World(release);
    expect(world.run(ksysPread64(world.file, loff(0), 8, IOCB_NOWAIT | IOCB_NOIO)).result).toBe(-EOPNOTSUPP);
    expect(world.run(ksysPread64(world.file, loff(0), 8, IOCB_DIRECT)).result).toBe(-EINVAL);
    expect(world.write(0, 'xxxxxxxx', IOCB_DIRECT)).toBe(-EINVAL);
    expect(world.run(ksysFtruncate(world.file, loff(48)))).toBe(-EFBIG);
  });

  test.each([
    ['a whole cluster', 0, 8, `${'.'.repeat(16)}CCCC`, 'hole hole mapped hole'],
    ['inside a cluster', 2, 4, `AA....AA${'.'.repeat(8)}CCCC`, 'mapped hole mapped hole'],
    ['from inside one to inside another', 4, 14, `AAAA${'.'.repeat(14)}CC`, 'mapped hole mapped hole'],
    ['the end of the file', 16, 8, `AAAAAAAA${'.'.repeat(12)}`, 'mapped hole hole hole'],
  ])('punches %s', (_, pos, len, text, map) => {
    world = new World(release);
    world.text();
    expect(world.run(ksysFallocate(world.file, PUNCH, loff(pos), loff(len)))).toBe(0);
    expect([world.text(), world.map()]).toEqual([text, map]);
  });

  test('truncates down and up again, and exposes nothing', () => {
    world = new World(release);
    world.text();
    expect([4, 20].map((size) => world.run(ksysFtruncate(world.file, loff(size))))).toEqual([0, 0]);
    expect([world.text(), world.map()]).toEqual([`AAAA${'.'.repeat(16)}`, 'mapped hole hole hole']);
  });

  test('writes into a hole and behind the end', () => {
    world = new World(release);
    expect([world.write(10, 'xy'), world.write(26, 'z'), world.run(ksysFsync(world.file))]).toEqual([
      2, 1, 0,
    ]);
    expect([world.text(), world.map()]).toEqual([
      'AAAAAAAA..xy....CCCC......z',
      'mapped mapped mapped mapped',
    ]);
  });

  test('a disk that is full says so, and no lock stays behind', () => {
    world = new World(release, 2);
    expect([world.write(8, 'x'), world.write(0, 'x')]).toEqual([-ENOSPC, 1]);
  });

  test('an evicted file gives its clusters back with its last link', () => {
    world = new World(release);
    world.inode.iNlink = 0;
    world.run(evict(world.inode));
    expect(world.map()).toBe('hole hole hole hole');
  });
});

test('a lock of the cluster that is not held cannot be let go', () => {
  world = new World('v5.15');
  expect(() => ocfs2InodeUnlock(world.inode, true)).toThrow(ContractError);
  world = new World('v5.15');
});
