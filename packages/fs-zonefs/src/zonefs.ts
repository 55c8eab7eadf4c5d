/**
 * What zonefs keeps for each inode, its lock against page-cache fills, and the zones of the device.
 *
 * A file is a zone. Order of the locks, outer to inner: i_rwsem; mmap_lock; {@link zonefsInvalidateSem}; page lock and
 * i_truncate_mutex, in both orders: a fill looks its block up under the mutex with the page locked, a truncation drops
 * pages under the mutex. What keeps the two apart is a lock that both hold around that.
 *
 * `i_wpoffset`, the zone, and in a sequential file `i_size` change under i_truncate_mutex.
 *
 * @departs Zones are as long as the files of a test want, and a zone can be filled to its end.
 * @departs No zones are offline or read-only, no aggregated zones, no `explicit-open`.
 * @see fs/zonefs/zonefs.h, block/blk-zoned.c (v5.14, v5.15)
 */
import {
  ContractError,
  fillCells,
  type Inode,
  Mutex,
  machine,
  type Phys,
  Rwsem,
  SharedVar,
  type Task,
  takesInvalidateLock,
  zeroCells,
} from '@fsport/core';

/** zonefs's part of an inode. @see fs/zonefs/zonefs.h `struct zonefs_inode_info` (v5.15) */
export class ZonefsInodeInfo {
  /** `ZONEFS_ZTYPE_CNV`, written anywhere, or `ZONEFS_ZTYPE_SEQ`, written in order. */
  readonly iZtype: 'cnv' | 'seq';
  /** The blocks of the zone, in order. */
  readonly zone: readonly Phys[];
  /** `i_mmap_sem`: in v5.14, what `mapping->invalidate_lock` is in v5.15; advice does not know it. */
  readonly iMmapSem: Rwsem;
  /** `i_truncate_mutex`. */
  readonly iTruncateMutex: Mutex;
  /** `i_wpoffset`: where the next append must begin, bytes. */
  readonly iWpoffset: SharedVar<number>;
  /** The write pointer of the device, bytes from the start of the zone. Only an append moves it without the mutex. */
  readonly zoneWp: SharedVar<number>;

  /**
   * @param ino - Inode number.
   * @param type - Filesystem type.
   * @param iZtype - Kind of zone.
   * @param zone - Its blocks.
   * @param size - What is written of it, bytes.
   */
  constructor(ino: number, type: string, iZtype: 'cnv' | 'seq', zone: readonly Phys[], size: number) {
    this.iZtype = iZtype;
    this.zone = zone;
    this.iMmapSem = new Rwsem('zonefs_inode_info.i_mmap_sem', ino, type);
    this.iTruncateMutex = new Mutex('zonefs_inode_info.i_truncate_mutex', ino);
    this.iWpoffset = new SharedVar('zonefs_inode_info.i_wpoffset', size, ino);
    this.zoneWp = new SharedVar('zone.wp', size, ino);
  }

  /** `i_max_size`: bytes that fit into the zone. */
  get iMaxSize(): number {
    return this.zone.length * machine.blockSize;
  }
}

/** zonefs's part of an inode. */
export function ZONEFS_I(inode: Inode): ZonefsInodeInfo {
  return inode.info as ZonefsInodeInfo;
}

/** The lock that keeps fills away from truncation. This is what the series changed. */
export function zonefsInvalidateSem(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : ZONEFS_I(inode).iMmapSem;
}

/**
 * Something that zonefs says cannot happen.
 *
 * @throws ContractError `CONTRACT`.
 * @departs It ends the execution; the kernel warns once and fails the I/O.
 * @see include/asm-generic/bug.h `WARN_ON_ONCE()` (v5.15)
 */
export function warnOnOnce(condition: boolean, op: string, rule: string, inode: Inode): void {
  if (condition) throw new ContractError('CONTRACT', { op, rule, ino: inode.iIno });
}

/**
 * Reset a zone, or finish it: its write pointer moves to one of its ends.
 *
 * @param op - `REQ_OP_ZONE_RESET` or `REQ_OP_ZONE_FINISH`.
 * @returns `0`.
 * @context Sleeps. i_truncate_mutex.
 * @departs The device never fails it. A block behind the write pointer reads as what was left in it, which is no content of
 *   the file; in a zone that is finished it reads as zeroes. The block stays the file's, so that it is the cache that has
 *   to be right, and not the request that a reset overtakes.
 * @see block/blk-zoned.c `blkdev_zone_mgmt()`, fs/zonefs/super.c `zonefs_zone_mgmt()` (v5.15)
 */
export function zonefsZoneMgmt(inode: Inode, op: 'REQ_OP_ZONE_RESET' | 'REQ_OP_ZONE_FINISH'): Task<void> {
  const { zone, zoneWp, iMaxSize } = ZONEFS_I(inode);
  const { blocks } = inode.iSb.sBdev;
  const { blockSize } = machine;
  return zoneWp.section(
    'blkdev_zone_mgmt',
    () => {
      const reset = op === 'REQ_OP_ZONE_RESET';
      const first = reset ? 0 : zoneWp.load() / blockSize;
      const text = `left in block of inode ${inode.iIno} when its zone was reset`;
      const cells = reset
        ? fillCells(blockSize, '?'.charCodeAt(0), machine.origins.add({ kind: 'secret', text, ino: 0 }))
        : zeroCells(blockSize);
      for (const phys of zone.slice(first)) {
        const block = blocks.at(phys);
        block.store({ ...block.load(), cells });
      }
      zoneWp.store(reset ? 0 : iMaxSize);
    },
    () => op,
  );
}
