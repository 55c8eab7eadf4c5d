// Shows what a file without a page cache refuses or ignores, with the kernel's errno.

import {
  BlockDevice,
  boot,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  File,
  Identity,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFadvise64,
  ksysFallocate,
  ksysMadvise,
  ksysMmap,
  ksysPread64,
  ksysReadahead64,
  loff,
  MADV_WILLNEED,
  MmStruct,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  pgoff,
  releaseOf,
  type Task,
  VM_SHARED,
} from '@fsport/core';
import dax from '@fsport/fs-dax';
import { describe, expect, test } from '@jest/globals';

function opened(profile: string): { run: <T>(task: Task<T>) => T; file: File } {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1_000 });
  boot({
    release: releaseOf(profile),
    pageSize: 8,
    blockSize: 8,
    nrBlocks: 8,
    maxBytes: 32,
    raPages: 2,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const bdev = new BlockDevice(8);
  dax.mkfs(bdev, [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }]);
  const file = new File(dax.iget(dax.mount(bdev, { profile }), 12));
  return { file, run: (task) => execution.drive('test', task) };
}

describe.each(dax.follows)('%s', (profile) => {
  test.each([
    ['plain fallocate', 0],
    ['punching a hole', FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE],
    ['zeroing a range', FALLOC_FL_ZERO_RANGE],
    ['collapsing a range', FALLOC_FL_COLLAPSE_RANGE],
  ])('%s is refused', (_, mode) => {
    const { run, file } = opened(profile);
    expect(run(ksysFallocate(file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
  });

  test('RWF_NOWAIT is refused', () => {
    const { run, file } = opened(profile);
    expect(run(ksysPread64(file, loff(0), 8, IOCB_NOWAIT | IOCB_NOIO)).result).toBe(-EOPNOTSUPP);
  });

  test('advice is ignored: nothing is brought in', () => {
    const { run, file } = opened(profile);
    const mm = new MmStruct();
    run(ksysMmap(mm, file, pgoff(0), 2, VM_SHARED, 0));
    const calls = [
      ksysFadvise64(file, loff(0), 16, POSIX_FADV_WILLNEED),
      ksysFadvise64(file, loff(0), 16, POSIX_FADV_DONTNEED),
      ksysReadahead64(file, loff(0), 16),
      ksysMadvise(mm, 0, 2, MADV_WILLNEED),
    ];
    expect(calls.map((call) => run(call))).toEqual([0, 0, 0, 0]);
    expect(file.fMapping.nrpages.peek()).toBe(0);
  });
});
