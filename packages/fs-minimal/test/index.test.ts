// Shows that the smallest filesystem reads what mkfs laid out, refuses what it does not claim, and that its fsck sees
// damage. Runs system calls one after the other.

import {
  BlockDevice,
  boot,
  EINVAL,
  ENODEV,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  File,
  type FileSpec,
  Identity,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysFsync,
  ksysMmap,
  ksysPread64,
  ksysPwrite64,
  loff,
  MmStruct,
  pgoff,
  type SuperBlock,
  showCells,
  type Task,
  UsageError,
} from '@fsport/core';
import minimal from '@fsport/fs-minimal';
import { describe, expect, test } from '@jest/globals';

interface World {
  readonly bdev: BlockDevice;
  readonly sb: SuperBlock;
  readonly file: File;
  run<T>(task: Task<T>): T;
}

function world(spec: Omit<FileSpec, 'ino'>, profile = 'v5.15'): World {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1000 });
  boot({
    release: profile === 'v5.14' ? 'v5.14' : 'v5.15',
    pageSize: 8,
    blockSize: 8,
    nrBlocks: 4,
    maxBytes: 32,
    raPages: 0,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const bdev = new BlockDevice(4);
  minimal.mkfs(bdev, [{ ino: 12, ...spec }]);
  const sb = minimal.mount(bdev, { profile });
  const file = new File(minimal.iget(sb, 12));
  return { bdev, sb, file, run: (task) => execution.drive('test', task) };
}

const AB: Omit<FileSpec, 'ino'> = { size: 20, blocks: [{ data: 'A' }, 'hole', { data: 'B' }, 'unwritten'] };

test.each(minimal.follows)('%s: a file reads as it was laid out, holes as zeroes, to its end', (profile) => {
  const { file, run, sb } = world(AB, profile);
  const { result, cells } = run(ksysPread64(file, loff(0), 32));
  expect([result, showCells(cells)]).toEqual([20, 'AAAAAAAA........BBBB']);
  expect(minimal.fsck(sb)).toEqual([]);
});

test('it claims nothing', () => {
  expect(minimal.supports).toEqual({});
});

describe('what is not claimed is refused', () => {
  test('write', () => {
    const { file, run } = world(AB);
    expect(run(ksysPwrite64(file, loff(0), [65]))).toBe(-EINVAL);
  });

  test('fallocate', () => {
    const { file, run } = world(AB);
    const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    expect(run(ksysFallocate(file, punch, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
    expect(run(ksysFallocate(file, 0, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
  });

  test('mmap, fsync, direct I/O, NOWAIT', () => {
    const { file, run } = world(AB);
    expect(run(ksysMmap(new MmStruct(), file, pgoff(0), 1, 0, 0))).toBe(-ENODEV);
    expect(run(ksysFsync(file))).toBe(-EINVAL);
    expect(run(ksysPread64(file, loff(0), 8, IOCB_DIRECT)).result).toBe(-EINVAL);
    expect(run(ksysPread64(file, loff(0), 8, IOCB_NOWAIT)).result).toBe(-EOPNOTSUPP);
  });
});

test('fsck sees a block that belongs to somebody else', () => {
  const { bdev, file, run, sb } = world(AB);
  run(ksysPread64(file, loff(0), 32));
  const disk = bdev.blocks.at(1);
  disk.init({ ...disk.peek(), owner: -1 });
  expect(minimal.fsck(sb)).toEqual(['block 2 of inode 12 is disk block 1, which is not its own']);
});

test('a file that mkfs did not make is a mistake of the caller', () => {
  expect(() => minimal.iget(world(AB).sb, 13)).toThrow(UsageError);
});
