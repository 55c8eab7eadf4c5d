/**
 * A model of how zonefs locks the page cache of its zones, before (`v5.14`) and after (`v5.15`) its `i_mmap_sem` gave way to
 * the shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber } from '@fsport/core';
import { zonefsFileAops, zonefsFileOperations } from './file.js';
import { fsck, mkfs, mount, TYPE, zonefsBmap, zonefsFileInodeOperations } from './super.js';

/** The model of zonefs. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '448f94909eb7',
      since: 'v5.15',
      title: 'zonefs: Convert to using invalidate_lock',
    },
  ],
  supports: {
    mmap: true,
    writeback: true,
    directIo: true,
    readahead: true,
    subPageBlocks: true,
    zoned: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap: zonefsBmap,
  fsck,
  aOps: zonefsFileAops,
  iOps: zonefsFileInodeOperations,
  fOps: zonefsFileOperations,
});
