/**
 * Reads, writes and faults of a DAX file: iomap says where the bytes are, and they are accessed there.
 *
 * read(2) and write(2) are kept apart from truncation by i_rwsem, and look at no entry. A fault locks the entry of its
 * index over the look-up and the page-table entry that it makes; that the block stays the file's meanwhile is for its
 * caller, who holds the lock against invalidations.
 *
 * @departs A block is as large as a page, as DAX demands. No huge entries, no synchronous faults, no reflink.
 * @see fs/dax.c (v5.14, v5.15)
 */
import { blockPfn, loadPfn, storePfn, zeroPfn } from '../../block/pmem.js';
import { EFAULT, EIO, ENOMEM } from '../../include/errno.js';
import {
  FAULT_FLAG_WRITE,
  VM_FAULT_DONE_COW,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
} from '../../include/flags.js';
import {
  type AddressSpace,
  type DaxEntry,
  type Inode,
  type IovIter,
  iSizeRead,
  type Kiocb,
  pageIndex,
  type UserBuffer,
} from '../../include/fs.js';
import type { Pfn } from '../../include/mm-types.js';
import { PAGE_SIZE } from '../../include/page.js';
import { mightFault } from '../../include/uaccess.js';
import { loff, phys } from '../../include/units.js';
import type { VmFault } from '../../include/vm-fault.js';
import {
  copyToUser,
  copyUserPfn,
  faultInReadable,
  finishFault,
  insertPfn,
  loadPresent,
  unmapMappingPages,
} from '../../mm/memory.js';
import { invalidateInodePages2Range } from '../../mm/truncate.js';
import { type Cells, showCells, zeroCells } from '../../provenance.js';
import type { Task } from '../../sched/task.js';
import {
  blockAt,
  IOMAP_FAULT,
  IOMAP_WRITE,
  IOMAP_ZERO,
  type Iomap,
  type IomapIter,
  type IomapOps,
  iomapIter,
} from '../iomap.js';
import { daxUnlockEntry, grabMappingEntry, storeLockedEntry } from './entry.js';

/** The memory at a byte of a piece. */
function pfnAt(inode: Inode, iomap: Iomap, pos: number): Pfn {
  return blockPfn(inode.iSb.sBdev, inode.iIno, blockAt(iomap, pos).phys);
}

/** Bytes from a position to the end of its block, as far as a piece goes. */
function inBlock(pos: number, length: number): number {
  return Math.min(PAGE_SIZE - (pos % PAGE_SIZE), length);
}

/** Copy from storage. One step. @see drivers/dax/super.c `dax_copy_to_iter()` (v5.15) */
export function daxCopyToIter(pfn: Pfn, offset: number, bytes: number): Task<Cells> {
  const block = pfn.bdev.blocks.at(pfn.phys);
  return block.readSection('dax_copy_to_iter', () => loadPfn(pfn, offset, bytes), showCells);
}

/** Copy to storage. One step. @see drivers/dax/super.c `dax_copy_from_iter()` (v5.15) */
export function daxCopyFromIter(pfn: Pfn, offset: number, from: () => Cells): Task<Cells> {
  const block = pfn.bdev.blocks.at(pfn.phys);
  const copy = (): Cells => {
    const cells = from();
    storePfn(pfn, offset, cells);
    return cells;
  };
  return block.section('dax_copy_from_iter', copy, showCells);
}

/** Zero storage. One step. @see drivers/dax/super.c `dax_zero_page_range()` (v5.15) */
export function daxZeroPageRange(pfn: Pfn, offset: number, bytes: number): Task<Cells> {
  return daxCopyFromIter(pfn, offset, () => zeroCells(bytes));
}

/** Where the bytes of a call come from or go to. */
interface Transfer {
  readonly inode: Inode;
  /** First byte of the call in the file. */
  readonly start: number;
  readonly user: UserBuffer | undefined;
}

/**
 * Read or write where the bytes are stored.
 *
 * @param iocb - Position; it is advanced.
 * @param iter - Where to put what is read, or the cells to write. With `kiUser` only their number counts.
 * @param ops - The filesystem.
 * @returns Bytes, or an errno if there are none: `-EFAULT`, `-EIO`, or an error of `ops`.
 * @throws ContractError `COPY_UNDER_LOCK` if a lock is held that a page fault takes.
 * @context Sleeps. i_rwsem shared to read, exclusive to write.
 * @see fs/dax.c `dax_iomap_rw()` (v5.15)
 */
