/**
 * A model of ext2 on a disk that is memory: execute-in-place (`v3.19`), and the DAX that came after it, with i_size checked
 * again under `i_mmap_rwsem` (`v4.0`), with a lock of the filesystem (`v5.14`) and with the shared
 * `mapping->invalidate_lock` (`v5.15`).
 *
 * @packageDocumentation
 */
import { defineFileSystem, ext2Bmap, ext2Fsck, ext2Mkfs, inodeByNumber } from '@fsport/core';
import { daxAops, daxFileInodeOperations, daxFileOperations, mount, TYPE } from './super.js';

/** The model. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v3.19', 'v4.0', 'v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '70f3bad8c315',
      since: 'v5.15',
      title: 'ext2: Convert to using invalidate_lock',
    },
  ],
  supports: { write: true, mmap: true, truncate: true, writeback: true, dax: true },
  mkfs: ext2Mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ext2Bmap,
  fsck: ext2Fsck,
  aOps: daxAops,
  iOps: daxFileInodeOperations,
  fOps: daxFileOperations,
});
