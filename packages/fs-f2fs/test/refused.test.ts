// Shows that f2fs refuses what it does not do, and what it does not do there, with the kernel's errno, and leaves the file
// as it was.

import {
  BlockDevice,
  boot,
  EBUSY,
  EFBIG,
  EINVAL,
  ENOTTY,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  File,
  Identity,
  inodeLock,
  inodeUnlock,
  ksysFallocate,
  ksysFtruncate,
  ksysIoctl,
  loff,
  type Task,
  vfsCloneFileRange,
  vfsDedupeFileRange,
  vfsMoveFileRange,
} from '@fsport/core';
import f2fs from '@fsport/fs-f2fs';
import { describe, expect, test } from '@jest/globals';

const PAGES = [{ data: 'A' }, { data: 'B' }];

/** Two files of two pages each. */
function opened(profile: string): { drive: (task: Task<number>) => number; file: File; other: File } {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1_000 });
  boot({
    release: profile === 'v5.14' ? 'v5.14' : 'v5.15',
    pageSize: 8,
    blockSize: 8,
    nrBlocks: 16,
    maxBytes: 32,
    raPages: 0,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const bdev = new BlockDevice(16);
  f2fs.mkfs(bdev, [
    { ino: 12, size: 16, blocks: PAGES },
    { ino: 13, size: 16, blocks: PAGES },
  ]);
  const sb = f2fs.mount(bdev, { profile });
  const [file, other] = [new File(f2fs.iget(sb, 12)), new File(f2fs.iget(sb, 13))];
  return { drive: (task) => execution.drive('test', task), file, other };
}

describe.each(['v5.14', 'v5.15'])('%s', (profile) => {
  test.each([
    ['unsharing', FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 8, -EOPNOTSUPP],
    ['collapsing a part of a page', FALLOC_FL_COLLAPSE_RANGE, 4, 8, -EINVAL],
    ['collapsing up to the end', FALLOC_FL_COLLAPSE_RANGE, 8, 8, -EINVAL],
    ['inserting a part of a page', FALLOC_FL_INSERT_RANGE, 8, 4, -EINVAL],
    ['inserting at the end', FALLOC_FL_INSERT_RANGE, 16, 8, -EINVAL],
    ['inserting more than a file can have', FALLOC_FL_INSERT_RANGE, 8, 24, -EFBIG],
    ['a hole beyond the end is none', FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16, 8, 0],
  ])('%s', (_, mode, pos, len, errno) => {
    const { drive, file } = opened(profile);
    expect(drive(ksysFallocate(file, mode, loff(pos), loff(len)))).toBe(errno);
    expect(file.fInode.iSize.peek()).toBe(16);
    const places = [0, 1, 2].map((block) => f2fs.bmap(file.fInode, block).state);
    expect(places).toEqual(['mapped', 'mapped', 'hole']);
  });

  test('a file does not grow beyond what it can have', () => {
    const { drive, file } = opened(profile);
    expect(drive(ksysFtruncate(file, loff(40)))).toBe(-EFBIG);
  });

  test.each([
    ['cloning', vfsCloneFileRange, -EOPNOTSUPP],
    ['deduplicating', vfsDedupeFileRange, -EINVAL],
  ])('%s is refused', (_, remap, errno) => {
    const { drive, file, other } = opened(profile);
    expect(drive(remap(file, loff(0), other, loff(0), loff(8)))).toBe(errno);
  });

  test.each([
    ['a part of a page', 4, 0, 8, -EINVAL],
    ['more than there is', 8, 0, 16, -EINVAL],
  ])('moving %s is refused', (_, from, to, len, errno) => {
    const { drive, file, other } = opened(profile);
    expect(drive(vfsMoveFileRange(file, loff(from), other, loff(to), loff(len)))).toBe(errno);
  });

  test('moving blocks to a file that somebody has locked is refused, not waited for', () => {
    const { drive, file, other } = opened(profile);
    function* blocked(): Task<number> {
      yield* inodeLock(other.fInode);
      const result = yield* vfsMoveFileRange(file, loff(0), other, loff(0), loff(8));
      yield* inodeUnlock(other.fInode);
      return result;
    }
    expect(drive(blocked())).toBe(-EBUSY);
  });

  test('a request that nobody knows is refused', () => {
    const { drive, file } = opened(profile);
    expect(drive(ksysIoctl(file, 'XFS_IOC_FREE_EOFBLOCKS'))).toBe(-ENOTTY);
  });
});
