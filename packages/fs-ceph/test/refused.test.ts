// Shows what ceph refuses because it is not modelled or does not exist, with the kernel's errno, and that plain
// enumeration finds the races that the reduced search finds.

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
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  File,
  Identity,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysPread64,
  loff,
} from '@fsport/core';
import ceph from '@fsport/fs-ceph';
import { describe, expect, test } from '@jest/globals';

function opened(): { execution: Execution; file: File } {
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
  ceph.mkfs(bdev, [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }]);
  return { execution, file: new File(ceph.iget(ceph.mount(bdev, { profile: 'v5.15' }), 12)) };
}

test.each([
  ['plain fallocate', 0],
  ['zeroing', FALLOC_FL_ZERO_RANGE],
  ['collapsing', FALLOC_FL_COLLAPSE_RANGE],
  ['inserting', FALLOC_FL_INSERT_RANGE],
])('%s is refused', (_, mode) => {
  const { execution, file } = opened();
  expect(execution.drive('test', ksysFallocate(file, mode, loff(0), loff(8)))).toBe(-EOPNOTSUPP);
});

test('a hole beyond the end of the file is none', () => {
  const { execution, file } = opened();
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  expect(execution.drive('test', ksysFallocate(file, mode, loff(16), loff(8)))).toBe(0);
});

test.each([
  ['RWF_NOWAIT', IOCB_NOWAIT | IOCB_NOIO, -EOPNOTSUPP],
  ['O_DIRECT', IOCB_DIRECT, -EINVAL],
])('%s is refused', (_, flags, errno) => {
  const { execution, file } = opened();
  expect(execution.drive('test', ksysPread64(file, loff(0), 8, flags)).result).toBe(errno);
});

describe('every interleaving and one of each kind find the same', () => {
  test.each(['race/c2-partial-punch-vs-fault', 'race/e3-fadvise-vs-punch'])('%s', (id) => {
    const [check] = selectChecks(CHECKS, id) as readonly [Check];
    const found = (['dfs', 'dpor'] as const).map(
      (strategy) => runCheck(ceph, 'v5.14', check, null, { strategy, shrink: false }).result.property,
    );
    expect(found).toEqual(['stale-data', 'stale-data']);
  });
});
