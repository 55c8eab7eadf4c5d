/**
 * The only way `mapping.aOps` are called: each wrapper checks the row of the mounted release before and after.
 *
 * An operation that fills or writes a page must unlock it, now or when the I/O ends (the page lock is handed
 * off then); the checks know the difference from a page that nobody will unlock.
 *
 * @see include/linux/fs.h `struct address_space_operations` (v5.15)
 */
import { ContractError } from '../errors.js';
import { AOP_WRITEPAGE_ACTIVATE } from '../include/errno.js';
import { type AddressSpace, type File, type IovIter, type Kiocb, pageIndex } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import type { ReadaheadControl } from '../include/pagemap.js';
import type { Loff } from '../include/units.js';
import type { WritebackControl } from '../include/writeback.js';
import type { Cells } from '../provenance.js';
import type { Task } from '../sched/task.js';
import { type Call, demand, enter, holds, pageLocksHeld, present } from './check.js';
import { ADDRESS_SPACE_OPERATIONS, type AddressSpaceOperation } from './table.js';

function pageCall(op: AddressSpaceOperation, page: Page, mapping = page.mapping.peek()): Call {
  if (mapping !== null) return { op, mapping, index: page.index };
  throw new ContractError('CONTRACT', { op, rule: 'page-mapping', page: page.index });
}

function begin(call: Call, page: Page | null): void {
  const { release } = call.mapping.host.iSb;
  enter(ADDRESS_SPACE_OPERATIONS[release][call.op as AddressSpaceOperation], call, page);
}

function unlocked(call: Call, page: Page): void {
  demand(!holds(page), call, 'page-unlocked', 'returned, and nobody will unlock the page');
}

/**
 * Fill a locked page of the cache. It unlocks the page, now or when the I/O ends, whatever it returns.
 *
 * @returns `0`, AOP_TRUNCATED_PAGE (look it up again), or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held; it is gone on return. invalidate_lock at least shared, or i_rwsem exclusive.
 */
export function* callReadpage(file: File | null, page: Page): Task<number> {
  const call = pageCall('readpage', page);
  begin(call, page);
  const result = yield* present(call.mapping.aOps.readpage, call)(file, page);
  unlocked(call, page);
  return result;
}

/**
 * Fill consecutive locked pages. What the filesystem takes out of the request is its to unlock and put.
 *
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page locks held. invalidate_lock at least shared, or i_rwsem exclusive.
 */
export function* callReadahead(rac: ReadaheadControl): Task<void> {
  const { mapping } = rac;
  const pages = rac.pages.slice();
  const callFor = (page: Page): Call => ({ op: 'readahead', mapping, index: page.index });
  for (const page of pages) begin(callFor(page), page);
  yield* present(mapping.aOps.readahead, { op: 'readahead', mapping, index: rac.index })(rac);
  for (const page of pages) if (!rac.pages.includes(page)) unlocked(callFor(page), page);
}

/**
 * Insert and fill pages that nobody knows yet. What the filesystem takes out of `pages` is its to unlock and put.
 *
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. invalidate_lock at least shared, or i_rwsem exclusive. No page lock held.
 */
export function* callReadpages(file: File | null, mapping: AddressSpace, pages: Page[]): Task<void> {
  const call: Call = { op: 'readpages', mapping, index: (pages[0] as Page).index };
  begin(call, null);
  yield* present(mapping.aOps.readpages, call)(file, mapping, pages);
  demand(pageLocksHeld() === 0, call, 'page-unlocked', 'returned, and nobody will unlock a page');
}

/**
 * Prepare a page for a write.
 *
 * @returns The page, locked, with a reference; or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. i_rwsem exclusive.
 */
export function* callWriteBegin(
  file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
): Task<Page | number> {
  const index = pageIndex(pos);
  const call: Call = { op: 'write_begin', mapping, index };
  begin(call, null);
  const before = pageLocksHeld();
  const result = yield* present(mapping.aOps.writeBegin, call)(file, mapping, pos, len);
  if (typeof result === 'number') {
    demand(result < 0, call, 'result', `returned ${result}, neither a page nor an errno`);
    demand(pageLocksHeld() === before, call, 'page-unlocked', 'failed, and left a page locked');
    return result;
  }
  demand(holds(result), call, 'page-locked', 'returned a page that is not locked');
  const fits = result.mapping.peek() === mapping && result.index === index;
  demand(fits, call, 'page-mapping', 'returned a page that is not the one of this position');
  return result;
}

/**
 * Finish a write: the page is unlocked and put.
 *
 * @returns Bytes accepted, or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. i_rwsem exclusive, page lock held; the page lock is gone on return.
 */
export function* callWriteEnd(
  file: File,
  mapping: AddressSpace,
  pos: Loff,
  len: number,
  copied: number,
  page: Page,
): Task<number> {
  const call = pageCall('write_end', page, mapping);
  begin(call, page);
  const write = present(mapping.aOps.writeEnd, call);
  const result = yield* write(file, mapping, pos, len, copied, page);
  unlocked(call, page);
  demand(result <= copied, call, 'result', `accepted ${result} bytes of ${copied} that were copied`);
  return result;
}

