/**
 * The flags of a page on its way to the disk, and the error that writing it may leave.
 *
 * `PG_dirty` is set by anybody who keeps the page alive and cleared only under the page lock. `PG_writeback` is
 * set only under the page lock and cleared by the I/O completion.
 *
 * @departs The tags of i_pages are not kept: a page is tagged dirty while it is dirty or `page.towrite` is set,
 *   and tagged for writeback while it is under writeback. The kernel sets tag and flag a moment apart; nothing
 *   is promised to who looks in between.
 * @see mm/page-writeback.c (v5.14, v5.15)
 */
import { ContractError } from '../../errors.js';
import type { AddressSpace } from '../../include/fs.js';
import type { Page } from '../../include/mm-types.js';
import { machine } from '../../machine.js';
import type { Task } from '../../sched/task.js';

/**
 * Mark a page dirty, in the way of its filesystem.
 *
 * @returns Whether it was clean.
 * @context May be preempted. Page lock held, or the page is kept alive otherwise.
 * @departs Without a set_page_dirty operation it is __set_page_dirty_nobuffers(); the kernel demands that the
 *   filesystem names it.
 * @see `set_page_dirty()` (v5.15)
 */
export function setPageDirty(page: Page): Task<boolean> {
  const operation = page.mapping.load()?.aOps.setPageDirty;
  return operation === undefined ? setPageDirtyNobuffers(page) : operation(page);
}

/**
 * Mark a page dirty whose filesystem keeps no state of its own.
 *
 * @returns Whether it was clean.
 * @context May be preempted. One step under the lock of i_pages.
 * @see `__set_page_dirty_nobuffers()` (v5.15)
 */
export function setPageDirtyNobuffers(page: Page): Task<boolean> {
  return page.dirty.section(
    '__set_page_dirty_nobuffers',
    () => {
      if (page.dirty.load()) return false;
      page.dirty.store(true);
      return true;
    },
    (clean) => (clean ? '' : 'was dirty'),
  );
}

/**
 * Forget that a page is dirty: its data is discarded. What is clean costs no step.
 *
 * @context May be preempted. Page lock held, page not mapped: nobody can dirty it any more.
 * @see `cancel_dirty_page()` (v5.15)
 */
export function* cancelDirtyPage(page: Page): Task<void> {
  if (page.dirty.load()) yield* page.dirty.write(false, 'cancel_dirty_page');
}

/**
 * Writeback of a page begins.
 *
 * @throws ContractError `PAGE_NOT_LOCKED`.
 * @context May be preempted. Page lock held. One step under the lock of i_pages.
 * @see `set_page_writeback()` (v5.15)
 */
export function setPageWriteback(page: Page): Task<void> {
  if (!page.lock.isLocked) {
    throw new ContractError('PAGE_NOT_LOCKED', { page: page.index, in: 'set_page_writeback' });
  }
  return page.writeback.section('set_page_writeback', () => {
    page.writeback.store(true);
    if (page.towrite.load()) page.towrite.store(false);
  });
}

/**
 * Writeback of a page has ended; wakes who waits for it.
 *
 * @throws ContractError `CONTRACT` if it was not under writeback.
 * @context May be preempted. Called by the I/O completion.
 * @see mm/filemap.c `end_page_writeback()` (v5.15)
 */
export function endPageWriteback(page: Page): Task<void> {
  return page.writeback.section('end_page_writeback', () => {
    if (!page.writeback.load()) {
      throw new ContractError('CONTRACT', {
        op: 'end_page_writeback',
        rule: 'page-writeback',
        page: page.index,
      });
    }
    page.writeback.store(false);
  });
}

/**
 * Note a write error, for the next fsync(2) to report.
 *
 * @param error - A negative errno, or `0` for none.
 * @context May be preempted.
 * @see include/linux/pagemap.h `mapping_set_error()` (v5.15)
 */
export function* mappingSetError(mapping: AddressSpace, error: number): Task<void> {
  if (error === 0) return;
  yield* mapping.wbErr.section('mapping_set_error', () => {
    if (mapping.wbErr.load() === 0) mapping.wbErr.store(error);
    if (machine.trace.active) {
      machine.trace.emit('filemap_set_wb_err', { ino: mapping.host.iIno, errseq: error });
    }
  });
}

/**
 * Take the write error that was noted, if any.
 *
 * @returns `0`, or the error, which nobody will be told again.
 * @context May be preempted.
 * @see mm/filemap.c `filemap_check_errors()` (v5.15)
 */
export function filemapCheckErrors(mapping: AddressSpace): Task<number> {
  return mapping.wbErr.section('filemap_check_errors', () => {
    const error = mapping.wbErr.load();
    if (error !== 0) mapping.wbErr.store(0);
    return error;
  });
}
