/**
 * Ranges of the window: who gets one, and from whom one is taken when there are none left.
 *
 * A range may be taken from a file once nothing maps it and nobody accesses it: under {@link fuseInvalidateLock}, which
 * keeps faults out, with the pages unmapped and no device using them, and under dax->sem exclusive, with no reference but
 * its own. read(2) and write(2) take one from their own file, if need be. A fault holds that lock shared, so it can take
 * none, and must not wait for one with the lock held: the worker that frees ranges needs it.
 *
 * @see fs/fuse/dax.c (v5.14, v5.15)
 */
import {
  beginAttempt,
  current,
  daxBreakLayout,
  daxLayoutBusyPageRange,
  downRead,
  downWrite,
  filemapFdatawriteRange,
  type Inode,
  invalidateInodePages2Range,
  LLONG_MAX,
  loff,
  PAGE_SIZE,
  type Pgoff,
  pgoff,
  retry,
  type SuperBlock,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';
import {
  type DaxMapping,
  type FuseConnDax,
  fuseConnDax,
  fuseInodeDax,
  fuseInvalidateLock,
  fuseInvalidateUnlock,
  fuseSimpleRequest,
  getFuseInode,
} from './fuse-i.js';

/** With fewer free ranges than this the worker is woken. @see `FUSE_DAX_RECLAIM_THRESHOLD` (v5.15) */
const RECLAIM_THRESHOLD = 1;

/**
 * Wait until no device uses a part of a file; unmap it.
 *
 * @param start - First byte.
 * @param last - Last byte, inclusive. Without both, all of the file.
 * @context Sleeps. {@link fuseInvalidateLock}; let go of and taken again to wait.
 * @see `fuse_dax_break_layouts()` (v5.15)
 */
export function fuseDaxBreakLayouts(inode: Inode, start = 0, last: number = LLONG_MAX): Task<void> {
  return daxBreakLayout(
    inode.iMapping,
    () => daxLayoutBusyPageRange(inode.iMapping, start, last),
    () => fuseInvalidateUnlock(inode),
    () => fuseInvalidateLock(inode),
  );
}

/** Wake the worker if ranges are short. Joins the step in progress. @see `kick_dmap_free_worker()` (v5.15) */
function kickDmapFreeWorker(fcd: FuseConnDax): void {
  const ranges = fcd.load();
  if (ranges.working || ranges.free.length >= RECLAIM_THRESHOLD) return;
  fcd.store({ ...ranges, working: true });
  current.spawn('fuse_dax_free_mem_worker', fuseDaxFreeMemWorker(fcd));
}

/** Take a free range. @returns It, or `null`. @context One step under fcd->lock. @see `alloc_dax_mapping()` (v5.15) */
export function* allocDaxMapping(sb: SuperBlock): Task<DaxMapping | null> {
  const fcd = fuseConnDax(sb);
  const dmap = yield* fcd.section(
    'alloc_dax_mapping',
    () => {
      const { free, ...rest } = fcd.load();
      const [first, ...others] = free;
      if (first === undefined) return null;
      fcd.store({ ...rest, free: others });
      return first;
    },
    (taken) => (taken === null ? 'none' : `range ${taken.phys}`),
  );
  kickDmapFreeWorker(fcd);
  return dmap;
}

/** Give a range back; who waits for one is woken. @context One step under fcd->lock. @see `dmap_add_to_free_pool()` (v5.15) */
export function dmapAddToFreePool(sb: SuperBlock, dmap: DaxMapping): Task<void> {
  const fcd = fuseConnDax(sb);
  return fcd.section('dmap_add_to_free_pool', () => {
    const ranges = fcd.load();
    fcd.store({ ...ranges, free: [...ranges.free, dmap] });
  });
}

/** Sleep until a range is free. @context Sleeps, and must not hold what the worker needs. @see `range_waitq` (v5.15) */
export function* waitForRange(sb: SuperBlock): Task<void> {
  yield* fuseConnDax(sb).waitUntil(({ free }) => free.length > 0, 'wait_event(range_waitq)');
}

/**
 * Let a file be accessed through a range.
 *
 * @context Sleeps. dax->sem exclusive.
 * @departs The list of busy ranges is changed in the step that takes the reply in: who finds the range there needs dax->sem.
 * @see `fuse_setup_one_mapping()` (v5.15)
 */
export function* fuseSetupOneMapping(inode: Inode, index: Pgoff, dmap: DaxMapping): Task<void> {
  const { server } = getFuseInode(inode);
  yield* fuseSimpleRequest('FUSE_SETUPMAPPING', () => server.setupMapping(index, dmap.phys));
  fuseInodeDax(inode).tree.at(index).store(dmap);
  const fcd = fuseConnDax(inode.iSb);
  const ranges = fcd.load();
  fcd.store({ ...ranges, busy: [...ranges.busy, { dmap, inode, index }] });
}

/**
 * Take a range from its file: nothing that was stored through it is lost, and nothing is mapped to it any more.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. {@link fuseInvalidateLock} and dax->sem exclusive. Waits for the lock of the entry.
 * @see `reclaim_one_dmap_locked()`, `dmap_writeback_invalidate()`, `dmap_remove_busy_list()` (v5.15)
 */
function* reclaimOneDmapLocked(inode: Inode, index: Pgoff, dmap: DaxMapping): Task<number> {
  const { iMapping: mapping } = inode;
  const start = index * PAGE_SIZE;
  const err =
    (yield* filemapFdatawriteRange(mapping, loff(start), loff(start + PAGE_SIZE - 1))) ||
    (yield* invalidateInodePages2Range(mapping, index, index));
  if (err !== 0) return err;
  fuseInodeDax(inode).tree.at(index).store(null);
  const { server } = getFuseInode(inode);
  yield* fuseSimpleRequest('FUSE_REMOVEMAPPING', () => server.removeMapping(index, dmap.phys));
  const fcd = fuseConnDax(inode.iSb);
  const ranges = fcd.load();
  fcd.store({ ...ranges, busy: ranges.busy.filter((range) => range.dmap !== dmap) });
  return 0;
}

/** Is a range accessed, or about to be? Joins the step in progress. */
function inUse({ refcnt }: DaxMapping): boolean {
  return refcnt.load() > 1;
}

/** The first range of a file that nobody uses. @context dax->sem. Joins the step in progress. @see `inode_lookup_first_dmap()` (v5.15) */
function inodeLookupFirstDmap(inode: Inode): Pgoff | null {
  const { tree } = fuseInodeDax(inode);
  for (let index = 0; index < inode.iMapping.capacity; index++) {
    const dmap = tree.at(index).load();
    if (dmap !== null && !inUse(dmap)) return pgoff(index);
  }
  return null;
}

/**
 * Take a range from a file, if it still has it and nobody uses it.
 *
 * @returns The range; `null` if that cannot be done now; or an errno.
 * @context Sleeps. {@link fuseInvalidateLock}. Takes dax->sem exclusive.
 * @see `lookup_and_reclaim_dmap_locked()`, `inode_inline_reclaim_one_dmap()` (v5.15)
 */
function* reclaimAt(inode: Inode, index: Pgoff): Task<DaxMapping | number | null> {
  const { sem, tree } = fuseInodeDax(inode);
  yield* fuseDaxBreakLayouts(inode, index * PAGE_SIZE, (index + 1) * PAGE_SIZE - 1);
  yield* downWrite(sem);
  const dmap = tree.at(index).load();
  let taken: DaxMapping | number | null = null;
  if (dmap !== null && !inUse(dmap)) taken = (yield* reclaimOneDmapLocked(inode, index, dmap)) || dmap;
  yield* upWrite(sem);
  return taken;
}

/** @see `inode_inline_reclaim_one_dmap()` (v5.15) */
function* inodeInlineReclaimOneDmap(inode: Inode): Task<DaxMapping | number | 'retry' | null> {
  const { sem } = fuseInodeDax(inode);
  yield* fuseInvalidateLock(inode);
  yield* downRead(sem);
  const index = inodeLookupFirstDmap(inode);
  yield* upRead(sem);
  const taken = index === null ? null : ((yield* reclaimAt(inode, index)) ?? 'retry');
  yield* fuseInvalidateUnlock(inode);
  return taken;
}

/**
 * Take a free range, or one of the file itself, or wait for one.
 *
 * @returns It, or an errno.
 * @context Sleeps. Neither {@link fuseInvalidateLock} nor dax->sem, which it takes.
 * @see `alloc_dax_mapping_reclaim()` (v5.15)
 */
export function* allocDaxMappingReclaim(inode: Inode): Task<DaxMapping | number> {
  for (;;) {
    const dmap = (yield* allocDaxMapping(inode.iSb)) ?? (yield* inodeInlineReclaimOneDmap(inode));
    if (dmap === null) yield* waitForRange(inode.iSb);
    else if (dmap !== 'retry') return dmap;
  }
}

/** Take a range from a file and make it free. @context Sleeps. @see `lookup_and_reclaim_dmap()` (v5.15) */
function* lookupAndReclaimDmap(inode: Inode, index: Pgoff): Task<void> {
  yield* fuseInvalidateLock(inode);
  const taken = yield* reclaimAt(inode, index);
  if (taken !== null && typeof taken !== 'number') yield* dmapAddToFreePool(inode.iSb, taken);
  yield* fuseInvalidateUnlock(inode);
}

/**
 * Take ranges from files until enough are free.
 *
 * @departs It takes one at a time, up to ten in the kernel, and stops when there are enough. If all are in use the kernel
 *   comes back a moment later; here it looks again at once.
 * @see `fuse_dax_free_mem_worker()`, `try_to_free_dmap_chunks()` (v5.15)
 */
function* fuseDaxFreeMemWorker(fcd: FuseConnDax): Task<void> {
  for (;;) {
    const attempt = beginAttempt();
    const victim = yield* fcd.section('try_to_free_dmap_chunks', () => {
      const { free, busy, working } = fcd.load();
      if (free.length >= RECLAIM_THRESHOLD) {
        fcd.store({ free, busy, working: false });
        return 'enough' as const;
      }
      const found = busy.find(({ dmap }) => !inUse(dmap));
      // Who cannot be freed is not looked at again before all others.
      if (found !== undefined)
        fcd.store({ free, working, busy: [...busy.filter((range) => range !== found), found] });
      return found;
    });
    if (victim === 'enough') return;
    if (victim === undefined) yield* retry(attempt);
    else yield* lookupAndReclaimDmap(victim.inode, victim.index);
  }
}
