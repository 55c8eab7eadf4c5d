// Shows how calls and bounds read: kernel names, ranges as position+length.

import { boundsOf, type Op, opText, opTitle } from '@fsport/conformance';
import { expect, test } from '@jest/globals';
import { ADVISE, checkOf, PUNCH, READ } from '#src/selftest/fixture.js';

test.each<[Op, string, string]>([
  [READ, 'pread(2)', 'pread(2) 0+8'],
  [{ op: 'pread', pos: 8, len: 4, flags: 'nowait' }, 'preadv2(RWF_NOWAIT)', 'preadv2(RWF_NOWAIT) 8+4'],
  [{ op: 'pwrite', pos: 4, data: 'xy' }, 'pwrite(2)', 'pwrite(2) 4+2'],
  [{ op: 'pwrite', pos: 4, data: 'xy', flags: 'direct' }, 'pwrite(O_DIRECT)', 'pwrite(O_DIRECT) 4+2'],
  [{ op: 'load', pos: 3 }, 'load from mmap', 'load from mmap 3'],
  [{ op: 'store', pos: 3, data: 'x' }, 'store to mmap', 'store to mmap 3+1'],
  [PUNCH, 'fallocate(PUNCH_HOLE)', 'fallocate(PUNCH_HOLE) 0+8'],
  [{ op: 'ftruncate', size: 12 }, 'ftruncate(2)', 'ftruncate(2) 12'],
  [ADVISE, 'fadvise(WILLNEED)', 'fadvise(WILLNEED) 0+8'],
  [
    { op: 'dedupe', source: 1, sourcePos: 0, pos: 8, len: 8 },
    'ioctl(FIDEDUPERANGE)',
    'ioctl(FIDEDUPERANGE) 8+8',
  ],
  [{ op: 'swapext', source: 1 }, 'ioctl(XFS_IOC_SWAPEXT)', 'ioctl(XFS_IOC_SWAPEXT)'],
  [{ op: 'free-unused' }, 'ioctl(XFS_IOC_FREE_EOFBLOCKS)', 'ioctl(XFS_IOC_FREE_EOFBLOCKS)'],
  [{ op: 'munmap' }, 'munmap(2)', 'munmap(2)'],
  [{ op: 'reclaim', pos: 8 }, 'kswapd', 'kswapd 8'],
])('%j', (op, title, text) => {
  expect(opTitle(op)).toBe(title);
  expect(opText(op)).toBe(text);
});

const CHECK = checkOf([[PUNCH], [READ, { op: 'fsync' }]]);

test('bounds: sizes, then who does what', () => {
  expect(boundsOf(CHECK)).toBe(
    'page 8 B, block 8 B; a: fallocate(PUNCH_HOLE) 0+8; b: pread(2) 0+8, fsync(2)',
  );
});

test('bounds of a failure name only the tasks that it needs', () => {
  expect(boundsOf(CHECK, ['b'])).toBe('page 8 B, block 8 B; b: pread(2) 0+8, fsync(2)');
});

test('bounds say what may go wrong, and how locks behave', () => {
  const check = { ...CHECK, faults: { readIo: true, allocPage: true }, fair: true };
  expect(boundsOf(check, ['a'])).toBe(
    'page 8 B, block 8 B; a: fallocate(PUNCH_HOLE) 0+8; faults readIo, allocPage; fair locks',
  );
});
