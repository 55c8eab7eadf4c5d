// A mounted tmpfs, driven one task at a time or step by step, for the tests that look closely.

import {
  BlockDevice,
  boot,
  byteOf,
  type Cells,
  Execution,
  File,
  fillCells,
  Identity,
  type Inode,
  isPage,
  type KernelRelease,
  ksysPread64,
  loff,
  type Page,
  pgoff,
  reclaimPage,
  type Scheduler,
  type Task,
} from '@fsport/core';
import shmem from '@fsport/fs-shmem';

/** Always takes the second alternative: reclaim writes out what is dirty. */
const EAGER: Scheduler = {
  newExecution: () => true,
  nextTask: (execution) => execution.runnable[0] as number,
  nextChoice: (_, count) => count - 1,
};

/** A letter is a page full of it, `.` a hole, `u` a page that is only allocated. */
export class World {
  readonly execution: Execution;
  readonly inode: Inode;
  readonly file: File;
  readonly fsck: () => readonly string[];

  constructor(profile: string, layout: string) {
    this.execution = new Execution({ identity: new Identity(), maxSteps: 5000 });
    boot({
      release: profile.split('+')[0] as KernelRelease,
      pageSize: 8,
      blockSize: 8,
      nrBlocks: 1,
      maxBytes: 64,
      raPages: 0,
      faultAroundPages: 1,
      hostileReuse: true,
      faults: {},
    });
    const bdev = new BlockDevice(1);
    const blocks = [...layout].map((letter) =>
      letter === '.' ? 'hole' : letter === 'u' ? 'unwritten' : { data: letter },
    );
    shmem.mkfs(bdev, [{ ino: 12, size: layout.length * 8, blocks: blocks as never }]);
    const sb = shmem.mount(bdev, { profile });
    this.inode = shmem.iget(sb, 12);
    this.file = new File(this.inode);
    this.fsck = () => shmem.fsck(sb);
  }

  run<T>(task: Task<T>): T {
    return this.execution.drive('test', task);
  }

  read(pos = 0, len = 64): string {
    const { cells } = this.run(ksysPread64(this.file, loff(pos), len));
    return cells.map((cell) => (byteOf(cell) === 0 ? '.' : String.fromCharCode(byteOf(cell)))).join('');
  }

  /** What stands in each slot: a valid page (dirty or clean), an invalid one, swap, nothing. */
  slots(): string {
    return Array.from({ length: 8 }, (_, i) => this.#slot(i))
      .join('')
      .replace(/\.*$/, '');
  }

  #slot(index: number): string {
    const slot = this.inode.iMapping.iPages.at(index).peek();
    if (slot === null) return '.';
    if (!isPage(slot)) return 's';
    return this.#page(slot);
  }

  #page(page: Page): string {
    if (!page.uptodate.peek()) return 'i';
    return page.dirty.peek() ? 'd' : 'c';
  }

  /** Reclaim a page, and write it to swap if it is dirty. */
  reclaim(index: number): void {
    this.execution.spawn('kswapd', reclaimPage(this.inode.iMapping, pgoff(index)), 'k');
    this.execution.run(EAGER);
  }

  cells(text: string): Cells {
    return [...text].flatMap((letter) => fillCells(1, letter.charCodeAt(0), 0));
  }
}
