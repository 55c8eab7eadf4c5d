// Shows what gfs2 refuses because it is not modelled or does not exist, with the kernel's errno, that a write that fails
// gives its block back, and that plain enumeration finds what the reduced search finds.

import { CHECKS, type Check, runCheck, selectChecks } from '@fsport/conformance';
import {
  BlockDevice,
  boot,
  doMmap,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_ZERO_RANGE,
  File,
  fillCells,
  Identity,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysFtruncate,
  ksysPread64,
  ksysPwrite64,
  loff,
  MmStruct,
  pgoff,
  showCells,
  VM_SHARED,
  VM_WRITE,
  vfsCloneFileRange,
} from '@fsport/core';
import gfs2 from '@fsport/fs-gfs2';
import { describe, expect, test } from '@jest/globals';

function opened(): { execution: Execution; file: File; other: File; fsck: () => readonly string[] } {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1_000 });
  boot({
    release: 'v5.15',
    pageSize: 8,
    blockSize: 8,
    nrBlocks: 8,
    maxBytes: 32,
    raPages: 0,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const bdev = new BlockDevice(8);
  gfs2.mkfs(bdev, [
    { ino: 12, size: 12, blocks: [{ data: 'A' }, { data: 'B' }] },
    { ino: 13, size: 8, blocks: [{ data: 'K' }] },
  ]);
  const sb = gfs2.mount(bdev, { profile: 'v5.15' });
  const [file, other] = [new File(gfs2.iget(sb, 12)), new File(gfs2.iget(sb, 13))];
  return { execution, file, other, fsck: () => gfs2.fsck(sb) };
}

test.each([
  ['plain fallocate', 0],
  ['zeroing a range', FALLOC_FL_ZERO_RANGE],
  ['zeroing a range inside the file', FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE],
  ['collapsing a range', FALLOC_FL_COLLAPSE_RANGE],
  ['inserting a range', FALLOC_FL_INSERT_RANGE],
])('%s is refused', (_, mode) => {
  const { execution, file } = opened();
  expect(execution.drive('test', ksysFallocate(file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
});

test('a clone is refused', () => {
  const { execution, file } = opened();
  const clone = vfsCloneFileRange(file, loff(0), file, loff(8), loff(4));
  expect(execution.drive('test', clone)).toBe(-EOPNOTSUPP);
});

test.each([
  ['RWF_NOWAIT', IOCB_NOWAIT | IOCB_NOIO, -EOPNOTSUPP],
  ['O_DIRECT', IOCB_DIRECT, -EINVAL],
])('%s is refused', (_, flags, errno) => {
  const { execution, file } = opened();
  expect(execution.drive('test', ksysPread64(file, loff(0), 8, flags)).result).toBe(errno);
});

test('a write whose source cannot be read gives its block back', () => {
  const { execution, file, other, fsck } = opened();
  const mm = new MmStruct('test');
  execution.drive('mmap', doMmap(mm, other, pgoff(0), 1, VM_SHARED | VM_WRITE, 0));
  execution.drive('truncate', ksysFtruncate(other, loff(0)));
  const user = { mm, vaddr: 0, taken: [] };
  const write = ksysPwrite64(file, loff(16), fillCells(8, 0, 0), 0, user);
  expect(execution.drive('write', write)).toBe(-EFAULT);
  expect(fsck()).toEqual([]);
});

test('a file that is made longer reads as zeroes there', () => {
  const { execution, file, fsck } = opened();
  execution.drive('shrink', ksysFtruncate(file, loff(4)));
  execution.drive('grow', ksysFtruncate(file, loff(16)));
  expect(showCells(execution.drive('read', ksysPread64(file, loff(0), 16)).cells)).toBe('AAAA............');
  expect(fsck()).toEqual([]);
});

describe('every interleaving and one of each kind find the same', () => {
  test.each([
    ['race/e3-fadvise-vs-punch', 'stale-data'],
    ['race/g2-write-from-own-mapping', 'deadlock'],
  ])('%s', (id, property) => {
    const [check] = selectChecks(CHECKS, id) as readonly [Check];
    const found = (['dfs', 'dpor'] as const).map(
      (strategy) => runCheck(gfs2, 'v5.15', check, null, { strategy, shrink: false }).result.property,
    );
    expect(found).toEqual([property, property]);
  });
});
