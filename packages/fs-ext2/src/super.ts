/**
 * Operations, and mounting.
 *
 * @see fs/ext2/super.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  ext2FillSuper,
  genericFileFsync,
  genericFileMmap,
  genericFileReadIter,
  genericFileWriteIter,
  type Inode,
  type MountOptions,
  SuperBlock,
} from '@fsport/core';
import { ext2Aops, ext2EvictInode, ext2Setattr } from './inode.js';

/** Filesystem type. */
export const TYPE = 'ext2';

/** File operations: the generic ones. @see fs/ext2/file.c `ext2_file_operations` (v5.15) */
export const ext2FileOperations = {
  readIter: genericFileReadIter,
  writeIter: genericFileWriteIter,
  fsync: genericFileFsync,
  mmap: genericFileMmap,
};

/** Inode operations. @see fs/ext2/file.c `ext2_file_inode_operations` (v5.15) */
export const ext2FileInodeOperations = { setattr: ext2Setattr };

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const inodes: Inode[] = [];
  const sb = new SuperBlock(TYPE, profile, bdev, inodes, { evictInode: ext2EvictInode });
  inodes.push(
    ...ext2FillSuper(sb, { aOps: ext2Aops, iOp: ext2FileInodeOperations, iFop: ext2FileOperations }),
  );
  return sb;
}
