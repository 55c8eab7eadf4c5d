/**
 * Garbage collection: moves what is alive out of a segment, so that the segment can be written again.
 *
 * It fills pages without any lock against invalidations. What keeps it apart from who removes blocks is i_gc_rwsem[WRITE], which
 * both take exclusive; GC only tries, and goes on with something else.
 *
 * @see fs/f2fs/gc.c (v5.14, v5.15)
 */
import {
  downWriteTrylock,
  EAGAIN,
  type Inode,
  inodeDioWait,
  type Pgoff,
  putPage,
  type Task,
  upWrite,
} from '@fsport/core';
import { f2fsGetReadDataPage, moveDataPage } from './data.js';
import { F2FS_I } from './f2fs.js';
import { lookUp } from './node.js';

/**
 * Clean one block: phase 3 begins to read it, phase 4 moves it.
 *
 * @param index - Where the block is in its file, according to the summary of the segment.
 * @returns `0`; `-EAGAIN` if somebody holds what it needs; `-ENOENT` if nothing is alive there; or an errno.
 * @context Sleeps. Tries i_gc_rwsem; takes page locks.
 * @departs A segment is one block, and has been chosen; phases 0 to 2 read what the model has in memory.
 * @see fs/f2fs/gc.c `gc_data_segment()` with FG_GC (v5.15)
 */
export function* gcDataSegment(inode: Inode, index: Pgoff): Task<number> {
  const { iGcRwsemRead, iGcRwsemWrite } = F2FS_I(inode);
  const victim = yield* lookUp(inode, index);
  if (victim.phys < 0) return 0;
  if (!(yield* downWriteTrylock(iGcRwsemWrite))) return -EAGAIN;
  const page = yield* f2fsGetReadDataPage(inode, index);
  yield* upWrite(iGcRwsemWrite);
  if (typeof page === 'number') return page;
  putPage(page);
  if (!(yield* downWriteTrylock(iGcRwsemRead))) return -EAGAIN;
  let err = -EAGAIN;
  if (yield* downWriteTrylock(iGcRwsemWrite)) {
    yield* inodeDioWait(inode);
    err = yield* moveDataPage(inode, index, victim);
    yield* upWrite(iGcRwsemWrite);
  }
  yield* upWrite(iGcRwsemRead);
  return err;
}
