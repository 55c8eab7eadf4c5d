// A filesystem of one file for the tests of fs/: its block map is an array that tests set and look at.

import {
  type AddressSpaceOperations,
  addToPageCacheLru,
  BlockDevice,
  type BlockMapping,
  type BufferHead,
  blockInvalidatepage,
  boot,
  type Cells,
  Execution,
  File,
  type GetBlock,
  Identity,
  Inode,
  layBlock,
  letterCells,
  machine,
  newBlock,
  Page,
  type Phys,
  pgoff,
  phys,
  type Scheduler,
  SharedArray,
  type Step,
  SuperBlock,
  setPageDirtyBuffers,
  showCells,
  type Task,
  tryToFreeBuffers,
  unlockPage,
} from '@fsport/core';

export const HOLE: BlockMapping = {
  mapped: false,
  phys: phys(-1),
  gen: -1,
  new: false,
  unwritten: false,
  delay: false,
};

export interface TinyOptions {
  /** Blocks of the file: a letter for data, `.` for a hole, `u` for unwritten. A blank leaves a gap on the disk. */
  readonly blocks: string;
  readonly size?: number;
  readonly blockSize?: number;
  readonly nrBlocks?: number;
  readonly aOps?: Partial<AddressSpaceOperations>;
}

/** One task after the other; every request fails. */
export const FAILING_IO: Scheduler = {
  newExecution: () => true,
  nextTask: (execution) => execution.runnable[0] as number,
  nextChoice: () => 1,
};

export class TinyFs {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly bdev: BlockDevice;
  readonly inode: Inode;
  readonly file: File;
  readonly map: SharedArray<BlockMapping>;
  /** Calls of getBlock, as `block` or `block create`. */
  readonly lookups: string[] = [];
  /** What getBlock returns instead, by block. */
  readonly errors = new Map<number, number>();

  constructor({ blocks, blockSize = 4, nrBlocks = 16, aOps = {}, ...rest }: TinyOptions) {
    boot({
      release: 'v5.15',
      pageSize: 8,
      blockSize,
      nrBlocks,
      maxBytes: 64,
      raPages: 0,
      faultAroundPages: 1,
      hostileReuse: true,
      faults: { readIo: true, writeIo: true },
    });
    this.bdev = new BlockDevice(nrBlocks);
    const size = rest.size ?? blocks.replaceAll(' ', '').length * blockSize;
    this.map = new SharedArray<BlockMapping>('map', () => HOLE);
    let iblock = 0;
    for (const c of blocks) {
      if (c === ' ') layBlock(this.bdev, 99);
      else this.map.at(iblock).init(this.#lay(iblock++, size, c));
    }
    const sb = new SuperBlock('tiny', 'v5.15', this.bdev, null, {});
    const all: AddressSpaceOperations = {
      readpage: () => {
        throw new Error('not called here');
      },
      invalidatepage: blockInvalidatepage,
      releasepage: tryToFreeBuffers,
      setPageDirty: setPageDirtyBuffers,
      ...aOps,
    };
    const fOps = {
      readIter: (): never => {
        throw new Error('not called here');
      },
    };
    this.inode = new Inode(sb, 12, { aOps: all, iOp: {}, iFop: fOps }, null);
    this.inode.iSize.init(size);
    this.file = new File(this.inode);
  }

  #lay(iblock: number, size: number, c: string): BlockMapping {
    if (c === '.') return HOLE;
    if (c === 'u') return { ...HOLE, phys: layBlock(this.bdev, 12), gen: 0, unwritten: true };
    const cells = letterCells(12, iblock * machine.blockSize, size, c);
    return { ...HOLE, mapped: true, phys: layBlock(this.bdev, 12, cells), gen: 0 };
  }

  readonly getBlock: GetBlock = (inode, iblock, create) => this.#getBlock(inode, iblock, create);

  *#getBlock(inode: Inode, iblock: number, create: boolean): Task<BlockMapping | number> {
    this.lookups.push(create ? `${iblock} create` : `${iblock}`);
    const error = this.errors.get(iblock);
    const found = yield* this.map.at(iblock).read('tiny_get_block');
    if (error !== undefined) return error;
    if (!create || found.mapped) return found;
    if (found.unwritten) return { ...found, mapped: true, new: true };
    const block = yield* newBlock(inode.iSb.sBdev, inode.iIno);
    if (block < 0) return block;
    const made = { ...HOLE, mapped: true, phys: phys(block), gen: 0 };
    this.map.at(iblock).store(made);
    return { ...made, new: true };
  }

  run<T>(task: Task<T>, title = 'test'): T {
    return this.execution.drive(title, task);
  }

  /** Run a task whose requests all fail. */
  runFailing<T>(task: Task<T>): T | undefined {
    let result: T | undefined;
    this.execution.spawn(
      'test',
      (function* (): Generator<Step<unknown>, void, unknown> {
        result = yield* task;
      })(),
    );
    const ending = this.execution.run(FAILING_IO);
    if (ending.kind !== 'done') throw new Error(ending.kind);
    return result;
  }

  /** Put a fresh page into the cache, locked by the task that goes on with it. */
  withPage<T>(index: number, body: (page: Page) => Task<T>): { readonly page: Page; readonly result: T } {
    const page = this.newPage(index);
    const result = this.run(this.insertAnd(page, body));
    return { page, result };
  }

  newPage(index: number): Page {
    return new Page(pgoff(index), false);
  }

  *insertAnd<T>(page: Page, body: (page: Page) => Task<T>): Task<T> {
    yield* addToPageCacheLru(page, this.inode.iMapping, page.index);
    return yield* body(page);
  }

  /** Run a body and unlock the page after it. */
  withLockedPage<T>(
    index: number,
    body: (page: Page) => Task<T>,
  ): { readonly page: Page; readonly result: T } {
    return this.withPage(index, function* (page): Task<T> {
      const result = yield* body(page);
      yield* unlockPage(page);
      return result;
    });
  }

  cells(text: string): Cells {
    return [...text].map((c) => c.charCodeAt(0));
  }

  /** What a disk block holds. */
  disk(block: Phys | number): string {
    return showCells(this.bdev.blocks.at(block).peek().cells);
  }

  /** What is on disk behind a block of the file. */
  diskOf(iblock: number): string {
    return this.disk(this.map.at(iblock).peek().phys);
  }

  /** Requests from now on, as `R 0+2`: kind, first disk block, number of blocks. */
  requests(): string[] {
    const seen: string[] = [];
    machine.trace.on('block_bio_queue', ({ rw, block, count }) => seen.push(`${rw} ${block}+${count}`));
    return seen;
  }

  /** Steps from now on, by verb. */
  verbs(): string[] {
    const seen: string[] = [];
    this.execution.recorder = { performed: (step) => seen.push(step.verb) };
    return seen;
  }
}

/** Content of a page as letters. */
export function content(page: Page): string {
  return showCells(page.peekBytes());
}

/** State of a page's buffers: `m`apped, `u`ptodate, `d`irty, `n`ew, or `-`; `none` without buffers. */
export function buffers(page: Page): string {
  const list = page.buffers.peek();
  if (list === null) return 'none';
  return list.map((bh: BufferHead) => letters(bh)).join(' ');
}

function letters(bh: BufferHead): string {
  const { mapped, uptodate, dirty, new: fresh, delay, unwritten } = bh.peek();
  const all = [
    mapped && 'm',
    uptodate && 'u',
    dirty && 'd',
    fresh && 'n',
    delay && 'D',
    unwritten && 'U',
  ].filter((letter) => letter !== false);
  return all.length === 0 ? '-' : all.join('');
}
