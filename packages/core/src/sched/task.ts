/**
 * Tasks: kernel threads written as generators.
 *
 * A kernel function that can be preempted is a `function*` and returns a {@link Task}. Code between two
 * `yield*` is atomic, and everything checked before a `yield*` may be stale after it. Only the
 * primitives in `sched/` and `locking/` produce {@link Step}s; everybody else composes them with `yield*`.
 */
import { ContractError } from '../errors.js';
import { type Access, LOCAL } from './access.js';
import { current } from './current.js';
import type { SharedObject } from './shared-object.js';
import type { SharedVar } from './shared-var.js';

/** A preemptible computation that yields scheduling points and returns a `T`. Drive it with `yield*`. */
export interface Task<T> {
  /** Starts the task; called by `yield*`. */
  [Symbol.iterator](): Iterator<Step<unknown>, T, unknown>;
}

/**
 * One scheduling point: what the task is about to do, announced before it does it.
 *
 * A step is its own one-element iterator: the first `next()` announces it to the scheduler, the second
 * performs it, or the first does both if no other task comes in between. A step that is created and never driven (a forgotten `yield*`) is counted and reported.
 *
 * Its fields, and those of other classes with many subclasses, are assigned and not defined: steps are
 * created millions of times, and V8 has no fast path for defining a field on objects of many shapes.
 */
export abstract class Step<T> implements Task<T>, Iterator<Step<unknown>, T, unknown> {
  /** The object this step touches, or `null` for a step that touches none. */
  declare readonly object: SharedObject | null;
  /** What it will do to the object: the strongest outcome it can have. */
  declare readonly access: Access;
  /** The kernel function or operation, in kernel spelling, for traces. */
  declare readonly verb: string;
  /** `true` if the step can be disabled. See {@link Step.ready}. */
  declare readonly blocking: boolean;
  declare private announced: boolean;

  /**
   * @param object - The object touched, or `null`.
   * @param access - The strongest thing the step can do to it.
   * @param verb - Kernel spelling of the operation.
   * @param blocking - Whether the step can be disabled.
   */
  constructor(object: SharedObject | null, access: Access, verb: string, blocking = false) {
    this.object = object;
    this.access = access;
    this.verb = verb;
    this.blocking = blocking;
    this.announced = false;
    if (blocking && current.task !== null && this.sleeps) mightSleep(current.task, this);
    current.stepCreated(this);
  }

  /** `true` if the task is off the processor while it waits. A spinlock is waited for on it. */
  get sleeps(): boolean {
    return this.blocking;
  }

  /** `true` if a fatal signal can end the wait, so that the object alone does not tell if it is enabled. */
  get killable(): boolean {
    return false;
  }

  /** Do what was announced. Called by the engine's resumption, atomically, when the step is enabled. */
  protected abstract perform(): T;

  /** May the step be performed now? Only asked of steps that are {@link blocking}. */
  ready(): boolean {
    return true;
  }

  /**
   * How the result is shown in a trace.
   *
   * @param result - What {@link perform} returned.
   * @returns Text after the call, empty if there is nothing to say.
   */
  describe(result: T): string {
    return result === undefined ? '' : String(result);
  }

  /** Starts the step, or what the execution runs in its place. */
  [Symbol.iterator](): Iterator<Step<unknown>, T, unknown> {
    current.stepStarted(this);
    const other = current.instead === null ? null : current.instead(this);
    return other === null ? this : (other as Task<T>)[Symbol.iterator]();
  }

  /** Iterator protocol: announce, then perform. */
  next(): IteratorResult<Step<unknown>, T> {
    if (!this.announced) {
      this.announced = true;
      if (!current.reached(this)) {
        ANNOUNCED.value = this;
        return ANNOUNCED as IteratorYieldResult<Step<unknown>>;
      }
    }
    const result = this.perform();
    if (current.recorder !== null) current.recorder.performed(this, this.describe(result));
    PERFORMED.value = result;
    return PERFORMED as IteratorReturnResult<T>;
  }
}

/** What steps return: whoever gets it takes the value out at once, and there are millions of steps. */
const ANNOUNCED: { value: unknown; readonly done: false } = { value: undefined, done: false };
const PERFORMED: { value: unknown; readonly done: true } = { value: undefined, done: true };

/**
 * A step as people read it: `down_read(mapping.invalidate_lock)`.
 *
 * @param step - Any step.
 */
export function stepName(step: Step<unknown>): string {
  return step.object === null ? `${step.verb}()` : `${step.verb}(${step.object.name})`;
}

