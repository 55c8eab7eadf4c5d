/**
 * Locks with one holder: mutex, spinlock, and the base of the page lock.
 *
 * @see kernel/locking/mutex.c, include/linux/spinlock.h (v5.15)
 */
import { ContractError } from '../errors.js';
import { AWAIT, LOCK, READ, TRY_FAIL, UNLOCK } from '../sched/access.js';
import { current } from '../sched/current.js';
import type { HistoryEntry } from '../sched/shared-object.js';
import { Step, type Task, type TaskStruct } from '../sched/task.js';
import { type Acquisition, Lock, lockAcquired, lockReleased } from './lockdep.js';

/** Held by one at a time. Who may release it depends on the kind of lock. */
export abstract class ExclusiveLock extends Lock {
  #locked: boolean;
  #owner: TaskStruct | null = null;
  readonly #born: boolean;

  /**
   * @param label - Kernel spelling.
   * @param key - Distinguishes it from its siblings.
   * @param bornLocked - Starts out held by the task that creates it.
   */
  constructor(label: string, key: string | number = '', bornLocked = false) {
    super(label, key);
    this.#locked = bornLocked;
    this.#born = bornLocked;
    if (bornLocked) this.#owner = lockAcquired(this, TRY);
  }

  /** Is it held, by anyone? For assertions, checkers and printers. */
  get isLocked(): boolean {
    return this.#locked;
  }

  override peekState(): unknown {
    return this.#locked ? [this.#owner] : null;
  }

  /** The task that took it and has not handed it off, or `null`. For assertions and printers. */
  get owner(): TaskStruct | null {
    return this.#owner;
  }

