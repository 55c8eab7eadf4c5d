/**
 * A check brought to life: a machine, a mounted filesystem with its files, and the check's tasks. One per
 * execution.
 */
import {
  ATTR_MODE,
  ATTR_SIZE,
  BlockDevice,
  boot,
  byteOf,
  type Cells,
  deviceLoad,
  doMmap,
  doWritepages,
  type Execution,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  File,
  type FileSpec,
  type FileSystemType,
  FMODE_BUF_RASYNC,
  FMODE_NOWAIT,
  fillCells,
  findGetPage,
  type Inode,
  IOCB_DIRECT,
  IOCB_NOIO,
  IOCB_NOWAIT,
  IOCB_WAITQ,
  inodeLock,
  inodeUnlock,
  ksysCopyFileRange,
  ksysFadvise64,
  ksysFallocate,
  ksysFsync,
  ksysFtruncate,
  ksysIoctl,
  ksysMadvise,
  ksysMunmap,
  ksysPread64,
  ksysPwrite64,
  ksysReadahead64,
  loff,
  MADV_DONTNEED,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WILLNEED,
  type Machine,
  MmStruct,
  machine,
  memoryFailure,
  notifyChange,
  type Observer,
  PAGE_SIZE,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  pageIndex,
  pgoff,
  putPage,
  reclaimPage,
  releaseOf,
  type SuperBlock,
  syscall,
  type Task,
  type UserBuffer,
  userLoad,
  userStore,
  VM_RAND_READ,
  VM_SHARED,
  VM_WRITE,
  type VmAreaStruct,
  vfsCloneFileRange,
  vfsDedupeFileRange,
  vfsMoveFileRange,
} from '@fsport/core';
import type { FallocateMode, MadviseAdvice, Mapped, Op, ReadFlags } from './ops.js';
import { opTitle } from './titles.js';
import type { Check, TaskSpec } from './types.js';

/** A call that ran. */
export interface Call {
  /** The call; with the bytes it turned out to write once it has ended. */
  op: Op;
  /** Position of its file in the check. */
  readonly file: number;
  /** Index of the task that made it. */
  readonly task: number;
  /** Events up to here, exclusive, are older than the call. */
  readonly after: number;
  /** Its last event; `-1` while it runs. */
  last: number;
  /** What it returned; meaningless while it runs. */
  result: number;
  /** Bytes it read, or took from memory to write. */
  cells: Cells;
}

