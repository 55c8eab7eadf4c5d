// Shows that a filesystem that claims what it has not does not compile, and how a run finds its filesystems by name in
// the container.

import {
  container,
  defineFileSystem,
  FileSystems,
  type FileSystemType,
  genericFileMmap,
  genericFileReadIter,
  genericFileWriteIter,
  Page,
  pgoff,
  registerFileSystem,
  SuperBlock,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, thrown } from './toy.js';

const toy = new Toy();

/** All but claims and operations. */
const REST: Omit<FileSystemType, 'supports' | 'aOps' | 'iOps' | 'fOps'> = {
  name: 'toy',
  follows: ['v5.15'],
  mkfs: () => undefined,
  mount: () => new SuperBlock('toy', 'v5.15', toy.sb.sBdev, null, {}),
  iget: () => toy.inode,
  bmap: () => ({ state: 'hole', phys: -1 }),
  fsck: () => [],
};
const aOps = { readpage: () => result(0) };
const fOps = { readIter: genericFileReadIter };

describe('defineFileSystem', () => {
  test('gives back the object it is given', () => {
    const fs: FileSystemType = { ...REST, supports: {}, aOps, iOps: {}, fOps };
    expect(defineFileSystem(fs)).toBe(fs);
  });

  // The compiler is what refuses: without an error on the next line, this file does not compile.
  test('refuses a claim without its operation', () => {
    const refused: unknown[] = [
      // @ts-expect-error write without write_iter
      defineFileSystem({ ...REST, supports: { write: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error readahead without readahead
      defineFileSystem({ ...REST, supports: { readahead: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error truncate without setattr
      defineFileSystem({ ...REST, supports: { truncate: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error mmap without mmap
      defineFileSystem({ ...REST, supports: { mmap: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error writeback without fsync
      defineFileSystem({ ...REST, supports: { writeback: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error any kind of fallocate without fallocate
      defineFileSystem({ ...REST, supports: { punchHole: true }, aOps, iOps: {}, fOps }),
      // @ts-expect-error no profile
      defineFileSystem({ ...REST, follows: [], supports: {}, aOps, iOps: {}, fOps }),
      // @ts-expect-error reading is not a claim: every filesystem has it
      defineFileSystem({ ...REST, supports: {}, aOps: {}, iOps: {}, fOps }),
    ];
    expect(refused).toHaveLength(8);
  });

  test('takes claims with their operations', () => {
    const fs = defineFileSystem({
      ...REST,
      supports: {
        write: true,
        readahead: true,
        truncate: true,
        mmap: true,
        writeback: true,
        punchHole: true,
      },
      aOps: {
        ...aOps,
        readahead: () => result(undefined),
        writeBegin: () => result(new Page(pgoff(0), false)),
        writeEnd: () => result(0),
      },
      iOps: { setattr: () => result(0) },
      fOps: {
        ...fOps,
        writeIter: genericFileWriteIter,
        mmap: genericFileMmap,
        fsync: () => result(0),
        fallocate: () => result(0),
      },
    });
    expect(fs.supports.write).toBe(true);
  });

  test('takes what is not claimed with or without operations', () => {
    const fs = defineFileSystem({ ...REST, supports: { mmap: false }, aOps, iOps: {}, fOps });
    const more = { ...fOps, mmap: genericFileMmap };
    expect([
      fs.fOps.mmap,
      defineFileSystem({ ...REST, supports: {}, aOps, iOps: {}, fOps: more }).fOps.mmap,
    ]).toEqual([undefined, genericFileMmap]);
  });
});

describe('the filesystems of a run', () => {
  const fs = (name: string): FileSystemType => ({ ...REST, name, supports: {}, aOps, iOps: {}, fOps });

  function registry(...names: readonly string[]): FileSystems {
    const run = container.createChildContainer();
    for (const name of names) registerFileSystem(run, fs(name));
    return run.resolve(FileSystems);
  }

  test('are found by name, in alphabetical order, with or without the prefix of their packages', () => {
    const all = registry('xfs', 'ext4', 'shmem');
    expect(all.all().map(({ name }) => name)).toEqual(['ext4', 'shmem', 'xfs']);
    expect([all.get('xfs').name, all.get('fs-xfs').name]).toEqual(['xfs', 'xfs']);
  });

  test('two of one name are refused', () => {
    expect(thrown(() => registry('ext4', 'xfs', 'ext4'))).toMatchObject({ code: 'DUPLICATE_FS', fs: 'ext4' });
  });

  test('an unknown one is refused, and the message names those there are', () => {
    const all = registry('xfs', 'ext4');
    expect(thrown(() => all.get('zfs'))).toMatchObject({ code: 'UNKNOWN_FS', fs: 'zfs' });
    expect(() => all.get('zfs')).toThrow('Known: ext4, xfs.');
  });

  test('of one run are not known in another', () => {
    registry('ext4');
    expect(
      registry('xfs')
        .all()
        .map(({ name }) => name),
    ).toEqual(['xfs']);
  });
});
