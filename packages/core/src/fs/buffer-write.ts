/**
 * Writing through buffers: prepare the blocks of a write, take over what was copied, let a page become writable,
 * zero the end of the last block.
 *
 * Everything happens on a locked page. A block that was just allocated holds somebody's old bytes on disk; it is
 * zeroed around what is being written, so that those bytes are never seen.
 *
 * @departs No wait for stable pages: disks that checksum in flight ask for it, ordinary ones do not.
 * @see fs/buffer.c (v5.14, v5.15)
 */
import { EAGAIN, EFAULT, ENOMEM } from '../include/errno.js';
import {
  FGP_CREAT,
  FGP_LOCK,
  FGP_WRITE,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
} from '../include/flags.js';
import { type AddressSpace, type File, iSizeRead, iSizeWrite, pageIndex } from '../include/fs.js';
import type { Page, VmAreaStruct } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Loff, loff } from '../include/units.js';
import type { VmFault } from '../include/vm-fault.js';
import { machine } from '../machine.js';
import { lockPage, pagecacheGetPage, putPage, unlockPage } from '../mm/filemap/page-cache.js';
import { setPageDirty } from '../mm/page-writeback.js';
import { pagecacheIsizeExtended } from '../mm/truncate.js';
import type { Task } from '../sched/task.js';
import {
  type BufferHead,
  blockSpan,
  blocksPerPage,
  createPageBuffers,
  type GetBlock,
  inodeOf,
  mapBh,
  markBufferDirty,
  zeroUser,
} from './buffer.js';
import { readBuffers } from './buffer-read.js';

/**
 * Get blocks for a range of a locked page, and make what the range leaves of them valid.
 *
 * @param page - Locked.
 * @param pos - First byte to be written, in the file.
 * @param len - Bytes to be written, inside the page.
 * @param getBlock - Asks the filesystem for a block.
 * @returns `0`, `-EIO`, or what getBlock returned. Blocks it got until then stay allocated; the caller trims them.
 * @context Sleeps. Page lock, kept.
 * @see fs/buffer.c `__block_write_begin()` (v5.15)
 */
export function* __blockWriteBegin(page: Page, pos: Loff, len: number, getBlock: GetBlock): Task<number> {
  const inode = inodeOf(page);
  const buffers = createPageBuffers(page);
  const from = pos % PAGE_SIZE;
  const to = from + len;
  const partial: number[] = [];
  let err = 0;
  for (const [block, bh] of buffers.entries()) {
    const { start, end } = blockSpan(block);
    const uptodate = page.uptodate.load();
    if (end <= from || start >= to) {
      if (uptodate) bh.set({ uptodate });
      continue;
    }
    bh.set({ new: false });
    if (!bh.load().mapped) {
      const found = yield* getBlock(inode, page.index * blocksPerPage() + block, true);
      if (typeof found === 'number') {
        err = found;
        break;
      }
      mapBh(bh, found);
      if (found.new) {
        if (uptodate) {
          bh.set({ new: false, uptodate });
          markBufferDirty(page, bh);
        } else {
          zeroUser(page, start, from);
          zeroUser(page, to, end);
        }
        continue;
      }
    }
    const { delay, unwritten } = bh.load();
    if (uptodate) bh.set({ uptodate });
    else if (!bh.load().uptodate && !delay && !unwritten && (start < from || end > to)) partial.push(block);
  }
  if (partial.length > 0) err = (yield* readBuffers(page, partial)) || err;
  // A new block that will not be written after all must not show what its former owner left.
  if (err !== 0) pageZeroNewBuffers(page, from, to);
  return err;
}

/** Zero and dirty what is new in a range, as part of the step in progress. @see `page_zero_new_buffers()` (v5.15) */
function pageZeroNewBuffers(page: Page, from: number, to: number): void {
  for (const [block, bh] of (page.buffers.load() ?? []).entries()) {
    const { start, end } = blockSpan(block);
    if (!bh.load().new || end <= from || start >= to) continue;
    if (!page.uptodate.load()) {
      zeroUser(page, Math.max(from, start), Math.min(to, end));
      bh.set({ uptodate: true });
    }
    bh.set({ new: false });
    markBufferDirty(page, bh);
  }
}

