/**
 * A model of how ext2 locks the page cache, before (`v5.14`) and after (`v5.15`) its `dax_sem` gave way to the shared
 * `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, ext2Bmap, ext2Fsck, ext2Mkfs, inodeByNumber } from '@fsport/core';
import { ext2Aops } from './inode.js';
import { ext2FileInodeOperations, ext2FileOperations, mount, TYPE } from './super.js';

/** The model of ext2. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '70f3bad8c315',
      since: 'v5.15',
      title: 'ext2: Convert to using invalidate_lock',
    },
  ],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    nowait: true,
    readahead: true,
    subPageBlocks: true,
  },
  mkfs: ext2Mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ext2Bmap,
  fsck: ext2Fsck,
  aOps: ext2Aops,
  iOps: ext2FileInodeOperations,
  fOps: ext2FileOperations,
});
