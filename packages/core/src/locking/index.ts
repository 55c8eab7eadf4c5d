/** Locks: rwsem, mutex, spinlock, completion, wait queue, and the lock-order graph. */
export {
  type Acquisition,
  type ForbiddenOrder,
  heldMode,
  Lock,
  LockGraph,
  type LockGraphSnapshot,
  type Locking,
  type LockOrderFinding,
  lockAcquired,
  lockReleased,
  useLocking,
} from './lockdep.js';
export * from './mutex.js';
export * from './rwsem.js';
export * from './wait.js';
