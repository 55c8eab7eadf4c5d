/**
 * Mappings: faults, and pages that become writable.
 *
 * @see fs/ocfs2/mmap.c (v5.14, v5.15)
 */
import {
  __blockWriteBegin,
  blockWriteEnd,
  downWrite,
  ENOMEM,
  filemapFault,
  type Inode,
  iSizeRead,
  lockPage,
  loff,
  PAGE_SIZE,
  type Page,
  type Task,
  unlockPage,
  upWrite,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  type VmFault,
  type VmOperations,
} from '@fsport/core';
import { ocfs2WriteGetBlock } from './alloc.js';
import { ocfs2InodeLock, ocfs2InodeUnlock } from './dlmglue.js';
import { OCFS2_I } from './ocfs2.js';

/**
 * A page is about to become writable: get a cluster for it.
 *
 * @returns `VM_FAULT_*`; VM_FAULT_LOCKED with the page locked and dirty.
 * @context Sleeps. mmap_lock shared; takes and releases ip_alloc_sem exclusive, and under it the page lock, which stays.
 * @departs Filesystem freezing and signals are not modelled.
 * @see fs/ocfs2/mmap.c `ocfs2_page_mkwrite()` (v5.14, v5.15)
 */
function* ocfs2PageMkwrite(vmf: VmFault): Task<number> {
  const { fInode: inode } = vmf.vma.vmFile;
  const { ipAllocSem } = OCFS2_I(inode);
  // Against a truncation on another node; the semaphore, against one on this.
  ocfs2InodeLock(inode, true);
  yield* downWrite(ipAllocSem);
  const result = yield* __ocfs2PageMkwrite(inode, vmf.page as Page);
  yield* upWrite(ipAllocSem);
  ocfs2InodeUnlock(inode, true);
  return result;
}

/** @see fs/ocfs2/mmap.c `__ocfs2_page_mkwrite()` (v5.14, v5.15) */
function* __ocfs2PageMkwrite(inode: Inode, page: Page): Task<number> {
  const pos = page.index * PAGE_SIZE;
  const size = yield* iSizeRead(inode);
  if (!page.uptodate.load() || page.mapping.load() !== inode.iMapping || pos >= size) return VM_FAULT_NOPAGE;
  yield* lockPage(page);
  if (page.mapping.load() !== inode.iMapping) {
    yield* unlockPage(page);
    return VM_FAULT_NOPAGE;
  }
  const len = Math.min(PAGE_SIZE, size - pos);
  const err = yield* __blockWriteBegin(page, loff(pos), len, ocfs2WriteGetBlock);
  if (err === 0) {
    yield* blockWriteEnd(page, loff(pos), len, len);
    return VM_FAULT_LOCKED;
  }
  yield* unlockPage(page);
  return err === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/** There is no map_pages: every page is faulted by itself. @see fs/ocfs2/mmap.c `ocfs2_file_vm_ops` (v5.15) */
const OCFS2_FILE_VM_OPS: VmOperations = { fault: filemapFault, pageMkwrite: ocfs2PageMkwrite };

/** @see fs/ocfs2/mmap.c `ocfs2_mmap()` (v5.15) */
export function ocfs2Mmap(): VmOperations {
  return OCFS2_FILE_VM_OPS;
}
