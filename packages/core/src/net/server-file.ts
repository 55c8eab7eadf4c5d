/**
 * A file on a server: the truth that the caches of clients are compared with.
 *
 * Its content is in blocks of a device that belong to it for ever, one for each block it can have, so that a block of
 * the file is found without a map; `eof` is its size. What lies beyond the end is zero. A block's generation grows each
 * time the server discards its content on request: bytes that were served before arrive too late afterwards.
 *
 * Each request is one step at the server, which has its own locks. A page is filled in the step in which the reply is
 * taken in: that step looks at the server's blocks as well, only to be judged ({@link Observer.blockRead}).
 */
import { type BlockDevice, type DiskBlock, layBlock, letterCells } from '../block/device.js';
import { EIO } from '../include/errno.js';
import type { Page } from '../include/mm-types.js';
import { PAGE_SIZE } from '../include/page.js';
import { type Phys, phys } from '../include/units.js';
import { machine } from '../machine.js';
import type { FileSpec } from '../plugin.js';
import { type Cells, showCells, spliceCells, zeroCells } from '../provenance.js';
import { SharedVar } from '../sched/shared-var.js';
import { choose, type Task } from '../sched/task.js';

/** A block as it was served. */
export interface ServedBlock {
  /** Where it is at the server. */
  readonly phys: Phys;
  /** Its generation then. */
  readonly gen: number;
  /** Its content then. */
  readonly cells: Cells;
}

/** A file at the server. All its fields are to be seen: final states are compared by them. */
export class ServerFile {
  /** Its number. */
  readonly ino: number;
  /** Its size. */
  readonly eof: SharedVar<number>;
  /** The disk of the server. */
  readonly bdev: BlockDevice;
  /** Its first block there; the others follow. */
  readonly first: Phys;

  /**
   * @param bdev - The disk of the server.
   * @param ino - Its number.
   * @param first - Its first block; the others follow.
   * @param size - Its size.
   */
  constructor(bdev: BlockDevice, ino: number, first: Phys, size: number) {
    this.ino = ino;
    this.eof = new SharedVar('server.eof', size, ino);
    this.bdev = bdev;
    this.first = first;
  }

  /** Where a block of the file is. */
  phys(iblock: number): Phys {
    return phys(this.first + iblock);
  }

  /** A block of the file. */
  block(iblock: number): SharedVar<DiskBlock> {
    return this.bdev.blocks.at(this.phys(iblock));
  }

  /**
   * Where the bytes of a block are at the moment: in the block, unless the server lets somebody else access them
   * elsewhere. Joins the step in progress.
   */
  bytesOf(iblock: number): SharedVar<DiskBlock> {
    return this.block(iblock);
  }
}

/** A file on a disk that is not mounted. */
export interface ServerInode {
  /** As mkfs was told. */
  readonly spec: FileSpec;
  /** Its first block. */
  readonly first: Phys;
}

/**
 * Lay a file out on the disk of a server: as many blocks as it can ever have, in one run.
 *
 * @param bdev - The disk.
 * @param spec - The file. What is not data is zero.
 */
export function layServerFile(bdev: BlockDevice, spec: FileSpec): ServerInode {
  const { blockSize, maxBytes } = machine;
  const laid = Array.from({ length: Math.ceil(maxBytes / blockSize) }, (_, iblock) => {
    const block = spec.blocks[iblock] ?? 'hole';
    const data =
      typeof block === 'string' ? [] : letterCells(spec.ino, iblock * blockSize, spec.size, block.data);
    return layBlock(bdev, spec.ino, data);
  });
  return { spec, first: laid[0] as Phys };
}

/** The blocks that a byte range touches, and the part of each that is in it. */
function* parts(pos: number, end: number): Generator<{ iblock: number; from: number; to: number }, void> {
  const { blockSize } = machine;
  for (let iblock = Math.floor(pos / blockSize); iblock * blockSize < end; iblock++) {
    const start = iblock * blockSize;
    yield { iblock, from: Math.max(0, pos - start), to: Math.min(blockSize, end - start) };
  }
}

function blocksPerPage(): number {
  return PAGE_SIZE / machine.blockSize;
}

/** May this request fail? Then the scheduler decides. */
function* failing(allowed: boolean | undefined, what: string): Task<boolean> {
  return allowed === true && (yield* choose(what, 2)) === 1;
}

/**
 * Serve a read of whole pages.
 *
 * @param pages - The pages; consecutive.
 * @returns Their blocks, page after page; or `-EIO`.
 */
export function* serverRead(file: ServerFile, pages: readonly Page[]): Task<readonly ServedBlock[] | number> {
  const perPage = blocksPerPage();
  const first = (pages[0] as Page).index * perPage;
  const failed = yield* failing(machine.faults.readIo, 'read error');
  return yield* file.block(first).readSection(
    'server_read',
    () => {
      if (failed) return -EIO;
      return Array.from({ length: pages.length * perPage }, (_, i) => {
        const { gen, cells } = file.block(first + i).load();
        return { phys: file.phys(first + i), gen, cells };
      });
    },
    (reply) => (typeof reply === 'number' ? '-EIO' : `${pages.length} pages`),
  );
}

/**
 * Take a page of a reply in: it becomes valid, unless the read failed, and is unlocked.
 *
 * @param page - Locked, not valid.
 * @param nth - Which page of the request it is.
 * @param reply - What was served, or an errno.
 * @param unlock - Release the page lock, whoever took it.
 * @context May be preempted. Page lock held.
 * @departs Copying, setting PG_uptodate and releasing the lock are one step: nobody may look at the content before, and who
 *   finds the page valid takes it as it is, locked or not.
 */
