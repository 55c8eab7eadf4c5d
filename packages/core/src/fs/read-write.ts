/**
 * System calls: what a program can do to a file. Each checks its arguments, as the kernel's entry does, and
 * each ends without a lock: a task that returns to user space with one would stop everybody else for ever.
 *
 * @see fs/read_write.c, fs/open.c, fs/sync.c, mm/fadvise.c, mm/madvise.c, mm/mmap.c (v5.14, v5.15)
 */
import { ContractError } from '../errors.js';
import { EINVAL, ENOTTY, EOPNOTSUPP, EXDEV } from '../include/errno.js';
import { FMODE_NOWAIT, IOCB_DIRECT, IOCB_NOWAIT } from '../include/flags.js';
import { type File, type IovIter, iSizeRead, type Kiocb, type UserBuffer } from '../include/fs.js';
import type { MmStruct, VmAreaStruct } from '../include/mm-types.js';
import type { Loff, Pgoff } from '../include/units.js';
import { ksysReadahead, vfsFadvise } from '../mm/fadvise.js';
import { doMadvise } from '../mm/madvise.js';
import { doMmap, doMunmap } from '../mm/mmap.js';
import type { Cells } from '../provenance.js';
import { current } from '../sched/current.js';
import type { Task, TaskStruct } from '../sched/task.js';
import { doTruncate, vfsFallocate } from './open.js';
import { vfsFsync } from './sync.js';

/** What read(2) gives back. */
export interface ReadResult {
  /** Bytes, or an errno. */
  readonly result: number;
  /** The bytes. */
  readonly cells: Cells;
}

/**
 * Run a system call.
 *
 * @param name - Its name, for messages.
 * @param nowait - It must not sleep (`IOCB_NOWAIT`).
 * @param body - What it does.
 * @returns What it returns.
 * @throws ContractError `LOCK_LEAK` if the task still holds a lock at the end.
 */
export function* syscall<T>(name: string, body: Task<T>, nowait = false): Task<T> {
  const task = current.task as TaskStruct;
  task.nowait = nowait;
  const result = yield* body;
  task.nowait = false;
  if (task.held.length > 0) {
    const locks = task.held.map(({ lock, mode }) => `${lock.name}:${mode}`).join(', ');
    throw new ContractError(
      'LOCK_LEAK',
      { task: task.title, call: name, locks },
      `${name}() returns and still holds ${locks}. Release it on every way out.`,
    );
  }
  return result;
}

/**
 * May this file be used with these flags?
 *
 * @returns `0`; `-EINVAL` for direct I/O the filesystem has not; `-EOPNOTSUPP` for IOCB_NOWAIT on a file without
 *   FMODE_NOWAIT.
 * @see include/linux/fs.h `kiocb_set_rw_flags()`, fs/open.c `do_dentry_open()` (v5.15)
 */
function checkFlags(file: File, flags: number): number {
  if ((flags & IOCB_DIRECT) !== 0 && file.fMapping.aOps.directIO === undefined) return -EINVAL;
  if ((flags & IOCB_NOWAIT) !== 0 && (file.fMode & FMODE_NOWAIT) === 0) return -EOPNOTSUPP;
  return 0;
}

/**
 * pread(2), preadv2(2), and what io_uring does with other flags.
 *
 * @param flags - `IOCB_*`. RWF_NOWAIT is `IOCB_NOWAIT | IOCB_NOIO`; io_uring's first try is IOCB_NOWAIT alone.
 * @param user - The program's memory, if it is a mapping of a file.
 * @returns Bytes or an errno, and the bytes.
 * @context Sleeps unless IOCB_NOWAIT.
 * @see fs/read_write.c `ksys_pread64()`, `vfs_read()` (v5.15)
 */
export function ksysPread64(
  file: File,
  pos: Loff,
  count: number,
  flags = 0,
  user?: UserBuffer,
): Task<ReadResult> {
  const iocb = kiocb(file, pos, flags, user);
  return syscall('pread64', vfsRead(iocb, count), (flags & IOCB_NOWAIT) !== 0);
}

function kiocb(kiFilp: File, kiPos: Loff, kiFlags: number, kiUser?: UserBuffer): Kiocb {
  return { kiFilp, kiPos, kiFlags, kiUser };
}

function* vfsRead(iocb: Kiocb, count: number): Task<ReadResult> {
  const { kiFilp: file, kiPos: pos, kiFlags: flags } = iocb;
  const error = pos < 0 || count < 0 ? -EINVAL : checkFlags(file, flags);
  if (error !== 0) return { result: error, cells: [] };
  const iter: IovIter = { count, cells: [], isPipe: false };
  const result = yield* file.fOp.readIter(iocb, iter);
  return { result, cells: iter.cells.flat() };
}

/**
 * pwrite(2).
 *
 * @param cells - What to write; with `user` only their number counts.
 * @param flags - `IOCB_*`.
 * @param user - The program's memory, if it is a mapping of a file.
 * @returns Bytes; `-EINVAL` if the filesystem cannot write; or an errno.
 * @context Sleeps unless IOCB_NOWAIT.
 * @see fs/read_write.c `ksys_pwrite64()`, `vfs_write()` (v5.15)
 */
export function ksysPwrite64(
  file: File,
  pos: Loff,
  cells: Cells,
  flags = 0,
  user?: UserBuffer,
): Task<number> {
  const iocb = kiocb(file, pos, flags, user);
  return syscall('pwrite64', vfsWrite(iocb, cells), (flags & IOCB_NOWAIT) !== 0);
}

function* vfsWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { kiFilp: file, kiPos: pos, kiFlags: flags } = iocb;
  const { writeIter } = file.fOp;
  if (pos < 0 || writeIter === undefined) return -EINVAL;
  const error = checkFlags(file, flags);
  if (error !== 0) return error;
  return yield* writeIter(iocb, cells);
}

/** ftruncate(2). @returns `0`, or an errno. @context Sleeps. @see fs/open.c `do_sys_ftruncate()` (v5.15) */
export function ksysFtruncate(file: File, length: Loff): Task<number> {
  return syscall('ftruncate', doTruncate(file.fInode, length));
}

/** fallocate(2). @returns `0`, or an errno. @context Sleeps. @see fs/open.c `ksys_fallocate()` (v5.15) */
export function ksysFallocate(file: File, mode: number, offset: Loff, len: Loff): Task<number> {
  return syscall('fallocate', vfsFallocate(file, mode, offset, len));
}

/** posix_fadvise(2). @returns `0`, or an errno. @context Sleeps. @see mm/fadvise.c `ksys_fadvise64_64()` (v5.15) */
export function ksysFadvise64(file: File, offset: Loff, len: number, advice: number): Task<number> {
  return syscall('fadvise64', vfsFadvise(file, offset, len, advice));
}

/** readahead(2). @returns `0`, or an errno. @context Sleeps. @see mm/readahead.c `ksys_readahead()` (v5.15) */
export function ksysReadahead64(file: File, offset: Loff, count: number): Task<number> {
  return syscall('readahead', ksysReadahead(file, offset, count));
}

/** fsync(2). @returns `0`, or an errno. @context Sleeps. @see fs/sync.c `do_fsync()` (v5.15) */
export function ksysFsync(file: File): Task<number> {
  return syscall('fsync', vfsFsync(file));
}

/**
 * ioctl(2) with a request of the filesystem's own.
 *
 * @param cmd - Its name.
 * @param arg - The other file, if there is one.
 * @returns `0`, `-ENOTTY` if there is no such request, or an errno.
 * @context Sleeps.
 * @see fs/ioctl.c `vfs_ioctl()` (v5.15)
 */
export function ksysIoctl(file: File, cmd: string, arg: File | null = null): Task<number> {
  return syscall('ioctl', vfsIoctl(file, cmd, arg));
}

function* vfsIoctl(file: File, cmd: string, arg: File | null): Task<number> {
  const { unlockedIoctl } = file.fOp;
  return unlockedIoctl === undefined ? -ENOTTY : yield* unlockedIoctl(file, cmd, arg);
}

/** madvise(2). @returns `0`, or an errno. @context Sleeps. @see mm/madvise.c `do_madvise()` (v5.15) */
export function ksysMadvise(mm: MmStruct, startVpn: number, nrPages: number, behavior: number): Task<number> {
  return syscall('madvise', doMadvise(mm, startVpn, nrPages, behavior));
}

/**
 * mmap(2).
 *
 * @returns The mapping; `-ENODEV` if the filesystem has no mmap; or an error of the filesystem.
 * @context Sleeps. Takes mmap_lock exclusive.
 * @see mm/mmap.c `ksys_mmap_pgoff()`, `do_mmap()` (v5.15)
 */
export function ksysMmap(
  mm: MmStruct,
  file: File,
  pgoff: Pgoff,
  nrPages: number,
  flags: number,
  startVpn: number,
): Task<VmAreaStruct | number> {
  return syscall('mmap', doMmap(mm, file, pgoff, nrPages, flags, startVpn));
}

/** munmap(2). @returns `0`. @context Sleeps. Takes mmap_lock exclusive. @see mm/mmap.c `__vm_munmap()` (v5.15) */
export function ksysMunmap(mm: MmStruct, vma: VmAreaStruct): Task<number> {
  return syscall('munmap', munmap(mm, vma));
}

function* munmap(mm: MmStruct, vma: VmAreaStruct): Task<number> {
  yield* doMunmap(mm, vma);
  return 0;
}

/**
 * copy_file_range(2).
 *
 * @param len - Bytes.
 * @returns Bytes copied, fewer at the end of the source; `-EINVAL` for ranges of one file that overlap; `-EXDEV` for files
 *   of two filesystems; `-EOPNOTSUPP` if the filesystem cannot; or an errno.
 * @context Sleeps. The filesystem takes all locks itself.
 * @departs What the filesystem cannot copy is not copied through the page cache instead: to the model that is a read and a
 *   write.
 * @see `vfs_copy_file_range()`, `generic_copy_file_checks()` (v5.15)
 */
export function ksysCopyFileRange(
  fileIn: File,
  posIn: Loff,
  fileOut: File,
  posOut: Loff,
  len: number,
): Task<number> {
  return syscall('copy_file_range', vfsCopyFileRange(fileIn, posIn, fileOut, posOut, len));
}

function* vfsCopyFileRange(
  ...[fileIn, posIn, fileOut, posOut, len]: Parameters<typeof ksysCopyFileRange>
): Task<number> {
  const { copyFileRange } = fileOut.fOp;
  if (copyFileRange === undefined) return -EOPNOTSUPP;
  if (fileIn.fInode.iSb !== fileOut.fInode.iSb) return -EXDEV;
  const size = yield* iSizeRead(fileIn.fInode);
  const count = Math.min(len, Math.max(0, size - posIn));
  if (fileIn.fInode === fileOut.fInode && posOut + count > posIn && posOut < posIn + count) return -EINVAL;
  return count === 0 ? 0 : yield* copyFileRange(fileIn, posIn, fileOut, posOut, count);
}
