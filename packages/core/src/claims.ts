/**
 * What a filesystem can claim in `supports`: operations and traits. All there is to know about a claim is in this file.
 *
 * An operation that is not claimed is answered as the kernel answers where a filesystem has none: {@link UNCLAIMED} says how.
 * A trait is what checks ask about; nothing is refused for want of it.
 */
import {
  ksysCopyFileRange,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysIoctl,
  ksysMmap,
  ksysPread64,
  ksysPwrite64,
  ksysReadahead64,
} from './fs/read-write.js';
import { vfsCloneFileRange, vfsDedupeFileRange, vfsMoveFileRange } from './fs/remap-range.js';
import { EINVAL, ENODEV, ENOTTY, EOPNOTSUPP } from './include/errno.js';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  IOCB_DIRECT,
  IOCB_NOWAIT,
} from './include/flags.js';
import type { AddressSpaceOperations, File, FileOperations, InodeOperations } from './include/fs.js';
import { MmStruct } from './include/mm-types.js';
import { loff, pgoff } from './include/units.js';
import type { Task } from './sched/index.js';

/** Operations that a filesystem need not have. */
export interface Operations {
  /** write(2). */
  readonly write?: boolean;
  /** mmap(2), shared mappings included. */
  readonly mmap?: boolean;
  /** truncate(2), both ways. */
  readonly truncate?: boolean;
  /** fsync(2) and background writeback. */
  readonly writeback?: boolean;
  /** Plain fallocate(2). */
  readonly allocate?: boolean;
  /** FALLOC_FL_PUNCH_HOLE. */
  readonly punchHole?: boolean;
  /** FALLOC_FL_ZERO_RANGE. */
  readonly zeroRange?: boolean;
  /** FALLOC_FL_COLLAPSE_RANGE. */
  readonly collapseRange?: boolean;
  /** FALLOC_FL_INSERT_RANGE. */
  readonly insertRange?: boolean;
  /** FICLONE and FICLONERANGE. */
  readonly clone?: boolean;
  /** ioctl(F2FS_IOC_MOVE_RANGE). */
  readonly moveRange?: boolean;
  /** FIDEDUPERANGE. */
  readonly dedupe?: boolean;
  /** copy_file_range(2) of its own: who has the blocks copies them. */
  readonly copyRange?: boolean;
  /** FALLOC_FL_UNSHARE_RANGE. */
  readonly unshareRange?: boolean;
  /** XFS_IOC_SWAPEXT: exchange the blocks of two files. */
  readonly swapExtents?: boolean;
  /** XFS_IOC_FREE_EOFBLOCKS: give back what was allocated and is not needed, as a background task does. */
  readonly freeUnused?: boolean;
  /** O_DIRECT. */
  readonly directIo?: boolean;
  /** IOCB_NOWAIT reads. */
  readonly nowait?: boolean;
  /** Readahead of its own (without it the kernel reads page by page). */
  readonly readahead?: boolean;
}

/** What a filesystem is like. */
export interface Traits {
  /** Moves blocks by itself, to clean segments. */
  readonly gc?: boolean;
  /** Blocks smaller than a page. */
  readonly subPageBlocks?: boolean;
  /** The page cache is the data: no readpage, no readahead; pages that are not in use go to swap. */
  readonly inMemory?: boolean;
  /** DAX: the bytes are accessed where they are stored; there is no page cache, and nothing is read ahead. */
  readonly dax?: boolean;
  /** Several machines share the disk: a lock of the cluster says who may cache a file. */
  readonly cluster?: boolean;
  /** The content of files is on a server; the disk of the machine stands for it. */
  readonly remote?: boolean;
  /**
   * Files are zones of a zoned device: what is written in order is appended with O_DIRECT, and truncated to nothing or to the
   * whole zone; what is conventional has a fixed size.
   */
  readonly zoned?: boolean;
}

/** What a filesystem can claim. */
export interface Supports extends Operations, Traits {}

/** What the kernel answers to a call where a filesystem has no such operation. */
export interface Unclaimed {
  /** The call, for a file of at least 16 bytes. */
  call(file: File): Task<unknown>;
  /** What it returns. */
  readonly answer: unknown;
}

const AT = loff(0);
const TO = loff(8);
const LEN = loff(8);

/** All modes of fallocate(2) are one operation of the kernel's table. */
function fallocate(mode: number): Unclaimed {
  return { call: (file) => ksysFallocate(file, mode, AT, LEN), answer: -EOPNOTSUPP };
}

