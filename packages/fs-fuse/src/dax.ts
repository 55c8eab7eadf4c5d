/**
 * Files that are accessed where they are: through ranges of a window of memory that the server maps.
 *
 * read(2) and write(2) hold i_rwsem, faults {@link fuseInvalidateLockShared}. Each looks the range of its page up, or sets
 * one up, and counts itself in it for as long as it accesses it: nobody takes the range away meanwhile.
 *
 * @departs Ranges are set up for writing at once: no upgrade of a range that was set up for reading.
 * @see fs/fuse/dax.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  type Cells,
  daxIomapFault,
  daxIomapRw,
  daxWritebackMappingRange,
  downRead,
  downWrite,
  EAGAIN,
  EFAULT,
  faultInReadable,
  genericWriteChecks,
  genericWriteSync,
  type Inode,
  IOMAP_FAULT,
  type Iomap,
  type IomapOps,
  type IovIter,
  inodeLock,
  inodeLockShared,
  inodeUnlock,
  inodeUnlockShared,
  iSizeRead,
  iSizeWrite,
  type Kiocb,
  loadPresent,
  loff,
  PAGE_SIZE,
  type Pgoff,
  pageIndex,
  serverWrite,
  type Task,
  upRead,
  upWrite,
  VM_FAULT_ERROR,
  type VmFault,
  type VmOperations,
  type WritebackControl,
} from '@fsport/core';
import {
  allocDaxMapping,
  allocDaxMappingReclaim,
  dmapAddToFreePool,
  fuseSetupOneMapping,
  waitForRange,
} from './dax-range.js';
import {
  type DaxMapping,
  fuseInodeDax,
  fuseInvalidateLockShared,
  fuseInvalidateUnlockShared,
  fuseSimpleRequest,
  getFuseInode,
} from './fuse-i.js';

/** A piece that is not there: beyond the end of the file. @see `fuse_fill_iomap_hole()` (v5.15) */
function hole(index: Pgoff): Iomap {
  return { type: 'hole', offset: index * PAGE_SIZE, length: PAGE_SIZE, phys: [], gens: [] };
}

/** A piece in a range, and which. */
interface MappedPiece extends Iomap {
  /** `iomap->private`. */
  readonly dmap: DaxMapping;
}

/**
 * Say where a page is, and count who is going to access it.
 *
 * @context dax->sem: nobody takes the range away until it is counted. Joins the step in progress.
 * @see `fuse_fill_iomap()` (v5.15)
 */
function fuseFillIomap(inode: Inode, pos: number, dmap: DaxMapping): Iomap {
  const index = pageIndex(loff(pos));
  if (pos >= inode.iSize.load()) return hole(index);
  dmap.refcnt.add(1);
  const piece: MappedPiece = { ...hole(index), type: 'mapped', phys: [dmap.phys], gens: [0], dmap };
  return piece;
}

/**
 * Set a range up for a page that has none.
 *
 * @returns Where the page is; `-EAGAIN` if a fault finds no free range; or an errno.
 * @context Sleeps. Takes dax->sem exclusive. Not for a fault: takes {@link fuseInvalidateLock} exclusive to get a range.
 * @see `fuse_setup_new_dax_mapping()` (v5.15)
 */
function* fuseSetupNewDaxMapping(inode: Inode, pos: number, flags: number): Task<Iomap | number> {
  const { sem, tree } = fuseInodeDax(inode);
  const index = pageIndex(loff(pos));
  const dmap =
    (flags & IOMAP_FAULT) === 0
      ? yield* allocDaxMappingReclaim(inode)
      : ((yield* allocDaxMapping(inode.iSb)) ?? -EAGAIN);
  if (typeof dmap === 'number') return dmap;
  yield* downWrite(sem);
  // Somebody else may have been faster.
  const present = tree.at(index).load();
  if (present === null) yield* fuseSetupOneMapping(inode, index, dmap);
  const piece = fuseFillIomap(inode, pos, present ?? dmap);
  if (present !== null) yield* dmapAddToFreePool(inode.iSb, dmap);
  yield* upWrite(sem);
  return piece;
}

/** @see `fuse_iomap_begin()` (v5.15) */
function* fuseIomapBegin(inode: Inode, pos: number, _length: number, flags: number): Task<Iomap | number> {
  const { sem, tree } = fuseInodeDax(inode);
  const index = pageIndex(loff(pos));
  yield* downRead(sem);
  const dmap = tree.at(index).load();
  const piece = dmap === null ? null : fuseFillIomap(inode, pos, dmap);
  yield* upRead(sem);
  if (piece !== null) return piece;
  return pos >= (yield* iSizeRead(inode)) ? hole(index) : yield* fuseSetupNewDaxMapping(inode, pos, flags);
}

