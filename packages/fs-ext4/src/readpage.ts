/**
 * Filling the cache: a page at a time for faults and reads, several for readahead.
 *
 * The pages are in the cache and locked; the size of the file is sampled now and not before, and the blocks are looked
 * up under i_data_sem. Nothing here knows that a punch may be about to free them: that is what the caller's lock
 * is for.
 *
 * @see fs/ext4/readpage.c, fs/ext4/inode.c (v5.14, v5.15)
 */
import {
  type File,
  mpageReadahead,
  mpageReadpage,
  type Page,
  type ReadaheadControl,
  type Task,
} from '@fsport/core';
import { ext4GetBlock, ext4GetBlocks } from './extents.js';

/**
 * Fill a locked page.
 *
 * @returns `0`; a failure shows as PG_error.
 * @context Sleeps. Page lock, handed to the I/O; takes i_data_sem shared.
 * @see fs/ext4/inode.c `ext4_readpage()`, fs/ext4/readpage.c `ext4_mpage_readpages()` (v5.15)
 */
export function ext4Readpage(_file: File | null, page: Page): Task<number> {
  return mpageReadpage(page, ext4GetBlock, ext4GetBlocks);
}

/**
 * Fill the pages of a readahead request.
 *
 * @context Sleeps. Page locks, handed to the I/O; takes i_data_sem shared.
 * @see fs/ext4/inode.c `ext4_readahead()` (v5.15)
 */
export function ext4Readahead(rac: ReadaheadControl): Task<void> {
  return mpageReadahead(rac, ext4GetBlock, ext4GetBlocks);
}
