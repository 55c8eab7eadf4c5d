// A machine with two xfs files, for the tests of this package: run calls one after the other, look at what they leave.

import {
  BlockDevice,
  boot,
  Execution,
  type Faults,
  File,
  type FileSpec,
  FMODE_NOWAIT,
  Identity,
  type Inode,
  invalidateInodePages2Range,
  type KernelRelease,
  ksysFallocate,
  ksysFsync,
  ksysPread64,
  ksysPwrite64,
  LockGraph,
  loff,
  MmStruct,
  ownersOf,
  type Pgoff,
  pgoff,
  releaseOf,
  type Step,
  type SuperBlock,
  showCells,
  type Task,
  useLocking,
} from '@fsport/core';
import xfs from '@fsport/fs-xfs';

/** Both releases. */
export const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];

export interface WorldOptions {
  readonly release?: KernelRelease;
  readonly blockSize?: number;
  readonly nrBlocks?: number;
  readonly faults?: Faults;
  /** Inode 12: a letter for a block of data, `.` for a hole, `u` for an unwritten one. */
  readonly file: string;
  /** Inode 13. */
  readonly other?: string;
  /** Size of inode 12; by default all its blocks. */
  readonly size?: number;
}

export class World {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly graph = new LockGraph();
  readonly bdev: BlockDevice;
  readonly sb: SuperBlock;
  readonly inode: Inode;
  readonly otherInode: Inode;
  readonly file: File;
  readonly other: File;
  readonly mm: MmStruct;
  /** Steps of the last race, as `who verb`. */
  readonly steps: string[] = [];

  constructor({ release = 'v5.15', blockSize = 8, nrBlocks = 32, file, other = '', ...rest }: WorldOptions) {
    useLocking({ graph: this.graph, fair: () => false });
    boot({
      release: releaseOf(release),
      pageSize: 8,
      blockSize,
      nrBlocks,
      maxBytes: 64,
      raPages: 0,
      faultAroundPages: 1,
      hostileReuse: true,
      faults: rest.faults ?? {},
    });
    this.bdev = new BlockDevice(nrBlocks);
    const spec = (ino: number, letters: string, size = letters.length * blockSize): FileSpec => {
      const blocks = [...letters].map((c) => (c === '.' ? 'hole' : c === 'u' ? 'unwritten' : { data: c }));
      return { ino, size, blocks };
    };
    xfs.mkfs(this.bdev, [spec(12, file, rest.size), spec(13, other)]);
    this.sb = xfs.mount(this.bdev, { profile: release });
    this.inode = xfs.iget(this.sb, 12);
    this.otherInode = xfs.iget(this.sb, 13);
    this.file = new File(this.inode, FMODE_NOWAIT);
    this.other = new File(this.otherInode, FMODE_NOWAIT);
    this.mm = new MmStruct();
  }

  run<T>(task: Task<T>, title = 'test'): T {
    return this.execution.drive(title, task);
  }

  write(pos: number, text: string, flags = 0, file = this.file): number {
    const cells = [...text].map((c) => c.charCodeAt(0));
    return this.run(ksysPwrite64(file, loff(pos), cells, flags));
  }

  fallocate(mode: number, pos: number, len: number): number {
    return this.run(ksysFallocate(this.file, mode, loff(pos), loff(len)));
  }

  sync(file = this.file): number {
    return this.run(ksysFsync(file));
  }

  /** What a file reads as, through the cache. */
  text(file = this.file): string {
    return showCells(this.run(ksysPread64(file, loff(0), 64)).cells);
  }

  /** What it reads as after it was written back and dropped from the cache. */
  onDisk(file = this.file): string {
    this.sync(file);
    const { iMapping } = file.fInode;
    this.run(invalidateInodePages2Range(iMapping, pgoff(0), iMapping.capacity as Pgoff));
    return this.text(file);
  }

  /** Its blocks: state, and whose each is. */
  map(file = this.file): string {
    const places: string[] = [];
    for (let lblk = 0; lblk * this.sb.sBlocksize < file.fInode.iSize.peek(); lblk++) {
      const { state, phys } = xfs.bmap(file.fInode, lblk);
      const owners = phys < 0 ? [] : ownersOf(this.bdev.blocks.at(phys).peek());
      places.push(owners.length > 1 ? `${state} shared` : state);
    }
    return places.join(', ');
  }

  fsck(): readonly string[] {
    return xfs.fsck(this.sb);
  }

  /** Run tasks side by side, each for as long as it can; `then` says after which steps another one goes on. */
  race(
    tasks: Readonly<Record<string, Task<unknown>>>,
    switches: readonly (readonly [string, string])[] = [],
    choice = 0,
  ): string {
    const names = Object.keys(tasks);
    for (const [name, task] of Object.entries(tasks)) this.execution.spawn(name, ignore(task), name);
    let at = 0;
    let last = names[0] as string;
    this.execution.recorder = {
      performed: (step: Step<unknown>) => {
        this.steps.push(`${this.execution.task?.name} ${step.verb}`);
        const [who, verb] = switches[at] ?? [];
        if (who !== last || step.verb !== verb) return;
        at++;
        last = names.find((name) => name !== last) as string;
      },
    };
    const indexOf = (name: string): number => this.execution.tasks.findIndex((task) => task.name === name);
    return this.execution.run({
      newExecution: () => true,
      nextTask: ({ runnable }) =>
        runnable.find((task) => task === indexOf(last)) ??
        runnable.find((task) => !names.includes(this.execution.tasks[task]?.name ?? '')) ??
        (runnable[0] as number),
      nextChoice: () => choice,
    }).kind;
  }
}

function* ignore(task: Task<unknown>): Task<void> {
  yield* task;
}
