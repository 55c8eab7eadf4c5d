/** The operation catalogue brought to life: worked out once for a check, made in each of its executions. */
import {
  ATTR_MODE,
  ATTR_SIZE,
  byteOf,
  type Cells,
  deviceLoad,
  doWritepages,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  type File,
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
  type Loff,
  loff,
  MADV_DONTNEED,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WILLNEED,
  type MmStruct,
  machine,
  memoryFailure,
  notifyChange,
  PAGE_SIZE,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  pageIndex,
  putPage,
  reclaimPage,
  syscall,
  type Task,
  type UserBuffer,
  userLoad,
  userStore,
  type VmAreaStruct,
  vfsCloneFileRange,
  vfsDedupeFileRange,
  vfsMoveFileRange,
} from '@fsport/core';
import type { FallocateMode, MadviseAdvice, Mapped, Op, ReadFlags } from './ops.js';
import { opTitle } from './titles.js';

/** What a task works with: its own open files and its own address space, or those of its thread group. */
export interface Process {
  /** By place in the check. */
  readonly files: readonly File[];
  /** Its memory. */
  readonly mm: MmStruct;
  /** The mapping of each file, if it needs any. */
  readonly vmas: readonly VmAreaStruct[];
}

/** What a call returned. */
export interface Outcome {
  /** What it returned: bytes, `0`, or a negative errno. */
  readonly result: number;
  /** Bytes it read, or took from memory to write. */
  readonly cells: Cells;
}

/** What is done to a file. */
export interface Effect {
  /** The call that does so. */
  readonly op: Op;
  /** Place of the file in the check. */
  readonly file: number;
  /** Bytes that it writes there, empty if it brings none. */
  readonly data: string;
}

