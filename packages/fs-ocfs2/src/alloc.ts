/**
 * The extent map, and the truncate log.
 *
 * What is removed from the map goes to the truncate log first. It can be written to by somebody else only when the log has
 * been flushed, which has nothing to do with the file any more: whoever runs out of space, syncs the filesystem, or fills
 * the log flushes all of it, and a worker does so some time after each removal.
 *
 * @departs Extents are one cluster long; the tree has no nodes.
 * @see fs/ocfs2/alloc.c, fs/ocfs2/aops.c, fs/ocfs2/extent_map.c (v5.14, v5.15)
 */
import {
  type BlockMapping,
  blockZeroRange,
  detachBlock,
  filemapFdatawriteRange,
  freeBlock,
  type Inode,
  loff,
  newBlock,
  phys,
  type SuperBlock,
  type Task,
} from '@fsport/core';
import { HOLE, maxBlocks, OCFS2_I, OCFS2_SB, type Ocfs2Extent } from './ocfs2.js';

function mapping({ phys: block, gen }: Ocfs2Extent, isNew: boolean): BlockMapping {
  return { mapped: block >= 0, phys: block, gen, new: isNew, unwritten: false, delay: false };
}

/**
 * Where is a block? Never allocates, also if it is asked to.
 *
 * @context May be preempted. ip_alloc_sem, except from writeback.
 * @see fs/ocfs2/aops.c `ocfs2_get_block()` (v5.15)
 */
export function* ocfs2GetBlock(inode: Inode, iblock: number): Task<BlockMapping> {
  return mapping(yield* OCFS2_I(inode).extents.at(iblock).read('ocfs2_get_clusters'), false);
}

/**
 * Where is a block that is about to be written to? A hole gets one.
 *
 * @returns The mapping, or `-ENOSPC`.
 * @context May be preempted. ip_alloc_sem exclusive, page lock.
 * @departs The truncate log is not flushed to find space.
 * @see fs/ocfs2/aops.c `ocfs2_write_cluster()`, fs/ocfs2/file.c `ocfs2_add_inode_data()` (v5.15)
 */
export function* ocfs2WriteGetBlock(inode: Inode, iblock: number): Task<BlockMapping | number> {
  const slot = OCFS2_I(inode).extents.at(iblock);
  const found = yield* slot.read('ocfs2_get_clusters');
  if (found.phys >= 0) return mapping(found, false);
  const { sBdev } = inode.iSb;
  const block = yield* newBlock(sBdev, inode.iIno, 'ocfs2_claim_clusters');
  if (block < 0) return block;
  const made: Ocfs2Extent = { phys: phys(block), gen: sBdev.blocks.at(block).load().gen };
  slot.store(made);
  return mapping(made, true);
}

/**
 * Take one cluster out of the map, into the truncate log.
 *
 * @context May be preempted. ip_alloc_sem exclusive. One step, as it is one transaction.
 * @see fs/ocfs2/alloc.c `ocfs2_remove_btree_range()`, `ocfs2_truncate_log_append()` (v5.15)
 */
function ocfs2RemoveBtreeRange(inode: Inode, cpos: number, { phys: block }: Ocfs2Extent): Task<void> {
  const { sBdev } = inode.iSb;
  const { truncateLog } = OCFS2_SB(inode.iSb);
  return sBdev.blocks.at(block).section(
    'ocfs2_remove_btree_range',
    () => {
      OCFS2_I(inode).extents.at(cpos).store(HOLE);
      detachBlock(sBdev, block);
      truncateLog.store([...truncateLog.load(), { ino: inode.iIno, phys: block }]);
    },
    () => `cluster ${cpos}`,
  );
}

/**
 * Take the clusters of a range out of the map, the last one first.
 *
 * @param first - First cluster.
 * @param end - Cluster after the last; all to the end of the file by default.
 * @context Sleeps. ip_alloc_sem exclusive, or nobody else has the inode.
 * @see fs/ocfs2/file.c `ocfs2_remove_inode_range()`, fs/ocfs2/alloc.c `ocfs2_commit_truncate()` (v5.15)
 */
export function* removeClusters(inode: Inode, first: number, end: number = maxBlocks()): Task<void> {
  const { extents } = OCFS2_I(inode);
  for (let cpos = end - 1; cpos >= first; cpos--) {
    const extent = extents.at(cpos).load(); // ip_alloc_sem: nobody changes it
    if (extent.phys >= 0) yield* ocfs2RemoveBtreeRange(inode, cpos, extent);
  }
}

/**
 * Free everything in the truncate log.
 *
 * @returns `0`.
 * @context Sleeps.
 * @departs Who removed something flushes the log by itself, and at once: ocfs2_schedule_truncate_log_flush() leaves that to a
 *   worker, after the same page-cache removals. A cluster that is freed can be reused at once instead of after the commit, which
 *   shows more.
 * @see fs/ocfs2/alloc.c `ocfs2_flush_truncate_log()` (v5.15)
 */
export function* ocfs2FlushTruncateLog(sb: SuperBlock): Task<number> {
  const { truncateLog } = OCFS2_SB(sb);
  const recs = yield* truncateLog.section('ocfs2_flush_truncate_log', () => {
    const all = truncateLog.load();
    truncateLog.store([]);
    return all;
  });
  for (const { ino, phys: block } of recs) yield* freeBlock(sb.sBdev, ino, block, 'ocfs2_free_clusters');
  return 0;
}

/**
 * Zero a part of a cluster in the cache, and begin to write it.
 *
 * @param start - First byte.
 * @param end - Byte after the last, in the same cluster.
 * @returns `0`, `-ENOMEM` or `-EIO`.
 * @context Sleeps. ip_alloc_sem exclusive. Takes and releases a page lock.
 * @see fs/ocfs2/alloc.c `ocfs2_zero_range_for_truncate()` (v5.15)
 */
export function* ocfs2ZeroRangeForTruncate(inode: Inode, start: number, end: number): Task<number> {
  if (start >= end) return 0;
  const block = Math.floor(start / inode.iSb.sBlocksize);
  if (OCFS2_I(inode).extents.at(block).load().phys < 0) return 0; // ip_alloc_sem
  const { iMapping } = inode;
  const err = yield* blockZeroRange(iMapping, loff(start), end - start, ocfs2GetBlock);
  return err !== 0 ? err : yield* filemapFdatawriteRange(iMapping, loff(start), loff(end - 1));
}