export function* daxIomapRw(iocb: Kiocb, iter: IovIter | Cells, ops: IomapOps): Task<number> {
  const inode = iocb.kiFilp.fInode;
  const start = Number(iocb.kiPos);
  const transfer: Transfer = { inode, start, user: iocb.kiUser };
  const to = Array.isArray(iter) ? null : (iter as IovIter);
  const walk = {
    inode,
    pos: start,
    len: to?.count ?? (iter as Cells).length,
    flags: to === null ? IOMAP_WRITE : 0,
  };
  const err = yield* iomapIter(walk, ops, (iomap, length) =>
    to === null
      ? writePiece(transfer, iomap, walk.pos, length, iter as Cells)
      : readPiece(transfer, iomap, walk.pos, length, to),
  );
  const done = walk.pos - start;
  iocb.kiPos = loff(walk.pos);
  return done > 0 ? done : err;
}

/** @returns Bytes, `0` at the end of the file, or `-EFAULT`. @see fs/dax.c `dax_iomap_iter()` (v5.15) */
function* readPiece(
  { inode, start, user }: Transfer,
  iomap: Iomap,
  pos: number,
  length: number,
  to: IovIter,
): Task<number> {
  const end = Math.min(pos + length, yield* iSizeRead(inode));
  let at = pos;
  while (at < end) {
    const bytes = inBlock(at, end - at);
    mightFault('copy_to_iter');
    const cells =
      iomap.type === 'mapped'
        ? yield* daxCopyToIter(pfnAt(inode, iomap, at), at % PAGE_SIZE, bytes)
        : zeroCells(bytes);
    const copied = user === undefined ? bytes : yield* copyToUser(user, at - start, cells);
    to.cells.push(cells.slice(0, copied));
    to.count -= copied;
    at += copied;
    if (copied < bytes) break;
  }
  return at > pos || end <= pos ? at - pos : -EFAULT;
}

/** @returns Bytes, `-EFAULT`, or `-EIO` if there is no block. @see fs/dax.c `dax_iomap_iter()` (v5.15) */
function* writePiece(
  { inode, start, user }: Transfer,
  iomap: Iomap,
  pos: number,
  length: number,
  cells: Cells,
): Task<number> {
  if (iomap.type !== 'mapped') return -EIO;
  const end = pos + length;
  // Programs may have the page of zeroes in this place: what is written must be seen through mappings too.
  if (iomap.isNew === true) {
    yield* invalidateInodePages2Range(inode.iMapping, pageIndex(pos), pageIndex(end - 1));
  }
  let at = pos;
  while (at < end) {
    const from = at - start;
    const bytes = inBlock(at, end - at);
    mightFault('copy_from_iter');
    if (user !== undefined && (yield* faultInReadable(user, from, bytes)) !== 0) break;
    const piece = yield* daxCopyFromIter(pfnAt(inode, iomap, at), at % PAGE_SIZE, () =>
      user === undefined ? cells.slice(from, from + bytes) : loadPresent(user, from, bytes),
    );
    user?.taken.push(...piece);
    at += piece.length;
  }
  return at > pos ? at - pos : -EFAULT;
}

/**
 * Zero a range where it is stored. What reads as zeroes already is left alone.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @see fs/iomap/buffered-io.c `iomap_zero_range()`, fs/dax.c `dax_iomap_zero()` (v5.15)
 */
export function daxZeroRange(inode: Inode, pos: number, len: number, ops: IomapOps): Task<number> {
  const walk = { inode, pos, len, flags: IOMAP_ZERO };
  return iomapIter(walk, ops, (iomap, length) => daxZeroIter(walk, iomap, length));
}

/** @see fs/dax.c `dax_iomap_zero()` (v5.15) */
function* daxZeroIter({ inode, pos }: IomapIter, iomap: Iomap, length: number): Task<number> {
  if (iomap.type !== 'mapped') return length;
  const bytes = inBlock(pos, length);
  yield* daxZeroPageRange(pfnAt(inode, iomap, pos), pos % PAGE_SIZE, bytes);
  return bytes;
}

