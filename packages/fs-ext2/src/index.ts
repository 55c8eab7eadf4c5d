/**
 * A model of how ext2 locks the page cache, before (`v5.14`) and after (`v5.15`) its `dax_sem` gave way to the shared
 * `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber } from '@fsport/core';
import { ext2Aops } from './inode.js';
import { ext2Bmap, ext2FileInodeOperations, ext2FileOperations, fsck, mkfs, mount, TYPE } from './super.js';

/** The model of ext2. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    nowait: true,
    readahead: true,
    subPageBlocks: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ext2Bmap,
  fsck,
  aOps: ext2Aops,
  iOps: ext2FileInodeOperations,
  fOps: ext2FileOperations,
});
