/**
 * Writing whole pages without buffers: blocks are looked up, or allocated, for the request alone.
 *
 * A page whose blocks lie one after the other on disk, or are a run followed by holes, is written so. Any other page is
 * *confused*: it goes through the filesystem's writepage, as does one beyond the end of the file.
 *
 * @see fs/mpage.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { callWritepage } from '../contracts.js';
import { type AddressSpace, bytesInFile } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import type { WritebackControl } from '../include/writeback.js';
import { machine } from '../machine.js';
import { unlockPage } from '../mm/filemap/page-cache.js';
import {
  endPageWriteback,
  mappingSetError,
  setPageWriteback,
  writeCachePages,
} from '../mm/page-writeback.js';
import type { Task } from '../sched/task.js';
import { blocksPerPage, type GetBlock, inodeOf, zeroUser } from './buffer.js';

/**
 * Write the dirty pages of a range.
 *
 * @param getBlock - Asks the filesystem for a block; allocates what is missing.
 * @returns `0`, or an errno.
 * @context Sleeps. Takes and releases page locks.
 * @see `mpage_writepages()` (v5.15)
 */
export function mpageWritepages(
  mapping: AddressSpace,
  wbc: WritebackControl,
  getBlock: GetBlock,
): Task<number> {
  return writeCachePages(mapping, wbc, (page, control) => __mpageWritepage(page, control, getBlock));
}

/**
 * @departs One request for each page; the kernel merges neighbours on the disk, whose completions then come together,
 *   which is one of the orders explored here.
 * @see `__mpage_writepage()` (v5.15)
 */
function* __mpageWritepage(page: Page, wbc: WritebackControl, getBlock: GetBlock): Task<number> {
  const inode = inodeOf(page);
  const inFile = yield* bytesInFile(inode, page.index);
  const vecs = page.buffers.load() === null ? yield* mapPage(page, inFile, getBlock) : mappedBuffers(page);
  if (vecs === null || inFile === 0) {
    const err = yield* callWritepage(page, wbc);
    yield* mappingSetError(inode.iMapping, err);
    return err;
  }
  // The page may be mapped, and what a process stored beyond the end must not reach the disk.
  zeroUser(page, inFile, PAGE_SIZE);
  for (const bh of page.buffers.load() ?? []) bh.set({ dirty: false });
  yield* setPageWriteback(page);
  yield* unlockPage(page);
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'W',
    ino: inode.iIno,
    vecs,
    endIo: (error) => mpageEndWrite(page, error),
  });
  return 0;
}

/** The blocks of a page with buffers, if all that are mapped must be written and nothing else must. */
function mappedBuffers(page: Page): readonly BioVec[] | null {
  const vecs: BioVec[] = [];
  for (const [block, bh] of (page.buffers.load() ?? []).entries()) {
    const { mapped, dirty, uptodate, phys, gen } = bh.load();
    if (!mapped && !dirty) continue;
    if (!mapped || !dirty || !uptodate || !follows(vecs, block, phys)) return null;
    vecs.push({ page, block, phys, gen });
  }
  return vecs.length === 0 ? null : vecs;
}

/** Get blocks for a page without buffers, up to the last one of the file. */
function* mapPage(page: Page, inFile: number, getBlock: GetBlock): Task<readonly BioVec[] | null> {
  const inode = inodeOf(page);
  const first = page.index * blocksPerPage();
  const last = Math.floor((inFile - 1) / machine.blockSize);
  const vecs: BioVec[] = [];
  for (let block = 0; block < blocksPerPage(); block++) {
    const found = yield* getBlock(inode, first + block, true);
    if (typeof found === 'number' || !follows(vecs, block, found.phys)) return null;
    vecs.push({ page, block, phys: found.phys, gen: found.gen });
    if (block === last) break;
  }
  return vecs;
}

/** Does this block come right after those before it, in the page and on the disk? */
function follows(vecs: readonly BioVec[], block: number, phys: number): boolean {
  const last = vecs.at(-1);
  return vecs.length === block && (last === undefined || last.phys + 1 === phys);
}

/** @see `mpage_end_io()` (v5.15) */
function* mpageEndWrite(page: Page, error: number): Task<void> {
  if (error !== 0) {
    page.error.store(true);
    yield* mappingSetError(inodeOf(page).iMapping, error);
  }
  yield* endPageWriteback(page);
}