/**
 * Handle a fault: map what is stored at the address.
 *
 * @param failed - Is told why the filesystem could not say where the bytes are.
 * @returns VM_FAULT_NOPAGE if it is mapped; VM_FAULT_DONE_COW if a private copy is; VM_FAULT_SIGBUS beyond the file;
 *   VM_FAULT_OOM; VM_FAULT_MAJOR besides them if a block was allocated.
 * @context Sleeps. mmap_lock shared, and the filesystem's lock against invalidations. Takes the lock of the entry.
 * @see fs/dax.c `dax_iomap_fault()`, `dax_iomap_pte_fault()` (v5.15)
 */
export function* daxIomapFault(
  vmf: VmFault,
  ops: IomapOps,
  failed: (iomapErr: number) => void = () => {},
): Task<number> {
  const inode = vmf.vma.vmFile.fInode;
  const { iMapping: mapping } = inode;
  const pos = vmf.pgoff * PAGE_SIZE;
  // The size is stable, or whoever changes it comes later: the caller holds a lock that sees to it.
  if (pos >= (yield* iSizeRead(inode))) return VM_FAULT_SIGBUS;
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0 && vmf.cowPage === null;
  const entry = yield* grabMappingEntry(mapping, vmf.pgoff);
  const flags = IOMAP_FAULT | (write ? IOMAP_WRITE : 0);
  const walk = { inode, pos, len: PAGE_SIZE, flags, result: 0 };
  const err = yield* iomapIter(walk, ops, (iomap) => faultPiece(walk, vmf, iomap, entry));
  yield* daxUnlockEntry(mapping, vmf.pgoff);
  const { result } = walk;
  if (result !== 0 || err === 0) return result;
  failed(err);
  return err === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/** A walk over the one page of a fault. */
interface FaultIter extends IomapIter {
  /** `VM_FAULT_*`. */
  result: number;
}

function* faultPiece(walk: FaultIter, vmf: VmFault, iomap: Iomap, entry: DaxEntry): Task<number> {
  walk.result = yield* daxFaultIter(vmf, iomap, entry, (walk.flags & IOMAP_WRITE) !== 0);
  if (iomap.isNew === true) walk.result |= VM_FAULT_MAJOR;
  return (walk.result & VM_FAULT_ERROR) === 0 ? PAGE_SIZE : 0;
}

/** @returns `VM_FAULT_*`. @context The entry is locked. @see fs/dax.c `dax_fault_iter()` (v5.15) */
function* daxFaultIter(vmf: VmFault, iomap: Iomap, entry: DaxEntry, write: boolean): Task<number> {
  const { vma, pgoff, vpn } = vmf;
  const { fInode: inode } = vma.vmFile;
  const { sBdev } = inode.iSb;
  const mapped = iomap.type === 'mapped';
  const pfn = mapped ? pfnAt(inode, iomap, pgoff * PAGE_SIZE) : zeroPfn(sBdev, inode.iIno);
  if (vmf.cowPage !== null) {
    yield* copyUserPfn(vmf.cowPage, pfn);
    return (yield* finishFault(vmf)) || VM_FAULT_DONE_COW;
  }
  if (!mapped && write) return VM_FAULT_SIGBUS;
  yield* daxInsertEntry(inode.iMapping, vmf, entry, {
    dax: mapped ? 'block' : 'zero',
    phys: mapped ? pfn.phys : phys(-1),
    marked: entry.marked || write,
  });
  // Something else may be mapped by now: then the address is accessed again.
  yield* insertPfn(vma.vmMm, vpn, pfn, write);
  return VM_FAULT_NOPAGE;
}

/**
 * Put what was found into the locked entry. An entry that says it already costs no step.
 *
 * @see fs/dax.c `dax_insert_entry()` (v5.15)
 */
function* daxInsertEntry(mapping: AddressSpace, vmf: VmFault, entry: DaxEntry, made: DaxEntry): Task<void> {
  // A block replaces the page of zeroes: who has that mapped must not go on reading it.
  if (entry.dax === 'zero' && made.dax === 'block') yield* unmapMappingPages(mapping, vmf.pgoff, 1, false);
  const same = entry.dax === made.dax && entry.phys === made.phys && entry.marked === made.marked;
  if (!same) yield* storeLockedEntry(mapping, vmf.pgoff, made);
}
