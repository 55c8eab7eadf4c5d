/**
 * Zone append: data goes where the write pointer of the device is, past iomap and past the cache.
 *
 * @see fs/zonefs/super.c `zonefs_file_dio_append()`, block/blk-core.c `submit_bio()` (v5.14, v5.15)
 */
import {
  type BioVec,
  type Cells,
  Completion,
  type Inode,
  machine,
  PAGE_SIZE,
  Page,
  type Phys,
  pgoff,
  putPage,
  submitBio,
  type Task,
} from '@fsport/core';
import { ZONEFS_I } from './zonefs.js';

/**
 * Append to a zone and wait for it.
 *
 * @param cells - Whole blocks, not more than fit.
 * @returns `0`, or `-EIO`: then the write pointer has not moved.
 * @context Sleeps. i_rwsem exclusive: nobody else appends.
 * @departs One request, however long. The write pointer moves when the data is there, not before.
 */
export function* zoneAppend(inode: Inode, cells: Cells): Task<number> {
  const { zone, zoneWp } = ZONEFS_I(inode);
  const { blockSize } = machine;
  const first = zoneWp.load() / blockSize;
  const pages = Array.from(
    { length: Math.ceil(cells.length / PAGE_SIZE) },
    (_, i) => new Page(pgoff(i), false, true),
  );
  for (const [i, page] of pages.entries())
    page.storeBytes(0, cells.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE));
  const vecs = Array.from({ length: cells.length / blockSize }, (_, i): BioVec => {
    const at = i * blockSize;
    const page = pages[Math.floor(at / PAGE_SIZE)] as Page;
    return { page, block: (at % PAGE_SIZE) / blockSize, phys: zone[first + i] as Phys, gen: 0 };
  });
  const written = new Completion('submit_bio_wait');
  let error = 0;
  yield* submitBio(inode.iSb.sBdev, {
    rw: 'W',
    ino: inode.iIno,
    vecs,
    endIo: (status) =>
      written.section('submit_bio_wait_endio', () => {
        error = status;
        if (status === 0) zoneWp.store(zoneWp.load() + cells.length);
        written.store(true);
      }),
  });
  yield* written.waitUntil((ended) => ended, 'submit_bio_wait');
  for (const page of pages) putPage(page);
  return error;
}
