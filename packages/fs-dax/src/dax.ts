/**
 * The first DAX: a fault looks at i_size a second time, under i_mmap_rwsem, and maps the block before it lets go.
 *
 * A truncation stores the size, then takes i_mmap_rwsem to unmap, then frees. So either the fault sees the new size, or the
 * truncation finds the entry that it made. A hole is a page of the cache until somebody stores to it.
 *
 * @see fs/dax.c (v4.0)
 */
import {
  type AddressSpace,
  type BlockMapping,
  blockPfn,
  daxZeroPageRange,
  deleteFromPageCache,
  downRead,
  ext2GetBlock,
  FAULT_FLAG_WRITE,
  FGP_CREAT,
  FGP_LOCK,
  findLockPage,
  type Inode,
  insertPfn,
  iSizeRead,
  PAGE_SIZE,
  type Page,
  pagecacheGetPage,
  putPage,
  type Task,
  unlockPage,
  unmapMappingRange,
  upRead,
  VM_FAULT_LOCKED,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  type VmFault,
} from '@fsport/core';

function* beyondSize(inode: Inode, vmf: VmFault): Task<boolean> {
  return vmf.pgoff * PAGE_SIZE >= (yield* iSizeRead(inode));
}

function* unlockAndPut(page: Page): Task<void> {
  yield* unlockPage(page);
  putPage(page);
}

/**
 * Map the block of an address, or the page of a hole.
 *
 * @returns VM_FAULT_NOPAGE; VM_FAULT_LOCKED with the page of a hole; VM_FAULT_SIGBUS; VM_FAULT_OOM; VM_FAULT_MAJOR besides
 *   them if a block was to be allocated.
 * @context Sleeps. mmap_lock shared. Takes a page lock, and i_mmap_rwsem shared.
 * @departs Private mappings are not modelled. To lock the page of a hole never drops mmap_lock: its lock is held for a
 *   moment only.
 * @see fs/dax.c `do_dax_fault()` (v4.0)
 */
export function* doDaxFault(vmf: VmFault): Task<number> {
  const inode = vmf.vma.vmFile.fInode;
  const { iMapping: mapping } = inode;
  if (yield* beyondSize(inode, vmf)) return VM_FAULT_SIGBUS;
  let page = yield* findLockPage(mapping, vmf.pgoff);
  if (page !== null && (yield* beyondSize(inode, vmf))) {
    yield* unlockAndPut(page);
    return VM_FAULT_SIGBUS;
  }
  let major = 0;
  let block = yield* ext2GetBlock(inode, vmf.pgoff, false);
  if (typeof block !== 'number' && !block.mapped) {
    if ((vmf.flags & FAULT_FLAG_WRITE) === 0) return yield* daxLoadHole(mapping, page, vmf);
    major = VM_FAULT_MAJOR;
    block = yield* ext2GetBlock(inode, vmf.pgoff, true);
  }
  if (typeof block === 'number') {
    if (page !== null) yield* unlockAndPut(page);
    return VM_FAULT_SIGBUS | major;
  }
  // A load may have got a page for the hole meanwhile.
  if (page === null && major !== 0) page = yield* findLockPage(mapping, vmf.pgoff);
  if (page !== null) {
    yield* unmapMappingRange(mapping, vmf.pgoff * PAGE_SIZE, PAGE_SIZE, false);
    yield* deleteFromPageCache(page);
    yield* unlockAndPut(page);
  }
  const inserted = yield* daxInsertMapping(inode, block, vmf);
  return (inserted ? VM_FAULT_NOPAGE : VM_FAULT_SIGBUS) | major;
}

/** A page of zeroes for a hole, locked. @see fs/dax.c `dax_load_hole()` (v4.0) */
function* daxLoadHole(mapping: AddressSpace, found: Page | null, vmf: VmFault): Task<number> {
  const page = found ?? (yield* pagecacheGetPage(mapping, vmf.pgoff, FGP_LOCK | FGP_CREAT));
  if (page === null) return VM_FAULT_OOM;
  // Under the page lock: a truncation that stored the size already has this page still to remove.
  if (yield* beyondSize(mapping.host, vmf)) {
    yield* unlockAndPut(page);
    return VM_FAULT_SIGBUS;
  }
  vmf.page = page;
  return VM_FAULT_LOCKED;
}

/**
 * Map a block, unless the file has been truncated meanwhile.
 *
 * @returns Whether the file still reaches there.
 * @context Sleeps. Takes i_mmap_rwsem shared: whoever truncates takes it exclusive after the size was stored.
 * @see fs/dax.c `dax_insert_mapping()` (v4.0)
 */
function* daxInsertMapping(inode: Inode, block: BlockMapping, vmf: VmFault): Task<boolean> {
  const { iMapping: mapping } = inode;
  yield* downRead(mapping.iMmapRwsem);
  const inFile = !(yield* beyondSize(inode, vmf));
  if (inFile) {
    const pfn = blockPfn(inode.iSb.sBdev, inode.iIno, block.phys);
    if (block.new) yield* daxZeroPageRange(pfn, 0, PAGE_SIZE);
    yield* insertPfn(vmf.vma.vmMm, vmf.vpn, pfn, false);
  }
  yield* upRead(mapping.iMmapRwsem);
  return inFile;
}
