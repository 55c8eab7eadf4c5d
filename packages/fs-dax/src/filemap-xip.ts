/**
 * Execute in place: the fault that nothing protects.
 *
 * It looks at the size, at the map, and then maps what it found. A truncation in between unmaps before there is anything
 * to unmap, and frees the block: who faulted has somebody else's data from then on.
 *
 * @see mm/filemap_xip.c (v3.19)
 */
import {
  blockPfn,
  ext2GetBlock,
  insertPfn,
  iSizeRead,
  PAGE_SIZE,
  type Task,
  VM_FAULT_NOPAGE,
  VM_FAULT_SIGBUS,
  type VmFault,
} from '@fsport/core';

/**
 * Map the block of an address; a hole gets one.
 *
 * @returns VM_FAULT_NOPAGE, or VM_FAULT_SIGBUS beyond the end of the file or without a free block.
 * @context Sleeps. mmap_lock shared, and nothing else.
 * @departs Every mapping is shared and may be written to, so that a hole is filled by the first fault: the page of zeroes
 *   that others would get (`xip_sparse_page()`), its mutex and its sequence count are not modelled.
 * @see mm/filemap_xip.c `xip_file_fault()` (v3.19)
 */
export function* xipFileFault(vmf: VmFault): Task<number> {
  const { vmMm, vmFile } = vmf.vma;
  const inode = vmFile.fInode;
  const size = yield* iSizeRead(inode);
  if (vmf.pgoff * PAGE_SIZE >= size) return VM_FAULT_SIGBUS;
  const block = yield* ext2GetBlock(inode, vmf.pgoff, true);
  if (typeof block === 'number') return VM_FAULT_SIGBUS;
  // Read-only; the first store makes the entry writable, and asks nobody.
  yield* insertPfn(vmMm, vmf.vpn, blockPfn(inode.iSb.sBdev, inode.iIno, block.phys), false);
  return VM_FAULT_NOPAGE;
}
