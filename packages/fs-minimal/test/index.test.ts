// Shows that the smallest filesystem reads what mkfs laid out, refuses what it does not claim, and that its fsck sees
// damage. Runs system calls one after the other.

import {
  BlockDevice,
  boot,
  Execution,
  File,
  type FileSpec,
  Identity,
  ksysPread64,
  loff,
  type SuperBlock,
  type Supports,
  showCells,
  type Task,
  UNCLAIMED,
  UsageError,
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

const { supports }: { supports: Supports } = minimal;
const unclaimed = Object.entries(UNCLAIMED).filter(([name]) => supports[name as keyof Supports] !== true);

const AB: Omit<FileSpec, 'ino'> = { size: 20, blocks: [{ data: 'A' }, 'hole', { data: 'B' }, 'unwritten'] };

test.each(minimal.follows)('%s: a file reads as it was laid out, holes as zeroes, to its end', (profile) => {
  const { file, run, sb } = world(AB, profile);
  const { result, cells } = run(ksysPread64(file, loff(0), 32));
  expect([result, showCells(cells)]).toEqual([20, 'AAAAAAAA........BBBB']);
  expect(minimal.fsck(sb)).toEqual([]);
});

test.each(unclaimed)('%s is not claimed, and answered as by the kernel', (_, { call, answer }) => {
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
