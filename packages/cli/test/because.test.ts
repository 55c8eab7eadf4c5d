// Shows that a failure says where its bytes, its size or its page-table entry came from: in the words of the filesystem, and with
// the steps to look at.

import { fileURLToPath } from 'node:url';
import { CHECKS, runCheck, selectChecks } from '@fsport/conformance';
import { expect, test } from '@jest/globals';
import { discover } from '#src/discovery.js';

const plugins = await discover(fileURLToPath(new URL('../../../', import.meta.url)));

test.each<[string, string, string, RegExp]>([
  [
    'a block that a device zeroes behind a page',
    'bdev v5.14',
    'B1',
    /^disk block 1: .*bio_endio\(\) in step \d+, fallocate\(.*\) blkdev_issue_zeroout\(\) in step \d+$/m,
  ],
  [
    'a block that several requests share',
    'ceph v5.14',
    'race/e4-fault-readahead-vs-punch',
    /^disk block 1: CEPH_OSD_OP_READ server_read\(\) in step \d+, .*CEPH_OSD_OP_DELETE server_zero\(\) in step \d+$/m,
  ],
  [
    'what was zeroed and read before that',
    'cifs v5.14',
    'race/e7-zero-range-vs-read',
    /^page 1 got it from disk block 1\ndisk block 1: .*FSCTL_SET_ZERO_DATA server_zero\(\) in step \d+$/m,
  ],
  [
    'a size that nobody stored',
    'cifs v5.14',
    'pair/writeback-vs-collapse-range.page',
    /^no call has stored i_size$/m,
  ],
  [
    'an entry that outlived its block',
    'dax v3.19',
    'race/t2-dax-load-vs-truncate',
    /^pte\[f\]\[1\] was last stored by load from mmap insert_pfn\(\) in step \d+$/m,
  ],
  [
    'a block that gfs2 frees, and not ext2',
    'gfs2 v5.15',
    'race/e3-fadvise-vs-punch',
    /fallocate\(PUNCH_HOLE\) __gfs2_free_blocks\(\) in step \d+/,
  ],
  [
    'zeroes that came from no block',
    'zonefs v5.15',
    'zone/z1-fadvise-vs-reset-and-append',
    /^the bytes are zeroes\nPG_uptodate of page 1 was last stored by .* in step \d+$/m,
  ],
])('%s', (_, where, name, because) => {
  const [fs = '', profile = ''] = where.split(' ');
  const [check] = selectChecks(CHECKS, name);
  const { failure } = runCheck(plugins.get(fs).fs, profile, check as never, null);
  expect(failure?.because.join('\n')).toMatch(because);
});
