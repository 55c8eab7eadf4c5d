// Shows what cifs refuses because it is not modelled or does not exist, with the kernel's errno, and that plain
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
  File,
  Identity,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  ksysFallocate,
  ksysPread64,
  loff,
} from '@fsport/core';
import cifs from '@fsport/fs-cifs';
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
  cifs.mkfs(bdev, [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }]);
  return { execution, file: new File(cifs.iget(cifs.mount(bdev, { profile: 'v5.15' }), 12)) };
}

test.each([
  ['plain fallocate', 0, 0, -EOPNOTSUPP],
  ['a collapsed range that reaches the end', FALLOC_FL_COLLAPSE_RANGE, 8, -EINVAL],
  ['a range inserted at the end', FALLOC_FL_INSERT_RANGE, 16, -EINVAL],
])('%s is refused', (_, mode, pos, errno) => {
  const { execution, file } = opened();
  expect(execution.drive('test', ksysFallocate(file, mode, loff(pos), loff(8)))).toBe(errno);
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
      (strategy) => runCheck(cifs, 'v5.14', check, null, { strategy, shrink: false }).result.property,
    );
    expect(found).toEqual(['stale-data', 'stale-data']);
  });
});
