/**
 * A model of how f2fs locks the page cache, before (`v5.14`) and after (`v5.15`) its own `i_mmap_sem` gave way to the
 * shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber } from '@fsport/core';
import { f2fsDblockAops } from './data.js';
import { f2fsFileInodeOperations, f2fsFileOperations } from './file.js';
import { f2fsBmap, fsck, mkfs, mount, TYPE } from './super.js';

/** The model of f2fs. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: 'edc6d01bad73',
      since: 'v5.15',
      title: 'f2fs: Convert to using invalidate_lock',
    },
  ],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    allocate: true,
    punchHole: true,
    zeroRange: true,
    collapseRange: true,
    insertRange: true,
    moveRange: true,
    gc: true,
    nowait: true,
    readahead: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap: f2fsBmap,
  fsck,
  aOps: f2fsDblockAops,
  iOps: f2fsFileInodeOperations,
  fOps: f2fsFileOperations,
});