/** What one task works with: its own open files and its own address space. */
interface Process {
  readonly files: readonly File[];
  readonly mm: MmStruct;
  readonly vmas: readonly VmAreaStruct[];
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

const FALLOCATE_MODES: Readonly<Record<FallocateMode, number>> = {
  allocate: 0,
  punch: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
  zero: FALLOC_FL_ZERO_RANGE,
  'zero-keep': FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
  collapse: FALLOC_FL_COLLAPSE_RANGE,
  insert: FALLOC_FL_INSERT_RANGE,
  unshare: FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE,
};

const READ_FLAGS: Readonly<Record<ReadFlags, number>> = {
  nowait: IOCB_NOWAIT | IOCB_NOIO,
  'uring-nowait': IOCB_NOWAIT,
  'uring-waitq': IOCB_WAITQ,
  direct: IOCB_DIRECT,
};

const MADVISE: Readonly<Record<MadviseAdvice, number>> = {
  WILLNEED: MADV_WILLNEED,
  DONTNEED: MADV_DONTNEED,
  REMOVE: MADV_REMOVE,
  POPULATE_READ: MADV_POPULATE_READ,
  POPULATE_WRITE: MADV_POPULATE_WRITE,
};

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
 * How often a loop may start over. Who judges whether it ends has to see it do so once more than the other tasks can be
 * the reason for; for everybody else once is enough to see what a second sweep does.
 */
function mostRestarts(check: Check, tasks: number): number {
  return check.checkers.includes('livelock') ? tasks : 1;
}

/**
 * Build the world of a check in the execution being set up, and spawn its tasks.
 *
 * @param execution - The current execution.
 * @param fs - The filesystem.
 * @param profile - How to mount it.
 * @param check - The check.
 * @param only - Letters of the tasks to spawn; all if undefined.
 * @param observer - Judges moments while the tasks run.
 */
export function buildWorld(
  execution: Execution,
  fs: FileSystemType,
  profile: string,
  check: Check,
  only: ReadonlySet<string> | undefined,
  observer: Observer,
): World {
  const { pageSize, blockSize } = check.geometry;
  const bytes = maxBytes(check);
  const built = boot({
    release: releaseOf(profile),
    pageSize,
    blockSize,
    nrBlocks: (2 * bytes * check.files.length) / blockSize,
    maxBytes: bytes,
    raPages: check.raPages,
    faultAroundPages: 1,
    hostileReuse: true,
    faults: check.faults,
    mostRestarts: mostRestarts(check, only?.size ?? check.tasks.length),
  });
  const bdev = new BlockDevice(built.config.nrBlocks);
  fs.mkfs(bdev, check.files);
  const sb = fs.mount(bdev, { profile });
  const inodes = check.files.map((file) => fs.iget(sb, file.ino));
  const world: World = { machine: built, sb, inodes, calls: [] };
  const protections = check.files.map((file) => protection(fs, file));
  if (check.setUp.length > 0) {
    const process = execution.drive('set-up', open(world, protections, check.setUp, 'set-up'));
    for (const op of check.setUp) execution.drive(`set-up: ${opTitle(op)}`, perform(process, op));
  }
  const running = check.tasks.filter(({ letter }) => only === undefined || only.has(letter));
  // Everything is opened before anybody runs: driving runs whatever there is to the end.
  const processes = new Map<string, Process>();
  for (const letter of new Set(running.map(leaderOf))) {
    const ops = running.filter((spec) => leaderOf(spec) === letter).flatMap((spec) => spec.ops);
    processes.set(letter, execution.drive('open', open(world, protections, ops, letter)));
  }
  built.observer = observer;
  for (const spec of running) {
    const process = processes.get(leaderOf(spec)) as Process;
    execution.spawn(spec.ops.map(opTitle).join(', '), runCalls(execution, world, process, spec), spec.letter);
  }
  return world;
}

/** The task whose memory and open files a task uses. */
function leaderOf(spec: TaskSpec): string {
  return spec.threadOf ?? spec.letter;
}

const MEMORY_OPS: ReadonlySet<Op['op']> = new Set([
  'load',
  'device-load',
  'store',
  'madvise',
  'munmap',
  'pwrite-mapped',
]);

/**
 * How a file is mapped: shared and writable, unless the filesystem has it for reading only. A file that is opened so is mapped
 * as if private.
 */
function protection(fs: FileSystemType, file: FileSpec): number {
  const readOnly = fs.supports.zoned === true && file.conventional !== true;
  return (readOnly ? 0 : VM_SHARED | VM_WRITE) | (machine.raPages === 0 ? VM_RAND_READ : 0);
}

/** Does a process need the files mapped into its memory? */
function needsMapping(ops: readonly Op[]): boolean {
  return ops.some((op) => MEMORY_OPS.has(op.op) || (op.op === 'pread' && op.into !== undefined));
}

function* open(
  world: World,
  protections: readonly number[],
  ops: readonly Op[],
  name: string,
): Task<Process> {
  const files = world.inodes.map((inode) => new File(inode, FMODE_NOWAIT | FMODE_BUF_RASYNC));
  const mm = new MmStruct(name);
  const vmas: VmAreaStruct[] = [];
  if (needsMapping(ops)) {
    const pages = machine.maxBytes / PAGE_SIZE;
    for (const [i, file] of files.entries()) {
      const vma = yield* doMmap(mm, file, pgoff(0), pages, protections[i] as number, i * pages);
      if (typeof vma === 'number') throw new Error(`file ${i} cannot be mapped: ${vma}`);
      vmas.push(vma);
    }
  }
  return { files, mm, vmas };
}

function* runCalls(execution: Execution, world: World, process: Process, spec: TaskSpec): Task<void> {
  for (const op of spec.ops) {
    const call: Call = {
      op,
      file: op.file ?? 0,
      task: execution.task?.index ?? 0,
      after: execution.events.count,
      last: -1,
      result: 0,
      cells: [],
    };
    world.calls.push(call);
    const { result, cells } = yield* perform(process, op);
    call.last = execution.events.count - 1;
    call.result = result;
    call.cells = cells;
    if (op.op === 'pwrite-mapped') call.op = { op: 'pwrite', pos: op.pos, data: textOf(cells) };
    if (op.op === 'swapext') {
      world.calls.push({ ...call, op: { op: 'swapext', source: call.file }, file: op.source });
    }
    if (op.op === 'move-range') {
      const { source, sourcePos, len } = op;
      world.calls.push({
        ...call,
        op: { op: 'fallocate', mode: 'punch', pos: sourcePos, len },
        file: source,
      });
    }
    if (op.op === 'pread' && op.into !== undefined) {
      const { file, pos } = op.into;
      world.calls.push({ ...call, op: { op: 'store', pos, data: textOf(cells) }, file });
    }
  }
}

function textOf(cells: Cells): string {
  return String.fromCharCode(...cells.map(byteOf));
}

/** What a call returned. */
interface Outcome {
  readonly result: number;
  readonly cells: Cells;
}

function* perform(process: Process, op: Op): Task<Outcome> {
  const file = process.files[op.file ?? 0] as File;
  if (op.op === 'pread') {
    const user = op.into === undefined ? undefined : bufferAt(process, op.into);
    return yield* ksysPread64(file, loff(op.pos), op.len, flagsOf(op.flags), user);
  }
  if (op.op === 'pwrite-mapped') {
    const user = bufferAt(process, op.from);
    const room = fillCells(op.len, 0, 0);
    return { result: yield* ksysPwrite64(file, loff(op.pos), room, 0, user), cells: user.taken };
  }
  if (op.op === 'load') {
    const cell = yield* userLoad(process.mm, address(process, op));
    return typeof cell === 'number' ? { result: 1, cells: [cell] } : { result: -1, cells: [] };
  }
  if (op.op === 'device-load') {
    const cells = yield* deviceLoad(process.mm, address(process, op));
    return typeof cells === 'number' ? { result: cells, cells: [] } : { result: 1, cells };
  }
  return { result: yield* performWithoutData(process, file, op), cells: [] };
}

function flagsOf(flags: ReadFlags | undefined): number {
  return flags === undefined ? 0 : READ_FLAGS[flags];
}

function* performWithoutData(process: Process, file: File, op: Op): Task<number> {
  const inode = file.fInode;
  switch (op.op) {
    case 'pwrite':
      return yield* ksysPwrite64(
        file,
        loff(op.pos),
        written(inode, op),
        op.flags === 'direct' ? IOCB_DIRECT : 0,
      );
    case 'store':
      return yield* storeBytes(process, inode, op);
    case 'fallocate':
      return yield* ksysFallocate(file, FALLOCATE_MODES[op.mode], loff(op.pos), loff(op.len));
    case 'clone': {
      const source = process.files[op.source] as File;
      return yield* vfsCloneFileRange(source, loff(op.sourcePos), file, loff(op.pos), loff(op.len));
    }
    case 'dedupe': {
      const source = process.files[op.source] as File;
      return yield* vfsDedupeFileRange(source, loff(op.sourcePos), file, loff(op.pos), loff(op.len));
    }
    case 'copy': {
      const source = process.files[op.source] as File;
      return yield* ksysCopyFileRange(source, loff(op.sourcePos), file, loff(op.pos), op.len);
    }
    case 'swapext':
      return yield* ksysIoctl(file, 'XFS_IOC_SWAPEXT', process.files[op.source] as File);
    case 'free-unused':
      return yield* ksysIoctl(file, 'XFS_IOC_FREE_EOFBLOCKS');
    case 'ftruncate':
      return yield* ksysFtruncate(file, loff(op.size));
    case 'setattr':
      return yield* syscall('setattr', nfsdSetattr(inode, op.size));
    case 'fadvise': {
      const advice = op.advice === 'WILLNEED' ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED;
      return yield* ksysFadvise64(file, loff(op.pos), loff(op.len), advice);
    }
    case 'readahead':
      return yield* ksysReadahead64(file, loff(op.pos), op.len);
    case 'madvise': {
      const start = Math.floor(address(process, op) / PAGE_SIZE);
      return yield* ksysMadvise(process.mm, start, Math.ceil(op.len / PAGE_SIZE), MADVISE[op.advice]);
    }
    case 'munmap':
      return yield* ksysMunmap(process.mm, process.vmas[op.file ?? 0] as VmAreaStruct);
    case 'fsync':
      return yield* ksysFsync(file);
    case 'flush':
      return yield* doWritepages(inode.iMapping, {
        sync: 'WB_SYNC_NONE',
        rangeStart: loff(0),
        rangeEnd: loff(Number.MAX_SAFE_INTEGER),
      });
    case 'reclaim':
      return (yield* reclaimPage(inode.iMapping, pageIndex(op.pos))) ? 1 : 0;
    case 'memory-failure':
      return yield* breakMemory(inode, op.pos);
    case 'checkpoint':
      return yield* ksysIoctl(file, 'F2FS_IOC_WRITE_CHECKPOINT');
    case 'gc':
      return yield* collect(inode, op.pos);
    case 'move-range': {
      const source = process.files[op.source] as File;
      return yield* vfsMoveFileRange(source, loff(op.sourcePos), file, loff(op.pos), loff(op.len));
    }
    default:
      throw new Error(`${op.op} returns data`);
  }
}

function address(process: Process, at: { readonly file?: number; readonly pos: number }): number {
  const vma = process.vmas[at.file ?? 0] as VmAreaStruct;
  return vma.vmStart * PAGE_SIZE + at.pos;
}

function bufferAt(process: Process, at: Mapped): UserBuffer {
  return { mm: process.mm, vaddr: address(process, at), taken: [] };
}

/** The bytes of a write, each knowing who wrote it. */
function written(inode: Inode, op: Op & { readonly data: string; readonly pos: number }): Cells {
  const { origins } = machine;
  const text = `"${op.data}" written to inode ${inode.iIno} at ${op.pos} by ${opTitle(op)}`;
  const origin = origins.add({ kind: 'write', text, ino: inode.iIno });
  return [...op.data].flatMap((letter) => fillCells(1, letter.charCodeAt(0), origin));
}

function* storeBytes(process: Process, inode: Inode, op: Extract<Op, { op: 'store' }>): Task<number> {
  const start = address(process, op);
  for (const [i, cell] of written(inode, op).entries()) {
    if ((yield* userStore(process.mm, start + i, cell)) !== 'ok') return -1;
  }
  return op.data.length;
}

/** A server changes size and mode at once, which no system call does. @see fs/nfsd/vfs.c `nfsd_setattr()` (v5.15) */
function* nfsdSetattr(inode: Inode, size: number): Task<number> {
  yield* inodeLock(inode);
  const result = yield* notifyChange(inode, { iaValid: ATTR_SIZE | ATTR_MODE, iaSize: loff(size) });
  yield* inodeUnlock(inode);
  return result;
}

/** Who cleans a segment has nothing to report: what it could not move stays where it is. */
function* collect(inode: Inode, pos: number): Task<number> {
  const { gc } = inode.iSb.sOp;
  if (gc !== undefined) yield* gc(inode, pageIndex(pos));
  return 0;
}

function* breakMemory(inode: Inode, pos: number): Task<number> {
  const page = yield* findGetPage(inode.iMapping, pageIndex(pos));
  if (page === null) return 0;
  const result = yield* memoryFailure(page);
  putPage(page);
  return result;
}
