/**
 * Truncation, and the operations on pages.
 *
 * Truncation stores the new size first, drops the pages second, frees the blocks third. A fill samples the size after its
 * page was inserted: it is either waited for, or maps nothing beyond the end. That was enough before there was a lock.
 *
 * @see fs/ext2/inode.c (v5.14, v5.15)
 */
import {
  __ext2TruncateBlocks,
  type AddressSpace,
  type AddressSpaceOperations,
  ATTR_SIZE,
  blockInvalidatepage,
  blockIsPartiallyUptodate,
  blockTruncatePage,
  blockWriteBegin,
  blockWriteFullPage,
  downWrite,
  ext2GetBlock,
  ext2InvalidateSem,
  type File,
  genericErrorRemovePage,
  genericWriteEnd,
  type Iattr,
  type Inode,
  inodeDioWait,
  inodeNewsizeOk,
  iSizeWrite,
  type Loff,
  loff,
  mpageReadahead,
  mpageReadpage,
  mpageWritepages,
  type Page,
  setPageDirtyBuffers,
  type Task,
  truncateInodePagesFinal,
  truncatePagecache,
  truncateSetsize,
  tryToFreeBuffers,
  upWrite,
  withoutLock,
} from '@fsport/core';

/**
 * Free every block beyond the end of the file.
 *
 * @context Sleeps. i_rwsem exclusive, or nobody else has the inode; takes the lock against fills exclusive.
 * @see fs/ext2/inode.c `ext2_truncate_blocks()` (v5.14, v5.15)
 */
function* ext2TruncateBlocks(inode: Inode): Task<void> {
  yield* downWrite(ext2InvalidateSem(inode));
  yield* __ext2TruncateBlocks(inode, inode.iSize.load());
  yield* upWrite(ext2InvalidateSem(inode));
}

/**
 * Take back what a write got beyond the end of the file and did not use.
 *
 * The pages go without the lock against fills, in v5.15 too: between that and the freeing of the blocks a read at the end of
 * the file can bring a page back. It maps nothing, because the size says that there is nothing.
 *
 * @param to - Where the write would have ended.
 * @context Sleeps. i_rwsem exclusive; takes the lock against fills exclusive to free the blocks.
 * @see fs/ext2/inode.c `ext2_write_failed()` (v5.14, v5.15)
 */
function* ext2WriteFailed(inode: Inode, to: number): Task<void> {
  const size = inode.iSize.load(); // i_rwsem
  if (to <= size) return;
  yield* withoutLock('invalidate_lock', truncatePagecache(inode, loff(size)));
  yield* ext2TruncateBlocks(inode);
}

/**
 * @context Sleeps. i_rwsem exclusive; the page lock is taken.
 * @see fs/ext2/inode.c `ext2_write_begin()` (v5.15)
 */
function* ext2WriteBegin(_file: File, mapping: AddressSpace, pos: Loff, len: number): Task<Page | number> {
  const page = yield* blockWriteBegin(mapping, pos, len, ext2GetBlock);
  if (typeof page === 'number') yield* ext2WriteFailed(mapping.host, pos + len);
  return page;
}

/**
 * @context Sleeps. i_rwsem exclusive; the page lock is released.
 * @see fs/ext2/inode.c `ext2_write_end()` (v5.15)
 */
function* ext2WriteEnd(
  file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const accepted = yield* genericWriteEnd(file, mapping, pos, len, copied, page);
  if (accepted < len) yield* ext2WriteFailed(mapping.host, pos + len);
  return accepted;
}

/** Page-cache operations. @see fs/ext2/inode.c `ext2_aops` (v5.15) */
export const ext2Aops = {
  readpage: (_file, page) => mpageReadpage(page, ext2GetBlock),
  readahead: (rac) => mpageReadahead(rac, ext2GetBlock),
  writepage: (page, wbc) => blockWriteFullPage(page, ext2GetBlock, wbc),
  writepages: (mapping, wbc) => mpageWritepages(mapping, wbc, ext2GetBlock),
  writeBegin: ext2WriteBegin,
  writeEnd: ext2WriteEnd,
  setPageDirty: setPageDirtyBuffers,
  invalidatepage: blockInvalidatepage,
  releasepage: tryToFreeBuffers,
  isPartiallyUptodate: blockIsPartiallyUptodate,
  errorRemovePage: genericErrorRemovePage,
} satisfies AddressSpaceOperations;

/**
 * Give a file a new size.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive; takes a page lock, then the lock against fills exclusive.
 * @see fs/ext2/inode.c `ext2_setsize()` (v5.14, v5.15)
 */
function* ext2Setsize(inode: Inode, newsize: Loff): Task<number> {
  yield* inodeDioWait(inode);
  // If the file grows again, the rest of its last block must not show what was there.
  const err = yield* blockTruncatePage(inode.iMapping, newsize, ext2GetBlock);
  if (err !== 0) return err;
  yield* downWrite(ext2InvalidateSem(inode));
  yield* truncateSetsize(inode, newsize);
  yield* __ext2TruncateBlocks(inode, newsize);
  yield* upWrite(ext2InvalidateSem(inode));
  return 0;
}

/**
 * Change the size of a file.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/ext2/inode.c `ext2_setattr()` (v5.14, v5.15)
 */
export function* ext2Setattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const err = inodeNewsizeOk(inode, attr.iaSize);
  if (err !== 0 || attr.iaSize === inode.iSize.load()) return err;
  return yield* ext2Setsize(inode, attr.iaSize);
}

/**
 * Tear an inode down; with its last link its blocks go too.
 *
 * @context Sleeps. Nobody else has the inode; takes the lock against fills all the same.
 * @see fs/ext2/inode.c `ext2_evict_inode()` (v5.14, v5.15)
 */
export function* ext2EvictInode(inode: Inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  if (inode.iNlink > 0) return;
  yield* iSizeWrite(inode, 0);
  yield* ext2TruncateBlocks(inode);
}
