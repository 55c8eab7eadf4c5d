/**
 * The sleeping reader/writer lock.
 *
 * Many readers or one writer; not recursive. A reader's try-lock fails when anybody is queued. On a *fair*
 * rwsem a writer that has to wait holds new readers back, and that is an event of its own; it is what makes
 * a second shared acquisition by the same task a deadlock.
 *
 * @departs Waiting readers do not queue: a reader that has not been let in cannot be told from one that has
 *   not arrived, so the order among waiting readers and later writers adds no behaviour.
 * @departs No hand-off and no stealing by time: both are orders that the search takes anyway.
 * @see kernel/locking/rwsem.c (v5.15)
 */
import { ContractError } from '../errors.js';
import { EAGAIN, EINTR } from '../include/errno.js';
import {
  DOWN_READ,
  DOWN_WRITE,
  DOWNGRADE,
  QUEUE_WRITE,
  TRY_FAIL,
  UP_READ,
  UP_WRITE,
} from '../sched/access.js';
import { current } from '../sched/current.js';
import type { HistoryEntry } from '../sched/shared-object.js';
import { Step, type Task, type TaskStruct } from '../sched/task.js';
import { type Acquisition, Lock, lockAcquired, locking, lockReleased } from './lockdep.js';

/** A reader/writer semaphore. @see `struct rw_semaphore` (v5.15) */
export class Rwsem extends Lock {
  /** Does a waiting writer hold new readers back? Chosen per check. */
  readonly fair: boolean;
  #readers = 0;
  #writer = false;
  readonly #queue: (TaskStruct | null)[] = [];

  /**
   * @param label - Kernel spelling, such as `inode.i_rwsem`.
   * @param key - Distinguishes it from its siblings.
   * @param fsType - Filesystem type, for locks with one lockdep key per type.
   */
  constructor(label: string, key: string | number = '', fsType = '') {
    super(label, key, fsType);
    this.fair = locking.fair(label);
  }

  /** Held by anyone in any mode? A weak assertion, as in the kernel. @see `rwsem_is_locked()` */
  get isLocked(): boolean {
    return this.#writer || this.#readers > 0;
  }

  /** Is a writer waiting? Always `false` unless the lock is fair. */
  get isContended(): boolean {
    return this.#queue.length > 0;
  }

