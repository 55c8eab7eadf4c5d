/**
 * Operations, and mounting with `-o xip` (v3.19) or `-o dax`.
 *
 * @see fs/ext2/super.c, fs/ext2/inode.c (v3.19, v4.0, v5.14, v5.15)
 */
import {
  type AddressSpaceOperations,
  type BlockDevice,
  daxWritebackMappingRange,
  ext2FillSuper,
  genericFileFsync,
  type Inode,
  type MountOptions,
  noopDirectIO,
  SuperBlock,
  setDax,
} from '@fsport/core';
import { daxMmap, daxReadIter, daxWriteIter } from './file.js';
import { ext2EvictInode, ext2Setattr } from './inode.js';

/** Filesystem type. */
export const TYPE = 'dax';

/** Page-cache operations, of which there is little. @see fs/ext2/inode.c `ext2_dax_aops` (v5.15) */
export const daxAops = {
  writepages: daxWritebackMappingRange,
  directIO: noopDirectIO,
} satisfies AddressSpaceOperations;

/** Inode operations. @see fs/ext2/file.c `ext2_file_inode_operations` (v5.15) */
export const daxFileInodeOperations = { setattr: ext2Setattr };

/** File operations. @see fs/ext2/file.c `ext2_file_operations` (v5.15), `ext2_xip_file_operations` (v3.19) */
export const daxFileOperations = {
  readIter: daxReadIter,
  writeIter: daxWriteIter,
  fsync: genericFileFsync,
  mmap: daxMmap,
};

/** Mount it: a superblock with its inodes, none of which has a cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const inodes: Inode[] = [];
  const sb = new SuperBlock(TYPE, profile, bdev, inodes, { evictInode: ext2EvictInode });
  const ops = { aOps: daxAops, iOp: daxFileInodeOperations, iFop: daxFileOperations };
  inodes.push(...ext2FillSuper(sb, ops));
  for (const inode of inodes) setDax(inode);
  return sb;
}
