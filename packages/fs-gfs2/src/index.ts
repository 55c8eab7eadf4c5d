/**
 * A model of how gfs2 keeps page-cache fills and invalidations apart by its cluster lock, which is taken above and below
 * `mmap_lock`: the same before (`v5.14`) and after (`v5.15`) generic code took `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, ext2Bmap, ext2Fsck, ext2Mkfs, inodeByNumber } from '@fsport/core';
import { gfs2FileFops } from './file.js';
import { gfs2Aops, gfs2FileIops, mount, TYPE } from './super.js';

/** The model of gfs2. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    punchHole: true,
    readahead: true,
    cluster: true,
  },
  mkfs: ext2Mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ext2Bmap,
  fsck: ext2Fsck,
  aOps: gfs2Aops,
  iOps: gfs2FileIops,
  fOps: gfs2FileFops,
});