/**
 * A range of a locked page now has its new content: its blocks are valid and dirty. Joins the step in progress.
 *
 * @see fs/buffer.c `block_commit_write()` (v5.15)
 */
function blockCommitWrite(page: Page, from: number, to: number): void {
  const buffers = page.buffers.load() as readonly BufferHead[];
  for (const [block, bh] of buffers.entries()) {
    const { start, end } = blockSpan(block);
    if (end > from && start < to) {
      bh.set({ uptodate: true });
      markBufferDirty(page, bh);
    }
    if (bh.load().new) bh.set({ new: false });
  }
  // The write may have been the last that the page lacked.
  if (!page.uptodate.load() && buffers.every((bh) => bh.load().uptodate)) page.uptodate.store(true);
}

/**
 * Find or create the page of a write, locked, and prepare its blocks.
 *
 * @returns The page, `-ENOMEM`, or an error of {@link __blockWriteBegin}: then the page is unlocked and put.
 * @context Sleeps. i_rwsem exclusive; the page lock is taken.
 * @see fs/buffer.c `block_write_begin()`, mm/filemap.c `grab_cache_page_write_begin()` (v5.15)
 */
export function* blockWriteBegin(
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  getBlock: GetBlock,
): Task<Page | number> {
  const page = yield* grabCachePageWriteBegin(mapping, pos);
  if (page === null) return -ENOMEM;
  const err = yield* __blockWriteBegin(page, pos, len, getBlock);
  if (err === 0) return page;
  yield* unlockPage(page);
  putPage(page);
  return err;
}

/**
 * Find or create the page of a write, locked.
 *
 * @returns The page with a reference, or `null`.
 * @context Sleeps. The page lock is taken.
 * @see mm/filemap.c `grab_cache_page_write_begin()` (v5.15)
 */
export function grabCachePageWriteBegin(mapping: AddressSpace, pos: Loff): Task<Page | null> {
  return pagecacheGetPage(mapping, pageIndex(pos), FGP_LOCK | FGP_WRITE | FGP_CREAT);
}

/**
 * Take over what was copied into a page prepared by {@link __blockWriteBegin}.
 *
 * @param page - Locked.
 * @param pos - First byte of the write, in the file.
 * @param len - Bytes prepared.
 * @param copied - Bytes copied.
 * @returns Bytes accepted: `copied`, or `0` if too few were copied into a page that is not valid otherwise.
 * @context May be preempted. Page lock, kept.
 * @departs The buffers, PG_dirty and PG_uptodate change in one step: who looks at them without the page lock goes on
 *   to take it, or takes either of the two for the state before or after.
 * @see fs/buffer.c `block_write_end()` (v5.15)
 */
export function blockWriteEnd(page: Page, pos: Loff, len: number, copied: number): Task<number> {
  const start = pos % PAGE_SIZE;
  return page.dirty.section('block_write_end', () => {
    const accepted = copied < len && !page.uptodate.load() ? 0 : copied;
    if (accepted < len) pageZeroNewBuffers(page, start + accepted, start + len);
    blockCommitWrite(page, start, start + accepted);
    return accepted;
  });
}

/**
 * Finish a write: take over the bytes, extend the file, unlock and put the page.
 *
 * @returns Bytes accepted.
 * @context Sleeps. i_rwsem exclusive; the page lock is released.
 * @see fs/buffer.c `generic_write_end()` (v5.15)
 */
export function* genericWriteEnd(
  _file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const inode = mapping.host;
  const accepted = yield* blockWriteEnd(page, pos, len, copied);
  const oldSize = inode.iSize.load(); // i_rwsem: nobody else changes it
  // Before the unlock: writeback of the page would zero what lies beyond the old end.
  if (pos + accepted > oldSize) yield* iSizeWrite(inode, pos + accepted);
  yield* unlockPage(page);
  putPage(page);
  if (oldSize < pos) yield* pagecacheIsizeExtended(inode, loff(oldSize), pos);
  return accepted;
}