export function receivePage(
  file: ServerFile,
  page: Page,
  nth: number,
  reply: readonly ServedBlock[] | number,
  unlock = true,
): Task<void> {
  return page.uptodate.section(
    'page_endio',
    () => {
      if (typeof reply === 'number') page.error.store(true);
      else fill(file, page, reply.slice(nth * blocksPerPage(), (nth + 1) * blocksPerPage()));
      if (unlock) page.lock.drop('unlock_page');
    },
    () => (typeof reply === 'number' ? '-EIO' : showCells(page.peekBytes())),
  );
}

function fill(file: ServerFile, page: Page, blocks: readonly ServedBlock[]): void {
  for (const [block, { phys: at, gen, cells }] of blocks.entries()) {
    const now = file.block(page.index * blocks.length + block).load().gen;
    (page.content[block] as SharedVar<Cells>).store(cells);
    page.source[block] = { phys: at, gen };
    machine.observer.blockRead?.(page, {
      ino: file.ino,
      phys: at,
      owned: now === gen,
      reason: `the server discarded the content of block ${at} after it had served it`,
    });
  }
  page.uptodate.store(true);
}

/**
 * Serve a write, which makes the file longer if it goes beyond its end.
 *
 * @param late - Was it sent before a truncation that the server has served since? Then what is beyond the end is dropped.
 * @returns Bytes written, or `-EIO`.
 */
export function* serverWrite(
  file: ServerFile,
  pos: number,
  cells: Cells,
  late: () => boolean = () => false,
): Task<number> {
  if (yield* failing(machine.faults.writeIo, 'write error')) return -EIO;
  return yield* file.block(Math.floor(pos / machine.blockSize)).section('server_write', () => {
    const eof = file.eof.load();
    const end = late() ? Math.min(eof, pos + cells.length) : pos + cells.length;
    if (end > pos) overwrite(file, pos, cells.slice(0, end - pos));
    if (end > eof) file.eof.store(end);
    return cells.length;
  });
}

function overwrite(file: ServerFile, pos: number, cells: Cells): void {
  const { blockSize } = machine;
  for (const { iblock, from, to } of parts(pos, pos + cells.length)) {
    const variable = file.bytesOf(iblock);
    const disk = variable.load();
    const at = iblock * blockSize + from - pos;
    variable.store({ ...disk, cells: spliceCells(disk.cells, from, cells.slice(at, at + to - from)) });
  }
}

/**
 * Serve the request to discard a byte range, which reads as zeroes from now on. The size stays.
 *
 * @param cache - When the client drops what it has cached of the range. If it does so before, then what was served before
 *   and arrives later is stale for good; if after, it is dropped with the rest.
 */
export function serverZero(
  file: ServerFile,
  pos: number,
  len: number,
  cache: 'dropped before' | 'dropped after' = 'dropped before',
): Task<void> {
  const outdated = cache === 'dropped before' ? 1 : 0;
  return file.block(Math.floor(pos / machine.blockSize)).section(
    'server_zero',
    () => {
      const end = Math.min(pos + len, machine.maxBytes);
      for (const { iblock, from, to } of parts(pos, end)) {
        const variable = file.bytesOf(iblock);
        const disk = variable.load();
        const cells = spliceCells(disk.cells, from, zeroCells(to - from));
        variable.store({ ...disk, gen: disk.gen + outdated, cells });
      }
    },
    () => `bytes ${pos} to ${pos + len - 1}`,
  );
}

/**
 * Serve a new size: what is beyond it is zero.
 *
 * @param also - What else the server changes in the same step.
 */
export function serverSetEof(file: ServerFile, size: number, also: () => void = () => {}): Task<void> {
  return file.eof.section(
    'server_set_eof',
    () => {
      const old = file.eof.load();
      if (size < old) overwrite(file, size, zeroCells(old - size));
      file.eof.store(size);
      also();
    },
    () => String(size),
  );
}

/**
 * Serve a copy of a byte range within the server, as far as the source goes. Ranges of one file may overlap.
 *
 * @returns Bytes copied.
 */
export function serverCopy(
  from: ServerFile,
  pos: number,
  to: ServerFile,
  toPos: number,
  len: number,
): Task<number> {
  return to.block(Math.floor(toPos / machine.blockSize)).section('server_copy', () => {
    const end = Math.min(pos + len, from.eof.load());
    const cells = [...parts(pos, end)].flatMap((part) =>
      from.bytesOf(part.iblock).load().cells.slice(part.from, part.to),
    );
    overwrite(to, toPos, cells);
    if (toPos + cells.length > to.eof.load()) to.eof.store(toPos + cells.length);
    return cells.length;
  });
}

/** What is wrong with a file at the server, with nothing in progress: for fsck. */
export function checkServerFile(file: ServerFile, isize: number): string[] {
  const found: string[] = [];
  const eof = file.eof.peek();
  if (eof !== isize) found.push(`inode ${file.ino} has ${isize} bytes here, ${eof} bytes at the server`);
  for (const { iblock, from, to } of parts(eof, machine.maxBytes)) {
    const beyond = file.bytesOf(iblock).peek().cells.slice(from, to);
    if (beyond.some((cell) => (cell & 0xff) !== 0))
      found.push(`block ${iblock} of inode ${file.ino} is not zero beyond the end of the file`);
  }
  return found;
}
