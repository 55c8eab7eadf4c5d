// Shows what calls return and leave behind on zones of both kinds, in both releases: what is refused and with which errno,
// where writes go, and what reset and finish do to the device (kernel-facts 3.4).

import {
  BlockDevice,
  boot,
  ContractError,
  EFBIG,
  EINVAL,
  EIO,
  EOPNOTSUPP,
  EPERM,
  Execution,
  type Faults,
  File,
  type FileSpec,
  Identity,
  type Inode,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysMmap,
  ksysPread64,
  ksysPwrite64,
  loff,
  MmStruct,
  pgoff,
  reclaimPage,
  type SuperBlock,
  showCells,
  type Task,
  UsageError,
  userLoad,
  userStore,
  VM_SHARED,
  VM_WRITE,
} from '@fsport/core';
import zonefs from '@fsport/fs-zonefs';
import { afterEach, describe, expect, test } from '@jest/globals';

const SEQ: FileSpec = { ino: 12, size: 8, blocks: [{ data: 'A' }, 'unwritten', 'unwritten'] };
const CNV: FileSpec = { ino: 12, size: 16, blocks: [{ data: 'K' }, { data: 'L' }], conventional: true };

class World {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly sb: SuperBlock;
  readonly inode: Inode;
  readonly file: File;

  constructor(release: 'v5.14' | 'v5.15', spec: FileSpec, faults: Faults = {}, blockSize = 8) {
    boot({
      release,
      pageSize: 8,
      blockSize,
      nrBlocks: 8,
      maxBytes: 40,
      raPages: 0,
      faultAroundPages: 1,
      hostileReuse: true,
      faults,
    });
    const bdev = new BlockDevice(8);
    zonefs.mkfs(bdev, [spec]);
    this.sb = zonefs.mount(bdev, { profile: release });
    this.inode = zonefs.iget(this.sb, spec.ino);
    this.file = new File(this.inode);
  }

  run<T>(task: Task<T>): T {
    return this.execution.drive('test', task);
  }

  text(flags = 0): string {
    return showCells(this.run(ksysPread64(this.file, loff(0), 40, flags)).cells);
  }

  write(pos: number, data: string, flags = 0): number {
    const cells = [...data].map((letter) => letter.charCodeAt(0));
    return this.run(ksysPwrite64(this.file, loff(pos), cells, flags));
  }

  truncate(size: number): number {
    return this.run(ksysFtruncate(this.file, loff(size)));
  }
}

let world: World;

afterEach(() => {
  expect(zonefs.fsck(world.sb)).toEqual([]);
});