/** A call, ready to be made. */
export interface SystemCall extends Effect {
  /** As people write it. */
  readonly title: string;
  /** Does its process need the files mapped into its memory? */
  readonly mapped: boolean;
  /** Make it. */
  readonly make: (process: Process) => Task<Outcome>;
  /** What it has done, now that these bytes passed through it; to its own file first. */
  readonly effects: (cells: Cells) => readonly [Effect, ...Effect[]];
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

const MEMORY_OPS: ReadonlySet<Op['op']> = new Set([
  'load',
  'device-load',
  'store',
  'madvise',
  'munmap',
  'pwrite-mapped',
]);

/**
 * Make a call ready.
 *
 * @param op - The call.
 */
export function systemCall(op: Op): SystemCall {
  const effect = effectOf(op, op.file ?? 0);
  return {
    ...effect,
    title: opTitle(op),
    mapped: MEMORY_OPS.has(op.op) || (op.op === 'pread' && op.into !== undefined),
    make: makes(op, effect.file),
    effects: effectsOf(effect),
  };
}

function effectOf(op: Op, file: number): Effect {
  return { op, file, data: 'data' in op ? op.data : '' };
}

function makes(op: Op, at: number): (process: Process) => Task<Outcome> {
  switch (op.op) {
    case 'pread': {
      const { pos, len, into } = op;
      const flags = op.flags === undefined ? 0 : READ_FLAGS[op.flags];
      return (process) => {
        const user = into === undefined ? undefined : bufferAt(process, into);
        return ksysPread64(fileAt(process, at), loff(pos), len, flags, user);
      };
    }
    case 'pwrite-mapped':
      return (process) => writeMapped(fileAt(process, at), loff(op.pos), op.len, bufferAt(process, op.from));
    case 'load':
      return (process) => load(process.mm, address(process, at, op.pos));
    case 'device-load':
      return (process) => loadByDevice(process.mm, address(process, at, op.pos));
    default: {
      const call = returns(op, at);
      return (process) => withoutData(call(process));
    }
  }
}

function* writeMapped(file: File, pos: Loff, len: number, user: UserBuffer): Task<Outcome> {
  const room = fillCells(len, 0, 0);
  return { result: yield* ksysPwrite64(file, pos, room, 0, user), cells: user.taken };
}

function* load(mm: MmStruct, vaddr: number): Task<Outcome> {
  const cell = yield* userLoad(mm, vaddr);
  return typeof cell === 'number' ? { result: 1, cells: [cell] } : { result: -1, cells: [] };
}

function* loadByDevice(mm: MmStruct, vaddr: number): Task<Outcome> {
  const cells = yield* deviceLoad(mm, vaddr);
  return typeof cells === 'number' ? { result: cells, cells: [] } : { result: 1, cells };
}

function* withoutData(call: Task<number>): Task<Outcome> {
  return { result: yield* call, cells: [] };
}

/** A call that returns a number only. */
function returns(op: Op, at: number): (process: Process) => Task<number> {
  switch (op.op) {
    case 'pwrite': {
      const flags = op.flags === 'direct' ? IOCB_DIRECT : 0;
      const bytes = writes(op);
      return (process) => {
        const file = fileAt(process, at);
        return ksysPwrite64(file, loff(op.pos), bytes(file.fInode), flags);
      };
    }
    case 'store': {
      const bytes = writes(op);
      return (process) => {
        const cells = bytes(fileAt(process, at).fInode);
        return storeBytes(process.mm, address(process, at, op.pos), cells);
      };
    }
    case 'fallocate': {
      const mode = FALLOCATE_MODES[op.mode];
      return (process) => ksysFallocate(fileAt(process, at), mode, loff(op.pos), loff(op.len));
    }
    case 'clone':
      return (process) => {
        const source = fileAt(process, op.source);
        return vfsCloneFileRange(source, loff(op.sourcePos), fileAt(process, at), loff(op.pos), loff(op.len));
      };
    case 'dedupe':
      return (process) => {
        const source = fileAt(process, op.source);
        return vfsDedupeFileRange(
          source,
          loff(op.sourcePos),
          fileAt(process, at),
          loff(op.pos),
          loff(op.len),
        );
      };
    case 'copy':
      return (process) => {
        const source = fileAt(process, op.source);
        return ksysCopyFileRange(source, loff(op.sourcePos), fileAt(process, at), loff(op.pos), op.len);
      };
    case 'move-range':
      return (process) => {
        const source = fileAt(process, op.source);
        return vfsMoveFileRange(source, loff(op.sourcePos), fileAt(process, at), loff(op.pos), loff(op.len));
      };
    case 'swapext':
      return (process) => ksysIoctl(fileAt(process, at), 'XFS_IOC_SWAPEXT', fileAt(process, op.source));
    case 'free-unused':
      return (process) => ksysIoctl(fileAt(process, at), 'XFS_IOC_FREE_EOFBLOCKS');
    case 'checkpoint':
      return (process) => ksysIoctl(fileAt(process, at), 'F2FS_IOC_WRITE_CHECKPOINT');
    case 'ftruncate':
      return (process) => ksysFtruncate(fileAt(process, at), loff(op.size));
    case 'setattr':
      return (process) => syscall('setattr', nfsdSetattr(fileAt(process, at).fInode, op.size));
    case 'fadvise': {
      const advice = op.advice === 'WILLNEED' ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED;
      return (process) => ksysFadvise64(fileAt(process, at), loff(op.pos), loff(op.len), advice);
    }
    case 'readahead':
      return (process) => ksysReadahead64(fileAt(process, at), loff(op.pos), op.len);
    case 'madvise': {
      const advice = MADVISE[op.advice];
      return (process) => {
        const start = Math.floor(address(process, at, op.pos) / PAGE_SIZE);
        return ksysMadvise(process.mm, start, Math.ceil(op.len / PAGE_SIZE), advice);
      };
    }
    case 'munmap':
      return (process) => ksysMunmap(process.mm, process.vmas[at] as VmAreaStruct);
    case 'fsync':
      return (process) => ksysFsync(fileAt(process, at));
    case 'flush':
      return (process) =>
        doWritepages(fileAt(process, at).fInode.iMapping, {
          sync: 'WB_SYNC_NONE',
          rangeStart: loff(0),
          rangeEnd: loff(Number.MAX_SAFE_INTEGER),
        });
    case 'reclaim':
      return (process) => reclaim(fileAt(process, at).fInode, op.pos);
    case 'memory-failure':
      return (process) => breakMemory(fileAt(process, at).fInode, op.pos);
    case 'gc':
      return (process) => collect(fileAt(process, at).fInode, op.pos);
    default:
      throw new Error(`${op.op} returns data`);
  }
}

function fileAt(process: Process, at: number): File {
  return process.files[at] as File;
}

function address(process: Process, at: number, pos: number): number {
  return (process.vmas[at] as VmAreaStruct).vmStart * PAGE_SIZE + pos;
}

function bufferAt(process: Process, { file, pos }: Mapped): UserBuffer {
  return { mm: process.mm, vaddr: address(process, file, pos), taken: [] };
}

/** The bytes of a write to an inode, each knowing who wrote it. */
function writes(op: Op & { readonly data: string; readonly pos: number }): (inode: Inode) => Cells {
  const { data, pos } = op;
  const title = opTitle(op);
  return ({ iIno }) => {
    const text = `"${data}" written to inode ${iIno} at ${pos} by ${title}`;
    const origin = machine.origins.add({ kind: 'write', text, ino: iIno });
    return [...data].flatMap((letter) => fillCells(1, letter.charCodeAt(0), origin));
  };
}

function* storeBytes(mm: MmStruct, start: number, cells: Cells): Task<number> {
  for (const [i, cell] of cells.entries()) {
    if ((yield* userStore(mm, start + i, cell)) !== 'ok') return -1;
  }
  return cells.length;
}

/** A server changes size and mode at once, which no system call does. @see fs/nfsd/vfs.c `nfsd_setattr()` (v5.15) */
function* nfsdSetattr(inode: Inode, size: number): Task<number> {
  yield* inodeLock(inode);
  const result = yield* notifyChange(inode, { iaValid: ATTR_SIZE | ATTR_MODE, iaSize: loff(size) });
  yield* inodeUnlock(inode);
  return result;
}

function* reclaim(inode: Inode, pos: number): Task<number> {
  return (yield* reclaimPage(inode.iMapping, pageIndex(pos))) ? 1 : 0;
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

function effectsOf(own: Effect): SystemCall['effects'] {
  const { op, file } = own;
  if (op.op === 'pwrite-mapped')
    return (cells) => [effectOf({ op: 'pwrite', pos: op.pos, data: textOf(cells) }, file)];
  if (op.op === 'pread' && op.into !== undefined) {
    const { file: target, pos } = op.into;
    return (cells) => [own, effectOf({ op: 'store', pos, data: textOf(cells) }, target)];
  }
  const effects = [own, ...otherEffects(op, file)] as const;
  return () => effects;
}

function otherEffects(op: Op, file: number): readonly Effect[] {
  if (op.op === 'swapext') return [effectOf({ op: 'swapext', source: file }, op.source)];
  if (op.op !== 'move-range') return [];
  return [effectOf({ op: 'fallocate', mode: 'punch', pos: op.sourcePos, len: op.len }, op.source)];
}

function textOf(cells: Cells): string {
  return String.fromCharCode(...cells.map(byteOf));
}
