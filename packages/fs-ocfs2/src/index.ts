/**
 * A model of how ocfs2 locks the page cache: with `ip_alloc_sem`, in `v5.14` and, because the series that brought
 * `mapping->invalidate_lock` left it as it was, in `v5.15`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber } from '@fsport/core';
import { ocfs2Aops } from './aops.js';
import { ocfs2Fops } from './file.js';
import { fsck, mkfs, mount, ocfs2Bmap, ocfs2FileIops, TYPE } from './super.js';

/** The model of ocfs2. */
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
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ocfs2Bmap,
  fsck,
  aOps: ocfs2Aops,
  iOps: ocfs2FileIops,
  fOps: ocfs2Fops,
});
