// Shows that the order of locks is the one that README.md documents, and no other: everything that a file can do is done,
// and what was held when is compared with the table, in both releases.

import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  IOCB_DIRECT,
  ksysFadvise64,
  ksysFtruncate,
  ksysIoctl,
  ksysMmap,
  loff,
  POSIX_FADV_WILLNEED,
  pgoff,
  userLoad,
  userStore,
  VM_SHARED,
  VM_WRITE,
  vfsCloneFileRange,
  vfsDedupeFileRange,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import { RELEASES, World } from './world.js';

/** What may be acquired under what. `2` is the second of two inodes. */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  IOLOCK: ['IOLOCK2', 'MMAPLOCK', 'MMAPLOCK2', 'i_mmap', 'page', 'ILOCK', 'ILOCK2'],
  IOLOCK2: ['MMAPLOCK', 'MMAPLOCK2', 'i_mmap', 'page', 'ILOCK', 'ILOCK2'],
  mmap_lock: ['MMAPLOCK', 'i_mmap', 'page', 'ILOCK'],
  // The second is only tried if the first is in the log: that has no subclass.
  MMAPLOCK: ['MMAPLOCK', 'MMAPLOCK2', 'i_mmap', 'page', 'ILOCK', 'ILOCK2'],
  MMAPLOCK2: ['i_mmap', 'page', 'ILOCK', 'ILOCK2'],
  page: ['page', 'i_mmap', 'ILOCK'],
  ILOCK: ['ILOCK', 'ILOCK2'],
};

const NAMES: Readonly<Record<string, string>> = {
  'inode.i_rwsem': 'IOLOCK',
  'xfs_inode.i_mmaplock': 'MMAPLOCK',
  'mapping.invalidate_lock': 'MMAPLOCK',
  'xfs_inode.i_lock': 'ILOCK',
  'mm.mmap_lock': 'mmap_lock',
  'mapping.i_mmap_rwsem': 'i_mmap',
  PG_locked: 'page',
};

/** `xfs inode.i_rwsem/1:X` is IOLOCK2. */
function nameOf(lock: string): string {
  const [, label, second] = /^(?:xfs )?([^/:]+)(\/\d+)?:[SX]$/.exec(lock) ?? [];
  return `${NAMES[label ?? ''] ?? lock}${second === undefined ? '' : '2'}`;
}

function doEverything(world: World): void {
  const { file, other, mm } = world;
  // As long as neither is in the log.
  world.run(vfsCloneFileRange(other, loff(16), file, loff(16), loff(8)));
  world.run(ksysMmap(mm, file, pgoff(0), 8, VM_SHARED | VM_WRITE, 0));
  world.run(ksysMmap(mm, other, pgoff(0), 8, VM_SHARED | VM_WRITE, 8));
  const use = (): void => {
    world.text();
    world.run(userStore(mm, 0, 65));
    world.run(userLoad(mm, 8));
    world.write(3, 'wwwwwwww');
    world.write(40, 'beyond', 0);
    world.sync();
    world.write(0, 'dddddddd', IOCB_DIRECT);
    world.run(ksysFadvise64(file, loff(0), 64, POSIX_FADV_WILLNEED));
  };
  use();
  for (const [from, to] of [
    [other, file],
    [file, other],
  ] as const) {
    world.run(vfsCloneFileRange(from, loff(0), to, loff(0), loff(16)));
    world.run(vfsDedupeFileRange(from, loff(0), to, loff(0), loff(8)));
    use();
  }
  for (const mode of [
    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_ZERO_RANGE,
    FALLOC_FL_COLLAPSE_RANGE,
    FALLOC_FL_INSERT_RANGE,
    FALLOC_FL_UNSHARE_RANGE,
    0,
  ]) {
    use();
    expect(world.fallocate(mode, 0, 8)).toBe(0);
  }
  world.run(ksysFtruncate(file, loff(13)));
  world.run(ksysFtruncate(other, loff(13)));
  world.write(8, 'x');
  world.run(ksysIoctl(file, 'XFS_IOC_SWAPEXT', other));
  world.run(ksysIoctl(file, 'XFS_IOC_FREE_EOFBLOCKS'));
}

test.each(RELEASES)('%s', (release) => {
  const world = new World({ file: 'ABC', other: 'KLM', release });
  doEverything(world);
  const seen = new Map<string, Set<string>>();
  for (const edge of world.graph.edges()) {
    const [held, acquired] = edge.split(' -> ').map(nameOf) as [string, string];
    seen.set(held, (seen.get(held) ?? new Set()).add(acquired));
  }
  for (const [held, acquired] of seen) {
    const allowed = ORDER[held] ?? [];
    expect({ held, more: [...acquired].filter((name) => !allowed.includes(name)) }).toEqual({
      held,
      more: [],
    });
  }
  // What the locks are for has been exercised.
  for (const edge of [
    'IOLOCK MMAPLOCK',
    'MMAPLOCK page',
    'page ILOCK',
    'mmap_lock MMAPLOCK',
    'ILOCK ILOCK2',
    'MMAPLOCK MMAPLOCK2',
  ]) {
    const [held, acquired] = edge.split(' ') as [string, string];
    expect([edge, seen.get(held)?.has(acquired)]).toEqual([edge, true]);
  }
  expect(world.graph.report([])).toEqual([]);
  expect(world.fsck()).toEqual([]);
});
