/**
 * posix_fadvise(2) and readahead(2): advice. WILLNEED fills the cache without reading, so it races with
 * whoever removes pages; DONTNEED drops only what nobody needs.
 *
 * @see mm/fadvise.c, mm/readahead.c (v5.14, v5.15)
 */
import { EINVAL } from '../include/errno.js';
import {
  FMODE_RANDOM,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
} from '../include/flags.js';
import { daxMapping, type File, iSizeRead, isInMemory, pageIndex } from '../include/fs.js';
import { PAGE_SIZE } from '../include/page.js';
import { LLONG_MAX, type Loff, loff, pgoff } from '../include/units.js';
import { machine } from '../machine.js';
import type { Task } from '../sched/task.js';
import { filemapFdatawriteRange } from './page-writeback.js';
import { forcePageCacheReadahead } from './readahead.js';
import { invalidateMappingPages } from './truncate.js';

/**
 * Advice on a range of a file, in the way of its filesystem.
 *
 * @returns `0`, or `-EINVAL`.
 * @context Sleeps.
 * @see `vfs_fadvise()` (v5.15)
 */
export function vfsFadvise(file: File, offset: Loff, len: number, advice: number): Task<number> {
  const operation = file.fOp.fadvise ?? genericFadvise;
  return operation(file, offset, loff(len), advice);
}

/**
 * Advice on a range of a file that the filesystem has no opinion on.
 *
 * @param len - Bytes; 0 for the rest of the file.
 * @returns `0`, or `-EINVAL` for a negative length or unknown advice.
 * @context Sleeps.
 * @see `generic_fadvise()` (v5.15)
 */
export function* genericFadvise(file: File, offset: Loff, len: Loff, advice: number): Task<number> {
  if (len < 0) return -EINVAL;
  // Without a cache, or a device behind it, advice is only checked.
  if (isInMemory(file.fMapping) || daxMapping(file.fMapping)) {
    return advice >= POSIX_FADV_NORMAL && advice <= POSIX_FADV_NOREUSE ? 0 : -EINVAL;
  }
  const last = len === 0 ? LLONG_MAX : loff(offset + len - 1);
  switch (advice) {
    case POSIX_FADV_NORMAL:
      yield* setReadahead(file, false, machine.raPages);
      return 0;
    case POSIX_FADV_RANDOM:
      yield* setReadahead(file, true, null);
      return 0;
    case POSIX_FADV_SEQUENTIAL:
      yield* setReadahead(file, false, machine.raPages * 2);
      return 0;
    case POSIX_FADV_WILLNEED: {
      // Pages that are only partly in the range are read too.
      const index = pageIndex(offset);
      const nrPages = Math.min(pageIndex(last), file.fMapping.capacity - 1) - index + 1;
      if (nrPages > 0) yield* forcePageCacheReadahead(file.fMapping, file, index, nrPages);
      return 0;
    }
    case POSIX_FADV_NOREUSE:
      return 0;
    case POSIX_FADV_DONTNEED:
      yield* dropPages(file, offset, last);
      return 0;
    default:
      return -EINVAL;
  }
}

/** Set the readahead policy of an open file: under f_lock, which protects nothing else here. */
function setReadahead(file: File, random: boolean, raPages: number | null): Task<void> {
  return file.fRa.section('generic_fadvise', () => {
    file.fMode = random ? file.fMode | FMODE_RANDOM : file.fMode & ~FMODE_RANDOM;
    const ra = file.fRa.load();
    file.fRa.store(raPages === null ? ra : { ...ra, raPages });
  });
}

/**
 * Start writing what is dirty, then drop the clean pages that are wholly in the range.
 *
 * @departs No second try: the kernel repeats the walk after draining per-CPU lists that hold references to pages
 *   for a while; those references are not modelled.
 */
function* dropPages(file: File, offset: Loff, last: Loff): Task<void> {
  const { fMapping: mapping } = file;
  yield* filemapFdatawriteRange(mapping, offset, last, 'WB_SYNC_NONE');
  const start = pgoff(Math.ceil(offset / PAGE_SIZE));
  let end = pageIndex(last);
  // The last page goes only if the range covers it, or ends where the file ends.
  const whole = last === LLONG_MAX || last % PAGE_SIZE === PAGE_SIZE - 1;
  if (!whole && last !== (yield* iSizeRead(mapping.host)) - 1) {
    if (end === 0) return;
    end = pgoff(end - 1);
  }
  if (end >= start) yield* invalidateMappingPages(mapping, start, end);
}

/**
 * Read a range into the cache.
 *
 * @returns `0`, or `-EINVAL`.
 * @context Sleeps. Does not wait for the I/O.
 * @see mm/readahead.c `ksys_readahead()` (v5.15)
 */
export function ksysReadahead(file: File, offset: Loff, count: number): Task<number> {
  return vfsFadvise(file, offset, count, POSIX_FADV_WILLNEED);
}
