// Shows that a block device refuses what it does not do, with the kernel's errno, and keeps its size and content.

import {
  BlockDevice,
  boot,
  EINVAL,
  ENOSPC,
  ENOTTY,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  File,
  fillCells,
  Identity,
  ksysFallocate,
  ksysFtruncate,
  ksysIoctl,
  ksysPread64,
  ksysPwrite64,
  loff,
  showCells,
} from '@fsport/core';
import bdev from '@fsport/fs-bdev';
import { describe, expect, test } from '@jest/globals';

function opened(profile: string): { execution: Execution; file: File } {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1_000 });
  boot({
    release: profile === 'v5.14' ? 'v5.14' : 'v5.15',
    pageSize: 8,
    blockSize: 8,
    nrBlocks: 8,
    maxBytes: 32,
    raPages: 0,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const disk = new BlockDevice(8);
  bdev.mkfs(disk, [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }]);
  return { execution, file: new File(bdev.iget(bdev.mount(disk, { profile }), 12)) };
}

describe.each(['v5.14', 'v5.15'])('%s', (profile) => {
  test.each([
    ['collapsing', FALLOC_FL_COLLAPSE_RANGE, 0, 8, -EOPNOTSUPP],
    ['inserting', FALLOC_FL_INSERT_RANGE, 0, 8, -EOPNOTSUPP],
    ['zeroing a part of a block', FALLOC_FL_ZERO_RANGE, 4, 8, -EINVAL],
    ['zeroing beyond the end', FALLOC_FL_ZERO_RANGE, 8, 16, -EINVAL],
    ['a hole behind the end', FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16, 8, -EINVAL],
  ])('%s is refused', (_, mode, pos, len, errno) => {
    const { execution, file } = opened(profile);
    expect(execution.drive('test', ksysFallocate(file, mode, loff(pos), loff(len)))).toBe(errno);
    const { cells } = execution.drive('test', ksysPread64(file, loff(0), 16));
    expect(showCells(cells)).toBe('AAAAAAAABBBBBBBB');
  });

  test('what may end behind the end is cut off there', () => {
    const { execution, file } = opened(profile);
    const mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
    expect(execution.drive('test', ksysFallocate(file, mode, loff(8), loff(16)))).toBe(0);
    const { cells } = execution.drive('test', ksysPread64(file, loff(0), 16));
    expect(cells.map((cell) => cell & 0xff)).toEqual([...Buffer.from('AAAAAAAA'), ...new Array(8).fill(0)]);
  });

  test('the size stays: truncating is refused, and so is writing at the end', () => {
    const { execution, file } = opened(profile);
    expect(execution.drive('test', ksysFtruncate(file, loff(8)))).toBe(-EINVAL);
    expect(execution.drive('test', ksysPwrite64(file, loff(16), fillCells(8, 120, 0)))).toBe(-ENOSPC);
    expect(execution.drive('test', ksysPread64(file, loff(16), 8)).result).toBe(0);
    expect(file.fInode.iSize.peek()).toBe(16);
  });

  test('a request that nobody knows is refused', () => {
    const { execution, file } = opened(profile);
    expect(execution.drive('test', ksysIoctl(file, 'F2FS_IOC_WRITE_CHECKPOINT'))).toBe(-ENOTTY);
  });
});
