/**
 * The operation catalogue: system calls as data, so that a check can be printed, shrunk and judged.
 *
 * Positions and lengths are bytes. All files are opened once per task; mappings cover the whole file.
 */

/** One system call, or one thing the kernel does by itself, of a task. The file is the check's first unless `file` says otherwise. */
export type Op = { readonly file?: number } & (
  | {
      readonly op: 'pread';
      readonly pos: number;
      readonly len: number;
      readonly flags?: ReadFlags;
      readonly into?: Mapped;
    }
  | { readonly op: 'pwrite'; readonly pos: number; readonly data: string; readonly flags?: WriteFlags }
  | { readonly op: 'pwrite-mapped'; readonly pos: number; readonly len: number; readonly from: Mapped }
  | { readonly op: 'load' | 'device-load'; readonly pos: number }
  | { readonly op: 'store'; readonly pos: number; readonly data: string }
  | { readonly op: 'fallocate'; readonly mode: FallocateMode; readonly pos: number; readonly len: number }
  | { readonly op: 'ftruncate'; readonly size: number }
  | { readonly op: 'setattr'; readonly size: number }
  | {
      readonly op: 'clone' | 'dedupe' | 'copy';
      readonly source: number;
      readonly sourcePos: number;
      readonly pos: number;
      readonly len: number;
    }
  | {
      readonly op: 'fadvise';
      readonly advice: 'WILLNEED' | 'DONTNEED';
      readonly pos: number;
      readonly len: number;
    }
  | { readonly op: 'readahead'; readonly pos: number; readonly len: number }
  | { readonly op: 'madvise'; readonly advice: MadviseAdvice; readonly pos: number; readonly len: number }
  | { readonly op: 'munmap' }
  | { readonly op: 'swapext'; readonly source: number }
  | { readonly op: 'free-unused' }
  | { readonly op: 'fsync' }
  | { readonly op: 'flush' }
  | { readonly op: 'reclaim'; readonly pos: number }
  | { readonly op: 'memory-failure'; readonly pos: number }
  | { readonly op: 'gc'; readonly pos: number }
  | { readonly op: 'checkpoint' }
  | {
      readonly op: 'move-range';
      readonly source: number;
      readonly sourcePos: number;
      readonly pos: number;
      readonly len: number;
    }
);

/** Memory that is a mapping: position `pos` of file `file` of the check. */
export interface Mapped {
  /** The file, by its place in the check. */
  readonly file: number;
  /** Byte in it. */
  readonly pos: number;
}

/** How a read is made. */
export type ReadFlags = 'nowait' | 'uring-nowait' | 'uring-waitq' | 'direct';
/** How a write is made. */
export type WriteFlags = 'direct';
/** What a fallocate does; all but `allocate` and `zero` keep or define the size themselves. */
export type FallocateMode = 'allocate' | 'punch' | 'zero' | 'zero-keep' | 'collapse' | 'insert' | 'unshare';
/** What a madvise asks for. */
export type MadviseAdvice = 'WILLNEED' | 'DONTNEED' | 'REMOVE' | 'POPULATE_READ' | 'POPULATE_WRITE';
