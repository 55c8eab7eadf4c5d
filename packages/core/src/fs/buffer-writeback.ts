/**
 * Writing a page back through its buffers.
 *
 * Where a buffer is mapped, its block on disk is believed without asking the filesystem again; PG_writeback keeps
 * whoever wants to free that block waiting until the write has ended.
 *
 * @see fs/buffer.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { bytesInFile } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import type { WritebackControl } from '../include/writeback.js';
import { machine } from '../machine.js';
import { unlockPage } from '../mm/filemap/page-cache.js';
import { endPageWriteback, mappingSetError, setPageWriteback } from '../mm/page-writeback.js';
import type { Task } from '../sched/task.js';
import { blocksPerPage, createPageBuffers, type GetBlock, inodeOf, mapBh, zeroUser } from './buffer.js';

/**
 * Write the dirty blocks of a page; gets blocks for those that have none.
 *
 * @param page - Locked, clean (clear_page_dirty_for_io() was called), not under writeback. Unlocked on return.
 * @param getBlock - Asks the filesystem for a block.
 * @param _wbc - How patiently; buffers are never busy here.
 * @returns `0`, or an error of getBlock; it is also noted in the mapping.
 * @context Sleeps. The page lock is released; PG_writeback is set until the write ends.
 * @departs One request for all blocks of the page.
 * @see fs/buffer.c `block_write_full_page()`, `__block_write_full_page()` (v5.15)
 */
export function* blockWriteFullPage(page: Page, getBlock: GetBlock, _wbc: WritebackControl): Task<number> {
  const inode = inodeOf(page);
  const inFile = yield* bytesInFile(inode, page.index);
  if (inFile === 0) {
    // Being truncated: whoever does it drops the page next.
    yield* unlockPage(page);
    return 0;
  }
  // The page may be mapped, and what a process stored beyond the end must not reach the disk.
  zeroUser(page, inFile, PAGE_SIZE);
  const present = page.buffers.load();
  const buffers = createPageBuffers(page);
  if (present === null) for (const bh of buffers) bh.set({ uptodate: true, dirty: true });
  const first = page.index * blocksPerPage();
  let err = 0;
  for (const [block, bh] of buffers.entries()) {
    const { mapped, delay, dirty } = bh.load();
    if (block * machine.blockSize >= inFile) {
      bh.set({ dirty: false, uptodate: true });
    } else if (err === 0 && (!mapped || delay) && dirty) {
      const found = yield* getBlock(inode, first + block, true);
      if (typeof found === 'number') err = found;
      else mapBh(bh, { ...found, new: false, delay: false });
    }
  }
  yield* setPageWriteback(page);
  const vecs: BioVec[] = [];
  for (const [block, bh] of buffers.entries()) {
    const { mapped, delay, dirty, phys, gen } = bh.load();
    if (mapped && !delay && dirty) vecs.push({ page, block, phys, gen });
    // After an error the others give up: they would be tried again for ever.
    if ((mapped && !delay && dirty) || err !== 0) bh.set({ dirty: false });
  }
  if (err !== 0) {
    page.error.store(true);
    yield* mappingSetError(inode.iMapping, err);
  }
  if (vecs.length > 0) {
    yield* submitBio(inode.iSb.sBdev, {
      rw: 'W',
      ino: inode.iIno,
      vecs,
      endIo: (error) => endBufferAsyncWrite(page, vecs, error),
    });
  }
  yield* unlockPage(page);
  if (vecs.length === 0) yield* endPageWriteback(page);
  return err;
}

/**
 * End of a write of blocks of one page.
 *
 * @context In the completion. PG_writeback is cleared.
 * @see fs/buffer.c `end_buffer_async_write()` (v5.15)
 */
function* endBufferAsyncWrite(page: Page, vecs: readonly BioVec[], error: number): Task<void> {
  if (error !== 0) {
    const { iMapping } = inodeOf(page);
    for (const { block } of vecs) page.buffers.load()?.[block]?.set({ uptodate: false });
    page.error.store(true);
    yield* mappingSetError(iMapping, error);
  }
  yield* endPageWriteback(page);
}