describe.each(['v5.14', 'v5.15'] as const)('%s: a zone that is written in order', (release) => {
  test.each([
    ['through the cache', 8, 'xxxxxxxx', 0, -EIO],
    ['before its end', 0, 'xxxxxxxx', IOCB_DIRECT, -EINVAL],
    ['behind its end', 16, 'xxxxxxxx', IOCB_DIRECT, -EINVAL],
    ['half a block', 8, 'xxxx', IOCB_DIRECT, -EINVAL],
    ['behind the zone', 24, 'xxxxxxxx', IOCB_DIRECT, -EFBIG],
  ])('refuses a write %s', (_, pos, data, flags, errno) => {
    world = new World(release, SEQ);
    expect([world.write(pos, data, flags), world.text()]).toEqual([errno, 'AAAAAAAA']);
  });

  test('is appended to, as far as there is room', () => {
    world = new World(release, SEQ);
    expect(world.write(8, 'wwwwwwwwxxxxxxxxyyyyyyyy', IOCB_DIRECT)).toBe(16);
    expect([world.text(), world.text(IOCB_DIRECT)]).toEqual(Array(2).fill('AAAAAAAAwwwwwwwwxxxxxxxx'));
  });

  test.each([[4], [8], [16], [32]])('refuses a size of %i', (size) => {
    world = new World(release, SEQ);
    expect([world.truncate(size), world.text()]).toEqual([-EPERM, 'AAAAAAAA']);
  });

  test('refuses a size beyond the largest file', () => {
    world = new World(release, SEQ);
    expect(world.truncate(48)).toBe(-EFBIG);
  });

  test('is reset, and begins anew', () => {
    world = new World(release, SEQ);
    expect([world.text(), world.truncate(0), world.truncate(0), world.text()]).toEqual([
      'AAAAAAAA',
      0,
      0,
      '',
    ]);
    expect([world.write(8, 'xxxxxxxx', IOCB_DIRECT), world.write(0, 'xxxxxxxx', IOCB_DIRECT)]).toEqual([
      -EINVAL,
      8,
    ]);
    expect(world.text()).toBe('xxxxxxxx');
  });

  test('is finished, and takes no more', () => {
    world = new World(release, SEQ);
    expect([world.truncate(24), world.text()]).toEqual([0, `AAAAAAAA${'.'.repeat(16)}`]);
    expect(world.write(24, 'xxxxxxxx', IOCB_DIRECT)).toBe(-EFBIG);
    expect([world.truncate(0), world.write(0, 'xxxxxxxx', IOCB_DIRECT), world.text()]).toEqual([
      0,
      8,
      'xxxxxxxx',
    ]);
  });

  test('is mapped for reading only', () => {
    world = new World(release, SEQ);
    const mm = new MmStruct('test');
    expect(world.run(ksysMmap(mm, world.file, pgoff(0), 3, VM_SHARED | VM_WRITE, 0))).toBe(-EINVAL);
    expect(mm.mmap.peek()).toEqual([]);
    world.run(ksysMmap(mm, world.file, pgoff(0), 3, 0, 0));
    expect(showCells([world.run(userLoad(mm, 0)) as number])).toBe('A');
    expect(world.run(userLoad(mm, 8))).toBe('SIGBUS');
  });

  test('an append that fails leaves it as it was; the next one goes to the same place', () => {
    world = new World(release, SEQ, { writeIo: true });
    const { execution, file, inode } = world;
    const cells = [...'xxxxxxxx'].map((letter) => letter.charCodeAt(0));
    const results: number[] = [];
    execution.spawn(
      'w',
      (function* (): Task<void> {
        for (let i = 0; i < 2; i++)
          results.push(yield* ksysPwrite64(file, loff(8), cells, IOCB_DIRECT), inode.iSize.peek());
      })(),
    );
    let choices = 0;
    execution.run({
      newExecution: () => true,
      nextTask: ({ runnable }) => runnable[0] as number,
      nextChoice: () => (choices++ === 0 ? 1 : 0),
    });
    expect(results).toEqual([-EIO, 8, 8, 16]);
  });

  test('a read that begins where it ends is mapped to nothing', () => {
    world = new World(release, { ino: 12, size: 4, blocks: [{ data: 'A' }, 'unwritten'] }, {}, 4);
    const { file, execution } = world;
    expect(() => execution.drive('test', ksysPread64(file, loff(0), 4))).toThrow(ContractError);
  });
});

describe.each(['v5.14', 'v5.15'] as const)('%s: a conventional zone', (release) => {
  test('is written anywhere, and no further than its end', () => {
    world = new World(release, CNV);
    expect([world.write(12, 'xxxxxxxx'), world.text()]).toEqual([4, 'KKKKKKKKLLLLxxxx']);
    expect([world.write(0, 'yyyyyyyy', IOCB_DIRECT), world.text(IOCB_DIRECT)]).toEqual([
      8,
      'yyyyyyyyLLLLxxxx',
    ]);
    expect(world.write(16, 'x')).toBe(-EFBIG);
    expect(world.run(ksysFsync(world.file))).toBe(0);
  });

  test.each([[0], [8], [16]])('refuses a size of %i', (size) => {
    world = new World(release, CNV);
    expect(world.truncate(size)).toBe(-EPERM);
  });

  test('is mapped to be written to, and reclaim writes it', () => {
    world = new World(release, CNV);
    const mm = new MmStruct('test');
    world.run(ksysMmap(mm, world.file, pgoff(0), 2, VM_SHARED | VM_WRITE, 0));
    expect(world.run(userStore(mm, 8, 120))).toBe('ok');
    world.run(reclaimPage(world.inode.iMapping, pgoff(1)));
    expect([world.run(ksysFsync(world.file)), world.text(IOCB_DIRECT)]).toEqual([0, 'KKKKKKKKxLLLLLLL']);
  });
});

describe('refused in both kinds', () => {
  test.each([SEQ, CNV])('fallocate(2), RWF_NOWAIT, direct reads of half a block', (spec) => {
    world = new World('v5.15', spec);
    expect(world.run(ksysFallocate(world.file, 0, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
    expect(world.run(ksysPread64(world.file, loff(0), 8, IOCB_NOWAIT | IOCB_NOIO)).result).toBe(-EOPNOTSUPP);
    expect(world.run(ksysPread64(world.file, loff(0), 4, IOCB_DIRECT)).result).toBe(-EINVAL);
  });

  test.each<FileSpec>([
    { ino: 12, size: 4, blocks: [{ data: 'A' }] },
    { ino: 12, size: 0, blocks: ['unwritten'], conventional: true },
    { ino: 12, size: 16, blocks: [{ data: 'A' }, 'hole'] },
  ])('a zone that is not written from its start: %j', (spec) => {
    expect(() => new World('v5.15', spec)).toThrow(UsageError);
  });
});
