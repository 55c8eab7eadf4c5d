// A machine with one ext4 file, for the tests of this package: set up, run operations, look at the result.

import {
  BlockDevice,
  boot,
  type Cells,
  Execution,
  type Faults,
  File,
  type FileSpec,
  FMODE_NOWAIT,
  Identity,
  type Inode,
  invalidateMappingPages,
  isPage,
  type KernelRelease,
  ksysMmap,
  ksysPread64,
  loff,
  MmStruct,
  machine,
  type Page,
  pgoff,
  releaseOf,
  type Step,
  type SuperBlock,
  showCells,
  stepName,
  type Task,
  VM_SHARED,
  VM_WRITE,
} from '@fsport/core';
import ext4 from '@fsport/fs-ext4';
import { expect } from '@jest/globals';

/** A page of one block, and a page of two. */
export const GEOMETRIES = [
  { pageSize: 8, blockSize: 8 },
  { pageSize: 8, blockSize: 4 },
] as const;

/** Both releases. */
export const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];

export interface WorldOptions {
  readonly release?: KernelRelease;
  readonly pageSize?: number;
  readonly blockSize?: number;
  readonly nrBlocks?: number;
  readonly hostileReuse?: boolean;
  readonly faults?: Faults;
  /** The file, inode 12: a letter for 8 bytes of data, `.` for a hole, `u` for unwritten blocks. */
  readonly file: string;
  /** Its size; by default all its blocks. */
  readonly size?: number;
}

export class World {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly bdev: BlockDevice;
  readonly sb: SuperBlock;
  readonly inode: Inode;
  readonly file: File;
  /** A process, for those who map the file. */
  readonly mm: MmStruct;

  constructor({ release = 'v5.15', pageSize = 8, blockSize = 8, nrBlocks = 16, ...rest }: WorldOptions) {
    boot({
      release: releaseOf(release),
      pageSize,
      blockSize,
      nrBlocks,
      maxBytes: 64,
      raPages: 0,
      faultAroundPages: 1,
      hostileReuse: rest.hostileReuse ?? true,
      faults: rest.faults ?? {},
    });
    this.bdev = new BlockDevice(nrBlocks);
    const each = 8 / blockSize;
    const blocks = [...rest.file].flatMap((c): FileSpec['blocks'] =>
      new Array(each).fill(c === '.' ? 'hole' : c === 'u' ? 'unwritten' : { data: c }),
    );
    ext4.mkfs(this.bdev, [{ ino: 12, size: rest.size ?? blocks.length * blockSize, blocks }]);
    this.sb = ext4.mount(this.bdev, { profile: release });
    this.inode = ext4.iget(this.sb, 12);
    this.file = new File(this.inode, FMODE_NOWAIT);
    this.mm = new MmStruct();
  }

  /** Map the whole file, shared and writable, from address 0. */
  mmap(): void {
    this.run(ksysMmap(this.mm, this.file, pgoff(0), 8, VM_SHARED | VM_WRITE, 0));
  }

  /** Run one operation whose requests all fail. */
  runFailing<T>(task: Task<T>): T | undefined {
    let result: T | undefined;
    this.execution.spawn(
      'test',
      (function* (): Generator<Step<unknown>, void, unknown> {
        result = yield* task;
      })(),
    );
    const ending = this.execution.run({
      newExecution: () => true,
      nextTask: (execution) => execution.runnable[0] as number,
      nextChoice: () => 1,
    });
    if (ending.kind !== 'done') throw new Error(ending.kind);
    return result;
  }

  /** Run one operation to its end, with its I/O. */
  run<T>(task: Task<T>, title = 'test'): T {
    return this.execution.drive(title, task);
  }

  /** Cells to write: one origin, the letters given. */
  cells(text: string): Cells {
    const origin = machine.origins.add({ kind: 'write', text: 'by the test', ino: 12 });
    return [...text].map((c) => origin * 256 + c.charCodeAt(0));
  }

  /** What pread(2) returns for a range, as letters. */
  read(pos = 0, count = 64, flags = 0): string {
    const { result, cells } = this.run(ksysPread64(this.file, loff(pos), count, flags));
    return result < 0 ? `error ${result}` : showCells(cells);
  }

  /** A page that is cached, unseen. */
  page(index: number): Page | null {
    const slot = this.inode.iMapping.iPages.at(index).peek();
    return isPage(slot) ? slot : null;
  }

  /** The block map as letters: `.` hole, `u` unwritten, `d` delayed, `m` mapped. */
  map(): string {
    const { iData } = this.inode.info as { iData: { at(i: number): { peek(): { state: string } } } };
    const blocks = 64 / machine.blockSize;
    const letters = { hole: '.', unwritten: 'u', delalloc: 'd', mapped: 'm' };
    const all = Array.from({ length: blocks }, (_, i) => letters[iData.at(i).peek().state as 'hole']);
    return all.join('').replace(/\.*$/, '');
  }

  /** What is on the disk behind a block of the file, as letters. */
  disk(lblk: number): string {
    const { iData } = this.inode.info as { iData: { at(i: number): { peek(): { phys: number } } } };
    return showCells(this.bdev.blocks.at(iData.at(lblk).peek().phys).peek().cells);
  }

  /** `i_size` and `i_disksize`. */
  sizes(): [number, number] {
    const { iDisksize } = this.inode.info as { iDisksize: { peek(): number } };
    return [this.inode.iSize.peek(), iDisksize.peek()];
  }

  /** Forget the cache, as if the machine had plenty of other things to do: everything is clean. */
  dropCache(): void {
    this.run(invalidateMappingPages(this.inode.iMapping, pgoff(0), pgoff(7)));
    expect(this.inode.iMapping.nrpages.peek()).toBe(0);
  }

  fsck(): readonly string[] {
    return ext4.fsck(this.sb);
  }

  /**
   * The locks that an operation takes, in order: `+` and its mode, or `-`. The lock against fills is `inv` in both
   * releases; page locks show their index; what one task does is listed, completions are marked.
   */
  locks(task: Task<unknown>): string[] {
    const log: string[] = [];
    this.execution.recorder = {
      performed: (step, result) => {
        const line = lockLine(step.verb, stepName(step), result);
        const own = this.execution.task?.parent === null;
        if (line !== null) log.push(own ? line : `io ${line}`);
      },
    };
    this.run(task);
    this.execution.recorder = null;
    return log;
  }
}

const MODES: Readonly<Record<string, string>> = {
  down_read: '+S ',
  down_write: '+X ',
  down_read_trylock: '+S ',
  down_write_trylock: '+X ',
  up_read: '-',
  up_write: '-',
  lock_page: '+',
  trylock_page: '+',
  add_to_page_cache_lru: '+',
  unlock_page: '-',
  end_buffer_async_read: '-',
  mpage_end_io: '-',
};

function lockLine(verb: string, name: string, result: string): string | null {
  const mode = MODES[verb];
  if (mode === undefined || result === 'busy') return null;
  const lock = name
    .replace(/^\w+\(/, '')
    .replace(/\)$/, '')
    .replace(/^mapping\.invalidate_lock\[12\]|^ext4_inode_info\.i_mmap_sem\[12\]/, 'inv')
    .replace(/^inode\.|^ext4_inode_info\.|^ext4_sb_info\.|^mapping\./, '')
    .replace(/\[12\]$/, '')
    .replace(/^(?:PG_locked|PG_uptodate|i_pages)/, 'page');
  return `${mode}${lock}`;
}