/**
 * Refuse a step that can sleep to a task that must not, whether or not it would have to wait this time.
 *
 * @throws ContractError `NOWAIT_SLEEPS`, `ATOMIC_SLEEPS`.
 * @see include/linux/kernel.h `might_sleep()` (v5.15)
 */
function mightSleep(task: TaskStruct, step: Step<unknown>): void {
  const code = task.spinlocks > 0 ? 'ATOMIC_SLEEPS' : task.nowait ? 'NOWAIT_SLEEPS' : null;
  if (code !== null) throw new ContractError(code, { task: task.title, step: stepName(step) });
}

/** A step that touches nothing and hints that others should run: the body of `cond_resched()`. */
class Resched extends Step<void> {
  constructor() {
    super(null, LOCAL, 'cond_resched');
    if (current.task !== null && current.task.spinlocks > 0) mightSleep(current.task, this);
  }
  protected perform(): void {
    current.yieldNow();
  }
}

/**
 * Let others run. A loop that waits for somebody else without a blocking primitive needs one.
 *
 * @returns A step that changes nothing.
 * @context May be preempted.
 * @see include/linux/sched.h `cond_resched()` (v5.15)
 */
export function condResched(): Task<void> {
  return new Resched();
}

/** A step whose result the scheduler picks. */
class Choice extends Step<number> {
  readonly #count: number;
  constructor(label: string, count: number) {
    super(null, LOCAL, label);
    this.#count = count;
  }
  protected perform(): number {
    return current.choose(this.#count);
  }
}

/**
 * Ask the scheduler to pick: any nondeterminism that is not a task switch (which free block, does this
 * allocation fail) goes through here, so that it is explored, recorded and replayed.
 *
 * @param label - What is being decided, for traces.
 * @param count - Number of alternatives, at least 1.
 * @returns A number from `0` to `count - 1`.
 * @context May be preempted.
 */
export function choose(label: string, count: number): Task<number> {
  return new Choice(label, count);
}

/** One lock a task holds. */
export interface HeldLock {
  /** The lock. */
  readonly lock: SharedObject;
  /** Held exclusive (`X`) or shared (`S`). */
  mode: 'S' | 'X';
  /** What the lock-order graph knows about holding it on top of the locks before it. */
  context: unknown;
  /** The event in which it was taken; the one before that, if the lock came into being held. `-1` for the set-up. */
  readonly at: number;
}

/** What the engine knows about one task: the analogue of `struct task_struct`. */
export class TaskStruct {
  /** Position in creation order within this execution. */
  readonly index: number;
  /** Identity that is the same in every execution of a search: (creator, how many it had created). */
  readonly key: number;
  /** Letter of the task in tokens and traces; children append a capital letter. */
  readonly name: string;
  /** What a reader sees above its column, such as `pread(2)`. */
  readonly title: string;
  /** The task that spawned this one, or `null`. */
  readonly parent: TaskStruct | null;
  /** Index of the event that spawned it, `-1` if it was there from the start. */
  readonly spawnEvent: number;
  /** The step it is about to perform, or `null` once it has ended. */
  pending: Step<unknown> | null = null;
  /** What it returned, once it has ended. */
  result: unknown;
  /** Set by `cond_resched()` until another task has run. */
  yielded = false;
  /** Tasks created by this one so far. */
  children = 0;
  /** Shared objects created by this one so far. */
  objects = 0;
  /** Locks held now, oldest first. Maintained by `locking/`. */
  readonly held: HeldLock[] = [];
  /** Spinlocks among them: as long as there is one, the task must not sleep. */
  spinlocks = 0;
  /** Set if somebody in the scenario can send this task a fatal signal. */
  signal: SharedVar<boolean> | null = null;
  /** The call in progress must not sleep (`IOCB_NOWAIT`): a blocking step is a broken contract. */
  nowait = false;
  /** The running generator. */
  readonly iterator: Iterator<Step<unknown>, unknown, unknown>;

  /**
   * @param index - Creation order.
   * @param key - Stable identity.
   * @param name - Letter for tokens.
   * @param title - Heading for people.
   * @param parent - Creator, or `null`.
   * @param spawnEvent - Event that created it, or `-1`.
   * @param iterator - The started generator.
   */
  constructor(
    index: number,
    key: number,
    name: string,
    title: string,
    parent: TaskStruct | null,
    spawnEvent: number,
    iterator: Iterator<Step<unknown>, unknown, unknown>,
  ) {
    this.index = index;
    this.key = key;
    this.name = name;
    this.title = title;
    this.parent = parent;
    this.spawnEvent = spawnEvent;
    this.iterator = iterator;
  }
}