/**
 * Who has accessed the range is counted no more.
 *
 * @departs No step of its own: only who looks for a range to take tests the count, and finds it before or after the access.
 * @see `fuse_iomap_end()` (v5.15)
 */
// biome-ignore lint/correctness/useYield: a task without a step
function* fuseIomapEnd(...[, , , , , iomap]: Parameters<NonNullable<IomapOps['iomapEnd']>>): Task<number> {
  if (iomap.type === 'mapped') (iomap as MappedPiece).dmap.refcnt.add(-1);
  return 0;
}

const FUSE_IOMAP_OPS: IomapOps = { iomapBegin: fuseIomapBegin, iomapEnd: fuseIomapEnd };

/** Read. @returns Bytes, or an errno. @context Sleeps. Takes i_rwsem shared. @see `fuse_dax_read_iter()` (v5.15) */
export function* fuseDaxReadIter(iocb: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLockShared(inode);
  const result = yield* daxIomapRw(iocb, iter, FUSE_IOMAP_OPS);
  yield* inodeUnlockShared(inode);
  return result;
}

/**
 * Write by a request, as who makes a file longer does: data and size arrive together.
 *
 * @returns Bytes, or an errno.
 * @context Sleeps. i_rwsem exclusive.
 * @departs The program's memory is copied before the request is sent; the server reads it while it serves the request.
 * @see `fuse_dax_direct_write()`, fs/fuse/file.c `fuse_direct_io()` (v5.15)
 */
function* fuseDaxDirectWrite(iocb: Kiocb, cells: Cells): Task<number> {
  const { kiFilp: file, kiPos: pos, kiUser: user } = iocb;
  const { server } = getFuseInode(file.fInode);
  let data = cells;
  if (user !== undefined) {
    if ((yield* faultInReadable(user, 0, cells.length)) !== 0) return -EFAULT;
    data = loadPresent(user, 0, cells.length);
    user.taken.push(...data);
  }
  const written = yield* fuseSimpleRequest('FUSE_WRITE', () => serverWrite(server, pos, data));
  if (written <= 0) return written;
  iocb.kiPos = loff(pos + written);
  if (iocb.kiPos > file.fInode.iSize.load()) yield* iSizeWrite(file.fInode, iocb.kiPos); // sizes grow under i_rwsem
  return written;
}

/** Write. @returns Bytes, or an errno. @context Sleeps. Takes i_rwsem exclusive. @see `fuse_dax_write_iter()` (v5.15) */
export function* fuseDaxWriteIter(iocb: Kiocb, cells: Cells): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  yield* inodeLock(inode);
  let result = genericWriteChecks(iocb, cells.length);
  if (result > 0) {
    const data = cells.slice(0, result);
    const extending = iocb.kiPos + data.length > inode.iSize.load();
    result = yield* extending ? fuseDaxDirectWrite(iocb, data) : daxIomapRw(iocb, data, FUSE_IOMAP_OPS);
  }
  yield* inodeUnlock(inode);
  return result > 0 ? yield* genericWriteSync(iocb, result) : result;
}

/** @see `fuse_dax_writepages()` (v5.15) */
export function fuseDaxWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  return daxWritebackMappingRange(mapping, wbc);
}

/**
 * Handle a fault. If no range is free, let go of the lock, wait for one, and start over: who frees ranges needs the lock.
 *
 * @returns `VM_FAULT_*`.
 * @context Sleeps. mmap_lock shared. Takes {@link fuseInvalidateLockShared}.
 * @departs No freezing of the filesystem.
 * @see `__fuse_dax_fault()` (v5.14, v5.15)
 */
export function* fuseDaxFault(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  for (;;) {
    let error = 0;
    yield* fuseInvalidateLockShared(inode);
    const result = yield* daxIomapFault(vmf, FUSE_IOMAP_OPS, (err) => {
      error = err;
    });
    yield* fuseInvalidateUnlockShared(inode);
    if ((result & VM_FAULT_ERROR) === 0 || error !== -EAGAIN) return result;
    yield* waitForRange(inode.iSb);
  }
}

/** @see `fuse_dax_vm_ops` (v5.15) */
export const FUSE_DAX_VM_OPS: VmOperations = { fault: fuseDaxFault, pfnMkwrite: fuseDaxFault };