/**
 * A page is about to become writable through a mapping: get blocks for what of it lies in the file.
 *
 * @returns `0` with the page locked and dirty; unlocked `-EFAULT` if it was truncated, or an error of getBlock.
 * @context Sleeps. The page lock is taken.
 * @see fs/buffer.c `block_page_mkwrite()` (v5.15)
 */
export function* blockPageMkwrite(vma: VmAreaStruct, vmf: VmFault, getBlock: GetBlock): Task<number> {
  const inode = vma.vmFile.fInode;
  const page = vmf.page as Page;
  const pos = page.index * PAGE_SIZE;
  yield* lockPage(page);
  // Truncate stores the size before it removes pages: under the page lock, a page inside the size stays.
  const size = yield* iSizeRead(inode);
  let err = -EFAULT;
  if (page.mapping.load() === inode.iMapping && pos <= size) {
    const end = Math.min(size - pos, PAGE_SIZE);
    err = yield* __blockWriteBegin(page, loff(pos), end, getBlock);
    if (err === 0) {
      blockCommitWrite(page, 0, end);
      yield* setPageDirty(page);
      return 0;
    }
  }
  yield* unlockPage(page);
  return err;
}

/** The fault result for a result of {@link blockPageMkwrite}. @see `block_page_mkwrite_return()` (v5.15) */
export function blockPageMkwriteReturn(err: number): number {
  if (err === 0) return VM_FAULT_LOCKED;
  if (err === -EFAULT || err === -EAGAIN) return VM_FAULT_NOPAGE;
  return err === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/**
 * Zero a block from a position to its end, in the cache; reads it if need be.
 *
 * @param mapping - The file's cache.
 * @param from - First byte to zero.
 * @param getBlock - Asks the filesystem where the block is.
 * @returns `0` also if there is no block; `-ENOMEM`, `-EIO`, or an error of getBlock.
 * @context Sleeps. The page lock is taken and released.
 * @see fs/buffer.c `block_truncate_page()` (v5.15)
 */
export function blockTruncatePage(mapping: AddressSpace, from: Loff, getBlock: GetBlock): Task<number> {
  const rest = (machine.blockSize - (from % machine.blockSize)) % machine.blockSize;
  return blockZeroRange(mapping, from, rest, getBlock);
}

/**
 * Zero bytes of one block in the cache; reads it if need be. A hole stays a hole.
 *
 * @param mapping - The file's cache.
 * @param from - First byte to zero.
 * @param length - Bytes, inside one block.
 * @param getBlock - Asks the filesystem where the block is.
 * @returns `0` also if there is no block; `-ENOMEM`, `-EIO`, or an error of getBlock.
 * @context Sleeps. The page lock is taken and released.
 * @see fs/buffer.c `block_truncate_page()`, fs/ext4/inode.c `__ext4_block_zero_page_range()` (v5.15)
 */
export function* blockZeroRange(
  mapping: AddressSpace,
  from: Loff,
  length: number,
  getBlock: GetBlock,
): Task<number> {
  if (length === 0) return 0;
  const page = yield* pagecacheGetPage(mapping, pageIndex(from), FGP_LOCK | FGP_CREAT);
  if (page === null) return -ENOMEM;
  const err = yield* zeroInPage(mapping, page, from % PAGE_SIZE, length, getBlock);
  yield* unlockPage(page);
  putPage(page);
  return err;
}

function* zeroInPage(
  mapping: AddressSpace,
  page: Page,
  offset: number,
  length: number,
  getBlock: GetBlock,
): Task<number> {
  const block = Math.floor(offset / machine.blockSize);
  const bh = createPageBuffers(page)[block] as BufferHead;
  if (!bh.load().mapped) {
    const found = yield* getBlock(mapping.host, page.index * blocksPerPage() + block, false);
    if (typeof found === 'number') return found;
    mapBh(bh, found);
    if (!found.mapped) return 0;
  }
  if (page.uptodate.load()) bh.set({ uptodate: true });
  const { uptodate, delay, unwritten } = bh.load();
  if (!uptodate && !delay && !unwritten) {
    const err = yield* readBuffers(page, [block]);
    if (err !== 0) return err;
  }
  yield* page.dirty.section('zero_user', () => {
    zeroUser(page, offset, offset + length);
    markBufferDirty(page, bh);
  });
  return 0;
}
