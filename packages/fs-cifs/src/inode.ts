/**
 * Truncation.
 *
 * A truncation tells the server first; then i_size is stored and the pages are dropped, under i_rwsem and, in v5.15 too,
 * without invalidate_lock. Who reads in between gets zeroes from the server beyond the new end.
 *
 * @see fs/cifs/inode.c (v5.14, v5.15)
 */
import {
  ATTR_SIZE,
  FGP_CREAT,
  FGP_LOCK,
  filemapWriteAndWaitRange,
  type Iattr,
  type Inode,
  inodeNewsizeOk,
  iSizeWrite,
  LLONG_MAX,
  loff,
  mappingSetError,
  PAGE_SIZE,
  pagecacheGetPage,
  pageIndex,
  putPage,
  type Task,
  truncatePagecache,
  unlockPage,
  zeroUserSegment,
} from '@fsport/core';
import { SMB2_set_eof } from './smb2pdu.js';

/**
 * Change attributes.
 *
 * @returns `0`, `-EFBIG`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see `cifs_setattr_nounix()`, `cifs_set_file_size()` (v5.14, v5.15)
 */
export function* cifsSetattr(inode: Inode, attr: Iattr): Task<number> {
  const { iMapping: mapping } = inode;
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const { iaSize: size } = attr;
  const refused = inodeNewsizeOk(inode, size);
  if (refused !== 0) return refused;
  const err = yield* filemapWriteAndWaitRange(mapping, loff(0), LLONG_MAX);
  yield* mappingSetError(mapping, err);
  yield* SMB2_set_eof(inode, size);
  yield* iSizeWrite(inode, size);
  yield* truncatePagecache(inode, size);
  return yield* cifsTruncatePage(inode, size);
}

/**
 * Zero the page in which the file ends from there on, in memory. A page that is not cached is made.
 *
 * @returns `0`, or `-ENOMEM`.
 * @context Sleeps. Takes a page lock.
 * @departs Without memory for the page nothing is done: the kernel's caller ignores the error as well.
 * @see `cifs_truncate_page()` (v5.15)
 */
function* cifsTruncatePage({ iMapping: mapping }: Inode, from: number): Task<number> {
  if (pageIndex(from) >= mapping.capacity) return 0;
  const page = yield* pagecacheGetPage(mapping, pageIndex(from), FGP_LOCK | FGP_CREAT);
  if (page === null) return 0;
  yield* zeroUserSegment(page, from % PAGE_SIZE, PAGE_SIZE);
  yield* unlockPage(page);
  putPage(page);
  return 0;
}
