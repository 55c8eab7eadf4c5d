/**
 * Direct I/O: user memory and disk blocks, past the page cache.
 *
 * Before it, the range is written back; a write also drops the cached pages of its range, and again after it, because
 * somebody may have read the old blocks into the cache meanwhile. `i_dio_count` tells truncate and punch
 * that requests are in flight. Fills of the cache are not kept out: that buffered reads racing with a direct write
 * may leave old bytes cached is documented behaviour.
 *
 * @departs Synchronous requests only; the sector of the device is the block of the filesystem, so that a position or
 *   length inside a block is `-EINVAL`.
 * @see fs/iomap/direct-io.c (v5.14, v5.15)
 */
import { type BioVec, submitBio } from '../block/device.js';
import { EAGAIN, EINVAL, EIO, ENOTBLK } from '../include/errno.js';
import { IOCB_NOWAIT } from '../include/flags.js';
import { type Inode, type IovIter, iSizeRead, type Kiocb, pageIndex } from '../include/fs.js';
import { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Loff, loff, type Phys, pgoff } from '../include/units.js';
import { machine } from '../machine.js';
import { putPage } from '../mm/filemap/page-cache.js';
import { genericWriteSync } from '../mm/filemap/write.js';
import {
  filemapRangeHasPage,
  filemapRangeNeedsWriteback,
  filemapWriteAndWaitRange,
} from '../mm/page-writeback.js';
import { invalidateInodePages2Range } from '../mm/truncate.js';
import { type Cells, zeroCells } from '../provenance.js';
import { current } from '../sched/current.js';
import { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { inodeDioBegin, inodeDioEnd } from './inode.js';
import { IOMAP_DIRECT, IOMAP_WRITE, type Iomap, type IomapOps } from './iomap.js';

/** dio_end_io: some of the blocks were unwritten. @see include/linux/iomap.h */
export const IOMAP_DIO_UNWRITTEN = 1 << 0;
/** dio_end_io: some of the blocks replace blocks that are shared. */
export const IOMAP_DIO_COW = 1 << 1;

/**
 * What direct I/O asks of a filesystem. Asked for a piece, it may say `-ENOTBLK` to use the cache.
 *
 * @see include/linux/iomap.h `struct iomap_ops`, `struct iomap_dio_ops` (v5.15)
 */
export interface IomapDioOps extends Pick<IomapOps, 'iomapBegin'> {
  /** The transfer of `size` bytes has ended; flags are `IOMAP_DIO_*`. Returns `0` or an errno. */
  readonly endIo?: (iocb: Kiocb, size: number, error: number, flags: number) => Task<number>;
}

/** Requests of one direct I/O in flight. Never changed in place. */
interface Pending {
  readonly requests: number;
  readonly error: number;
}

/** One direct I/O. @see `struct iomap_dio` */
class IomapDio {
  readonly iocb: Kiocb;
  readonly pos: number;
  /** What to write, or `null`. */
  readonly from: Cells | null;
  /** Where to put what is read, or `null`. */
  readonly to: IovIter | null;
  readonly length: number;
  readonly ops: IomapDioOps;
  readonly pending = new SharedVar<Pending>('dio.ref', { requests: 0, error: 0 });
  /** User memory, page by page. */
  readonly pages: Page[] = [];
  /** What a read gets, in order; known when the transfer has ended. */
  readonly pieces: (() => Cells)[] = [];
  size = 0;
  flags = 0;

  constructor(iocb: Kiocb, iter: IovIter | Cells, ops: IomapDioOps) {
    this.iocb = iocb;
    this.pos = iocb.kiPos;
    this.from = isCells(iter) ? iter : null;
    this.to = isCells(iter) ? null : iter;
    this.length = isCells(iter) ? iter.length : iter.count;
    this.ops = ops;
    this.pending.show = ({ requests }) => `${requests} requests`;
  }

  /** A request is about to be submitted. Joins the step in progress, like the atomic counter that it is. */
  submitted(): void {
    const { requests, error } = this.pending.load();
    this.pending.store({ requests: requests + 1, error });
  }

  get last(): Loff {
    return loff(this.pos + this.length - 1);
  }
}

function isCells(iter: IovIter | Cells): iter is Cells {
  return Array.isArray(iter);
}

/**
 * Read or write directly.
 *
 * @param iocb - Position and flags; the position is advanced.
 * @param iter - Where to put what is read, or the cells to write.
 * @param ops - The filesystem.
 * @returns Bytes; `-EAGAIN` if it would have to wait for the cache; `-ENOTBLK` if pages of the range could not be
 *   dropped, so that a write must go through the cache; `-EINVAL` inside a block; `-EIO`; or an error of `ops`.
 * @context Sleeps. i_rwsem at least shared.
 * @see fs/iomap/direct-io.c `iomap_dio_rw()` (v5.15)
 */
export function* iomapDioRw(iocb: Kiocb, iter: IovIter | Cells, ops: IomapDioOps): Task<number> {
  const { fInode: inode, fMapping: mapping } = iocb.kiFilp;
  const dio = new IomapDio(iocb, iter, ops);
  if (dio.length === 0) return 0;
  const size = yield* iSizeRead(inode);
  if (dio.to !== null && dio.pos >= size) return 0;
  if ((iocb.kiFlags & IOCB_NOWAIT) !== 0) {
    const busy = dio.to !== null ? filemapRangeNeedsWriteback : filemapRangeHasPage;
    if (yield* busy(mapping, loff(dio.pos), dio.last)) return -EAGAIN;
  }
  // The promise not to wait ends here: the kernel waits for the map and the disk like anybody else.
  return yield* mayWait(transferAndComplete(dio, size));
}

/**
 * Run a part of a call that promised not to wait (`IOCB_NOWAIT`) in which the kernel waits all the same.
 *
 * @param body - That part.
 * @returns What it returns.
 * @context Sleeps.
 */
export function* mayWait<T>(body: Task<T>): Task<T> {
  const { task } = current;
  if (task === null || !task.nowait) return yield* body;
  task.nowait = false;
  const result = yield* body;
  task.nowait = true;
  return result;
}

function* transferAndComplete(dio: IomapDio, size: number): Task<number> {
  const prepared = yield* prepare(dio);
  if (prepared !== 0) return prepared;
  yield* inodeDioBegin(dio.iocb.kiFilp.fInode);
  const failed = yield* transfer(dio);
  return yield* complete(dio, size, failed);
}

/** The cache must not hold anything newer than the disk, and after a write nothing older. */
function* prepare(dio: IomapDio): Task<number> {
  const mapping = dio.iocb.kiFilp.fMapping;
  const flushed = yield* filemapWriteAndWaitRange(mapping, loff(dio.pos), dio.last);
  if (flushed !== 0 || dio.from === null) return flushed;
  const kept = yield* invalidateInodePages2Range(mapping, pageIndex(dio.pos), pageIndex(dio.last));
  return kept === 0 ? 0 : -ENOTBLK;
}

/** Map and submit piece by piece, and wait for the end of all requests. Returns `0` or the first error. */
function* transfer(dio: IomapDio): Task<number> {
  const inode = dio.iocb.kiFilp.fInode;
  const end = dio.pos + dio.length;
  const flags = IOMAP_DIRECT | (dio.from === null ? 0 : IOMAP_WRITE);
  let failed = 0;
  for (let at = dio.pos; at < end && failed === 0; ) {
    const map = yield* dio.ops.iomapBegin(inode, at, end - at, flags);
    if (typeof map === 'number') {
      if (map === -ENOTBLK) break;
      failed = map;
    } else {
      const bytes = Math.min(map.offset + map.length, end) - at;
      failed = yield* transferPiece(dio, inode, map, at, bytes);
      if (failed === 0) dio.size += bytes;
      at += bytes;
    }
  }
  if (dio.pages.length === 0) return failed;
  const { error } = yield* dio.pending.waitUntil(({ requests }) => requests === 0, 'iomap_dio_wait');
  return failed || error;
}

/** Move one piece of a file: zeroes for what is not on disk, a request for what is. */
function* transferPiece(dio: IomapDio, inode: Inode, map: Iomap, at: number, bytes: number): Task<number> {
  const { blockSize } = machine;
  const cells = dio.from?.slice(at - dio.pos, at - dio.pos + bytes) ?? null;
  if (at % blockSize !== 0 || bytes % blockSize !== 0) return -EINVAL;
  // Dirtied through a mapping since the range was written back: "Direct I/O collision with buffered writes".
  if (map.type === 'delalloc') return -EIO;
  if (map.type === 'hole' || (map.type === 'unwritten' && cells === null)) {
    if (cells !== null) return -EIO;
    dio.pieces.push(() => zeroCells(bytes));
    return 0;
  }
  if (map.type === 'unwritten') dio.flags |= IOMAP_DIO_UNWRITTEN;
  if (map.shared === true) dio.flags |= IOMAP_DIO_COW;
  const blocks = bytes / blockSize;
  const perPage = PAGE_SIZE / blockSize;
  const skip = (at - map.offset) / blockSize;
  const pages = Array.from(
    { length: Math.ceil(blocks / perPage) },
    (_, i) => new Page(pgoff(i), false, true),
  );
  dio.pages.push(...pages);
  const vecs = Array.from({ length: blocks }, (_, i): BioVec => {
    const page = pages[Math.floor(i / perPage)] as Page;
    const block = i % perPage;
    if (cells !== null) page.storeBytes(block * blockSize, cells.slice(i * blockSize, (i + 1) * blockSize));
    return { page, block, phys: map.phys[skip + i] as Phys, gen: map.gens[skip + i] as number };
  });
  dio.pieces.push(() => pages.flatMap((page) => page.loadBytes(0, PAGE_SIZE)).slice(0, bytes));
  dio.submitted();
  yield* submitBio(inode.iSb.sBdev, {
    rw: cells === null ? 'R' : 'W',
    ino: inode.iIno,
    vecs,
    endIo: (status) =>
      dio.pending.section('iomap_dio_bio_end_io', () => {
        const before = dio.pending.load();
        dio.pending.store({ requests: before.requests - 1, error: before.error || status });
      }),
  });
  return 0;
}

/** @see fs/iomap/direct-io.c `iomap_dio_complete()` (v5.15) */
function* complete(dio: IomapDio, iSize: number, error: number): Task<number> {
  const { iocb, pos, ops } = dio;
  const { fInode: inode, fMapping: mapping } = iocb.kiFilp;
  let result = ops.endIo === undefined ? error : yield* ops.endIo(iocb, dio.size, error, dio.flags);
  if (result === 0) {
    result = dio.to === null ? dio.size : Math.min(dio.size, iSize - pos);
    if (dio.to !== null) {
      dio.to.cells.push(dio.pieces.flatMap((piece) => piece()).slice(0, result));
      dio.to.count -= result;
    }
    iocb.kiPos = loff(pos + result);
  }
  for (const page of dio.pages) putPage(page);
  // After endIo: as long as blocks are unwritten, a buffered read would cache zeroes.
  if (error === 0 && dio.size > 0 && dio.from !== null && mapping.nrpages.load() > 0) {
    const last = pageIndex(pos + dio.size - 1);
    const kept = yield* invalidateInodePages2Range(mapping, pageIndex(pos), last);
    if (kept !== 0) yield* mapping.wbErr.write(-EIO, 'dio_warn_stale_pagecache');
  }
  yield* inodeDioEnd(inode);
  return result > 0 && dio.from !== null ? yield* genericWriteSync(iocb, result) : result;
}

/**
 * For filesystems whose file operations do direct I/O themselves: says that there is any, and is never called.
 *
 * @returns `-EINVAL`.
 * @see fs/libfs.c `noop_direct_IO()` (v5.15)
 */
// biome-ignore lint/correctness/useYield: a task without a step
export function* noopDirectIO(): Task<number> {
  return -EINVAL;
}