/**
 * Write a locked page that is not under writeback. It unlocks the page unless it asks to keep it active.
 *
 * @returns `0`, AOP_WRITEPAGE_ACTIVATE (still locked), or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held.
 */
export function* callWritepage(page: Page, wbc: WritebackControl): Task<number> {
  const call = pageCall('writepage', page);
  begin(call, page);
  demand(!page.writeback.peek(), call, 'page-writeback', 'called for a page that is being written back');
  const result = yield* present(call.mapping.aOps.writepage, call)(page, wbc);
  if (result === AOP_WRITEPAGE_ACTIVATE) {
    demand(holds(page), call, 'page-locked', 'returned AOP_WRITEPAGE_ACTIVATE without the page lock');
  } else {
    unlocked(call, page);
  }
  return result;
}

/**
 * Write dirty pages of a range.
 *
 * @returns `0`, or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. No page lock held.
 */
export function* callWritepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
  const call: Call = { op: 'writepages', mapping, index: null };
  begin(call, null);
  const before = pageLocksHeld();
  const result = yield* present(mapping.aOps.writepages, call)(mapping, wbc);
  demand(pageLocksHeld() === before, call, 'page-unlocked', 'returned, and left a page locked');
  return result;
}

/**
 * Forget what the filesystem attached to a part of a page.
 *
 * @param page - In the cache, locked, with something attached.
 * @param offset - First byte in the page.
 * @param length - Bytes; the whole page drops everything.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held. invalidate_lock exclusive, except in tear-down and for broken memory.
 * @departs Without the operation the kernel assumes block_invalidatepage(); here the filesystem names it in its
 *   table, so that a table says all that happens.
 * @see mm/truncate.c `do_invalidatepage()` (v5.15)
 */
export function* callInvalidatepage(page: Page, offset: number, length: number): Task<void> {
  if (page.mapping.peek()?.aOps.invalidatepage === undefined && !page.peekPrivate()) return;
  const call = pageCall('invalidatepage', page);
  begin(call, page);
  yield* present(call.mapping.aOps.invalidatepage, call)(page, offset, length);
  demand(holds(page), call, 'page-locked', 'returned without the page lock');
}

/**
 * Drop what the filesystem attached to a page, if it can be dropped.
 *
 * @returns Whether nothing is attached any more.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held.
 * @departs Without the operation the kernel assumes try_to_free_buffers(); here the filesystem names it in its
 *   table.
 * @see mm/filemap.c `try_to_release_page()` (v5.15)
 */
export function* callReleasepage(page: Page): Task<boolean> {
  // Attached and detached under the page lock, which the caller holds.
  if (page.mapping.peek()?.aOps.releasepage === undefined && !page.peekPrivate()) return true;
  const call = pageCall('releasepage', page);
  begin(call, page);
  if (page.writeback.load()) return false;
  const released = yield* present(call.mapping.aOps.releasepage, call)(page);
  demand(holds(page), call, 'page-locked', 'returned without the page lock');
  const empty = !page.peekPrivate();
  demand(!released || empty, call, 'page-private', 'said that it released the page, and buffers are left');
  return released;
}

/**
 * Is a byte range of a page that is not uptodate valid all the same?
 *
 * @throws ContractError `CONTRACT`.
 * @context Page lock held.
 */
export function* callIsPartiallyUptodate(page: Page, from: number, count: number): Task<boolean> {
  const call = pageCall('is_partially_uptodate', page);
  begin(call, page);
  const isPartially = present(call.mapping.aOps.isPartiallyUptodate, call);
  return yield* isPartially(page, from, count);
}

/**
 * Write a dirty page that is in the way of an invalidation, and wait for it.
 *
 * @returns `0`, or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held, also on return.
 */
export function* callLaunderPage(page: Page): Task<number> {
  const call = pageCall('launder_page', page);
  begin(call, page);
  const result = yield* present(call.mapping.aOps.launderPage, call)(page);
  demand(holds(page), call, 'page-locked', 'returned without the page lock');
  return result;
}

/**
 * Drop a page whose memory is broken.
 *
 * @returns `0`, or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. Page lock held, also on return.
 */
export function* callErrorRemovePage(mapping: AddressSpace, page: Page): Task<number> {
  const call = pageCall('error_remove_page', page, mapping);
  begin(call, page);
  const result = yield* present(mapping.aOps.errorRemovePage, call)(mapping, page);
  demand(holds(page), call, 'page-locked', 'returned without the page lock');
  return result;
}

/**
 * Direct I/O.
 *
 * @returns Bytes, or an errno.
 * @throws ContractError `CONTRACT`.
 * @context Sleeps. No page lock held.
 */
export function* callDirectIO(iocb: Kiocb, iter: IovIter | Cells): Task<number> {
  const mapping = iocb.kiFilp.fMapping;
  const call: Call = { op: 'direct_IO', mapping, index: null };
  begin(call, null);
  return yield* present(mapping.aOps.directIO, call)(iocb, iter);
}
