/**
 * The file-level reference model: what a file may contain after some system calls, in any order that the
 * execution leaves open. It knows nothing of pages, blocks or locks.
 */
import type { Op } from './ops.js';

/** A file as a user sees it: its bytes; the size is their number. */
export type FileState = readonly number[];

/** A completed call on a file. */
export interface CompletedCall {
  /** The call. */
  readonly op: Op;
  /** What it returned: bytes, `0`, or a negative errno. */
  readonly result: number;
  /** For a clone, a move or a swap, what its source holds: it changes in no check. */
  readonly source?: FileState;
}

function zeroes(count: number): number[] {
  return new Array<number>(Math.max(0, count)).fill(0);
}

function overlay(file: FileState, pos: number, bytes: readonly number[]): FileState {
  // Nothing beyond the end of the file does not make the file longer.
  if (bytes.length === 0) return file;
  const grown =
    file.length < pos + bytes.length ? [...file, ...zeroes(pos + bytes.length - file.length)] : file.slice();
  bytes.forEach((byte, i) => {
    grown[pos + i] = byte;
  });
  return grown;
}

function bytesOf(data: string, count: number): number[] {
  return [...data.slice(0, count)].map((letter) => letter.charCodeAt(0));
}

function fallocate(file: FileState, op: Extract<Op, { op: 'fallocate' }>): FileState {
  const { mode, pos, len } = op;
  if (mode === 'collapse') return [...file.slice(0, pos), ...file.slice(pos + len)];
  if (mode === 'insert') return [...file.slice(0, pos), ...zeroes(len), ...file.slice(pos)];
  const within = Math.max(0, Math.min(len, file.length - pos));
  const zeroed = mode === 'allocate' || mode === 'unshare' ? file : overlay(file, pos, zeroes(within));
  const extends_ = (mode === 'allocate' || mode === 'zero') && pos + len > file.length;
  return extends_ ? [...zeroed, ...zeroes(pos + len - file.length)] : zeroed;
}

/** What a file is after one more call. A call that failed changed nothing. */
export function apply(file: FileState, { op, result, source = [] }: CompletedCall): FileState {
  if (result < 0) return file;
  switch (op.op) {
    case 'pwrite':
      return overlay(file, op.pos, bytesOf(op.data, result));
    case 'store':
      // Stores beyond the end of the file go nowhere.
      return overlay(file, op.pos, bytesOf(op.data, Math.max(0, file.length - op.pos)));
    case 'clone':
    case 'copy':
    case 'move-range':
      return overlay(file, op.pos, source.slice(op.sourcePos, op.sourcePos + op.len));
    case 'swapext':
      return source;
    case 'fallocate':
      return fallocate(file, op);
    case 'madvise':
      if (op.advice !== 'REMOVE') return file;
      return fallocate(file, { op: 'fallocate', mode: 'punch', pos: op.pos, len: op.len });
    case 'ftruncate':
    case 'setattr':
      return op.size <= file.length ? file.slice(0, op.size) : [...file, ...zeroes(op.size - file.length)];
    default:
      return file;
  }
}

/** Everything a file can be, by byte, over all orders that a partial order leaves open. */
export interface Possible {
  /** Sizes at the end. */
  readonly sizes: ReadonlySet<number>;
  /** Values of each byte at the end; a byte beyond the size counts as zero. */
  readonly bytes: readonly ReadonlySet<number>[];
  /** For each call, values that each byte of the file could have had while it ran. */
  readonly during: readonly (readonly ReadonlySet<number>[])[];
  /** For each call, sizes that the file could have had while it ran. */
  readonly sizesDuring: readonly ReadonlySet<number>[];
}

/**
 * All outcomes of a set of calls.
 *
 * @param start - The file before them.
 * @param calls - The calls.
 * @param before - `before(i, j)`: call `i` ended before call `j` began.
 * @param extent - Number of bytes to report on.
 */
export function possibleOutcomes(
  start: FileState,
  calls: readonly CompletedCall[],
  before: (i: number, j: number) => boolean,
  extent: number,
): Possible {
  const sizes = new Set<number>();
  const bytes = Array.from({ length: extent }, () => new Set<number>());
  const during = calls.map(() => Array.from({ length: extent }, () => new Set<number>()));
  const sizesDuring = calls.map(() => new Set<number>());
  const note = (file: FileState, into: Set<number>[], intoSizes: Set<number>): void => {
    intoSizes.add(file.length);
    for (let i = 0; i < extent; i++) (into[i] as Set<number>).add(file[i] ?? 0);
  };
  const visit = (file: FileState, left: readonly number[]): void => {
    // A call still to come, or that may overlap with what just happened, sees the file as it is now.
    if (left.length === 0) note(file, bytes, sizes);
    for (const next of left) {
      if (left.some((other) => other !== next && before(other, next))) continue;
      const after = apply(file, calls[next] as CompletedCall);
      note(file, during[next] as Set<number>[], sizesDuring[next] as Set<number>);
      note(after, during[next] as Set<number>[], sizesDuring[next] as Set<number>);
      visit(
        after,
        left.filter((other) => other !== next),
      );
    }
  };
  visit(
    start,
    calls.map((_, i) => i),
  );
  return { sizes, bytes, during, sizesDuring };
}
