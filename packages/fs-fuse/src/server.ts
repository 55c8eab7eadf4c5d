/**
 * The server, as far as it is not like any other: it lets the client access its files through a window of memory.
 *
 * While a page of a file is in the window, its bytes are there: whoever looks at the file finds what was stored through the
 * window, and the other way round. That is what mapping the page cache of the host twice comes to.
 *
 * @see include/uapi/linux/fuse.h `FUSE_SETUPMAPPING`, `FUSE_REMOVEMAPPING` (v5.15)
 */
import {
  type BlockDevice,
  type DiskBlock,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  FREE,
  fillCells,
  machine,
  type Phys,
  ServerFile,
  type ServerInode,
  SharedArray,
  type SharedVar,
  STRANGER,
  serverSetEof,
  serverZero,
  type Task,
} from '@fsport/core';

/** A file at the server. */
export class FuseServerFile extends ServerFile {
  /** Block -> where in the window its bytes are, if they are. */
  readonly window: SharedArray<Phys | null>;

  /**
   * @param bdev - The disk of the server, and the window.
   * @param file - The file on it.
   */
  constructor(bdev: BlockDevice, { spec, first }: ServerInode) {
    super(bdev, spec.ino, first, spec.size);
    this.window = new SharedArray<Phys | null>('window', () => null, undefined, spec.ino);
  }

  override bytesOf(iblock: number): SharedVar<DiskBlock> {
    const at = this.window.at(iblock).load();
    return at === null ? this.block(iblock) : this.bdev.blocks.at(at);
  }

  /** Where the bytes of a block are, unseen by the search: for checkers. */
  peekPhys(iblock: number): Phys {
    return this.window.at(iblock).peek() ?? this.phys(iblock);
  }

  /** Serve FUSE_SETUPMAPPING: from now on a block is accessed in the window. */
  setupMapping(iblock: number, at: Phys): Task<void> {
    const home = this.block(iblock);
    return home.section(
      'server_mmap',
      () => {
        const range = this.bdev.blocks.at(at);
        range.store({ ...range.load(), owner: this.ino, cells: home.load().cells });
        this.window.at(iblock).store(at);
      },
      () => `block ${iblock} at ${at}`,
    );
  }

  /** Serve FUSE_REMOVEMAPPING: what accesses the window there finds another file. */
  removeMapping(iblock: number, at: Phys): Task<void> {
    const home = this.block(iblock);
    return home.section(
      'server_munmap',
      () => {
        const range = this.bdev.blocks.at(at);
        const { cells, mapped, pins, writes, gen } = range.load();
        machine.observer.blockFreed?.({ ino: this.ino, phys: at, writes, mapped, pins });
        home.store({ ...home.load(), cells });
        range.store({
          ...range.load(),
          owner: FREE,
          gen: gen + 1,
          cells: fillCells(cells.length, '#'.charCodeAt(0), secret(at)),
        });
        this.window.at(iblock).store(null);
      },
      () => `block ${iblock} at ${at}`,
    );
  }
}

/** Who accesses a range that it has not any more finds this. */
function secret(at: Phys): number {
  const text = `content of another file, which is accessed through range ${at} by now`;
  return machine.origins.add({ kind: 'secret', text, ino: STRANGER });
}

/** Serve FUSE_FALLOCATE. @returns `0`. */
export function* serverFallocate(
  file: FuseServerFile,
  mode: number,
  offset: number,
  length: number,
): Task<number> {
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0) {
    yield* serverZero(file, offset, length, 'dropped after');
  }
  const end = offset + length;
  if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > file.eof.load()) yield* serverSetEof(file, end);
  return 0;
}
