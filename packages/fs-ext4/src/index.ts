/**
 * A model of how ext4 locks the page cache, before (`v5.14`) and after (`v5.15`) its own `i_mmap_sem` gave way to the
 * shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem, inodeByNumber, type RangeEvent } from '@fsport/core';
import { ext4FileOperations } from './file.js';
import { ext4DaAops, ext4Setattr } from './inode.js';
import { ext4Bmap, fsck, mkfs, mount, TYPE } from './super.js';

declare module '@fsport/core' {
  interface TraceEvents {
    /** A hole is punched; the lock against fills is held. Bytes. */
    ext4_punch_hole: [RangeEvent];
    /** A range is zeroed; the lock against fills is held. Bytes. */
    ext4_zero_range: [RangeEvent];
    /** A range is removed; the lock against fills is held. Bytes. */
    ext4_collapse_range: [RangeEvent];
    /** Room is made; the lock against fills is held. Bytes. */
    ext4_insert_range: [RangeEvent];
    /** Blocks leave the extent status tree. Blocks; `len` is their number. */
    ext4_es_remove_extent: [RangeEvent];
    /** Blocks are about to be removed. Blocks; `len` is the last one. */
    ext4_ext_remove_space: [RangeEvent];
    /** Blocks were removed. Blocks; `len` is the last one. */
    ext4_ext_remove_space_done: [RangeEvent];
    /** Blocks are freed. */
    ext4_free_blocks: [{ readonly ino: number; readonly block: number; readonly count: number }];
    /** A page is forgotten, in part or as a whole. Bytes of the page. */
    ext4_invalidatepage: [RangeEvent & { readonly index: number }];
    /** Blocks beyond the end are about to be freed. */
    ext4_truncate_enter: [{ readonly ino: number }];
    /** Blocks beyond the end were freed. */
    ext4_truncate_exit: [{ readonly ino: number }];
  }
}

/** The model of ext4. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: 'd4f5258eae7b',
      since: 'v5.15',
      title: 'ext4: Convert to use mapping->invalidate_lock',
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
    directIo: true,
    nowait: true,
    readahead: true,
    subPageBlocks: true,
  },
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap: ext4Bmap,
  fsck,
  aOps: ext4DaAops,
  iOps: { setattr: ext4Setattr },
  fOps: ext4FileOperations,
});
