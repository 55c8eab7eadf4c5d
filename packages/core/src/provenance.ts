/**
 * Bytes that know where they came from.
 *
 * A *cell* is one byte together with the number of its origin: `origin * 256 + byte`. Page contents, block
 * contents and user buffers are arrays of cells, so a byte carries its history wherever it is copied.
 * Origin 0 is "nobody wrote this: zero".
 */

/** One byte and its origin. */
export type Cell = number;
/** Some bytes and their origins. Never changed in place once shared; replaced. */
export type Cells = readonly Cell[];

/** Where a byte came from. */
export interface Origin {
  /** What wrote it: an operation of this file, or a stranger that got a freed block. */
  readonly kind: 'zero' | 'write' | 'secret';
  /** In words: `"A" written to inode 12 at 0 by set-up`. */
  readonly text: string;
  /** The inode it was written to; 0 for none. */
  readonly ino: number;
}

const ZERO: Origin = { kind: 'zero', text: 'zeroes', ino: 0 };

/** The origins of one execution. */
export class Origins {
  readonly #origins: Origin[] = [ZERO];

  /** Register an origin. @returns Its number. */
  add(origin: Origin): number {
    return this.#origins.push(origin) - 1;
  }

  /** The origin of a cell. */
  of(cell: Cell): Origin {
    return this.#origins[cell >>> 8] as Origin;
  }
}

/** The byte in a cell. */
export function byteOf(cell: Cell): number {
  return cell & 0xff;
}

/** The byte of a cell as people read it: a letter, or `.` for zero. */
export function showByte(cell: Cell): string {
  const byte = byteOf(cell);
  if (byte === 0) return '.';
  return byte > 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`;
}

/** Cells as people read them: `AAAA....`. */
export function showCells(cells: Cells): string {
  return cells.map(showByte).join('');
}

const zeroes = new Map<number, Cells>();

/** A run of zero bytes that nobody wrote. */
export function zeroCells(length: number): Cells {
  let cells = zeroes.get(length);
  if (cells === undefined) {
    cells = Object.freeze(new Array<number>(length).fill(0));
    zeroes.set(length, cells);
  }
  return cells;
}

/** A run of one byte from one origin. */
export function fillCells(length: number, byte: number, origin: number): Cells {
  return new Array<number>(length).fill(origin * 256 + byte);
}

/** A copy of `base` with `patch` laid over it at `at`. */
export function spliceCells(base: Cells, at: number, patch: Cells): Cells {
  const copy = base.slice();
  for (let i = 0; i < patch.length; i++) copy[at + i] = patch[i] as Cell;
  return copy;
}
