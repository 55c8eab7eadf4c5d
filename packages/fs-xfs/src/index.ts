/**
 * A model of how xfs locks the page cache and its block maps, reference-counted blocks included, before (`v5.14`) and
 * after (`v5.15`) its own `i_mmaplock` gave way to the shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem } from '@fsport/core';
import { xfsAddressSpaceOperations } from './xfs-aops.js';
import { xfsFileOperations, xfsVnSetattr } from './xfs-file.js';
import { fsck, mkfs, mount, TYPE, xfsBmap, xfsIget } from './xfs-super.js';

/** The model of xfs. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '2433480a7e1d',
      since: 'v5.15',
      title: 'xfs: Convert to use invalidate_lock',
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
    unshareRange: true,
    clone: true,
    dedupe: true,
    swapExtents: true,
    freeUnused: true,
    directIo: true,
    nowait: true,
    readahead: true,
    subPageBlocks: true,
  },
  mkfs,
  mount,
  iget: xfsIget,
  bmap: xfsBmap,
  fsck,
  aOps: xfsAddressSpaceOperations,
  iOps: { setattr: xfsVnSetattr },
  fOps: xfsFileOperations,
});
