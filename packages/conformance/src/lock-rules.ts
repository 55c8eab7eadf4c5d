/**
 * Lock orders that are wrong in themselves, whether or not a cycle shows, and what the kernel says where a rule about locks
 * is broken.
 *
 * @see mm/filemap.c and mm/rmap.c, the ordering in their headers (v5.15)
 */
import type { ErrorCode, ForbiddenOrder } from '@fsport/core';

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

/** What the kernel does where a contract of this code is broken. */
export const KERNEL_RULES: Readonly<Partial<Record<ErrorCode, string>>> = {
  LOCK_LEAK:
    'nobody else releases it, and who asks for it next waits for ever: lockdep_sys_exit() warns of a system call that returns so (kernel/locking/lockdep.c)',
  LOCK_NOT_HELD:
    'lock_release() and lockdep_assert_held() warn of a lock that the task does not hold (kernel/locking/lockdep.c)',
  LOCK_MODE:
    'who took an rwsem by down_read() releases it by up_read(), not up_write() (kernel/locking/rwsem.c)',
  COPY_UNDER_LOCK:
    'might_fault() stands where user memory is accessed: a page fault takes mmap_lock (mm/memory.c)',
  NOWAIT_SLEEPS:
    'a call with IOCB_NOWAIT returns -EAGAIN where it would sleep (mm/filemap.c filemap_update_page())',
  ATOMIC_SLEEPS: 'might_sleep() warns of a sleep with a spinlock held (kernel/sched/core.c)',
  PAGE_NOT_LOCKED: 'VM_BUG_ON_PAGE(!PageLocked(page), page) stands there (mm/filemap.c, mm/page-writeback.c)',
};