/** What the kernel answers where an operation is not claimed. */
export const UNCLAIMED: Readonly<Record<keyof Operations, Unclaimed>> = {
  write: { call: (file) => ksysPwrite64(file, AT, [65]), answer: -EINVAL },
  mmap: { call: (file) => ksysMmap(new MmStruct(), file, pgoff(0), 1, 0, 0), answer: -ENODEV },
  // Falls back on simple_setattr().
  truncate: { call: (file) => ksysFtruncate(file, loff(4)), answer: 0 },
  writeback: { call: ksysFsync, answer: -EINVAL },
  allocate: fallocate(0),
  punchHole: fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
  zeroRange: fallocate(FALLOC_FL_ZERO_RANGE),
  collapseRange: fallocate(FALLOC_FL_COLLAPSE_RANGE),
  insertRange: fallocate(FALLOC_FL_INSERT_RANGE),
  clone: { call: (file) => vfsCloneFileRange(file, AT, file, TO, LEN), answer: -EOPNOTSUPP },
  moveRange: { call: (file) => vfsMoveFileRange(file, AT, file, TO, LEN), answer: -ENOTTY },
  dedupe: { call: (file) => vfsDedupeFileRange(file, AT, file, TO, LEN), answer: -EINVAL },
  copyRange: { call: (file) => ksysCopyFileRange(file, AT, file, TO, LEN), answer: -EOPNOTSUPP },
  unshareRange: fallocate(FALLOC_FL_UNSHARE_RANGE),
  swapExtents: { call: (file) => ksysIoctl(file, 'XFS_IOC_SWAPEXT', file), answer: -ENOTTY },
  freeUnused: { call: (file) => ksysIoctl(file, 'XFS_IOC_FREE_EOFBLOCKS'), answer: -ENOTTY },
  directIo: {
    call: (file) => ksysPread64(file, AT, LEN, IOCB_DIRECT),
    answer: { result: -EINVAL, cells: [] },
  },
  nowait: {
    call: (file) => ksysPread64(file, AT, LEN, IOCB_NOWAIT),
    answer: { result: -EOPNOTSUPP, cells: [] },
  },
  // Falls back on reading page by page.
  readahead: { call: (file) => ksysReadahead64(file, AT, LEN), answer: 0 },
};

/** `true` if one of these is claimed for certain; asked of each by itself. */
export type Claims<S extends Supports, K extends keyof Supports> = K extends unknown
  ? S[K] extends true
    ? true
    : false
  : never;
/** `T` if it is claimed, otherwise no demand. */
export type When<C extends boolean, T> = true extends C ? T : unknown;

/** The operation tables a claim requires. A claim without its operation does not compile. */
export type Tables<S extends Supports> = {
  /** Page-cache operations. */
  readonly aOps: AddressSpaceOperations &
    When<
      Claims<S, 'readahead'>,
      | Required<Pick<AddressSpaceOperations, 'readahead'>>
      | Required<Pick<AddressSpaceOperations, 'readpages'>>
    >;
  /** Inode operations. */
  readonly iOps: InodeOperations &
    When<Claims<S, 'truncate' | 'zoned'>, Required<Pick<InodeOperations, 'setattr'>>>;
  /** File operations. */
  readonly fOps: FileOperations &
    When<Claims<S, 'write' | 'zoned'>, Required<Pick<FileOperations, 'writeIter'>>> &
    When<Claims<S, 'mmap'>, Required<Pick<FileOperations, 'mmap'>>> &
    When<Claims<S, 'writeback'>, Required<Pick<FileOperations, 'fsync'>>> &
    When<Claims<S, 'clone' | 'dedupe'>, Required<Pick<FileOperations, 'remapFileRange'>>> &
    When<Claims<S, 'copyRange'>, Required<Pick<FileOperations, 'copyFileRange'>>> &
    When<Claims<S, 'moveRange'>, Required<Pick<FileOperations, 'moveFileRange'>>> &
    When<Claims<S, 'swapExtents' | 'freeUnused'>, Required<Pick<FileOperations, 'unlockedIoctl'>>> &
    When<
      Claims<S, 'allocate' | 'punchHole' | 'zeroRange' | 'collapseRange' | 'insertRange' | 'unshareRange'>,
      Required<Pick<FileOperations, 'fallocate'>>
    >;
};

/** Pages are filled from somewhere, unless the page cache is the data, or there is none. */
export type ReadsFromDisk<S extends Supports> = 'inMemory' extends keyof S
  ? unknown
  : 'dax' extends keyof S
    ? unknown
    : { readonly aOps: Required<Pick<AddressSpaceOperations, 'readpage'>> };
