/**
 * Operations on pages, and mounting.
 *
 * No operation on pages takes the glock: who calls it through read(2) or a fault has it, advice has not.
 *
 * @departs Pages have no buffers: where a block is, is asked for each writeback anew.
 * @see fs/gfs2/aops.c, fs/gfs2/ops_fstype.c (v5.14, v5.15)
 */
import {
  type AddressSpaceOperations,
  type BlockDevice,
  ext2FillSuper,
  genericErrorRemovePage,
  type Inode,
  type IomapWritebackOps,
  type IomapWritepageCtx,
  iomapInvalidatepage,
  iomapIsPartiallyUptodate,
  iomapReadahead,
  iomapReadpage,
  iomapReleasepage,
  iomapWritepage,
  iomapWritepages,
  type MountOptions,
  SuperBlock,
  setPageDirtyNobuffers,
  type Task,
} from '@fsport/core';
import { gfs2IomapGet, gfs2IomapOps, gfs2Setattr } from './bmap.js';
import { gfs2FileFops } from './file.js';
import { Gfs2Inode } from './glock.js';

/** Filesystem type. */
export const TYPE = 'gfs2';

/** @see `gfs2_get_block_noalloc()` (v5.15) */
function* gfs2MapBlocks(wpc: IomapWritepageCtx, inode: Inode, offset: number): Task<number> {
  const iomap = yield* gfs2IomapGet(inode, offset, false);
  if (typeof iomap === 'number') return iomap;
  wpc.iomap = iomap;
  return 0;
}

const GFS2_WRITEBACK_OPS: IomapWritebackOps = { mapBlocks: gfs2MapBlocks };

/** Page-cache operations. @see `gfs2_aops` (v5.15) */
export const gfs2Aops = {
  readpage: (_file, page) => iomapReadpage(page, gfs2IomapOps),
  readahead: (rac) => iomapReadahead(rac, gfs2IomapOps),
  writepage: (page) => iomapWritepage(page, { iomap: null, ioend: null }, GFS2_WRITEBACK_OPS),
  writepages: (mapping, wbc) =>
    iomapWritepages(mapping, wbc, { iomap: null, ioend: null }, GFS2_WRITEBACK_OPS),
  setPageDirty: setPageDirtyNobuffers,
  invalidatepage: iomapInvalidatepage,
  releasepage: iomapReleasepage,
  isPartiallyUptodate: iomapIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;

/** Inode operations. @see fs/gfs2/inode.c `gfs2_file_iops` (v5.15) */
export const gfs2FileIops = { setattr: gfs2Setattr };

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const inodes: Inode[] = [];
  const sb = new SuperBlock(TYPE, profile, bdev, inodes, {
    // The glock is what keeps fills out here; invalidate_lock is not taken.
    exempt: { truncate_inode_pages_range: 'invalidate_lock', invalidatepage: 'invalidate_lock' },
  });
  const ops = { aOps: gfs2Aops, iOp: gfs2FileIops, iFop: gfs2FileFops };
  inodes.push(...ext2FillSuper(sb, ops, (ino) => new Gfs2Inode(ino, TYPE)));
  return sb;
}
