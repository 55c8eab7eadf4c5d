/**
 * A model of fuse with DAX (virtiofs), and of its files that have a page cache: before (`v5.14`) and after (`v5.15`) DAX
 * files took the shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber } from '@fsport/core';
import { fuseFileOperations } from './file.js';
import { TYPE } from './fuse-i.js';
import { bmap, fsck, fuseFileAops, fuseInodeOperations, mkfs, mount } from './inode.js';

/** The model of fuse. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '8bcbbe9c7c8e',
      since: 'v5.15',
      title: 'fuse: Convert to using invalidate_lock',
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
    copyRange: true,
    dax: true,
    remote: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap,
  fsck,
  aOps: fuseFileAops,
  iOps: fuseInodeOperations,
  fOps: fuseFileOperations,
});
