/**
 * Reading through buffers: a whole page ({@link blockReadFullPage}) or single blocks that a write needs
 * ({@link readBuffers}).
 *
 * The page is locked from the look-up of its blocks until their bytes have arrived, so looking up and arriving are
 * separate events with the same lock around them. Only i_size is read without any lock; that it is read after
 * the page was inserted is what keeps a racing truncate from being overlooked.
 *
 * @see fs/buffer.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { EIO } from '../include/errno.js';
import { bytesInFile } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { Completion } from '../locking/wait.js';
import { machine } from '../machine.js';
import type { Task } from '../sched/task.js';
import {
  type BufferHead,
  blockSpan,
  blocksPerPage,
  createPageBuffers,
  type GetBlock,
  inodeOf,
  mapBh,
  zeroUser,
} from './buffer.js';

/**
 * End of a read: say whether the page is valid, and unlock it.
 *
 * @param page - Locked by whoever started the read.
 * @param ok - Whether every byte is valid.
 * @param verb - Who says so, in traces.
 * @context May be preempted. The page lock is released.
 * @departs Setting the flag and releasing the lock are one step. In between, a page would be valid and locked: a
 *   reader takes it as valid, whoever needs the lock waits; both orders remain.
 * @see mm/filemap.c `page_endio()` (v5.15)
 */
export function pageEndio(page: Page, ok: boolean, verb = 'page_endio'): Task<void> {
  return page.uptodate.section(
    verb,
    () => {
      page.uptodate.store(ok);
      page.lock.drop('unlock_page');
    },
    () => (ok ? 'uptodate' : 'not uptodate'),
  );
}

/**
 * Read a page block by block, and leave the mappings in its buffers.
 *
 * @param page - Locked, in the cache, not uptodate. Unlocked here or when the read ends.
 * @param getBlock - Asks the filesystem where a block is.
 * @returns `0`; a failure shows as PG_error.
 * @context Sleeps. Page lock; it is handed to the I/O.
 * @departs One request for all blocks of the page instead of one for each: nobody looks at the page before the last
 *   of them has ended.
 * @see fs/buffer.c `block_read_full_page()`, `end_buffer_async_read()` (v5.15)
 */
export function* blockReadFullPage(page: Page, getBlock: GetBlock): Task<number> {
  const inode = inodeOf(page);
  const buffers = createPageBuffers(page);
  const first = page.index * blocksPerPage();
  const eof = first + Math.ceil((yield* bytesInFile(inode, page.index)) / machine.blockSize);
  const vecs: BioVec[] = [];
  for (const [block, bh] of buffers.entries()) {
    if (bh.load().uptodate) continue;
    let failed = false;
    if (!bh.load().mapped && first + block < eof) {
      const found = yield* getBlock(inode, first + block, false);
      if (typeof found === 'number') {
        failed = true;
        page.error.store(true);
      } else {
        mapBh(bh, found);
      }
    }
    const { mapped, phys, gen } = bh.load();
    if (mapped) {
      vecs.push({ page, block, phys, gen });
    } else {
      const { start, end } = blockSpan(block);
      zeroUser(page, start, end);
      if (!failed) bh.set({ uptodate: true });
    }
  }
  if (vecs.length === 0) {
    yield* pageEndio(page, !page.error.load(), 'block_read_full_page');
    return 0;
  }
  page.lock.handOff();
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'R',
    ino: inode.iIno,
    vecs,
    endIo: (error) => endBufferAsyncRead(page, buffers, vecs, error),
  });
  return 0;
}

function endBufferAsyncRead(
  page: Page,
  buffers: readonly BufferHead[],
  vecs: readonly BioVec[],
  error: number,
): Task<void> {
  return page.uptodate.section(
    'end_buffer_async_read',
    () => {
      for (const { block } of vecs) (buffers[block] as BufferHead).set({ uptodate: error === 0 });
      if (error !== 0) page.error.store(true);
      const ok = !page.error.load() && buffers.every((bh) => bh.load().uptodate);
      page.uptodate.store(ok);
      page.lock.drop('unlock_page');
    },
    () => (error === 0 ? 'uptodate' : 'not uptodate'),
  );
}

/**
 * Read some mapped blocks of a page that stays locked, and wait for them.
 *
 * @param page - Locked by the caller, with buffers.
 * @param blocks - Blocks within the page.
 * @returns `0`, or `-EIO`.
 * @context Sleeps. Page lock, kept.
 * @see fs/buffer.c `ll_rw_block()`, `wait_on_buffer()`, `end_buffer_read_sync()` (v5.15)
 */
export function* readBuffers(page: Page, blocks: readonly number[]): Task<number> {
  const inode = inodeOf(page);
  const buffers = createPageBuffers(page);
  const read = new Completion('BH_Lock');
  const vecs = blocks.map((block): BioVec => {
    const { phys, gen } = (buffers[block] as BufferHead).load();
    return { page, block, phys, gen };
  });
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'R',
    ino: inode.iIno,
    vecs,
    endIo: (error) =>
      read.section('end_buffer_read_sync', () => {
        if (error === 0) for (const block of blocks) (buffers[block] as BufferHead).set({ uptodate: true });
        read.store(true);
      }),
  });
  yield* read.waitUntil((ended) => ended, 'wait_on_buffer');
  return blocks.every((block) => (buffers[block] as BufferHead).load().uptodate) ? 0 : -EIO;
}