  /** From now on somebody else will release it (an I/O completion); the holder is free of it. */
  handOff(): void {
    if (this.#owner !== null) lockReleased(this.#owner, this, 'X', 'hand-off');
    this.#owner = null;
  }

  /** Become held as part of the step in progress. @internal */
  take(how: Acquisition): void {
    current.touch(this, LOCK);
    this.#locked = true;
    this.#owner = lockAcquired(this, how);
  }

  /** Become free as part of the step in progress. @internal */
  drop(verb: string): void {
    if (!this.#locked) throw new ContractError('LOCK_NOT_HELD', { task: taskTitle(), verb, lock: this.name });
    current.touch(this, UNLOCK);
    if (this.#owner !== null) lockReleased(this.#owner, this, 'X', verb);
    this.#locked = false;
    this.#owner = null;
  }

  override enabledAfter(_step: Step<unknown>, history: readonly HistoryEntry[]): boolean {
    let locked = this.#born;
    for (const { access } of history) {
      if (access === LOCK) locked = true;
      else if (access === UNLOCK) locked = false;
    }
    return !locked;
  }
}

function taskTitle(): string {
  return current.task?.title ?? 'set-up';
}

const WAIT: Acquisition = { mode: 'X', trylock: false, subclass: 0 };
const TRY: Acquisition = { mode: 'X', trylock: true, subclass: 0 };

/** Waits for an exclusive lock and takes it. */
export class LockStep extends Step<void> {
  readonly #lock: ExclusiveLock;
  readonly #how: Acquisition;
  constructor(lock: ExclusiveLock, verb: string, subclass = 0) {
    super(lock, LOCK, verb, true);
    this.#lock = lock;
    this.#how = subclass === 0 ? WAIT : { mode: 'X', trylock: false, subclass };
  }
  override get sleeps(): boolean {
    return !(this.object instanceof Spinlock);
  }
  override ready(): boolean {
    return !this.#lock.isLocked;
  }
  protected perform(): void {
    this.#lock.take(this.#how);
  }
}

/** Waits like {@link LockStep}, or gives up when the task receives a fatal signal. */
export class KillableLockStep extends Step<boolean> {
  readonly #lock: ExclusiveLock;
  readonly #task: TaskStruct;
  constructor(lock: ExclusiveLock, verb: string, task: TaskStruct) {
    super(lock, LOCK, verb, true);
    this.#lock = lock;
    this.#task = task;
  }
  override get killable(): boolean {
    return true;
  }
  override ready(): boolean {
    return !this.#lock.isLocked || this.#task.signal?.peek() === true;
  }
  protected perform(): boolean {
    this.#task.signal?.load();
    if (this.#lock.isLocked) {
      current.outcome(TRY_FAIL);
      return false;
    }
    this.#lock.take(WAIT);
    return true;
  }
  override describe(taken: boolean): string {
    return taken ? '' : 'killed';
  }
}

/** Takes an exclusive lock if it is free. */
export class TrylockStep extends Step<boolean> {
  readonly #lock: ExclusiveLock;
  constructor(lock: ExclusiveLock, verb: string) {
    super(lock, LOCK, verb);
    this.#lock = lock;
  }
  protected perform(): boolean {
    if (this.#lock.isLocked) {
      current.outcome(TRY_FAIL);
      return false;
    }
    this.#lock.take(TRY);
    return true;
  }
  override describe(taken: boolean): string {
    return taken ? '' : 'busy';
  }
}

/** Releases an exclusive lock; may do a last thing under it in the same step. */
export class UnlockStep extends Step<void> {
  readonly #lock: ExclusiveLock;
  constructor(lock: ExclusiveLock, verb: string) {
    super(lock, UNLOCK, verb);
    this.#lock = lock;
  }
  protected perform(): void {
    this.#lock.drop(this.verb);
  }
}

/** Waits until an exclusive lock is free, without taking it. */
export class AwaitUnlockedStep extends Step<boolean> {
  readonly #lock: ExclusiveLock;
  readonly #task: TaskStruct | null;
  constructor(lock: ExclusiveLock, verb: string, killableTask: TaskStruct | null = null) {
    super(lock, AWAIT, verb, true);
    this.#lock = lock;
    this.#task = killableTask?.signal == null ? null : killableTask;
  }
  override get killable(): boolean {
    return this.#task !== null;
  }
  override ready(): boolean {
    return !this.#lock.isLocked || this.#task?.signal?.peek() === true;
  }
  protected perform(): boolean {
    this.#task?.signal?.load();
    return !this.#lock.isLocked;
  }
  override describe(free: boolean): string {
    return free ? '' : 'killed';
  }
}

/** Looks whether an exclusive lock is held. */
export class TestLockedStep extends Step<boolean> {
  readonly #lock: ExclusiveLock;
  constructor(lock: ExclusiveLock, verb: string) {
    super(lock, READ, verb);
    this.#lock = lock;
  }
  protected perform(): boolean {
    return this.#lock.isLocked;
  }
}

/** Held by a task, which alone may release it. */
abstract class OwnedLock extends ExclusiveLock {
  override drop(verb: string): void {
    if (this.owner !== current.task) {
      throw new ContractError('LOCK_NOT_HELD', { task: taskTitle(), verb, lock: this.name });
    }
    super.drop(verb);
  }
}

/** A sleeping lock with an owner, who alone may release it. @see `struct mutex` (v5.15) */
export class Mutex extends OwnedLock {}

/** A lock that is held for a moment and never over a sleep. @see `spinlock_t` (v5.15) */
export class Spinlock extends OwnedLock {
  /** @internal */
  override take(how: Acquisition): void {
    super.take(how);
    if (this.owner !== null) this.owner.spinlocks++;
  }

  /** @internal */
  override drop(verb: string): void {
    const { owner } = this;
    super.drop(verb);
    if (owner !== null) owner.spinlocks--;
  }
}

/** Take a mutex. @context Sleeps. */
export function mutexLock(lock: Mutex, subclass = 0): Task<void> {
  return new LockStep(lock, 'mutex_lock', subclass);
}

/** Take a mutex if it is free. @returns Whether it was. @context Does not sleep. */
export function mutexTrylock(lock: Mutex): Task<boolean> {
  return new TrylockStep(lock, 'mutex_trylock');
}

/** Release a mutex. @throws ContractError `LOCK_NOT_HELD`. */
export function mutexUnlock(lock: Mutex): Task<void> {
  return new UnlockStep(lock, 'mutex_unlock');
}

/** Take a spinlock. @context Must not sleep until it is released. */
export function spinLock(lock: Spinlock): Task<void> {
  return new LockStep(lock, 'spin_lock');
}

/** Take a spinlock if it is free. @returns Whether it was. */
export function spinTrylock(lock: Spinlock): Task<boolean> {
  return new TrylockStep(lock, 'spin_trylock');
}

/** Release a spinlock. @throws ContractError `LOCK_NOT_HELD`. */
export function spinUnlock(lock: Spinlock): Task<void> {
  return new UnlockStep(lock, 'spin_unlock');
}
