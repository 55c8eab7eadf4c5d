/**
 * A check brought to life: a machine, a mounted filesystem with its files, and the check's tasks. One per
 * execution.
 */
import {
  BlockDevice,
  boot,
  type Cells,
  doMmap,
  type Execution,
  File,
  type FileSpec,
  type FileSystemType,
  FMODE_BUF_RASYNC,
  FMODE_NOWAIT,
  type Inode,
  type Machine,
  type MachineConfig,
  MmStruct,
  machine,
  type Observer,
  PAGE_SIZE,
  pgoff,
  releaseOf,
  type SuperBlock,
  type Task,
  VM_RAND_READ,
  VM_SHARED,
  VM_WRITE,
  type VmAreaStruct,
} from '@fsport/core';
import type { Op } from './ops.js';
import { type Effect, type Outcome, type Process, type SystemCall, systemCall } from './system-calls.js';
import type { Check, TaskSpec } from './types.js';

/** A call that ran, or runs. */
export class Call {
  /** The call; with the bytes it turned out to write once it has ended. */
  op: Op;
  /** Bytes that it writes to its file, empty if it brings none. */
  data: string;
  /** Position of its file in the check. */
  readonly file: number;
  /** Index of the task that made it. */
  readonly task: number;
  /** Events up to here, exclusive, are older than the call. */
  readonly after: number;
  /** Its last event; `-1` while it runs. */
  last = -1;
  /** What it returned; meaningless while it runs. */
  result = 0;
  /** Bytes it read, or took from memory to write. */
  cells: Cells = [];

  /**
   * @param effect - The call, and its file.
   * @param task - Who makes it.
   * @param after - Number of events so far.
   */
  constructor({ op, file, data }: Effect, task: number, after: number) {
    this.op = op;
    this.data = data;
    this.file = file;
    this.task = task;
    this.after = after;
  }

  /** It has ended, and this is what it has done. */
  ended({ op, data }: Effect, last: number, { result, cells }: Outcome): this {
    this.op = op;
    this.data = data;
    this.last = last;
    this.result = result;
    this.cells = cells;
    return this;
  }
}

/** A check brought to life. */
export interface World {
  /** The machine. */
  readonly machine: Machine;
  /** The mounted filesystem. */
  readonly sb: SuperBlock;
  /** The check's files. */
  readonly inodes: readonly Inode[];
  /** Calls made by its tasks, in the order they began. */
  readonly calls: Call[];
}

/** A task of a check, ready to run. */
interface ReadyTask {
  readonly letter: string;
  /** The task whose memory and open files it uses. */
  readonly leader: string;
  readonly title: string;
  readonly calls: readonly SystemCall[];
}

/** Largest size any file of a check can reach, bytes: what is there, and whatever a call may add. */
function maxBytes(check: Check): number {
  let most = Math.max(
    ...check.files.map((file) => Math.max(file.size, file.blocks.length * check.geometry.blockSize)),
  );
  for (const op of [...check.setUp, ...check.tasks.flatMap((task) => task.ops)]) {
    if (op.op === 'fallocate') most = Math.max(most + (op.mode === 'insert' ? op.len : 0), op.pos + op.len);
    if (op.op === 'pwrite') most = Math.max(most, op.pos + op.data.length);
    if (
      op.op === 'pwrite-mapped' ||
      op.op === 'clone' ||
      op.op === 'dedupe' ||
      op.op === 'copy' ||
      op.op === 'move-range'
    )
      most = Math.max(most, op.pos + op.len);
    if (op.op === 'ftruncate' || op.op === 'setattr') most = Math.max(most, op.size);
  }
  // One more page for the probe that extends the file at the end.
  return (Math.ceil(most / check.geometry.pageSize) + 1) * check.geometry.pageSize;
}

/**
 * How a file is mapped: shared and writable, unless the filesystem has it for reading only. A file that is opened so is mapped
 * as if private.
 */
function protection(fs: FileSystemType, file: FileSpec, raPages: number): number {
  const readOnly = fs.supports.zoned === true && file.conventional !== true;
  return (readOnly ? 0 : VM_SHARED | VM_WRITE) | (raPages === 0 ? VM_RAND_READ : 0);
}

function readyTask({ letter, threadOf, ops }: TaskSpec): ReadyTask {
  const calls = ops.map(systemCall);
  return { letter, leader: threadOf ?? letter, title: calls.map(({ title }) => title).join(', '), calls };
}