  override peekState(): unknown {
    return this.isLocked || this.isContended ? [this.#readers, this.#writer, this.#queue] : null;
  }

  /** Can a reader get in now? */
  canRead(): boolean {
    return !this.#writer && this.#queue.length === 0;
  }

  /** Can this writer get in now? */
  canWrite(task: TaskStruct | null): boolean {
    if (this.#writer || this.#readers > 0) return false;
    return this.#queue.length === 0 || this.#queue[0] === task;
  }

  /** Join the queue. @internal */
  enqueue(task: TaskStruct | null): void {
    this.#queue.push(task);
  }

  /** Leave the queue. @internal */
  dequeue(task: TaskStruct | null): void {
    const at = this.#queue.indexOf(task);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  /** Become held. @internal */
  take(how: Acquisition): void {
    if (how.mode === 'X') {
      this.#writer = true;
      this.dequeue(current.task);
    } else {
      this.#readers++;
    }
    lockAcquired(this, how);
  }

  /** Become free of one holder. @internal */
  drop(mode: 'S' | 'X', verb: string): void {
    lockReleased(current.task, this, mode, verb);
    const held = mode === 'X' ? this.#writer : this.#readers > 0;
    if (!held) {
      throw new ContractError('LOCK_NOT_HELD', {
        task: current.task?.title ?? 'set-up',
        verb,
        lock: this.name,
      });
    }
    if (mode === 'X') this.#writer = false;
    else this.#readers--;
  }

  override enabledAfter(step: Step<unknown>, history: readonly HistoryEntry[]): boolean {
    let readers = 0;
    let writer = false;
    const queue: number[] = [];
    for (const { access, task } of history) {
      if (access === DOWN_READ) readers++;
      else if (access === UP_READ) readers--;
      else if (access === UP_WRITE) writer = false;
      else if (access === QUEUE_WRITE && !queue.includes(task)) queue.push(task);
      else if (access === QUEUE_WRITE) queue.splice(queue.indexOf(task), 1);
      else if (access === DOWN_WRITE) {
        writer = true;
        const at = queue.indexOf(task);
        if (at >= 0) queue.splice(at, 1);
      } else if (access === DOWNGRADE) {
        writer = false;
        readers++;
      }
    }
    if (step.access === DOWN_READ) return !writer && queue.length === 0;
    if (writer || readers > 0) return false;
    return queue.length === 0 || queue[0] === (step as DownWrite).taskIndex;
  }
}

const SHARED: Acquisition = { mode: 'S', trylock: false, subclass: 0 };
const EXCLUSIVE: Acquisition = { mode: 'X', trylock: false, subclass: 0 };
const TRY_SHARED: Acquisition = { mode: 'S', trylock: true, subclass: 0 };
const TRY_EXCLUSIVE: Acquisition = { mode: 'X', trylock: true, subclass: 0 };

class DownRead extends Step<void> {
  readonly #sem: Rwsem;
  readonly #how: Acquisition;
  constructor(sem: Rwsem, verb: string, how: Acquisition) {
    super(sem, DOWN_READ, verb, true);
    this.#sem = sem;
    this.#how = how;
  }
  override ready(): boolean {
    return this.#sem.canRead();
  }
  protected perform(): void {
    this.#sem.take(this.#how);
  }
}

class DownWrite extends Step<void> {
  readonly #sem: Rwsem;
  readonly #how: Acquisition;
  readonly #task = current.task;
  constructor(sem: Rwsem, verb: string, how: Acquisition) {
    super(sem, DOWN_WRITE, verb, true);
    this.#sem = sem;
    this.#how = how;
  }
  get taskIndex(): number {
    return this.#task?.index ?? -1;
  }
  override ready(): boolean {
    return this.#sem.canWrite(this.#task);
  }
  protected perform(): void {
    this.#sem.take(this.#how);
  }
}

class QueueWrite extends Step<void> {
  readonly #sem: Rwsem;
  constructor(sem: Rwsem) {
    super(sem, QUEUE_WRITE, 'rwsem_queue_writer');
    this.#sem = sem;
  }
  protected perform(): void {
    this.#sem.enqueue(current.task);
  }
}

class KillableDown extends Step<number> {
  readonly #sem: Rwsem;
  readonly #how: Acquisition;
  readonly #task: TaskStruct;
  constructor(sem: Rwsem, verb: string, how: Acquisition, task: TaskStruct) {
    super(sem, how.mode === 'X' ? DOWN_WRITE : DOWN_READ, verb, true);
    this.#sem = sem;
    this.#how = how;
    this.#task = task;
  }
  override get killable(): boolean {
    return true;
  }
  get taskIndex(): number {
    return this.#task.index;
  }
  #free(): boolean {
    return this.#how.mode === 'X' ? this.#sem.canWrite(this.#task) : this.#sem.canRead();
  }
  override ready(): boolean {
    return this.#free() || this.#task.signal?.peek() === true;
  }
  protected perform(): number {
    this.#task.signal?.load();
    if (this.#free()) {
      this.#sem.take(this.#how);
      return 0;
    }
    // A writer that gives up leaves the queue, which lets readers in: not just a look.
    if (this.#how.mode === 'X' && this.#sem.fair) {
      current.outcome(QUEUE_WRITE);
      this.#sem.dequeue(this.#task);
    } else {
      current.outcome(TRY_FAIL);
    }
    return -EINTR;
  }
  override describe(result: number): string {
    return result === 0 ? '' : '-EINTR';
  }
}

class TryDown extends Step<boolean> {
  readonly #sem: Rwsem;
  readonly #how: Acquisition;
  constructor(sem: Rwsem, verb: string, how: Acquisition) {
    super(sem, how.mode === 'X' ? DOWN_WRITE : DOWN_READ, verb);
    this.#sem = sem;
    this.#how = how;
  }
  protected perform(): boolean {
    const free = this.#how.mode === 'X' ? this.#sem.canWrite(null) : this.#sem.canRead();
    if (free) this.#sem.take(this.#how);
    else current.outcome(TRY_FAIL);
    return free;
  }
  override describe(taken: boolean): string {
    return taken ? '' : 'busy';
  }
}

class Up extends Step<void> {
  readonly #sem: Rwsem;
  readonly #mode: 'S' | 'X';
  constructor(sem: Rwsem, verb: string, mode: 'S' | 'X') {
    super(sem, mode === 'X' ? UP_WRITE : UP_READ, verb);
    this.#sem = sem;
    this.#mode = mode;
  }
  protected perform(): void {
    this.#sem.drop(this.#mode, this.verb);
  }
}

class Downgrade extends Step<void> {
  readonly #sem: Rwsem;
  constructor(sem: Rwsem) {
    super(sem, DOWNGRADE, 'downgrade_write');
    this.#sem = sem;
  }
  protected perform(): void {
    this.#sem.drop('X', this.verb);
    this.#sem.take(TRY_SHARED);
  }
}

/** Take it shared. @context Sleeps. @see `down_read()` (v5.15) */
export function downRead(sem: Rwsem, subclass = 0): Task<void> {
  return new DownRead(sem, 'down_read', subclass === 0 ? SHARED : { mode: 'S', trylock: false, subclass });
}

/**
 * Take it shared unless a fatal signal comes first.
 *
 * @returns `0`, or `-EINTR`: not taken.
 * @context Sleeps.
 * @see `down_read_killable()` (v5.15)
 */
export function* downReadKillable(sem: Rwsem): Task<number> {
  const task = current.task;
  if (task === null || task.signal === null) {
    yield* new DownRead(sem, 'down_read_killable', SHARED);
    return 0;
  }
  return yield* new KillableDown(sem, 'down_read_killable', SHARED, task);
}

/** Take it shared if that needs no waiting, not even behind a queued writer. @returns Whether it was taken. */
export function downReadTrylock(sem: Rwsem): Task<boolean> {
  return new TryDown(sem, 'down_read_trylock', TRY_SHARED);
}

/** Release a shared hold. @throws ContractError `LOCK_NOT_HELD`, `LOCK_MODE`. */
export function upRead(sem: Rwsem): Task<void> {
  return new Up(sem, 'up_read', 'S');
}

/** Take it exclusive. @context Sleeps. @see `down_write()`, `down_write_nested()` (v5.15) */
export function* downWrite(sem: Rwsem, subclass = 0): Task<void> {
  if (sem.fair) yield* new QueueWrite(sem);
  yield* new DownWrite(
    sem,
    'down_write',
    subclass === 0 ? EXCLUSIVE : { mode: 'X', trylock: false, subclass },
  );
}

/**
 * Take it exclusive unless a fatal signal comes first.
 *
 * @returns `0`, or `-EINTR`: not taken.
 * @context Sleeps.
 * @see `down_write_killable()` (v5.15)
 */
export function* downWriteKillable(sem: Rwsem): Task<number> {
  const task = current.task;
  if (task === null || task.signal === null) {
    yield* downWrite(sem);
    return 0;
  }
  if (sem.fair) yield* new QueueWrite(sem);
  return yield* new KillableDown(sem, 'down_write_killable', EXCLUSIVE, task);
}

/** Take it exclusive if it is free and nobody is queued. @returns Whether it was taken. */
export function downWriteTrylock(sem: Rwsem): Task<boolean> {
  return new TryDown(sem, 'down_write_trylock', TRY_EXCLUSIVE);
}

/** Release an exclusive hold. @throws ContractError `LOCK_NOT_HELD`, `LOCK_MODE`. */
export function upWrite(sem: Rwsem): Task<void> {
  return new Up(sem, 'up_write', 'X');
}

/** Turn an exclusive hold into a shared one, without a gap. @throws ContractError `LOCK_NOT_HELD`. */
export function downgradeWrite(sem: Rwsem): Task<void> {
  return new Downgrade(sem);
}

/**
 * Take it shared for a read that may or may not wait: the helper reviewers of the series asked for.
 *
 * @param sem - The lock.
 * @param nowait - `IOCB_NOWAIT`: do not wait.
 * @returns `0`, `-EAGAIN` if it would have had to wait, or `-EINTR`.
 * @context Sleeps unless `nowait`.
 */
export function* iocbReadLock(sem: Rwsem, nowait: boolean): Task<number> {
  if (nowait) return (yield* downReadTrylock(sem)) ? 0 : -EAGAIN;
  return yield* downReadKillable(sem);
}
