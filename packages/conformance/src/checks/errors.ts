/** Checks in which I/O and allocations may fail: the rare ways out must clean up as well. */
import type { Check } from '../types.js';
import { COMMON } from './common.js';

function error(
  id: string,
  rest: Pick<Check, 'summary' | 'requires' | 'files' | 'tasks' | 'faults' | 'see'> & Partial<Check>,
): Check {
  return {
    ...COMMON,
    id: `error/${id}`,
    groups: ['auto', 'faults'],
    ...rest,
  };
}

/** All of them. */
export const ERRORS: readonly Check[] = [
  error('read-vs-truncate', {
    summary: 'A read that fails leaves no lock, no reference and no stale page behind.',
    requires: { truncate: true, dax: false },
    groups: ['auto', 'faults', 'truncate'],
    files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, { data: 'B' }] }],
    faults: { readIo: true, allocPage: true },
    tasks: [
      { letter: 't', ops: [{ op: 'ftruncate', size: 8 }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    see: 'filemap_read_page() and the exits of filemap_update_page() and filemap_create_page() (v5.15)',
  }),
  error('extending-write-vs-load', {
    summary: 'A write that fails beyond the end of the file takes back what it allocated, and nothing else.',
    requires: { write: true, mmap: true, dax: false },
    groups: ['auto', 'faults', 'fault', 'writeback'],
    files: [{ ino: 12, size: 12, blocks: [{ data: 'A' }, { data: 'B' }] }],
    faults: { readIo: true },
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 10, data: 'wxyz' }] },
      { letter: 'f', ops: [{ op: 'load', pos: 8 }] },
    ],
    see: 'ext4_truncate_failed_write() and its like (v5.15)',
  }),
  error('write-into-hole-vs-store', {
    summary:
      'A write into a hole that fails takes back what it reserved, and nothing that was stored there through a mapping.',
    requires: { write: true, mmap: true, writeback: true, dax: false },
    groups: ['auto', 'faults', 'fault', 'writeback'],
    files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, 'hole'] }],
    faults: { allocPage: true },
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 8, data: 'wwwwwwww' }] },
      { letter: 'm', ops: [{ op: 'store', pos: 12, data: 'y' }] },
    ],
    fixedBy: [
      {
        kernel: '198dd8aedee6',
        since: 'v6.2',
        title: 'xfs: punching delalloc extents on write failure is racy',
      },
      {
        kernel: 'f43dc4dc3eff',
        since: 'v6.2',
        title: 'iomap: buffered write failure should not truncate the page cache',
      },
    ],
    see: 'fs/xfs/xfs_iomap.c xfs_buffered_write_iomap_end(): i_rwsem keeps page_mkwrite away neither from the pages nor from the reserved blocks (v5.15)',
  }),
  error('partial-write-into-hole-vs-read', {
    summary: 'A write into a part of a hole that fails leaves the hole as it was: it reads as zeroes.',
    requires: { write: true, writeback: true, dax: false },
    groups: ['auto', 'faults', 'writeback'],
    files: [{ ino: 12, size: 16, blocks: [{ data: 'A' }, 'hole'] }],
    faults: { allocPage: true },
    tasks: [
      { letter: 'w', ops: [{ op: 'pwrite', pos: 8, data: 'wx' }] },
      { letter: 'r', ops: [{ op: 'pread', pos: 8, len: 8 }] },
    ],
    fixedBy: [
      {
        kernel: 'd031a8866e70',
        since: 'v5.18',
        title: 'gfs2: Fix filesystem block deallocation for short writes',
      },
    ],
    see: 'fs/gfs2/bmap.c gfs2_iomap_end(): the end of what was allocated is rounded down to a block (v5.15)',
  }),
];
