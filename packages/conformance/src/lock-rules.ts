/**
 * Lock orders that are wrong in themselves, whether or not a cycle shows.
 *
 * @see mm/filemap.c and mm/rmap.c, the ordering in their headers (v5.15)
 */
import type { ForbiddenOrder } from '@fsport/core';

const INVALIDATE = 'mapping.invalidate_lock';
const MMAP = 'mm.mmap_lock';
const I_RWSEM = 'inode.i_rwsem';
const I_MMAP = 'mapping.i_mmap_rwsem';
const PAGE = 'PG_locked';

/** The orders. */
export const FORBIDDEN_ORDERS: readonly ForbiddenOrder[] = [
  { held: INVALIDATE, acquired: MMAP, why: 'faults take invalidate_lock under mmap_lock' },
  { held: INVALIDATE, acquired: I_RWSEM, why: 'truncate takes invalidate_lock under i_rwsem' },
  { held: PAGE, acquired: INVALIDATE, why: 'fills take the page lock under invalidate_lock' },
  { held: PAGE, acquired: MMAP, why: 'faults take the page lock under mmap_lock' },
  { held: I_MMAP, acquired: INVALIDATE, why: 'truncate unmaps under invalidate_lock' },
  { held: MMAP, acquired: I_RWSEM, why: 'write(2) faults in the user page under i_rwsem' },
];
