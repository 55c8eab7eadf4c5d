// Shows what fuse refuses because it is not modelled or does not exist, with the kernel's errno, what it does at the end of
// a file, and that plain enumeration finds what the reduced search finds.

import { CHECKS, type Check, runCheck, selectChecks } from '@fsport/conformance';
import {
  BlockDevice,
  boot,
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
  ksysCopyFileRange,
  ksysFallocate,
  ksysPread64,
  ksysPwrite64,
  loff,
  showCells,
  vfsCloneFileRange,
} from '@fsport/core';
import fuse from '@fsport/fs-fuse';
import { describe, expect, test } from '@jest/globals';

function opened(dax: boolean): { execution: Execution; file: File; fsck: () => readonly string[] } {
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
  fuse.mkfs(bdev, [{ ino: 12, size: 12, dax, blocks: [{ data: 'A' }, { data: 'B' }] }]);
  const sb = fuse.mount(bdev, { profile: 'v5.15' });
  return { execution, file: new File(fuse.iget(sb, 12)), fsck: () => fuse.fsck(sb) };
}

describe.each([
  ['a DAX file', true],
  ['a file with a page cache', false],
])('%s', (_, dax) => {
  test.each([
    ['collapsing a range', FALLOC_FL_COLLAPSE_RANGE],
    ['inserting a range', FALLOC_FL_INSERT_RANGE],
  ])('%s is refused', (_name, mode) => {
    const { execution, file } = opened(dax);
    expect(execution.drive('test', ksysFallocate(file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
  });

  test('clones, and copies to a range that overlaps, are refused', () => {
    const { execution, file } = opened(dax);
    const clone = vfsCloneFileRange(file, loff(0), file, loff(8), loff(4));
    expect(execution.drive('test', clone)).toBe(-EOPNOTSUPP);
    expect(execution.drive('test', ksysCopyFileRange(file, loff(0), file, loff(4), 8))).toBe(-EINVAL);
  });

  test('RWF_NOWAIT is refused', () => {
    const { execution, file } = opened(dax);
    const read = ksysPread64(file, loff(0), 8, IOCB_NOWAIT | IOCB_NOIO);
    expect(execution.drive('test', read).result).toBe(-EOPNOTSUPP);
  });

  test('writes, allocation, zeroing and copies make a file longer, here and at the server', () => {
    const { execution, file, fsck } = opened(dax);
    const run = <T>(call: Parameters<typeof execution.drive<T>>[1]): T => execution.drive('test', call);
    expect(run(ksysPwrite64(file, loff(10), fillCells(4, 120, 0)))).toBe(4);
    expect(run(ksysFallocate(file, 0, loff(8), loff(8)))).toBe(0);
    expect(run(ksysFallocate(file, FALLOC_FL_ZERO_RANGE, loff(4), loff(16)))).toBe(0);
    expect(run(ksysFallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, loff(16), loff(8)))).toBe(0);
    expect(run(ksysCopyFileRange(file, loff(0), file, loff(20), 4))).toBe(4);
    expect(showCells(run(ksysPread64(file, loff(0), 32)).cells)).toBe('AAAA................AAAA');
    expect(fsck()).toEqual([]);
  });
});

test('O_DIRECT is refused for a file with a page cache', () => {
  const { execution, file } = opened(false);
  expect(execution.drive('test', ksysPread64(file, loff(0), 8, IOCB_DIRECT)).result).toBe(-EINVAL);
});

test('every interleaving and one of each kind find the same', () => {
  const [check] = selectChecks(CHECKS, 'race/u3-copy-of-extended') as readonly [Check];
  const found = (['dfs', 'dpor'] as const).map(
    (strategy) => runCheck(fuse, 'v5.14', check, null, { strategy, shrink: false }).result.property,
  );
  expect(found).toEqual(['lost-zeroing', 'lost-zeroing']);
});
