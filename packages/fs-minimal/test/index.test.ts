// Shows that the smallest filesystem reads what mkfs laid out, refuses what it does not claim, and that its fsck sees
// damage. Runs system calls one after the other.

import {
  BlockDevice,
  boot,
  EINVAL,
  ENODEV,
  ENOTTY,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  File,
  type FileSpec,
  Identity,
  IOCB_DIRECT,
  IOCB_NOWAIT,
  ksysCopyFileRange,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysIoctl,
  ksysMmap,
  ksysPread64,
  ksysPwrite64,
  ksysReadahead64,
  loff,
  MmStruct,
  pgoff,
  type SuperBlock,
  type Supports,
  showCells,
  type Task,
  UsageError,
  vfsCloneFileRange,
  vfsDedupeFileRange,
  vfsMoveFileRange,
} from '@fsport/core';
import minimal from '@fsport/fs-minimal';
import { expect, test } from '@jest/globals';

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

/** A claim that is about an operation: block sizes, where the data is, and what a filesystem does by itself are not. */
type Operation = Exclude<
  keyof Supports,
  'subPageBlocks' | 'gc' | 'inMemory' | 'dax' | 'cluster' | 'remote' | 'zoned'
>;

/** What the kernel answers where a filesystem has no such operation; one line for each claim, or it does not compile. */
const UNCLAIMED: Readonly<Record<Operation, readonly [(file: File) => Task<unknown>, unknown]>> = {
  write: [(file) => ksysPwrite64(file, loff(0), [65]), -EINVAL],
  mmap: [(file) => ksysMmap(new MmStruct(), file, pgoff(0), 1, 0, 0), -ENODEV],
  writeback: [ksysFsync, -EINVAL],
  allocate: [(file) => ksysFallocate(file, 0, loff(0), loff(8)), -EOPNOTSUPP],
  punchHole: [
    (file) => ksysFallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, loff(0), loff(8)),
    -EOPNOTSUPP,
  ],
  zeroRange: [(file) => ksysFallocate(file, FALLOC_FL_ZERO_RANGE, loff(0), loff(8)), -EOPNOTSUPP],
  collapseRange: [(file) => ksysFallocate(file, FALLOC_FL_COLLAPSE_RANGE, loff(0), loff(8)), -EOPNOTSUPP],
  insertRange: [(file) => ksysFallocate(file, FALLOC_FL_INSERT_RANGE, loff(0), loff(8)), -EOPNOTSUPP],
  clone: [(file) => vfsCloneFileRange(file, loff(0), file, loff(8), loff(8)), -EOPNOTSUPP],
  moveRange: [(file) => vfsMoveFileRange(file, loff(0), file, loff(8), loff(8)), -ENOTTY],
  copyRange: [(file) => ksysCopyFileRange(file, loff(0), file, loff(8), 8), -EOPNOTSUPP],
  dedupe: [(file) => vfsDedupeFileRange(file, loff(0), file, loff(8), loff(8)), -EINVAL],
  swapExtents: [(file) => ksysIoctl(file, 'XFS_IOC_SWAPEXT', file), -ENOTTY],
  freeUnused: [(file) => ksysIoctl(file, 'XFS_IOC_FREE_EOFBLOCKS'), -ENOTTY],
  unshareRange: [(file) => ksysFallocate(file, FALLOC_FL_UNSHARE_RANGE, loff(0), loff(8)), -EOPNOTSUPP],
  directIo: [(file) => ksysPread64(file, loff(0), 8, IOCB_DIRECT), { result: -EINVAL, cells: [] }],
  nowait: [(file) => ksysPread64(file, loff(0), 8, IOCB_NOWAIT), { result: -EOPNOTSUPP, cells: [] }],
  // These fall back: on simple_setattr(), and on reading page by page.
  truncate: [(file) => ksysFtruncate(file, loff(4)), 0],
  readahead: [(file) => ksysReadahead64(file, loff(0), 8), 0],
};

test.each(Object.entries(UNCLAIMED))('%s is answered as by the kernel', (_, [call, answer]) => {
  const { file, run, sb } = world(AB);
  expect(run(call(file))).toEqual(answer);
  expect(minimal.fsck(sb)).toEqual([]);
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
