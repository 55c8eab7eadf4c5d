/** System calls as people write them. */
import type { FallocateMode, Op, ReadFlags } from './ops.js';

const FALLOCATE: Readonly<Record<FallocateMode, string>> = {
  allocate: 'fallocate(2)',
  punch: 'fallocate(PUNCH_HOLE)',
  zero: 'fallocate(ZERO_RANGE)',
  'zero-keep': 'fallocate(ZERO_RANGE)',
  collapse: 'fallocate(COLLAPSE)',
  insert: 'fallocate(INSERT)',
  unshare: 'fallocate(UNSHARE)',
};

const READ: Readonly<Record<ReadFlags, string>> = {
  nowait: 'preadv2(RWF_NOWAIT)',
  'uring-nowait': 'io_uring read (NOWAIT)',
  'uring-waitq': 'io_uring read (WAITQ)',
  direct: 'pread(O_DIRECT)',
};

/** The title of a call, for the head of a column. */
export function opTitle(op: Op): string {
  switch (op.op) {
    case 'pread':
      if (op.into !== undefined) return 'pread(2) into mmap';
      return op.flags === undefined ? 'pread(2)' : READ[op.flags];
    case 'pwrite':
      return op.flags === 'direct' ? 'pwrite(O_DIRECT)' : 'pwrite(2)';
    case 'pwrite-mapped':
      return 'pwrite(2) from mmap';
    case 'clone':
      return 'ioctl(FICLONERANGE)';
    case 'copy':
      return 'copy_file_range(2)';
    case 'setattr':
      return 'nfsd SETATTR(size, mode)';
    case 'dedupe':
      return 'ioctl(FIDEDUPERANGE)';
    case 'swapext':
      return 'ioctl(XFS_IOC_SWAPEXT)';
    case 'free-unused':
      return 'ioctl(XFS_IOC_FREE_EOFBLOCKS)';
    case 'load':
      return 'load from mmap';
    case 'device-load':
      return 'pwrite(O_DIRECT) from mmap';
    case 'store':
      return 'store to mmap';
    case 'fallocate':
      return FALLOCATE[op.mode];
    case 'ftruncate':
      return 'ftruncate(2)';
    case 'fadvise':
      return `fadvise(${op.advice})`;
    case 'readahead':
      return 'readahead(2)';
    case 'madvise':
      return `madvise(${op.advice})`;
    case 'munmap':
      return 'munmap(2)';
    case 'fsync':
      return 'fsync(2)';
    case 'flush':
      return 'flusher';
    case 'reclaim':
      return 'kswapd';
    case 'memory-failure':
      return 'memory_failure()';
    case 'checkpoint':
      return 'ioctl(F2FS_IOC_WRITE_CHECKPOINT)';
    case 'gc':
      return 'garbage collection';
    case 'move-range':
      return 'ioctl(F2FS_IOC_MOVE_RANGE)';
  }
}

/** A call with its range, for bounds: `pread(2) 8+8`. */
export function opText(op: Op): string {
  if (op.op === 'ftruncate' || op.op === 'setattr') return `${opTitle(op)} ${op.size}`;
  if (op.op === 'pwrite' || op.op === 'store') return `${opTitle(op)} ${op.pos}+${op.data.length}`;
  if ('len' in op) return `${opTitle(op)} ${op.pos}+${op.len}`;
  return 'pos' in op ? `${opTitle(op)} ${op.pos}` : opTitle(op);
}
