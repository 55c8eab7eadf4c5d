// Shows that blocks which change their place are put in under one hold of a node page, as __clone_blkaddrs() does: nobody sees one of
// them in its new place and its neighbour in none; and what becomes of holes among them.

import {
  BlockDevice,
  type BlockSpec,
  boot,
  Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  File,
  Identity,
  ksysFallocate,
  ksysPread64,
  loff,
  showCells,
  type Task,
  vfsMoveFileRange,
} from '@fsport/core';
import f2fs from '@fsport/fs-f2fs';
import { describe, expect, test } from '@jest/globals';

const PAGE = 8;

/** Two files, a letter for a block and `.` for a hole; and the verbs of the steps so far. */
function opened(profile: 'v5.14' | 'v5.15', ...letters: readonly [string, string]) {
  const execution = new Execution({ identity: new Identity(), maxSteps: 1_000 });
  boot({
    release: profile,
    pageSize: PAGE,
    blockSize: PAGE,
    nrBlocks: 16,
    maxBytes: 4 * PAGE,
    raPages: 0,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: {},
  });
  const bdev = new BlockDevice(16);
  const blocksOf = (text: string): BlockSpec[] => [...text].map((c) => (c === '.' ? 'hole' : { data: c }));
  f2fs.mkfs(
    bdev,
    letters.map((text, i) => ({ ino: 12 + i, size: text.length * PAGE, blocks: blocksOf(text) })),
  );
  const sb = f2fs.mount(bdev, { profile });
  const [file, other] = [new File(f2fs.iget(sb, 12)), new File(f2fs.iget(sb, 13))];
  const drive = <T>(task: Task<T>): T => execution.drive('test', task);
  const verbs: string[] = [];
  execution.recorder = { performed: ({ verb }) => verbs.push(verb) };
  /** The first byte of each page. */
  const text = (of: File): string =>
    [...showCells(drive(ksysPread64(of, loff(0), 4 * PAGE)).cells)].filter((_, i) => i % PAGE === 0).join('');
  return { drive, file, other, verbs, text };
}

describe.each(['v5.14', 'v5.15'] as const)('%s', (profile) => {
  test('what moves into one node page is one step', () => {
    const { drive, file, verbs, text } = opened(profile, 'ABCD', 'X');
    expect(drive(ksysFallocate(file, FALLOC_FL_COLLAPSE_RANGE, loff(0), loff(PAGE)))).toBe(0);
    expect(verbs.filter((verb) => verb === 'f2fs_replace_block')).toHaveLength(2);
    expect(text(file)).toBe('BCD');
  });

  test.each([
    ['a hole behind a block that moves makes a hole', 'A.', 'A.'],
    ['a hole before it leaves what was there', '.A', 'XA'],
  ])('%s', (_, from, to) => {
    const { drive, file, other, text } = opened(profile, from, 'XY');
    const moved = drive(vfsMoveFileRange(file, loff(0), other, loff(0), loff(2 * PAGE)));
    expect([moved, text(file), text(other)]).toEqual([0, '..', to]);
  });
});