/** Builds the world of a check, in each execution anew, from what is the same in all of them. */
export class WorldBuilder {
  readonly #fs: FileSystemType;
  readonly #profile: string;
  readonly #files: readonly FileSpec[];
  /** How each file is mapped. */
  readonly #protections: readonly number[];
  readonly #config: MachineConfig;
  readonly #setUp: readonly SystemCall[];
  readonly #tasks: readonly ReadyTask[];
  /**
   * May a loop start over once more than the other tasks can be the reason for? Who judges whether it ends has to see
   * it do so; for everybody else once is enough to see what a second sweep does.
   */
  readonly #livelock: boolean;

  /**
   * @param fs - The filesystem.
   * @param profile - How to mount it.
   * @param check - The check.
   */
  constructor(fs: FileSystemType, profile: string, check: Check) {
    const { pageSize, blockSize } = check.geometry;
    const bytes = maxBytes(check);
    this.#fs = fs;
    this.#profile = profile;
    this.#files = check.files;
    this.#protections = check.files.map((file) => protection(fs, file, check.raPages));
    this.#config = {
      release: releaseOf(profile),
      pageSize,
      blockSize,
      nrBlocks: (2 * bytes * check.files.length) / blockSize,
      maxBytes: bytes,
      raPages: check.raPages,
      faultAroundPages: 1,
      hostileReuse: true,
      faults: check.faults,
    };
    this.#setUp = check.setUp.map(systemCall);
    this.#tasks = check.tasks.map(readyTask);
    this.#livelock = check.checkers.includes('livelock');
  }

  /**
   * Build it in the execution being set up, and spawn its tasks.
   *
   * @param execution - The current execution.
   * @param only - Letters of the tasks to spawn; all if undefined.
   * @param observer - Judges moments while the tasks run.
   */
  build(execution: Execution, only: ReadonlySet<string> | undefined, observer: Observer): World {
    const running = only === undefined ? this.#tasks : this.#tasks.filter(({ letter }) => only.has(letter));
    const built = boot({ ...this.#config, mostRestarts: this.#livelock ? running.length : 1 });
    const bdev = new BlockDevice(built.config.nrBlocks);
    this.#fs.mkfs(bdev, this.#files);
    const sb = this.#fs.mount(bdev, { profile: this.#profile });
    const inodes = this.#files.map((file) => this.#fs.iget(sb, file.ino));
    const world: World = { machine: built, sb, inodes, calls: [] };
    if (this.#setUp.length > 0) {
      const process = execution.drive('set-up', this.#open(inodes, this.#setUp, 'set-up'));
      for (const call of this.#setUp) execution.drive(`set-up: ${call.title}`, call.make(process));
    }
    // Everything is opened before anybody runs: driving runs whatever there is to the end.
    const processes = new Map<string, Process>();
    for (const { leader } of running) {
      if (processes.has(leader)) continue;
      const calls = running.filter((task) => task.leader === leader).flatMap((task) => task.calls);
      processes.set(leader, execution.drive('open', this.#open(inodes, calls, leader)));
    }
    built.observer = observer;
    for (const { letter, leader, title, calls } of running) {
      const process = processes.get(leader) as Process;
      execution.spawn(title, runCalls(execution, world, process, calls), letter);
    }
    return world;
  }

  *#open(inodes: readonly Inode[], calls: readonly SystemCall[], name: string): Task<Process> {
    const files = inodes.map((inode) => new File(inode, FMODE_NOWAIT | FMODE_BUF_RASYNC));
    const mm = new MmStruct(name);
    const vmas: VmAreaStruct[] = [];
    if (calls.some(({ mapped }) => mapped)) {
      const pages = machine.maxBytes / PAGE_SIZE;
      for (const [i, file] of files.entries()) {
        const vma = yield* doMmap(mm, file, pgoff(0), pages, this.#protections[i] as number, i * pages);
        if (typeof vma === 'number') throw new Error(`file ${i} cannot be mapped: ${vma}`);
        vmas.push(vma);
      }
    }
    return { files, mm, vmas };
  }
}

function* runCalls(
  execution: Execution,
  world: World,
  process: Process,
  calls: readonly SystemCall[],
): Task<void> {
  for (const systemCall of calls) {
    const task = execution.task?.index ?? 0;
    const after = execution.events.count;
    const call = new Call(systemCall, task, after);
    world.calls.push(call);
    const outcome = yield* systemCall.make(process);
    const last = execution.events.count - 1;
    const [own, ...others] = systemCall.effects(outcome.cells);
    call.ended(own, last, outcome);
    for (const other of others) world.calls.push(new Call(other, task, after).ended(other, last, outcome));
  }
}
