/**
 * A shared variable: the only way state is shared between tasks, besides locks.
 *
 * - `read()`, `write()`, `update()`, `compareAndSet()`, `waitUntil()` are scheduling points.
 * - `load()` and `store()` join the step in progress: for the other words that one spinlock section (or
 *   one atomic instruction) covers. They are tracked like any access.
 * - `peek()` is for checkers and printers, never for models; `init()` is for set-up before tasks run.
 */
import { ADD, AWAIT, READ, WRITE } from './access.js';
import { current } from './current.js';
import { type HistoryEntry, SharedObject } from './shared-object.js';
import { Step, type Task } from './task.js';

/** Base of the steps on one variable; shows results through the variable's printer. */
abstract class VarStep<T, R> extends Step<R> {
  /** The variable. */
  declare readonly var: SharedVar<T>;
  constructor(variable: SharedVar<T>, access: number, verb: string, blocking = false) {
    super(variable, access, verb, blocking);
    this.var = variable;
  }
  override describe(result: R): string {
    return result === undefined ? '' : this.var.show(result as unknown as T);
  }
}

class ReadStep<T> extends VarStep<T, T> {
  protected perform(): T {
    return this.var.peek();
  }
}

class WriteStep<T> extends VarStep<T, void> {
  readonly #value: T;
  constructor(variable: SharedVar<T>, verb: string, value: T) {
    super(variable, WRITE, verb);
    this.#value = value;
  }
  protected perform(): void {
    this.var.assign(this.#value);
  }
  override describe(): string {
    return this.var.show(this.#value);
  }
}

class SectionStep<T, R> extends VarStep<T, R> {
  readonly #body: () => R;
  readonly #show: ((result: R) => string) | undefined;
  constructor(variable: SharedVar<T>, access: number, verb: string, body: () => R, show?: (r: R) => string) {
    super(variable, access, verb);
    this.#body = body;
    this.#show = show;
  }
  protected perform(): R {
    current.outcome(READ); // until the body stores
    return this.#body();
  }
  override describe(result: R): string {
    if (this.#show !== undefined) return this.#show(result);
    return typeof result === 'object' || result === undefined ? '' : String(result);
  }
}

class CompareAndSetStep<T> extends VarStep<T, boolean> {
  readonly #expected: T;
  readonly #value: T;
  constructor(variable: SharedVar<T>, verb: string, expected: T, value: T) {
    super(variable, WRITE, verb);
    this.#expected = expected;
    this.#value = value;
  }
  protected perform(): boolean {
    if (this.var.peek() !== this.#expected) {
      current.outcome(READ);
      return false;
    }
    this.var.assign(this.#value);
    return true;
  }
  override describe(result: boolean): string {
    return result ? this.var.show(this.#value) : 'lost';
  }
}

/** A step that waits until a condition on a variable holds. */
export class AwaitStep<T> extends VarStep<T, T> {
  /** The condition. */
  readonly condition: (value: T) => boolean;
  /**
   * @param variable - What to wait on.
   * @param verb - Kernel spelling of the wait.
   * @param condition - Pure function of the value.
   */
  constructor(variable: SharedVar<T>, verb: string, condition: (value: T) => boolean) {
    super(variable, AWAIT, verb, true);
    this.condition = condition;
  }
  override ready(): boolean {
    return this.condition(this.var.peek());
  }
  protected perform(): T {
    return this.var.peek();
  }
}

/** How most values are shown in a trace. */
function shown(value: unknown): string {
  return value === null ? 'none' : typeof value === 'object' ? '' : String(value);
}

/** A variable that several tasks may touch. */
export class SharedVar<T> extends SharedObject {
  #value: T;
  /** How a value is shown in a trace. A field, so that variables that show themselves otherwise are of the same shape. */
  show: (value: T) => string;

  /**
   * @param label - Kernel spelling, such as `i_size`.
   * @param value - Initial value.
   * @param key - Distinguishes it from its siblings.
   * @param id - Its identity, for members of a {@link SharedArray}.
   */
  constructor(label: string, value: T, key: string | number = '', id?: number) {
    super(label, key, id);
    this.#value = value;
    this.show = shown;
  }

  /** Read it. @context May be preempted. */
  read(verb = 'read'): Task<T> {
    return new ReadStep(this, READ, verb);
  }

  /** Write it. @context May be preempted. */
  write(value: T, verb = 'write'): Task<void> {
    return new WriteStep(this, verb, value);
  }

  /**
   * Run a short section on this variable in one step; more words join through `load()` and `store()`.
   * The section itself must touch this variable through them too.
   *
   * @param verb - Kernel spelling of the operation.
   * @param body - Runs atomically; must not suspend.
   * @param show - Prints the result in a trace.
   * @context May be preempted before, never inside.
   */
  section<R>(verb: string, body: () => R, show?: (result: R) => string): Task<R> {
    return new SectionStep(this, WRITE, verb, body, show);
  }

  /** Like {@link section}, for a body that only looks at this variable. */
  readSection<R>(verb: string, body: () => R, show?: (result: R) => string): Task<R> {
    return new SectionStep(this, READ, verb, body, show);
  }

  /**
   * Set it if it still has the expected value.
   *
   * @returns Whether it did.
   * @context May be preempted.
   */
  compareAndSet(expected: T, value: T, verb = 'cmpxchg'): Task<boolean> {
    return new CompareAndSetStep(this, verb, expected, value);
  }

  /**
   * Sleep until a condition holds.
   *
   * @param condition - Pure function of the value.
   * @returns The value that satisfied it.
   * @context Sleeps.
   */
  waitUntil(condition: (value: T) => boolean, verb = 'wait_event'): Task<T> {
    return new AwaitStep(this, verb, condition);
  }

  /** Read it as part of the step in progress. */
  load(): T {
    current.touch(this, READ);
    return this.#value;
  }

  /** Write it as part of the step in progress. */
  store(value: T): void {
    current.touch(this, WRITE, this.#value);
    this.#value = value;
  }

  /** Look without being seen. For checkers and printers only. */
  peek(): T {
    return this.#value;
  }

  override peekState(): T {
    return this.#value;
  }

  /** Give it a value during set-up, before any task runs. */
  init(value: T): void {
    this.#value = value;
  }

  /** Perform the announced write of the step in progress. @internal */
  assign(value: T): void {
    current.replaced(this.#value);
    this.#value = value;
  }

  override enabledAfter(step: Step<unknown>, _history: readonly HistoryEntry[], replaced: unknown): boolean {
    return step instanceof AwaitStep ? step.condition(replaced) : true;
  }
}

/** A counter whose additions commute; only those who test it order themselves against it. */
export class SharedCounter extends SharedObject {
  #value: number;

  /**
   * @param label - Kernel spelling, such as `_refcount`.
   * @param value - Initial value.
   * @param key - Distinguishes it from its siblings.
   */
  constructor(label: string, value: number, key: string | number = '') {
    super(label, key);
    this.#value = value;
  }

  /**
   * Add to it as part of the step in progress.
   *
   * @returns The new value, for assertions; deciding anything else by it needs {@link load}.
   */
  add(delta: number): number {
    current.touch(this, ADD);
    this.#value += delta;
    return this.#value;
  }

  /** Test it as part of the step in progress. */
  load(): number {
    current.touch(this, READ);
    return this.#value;
  }

  /** Look without being seen. For checkers and printers only. */
  peek(): number {
    return this.#value;
  }

  override peekState(): number {
    return this.#value;
  }

  /** Give it a value during set-up. */
  init(value: number): void {
    this.#value = value;
  }
}

/**
 * An array of shared variables that come into being when first touched: page-cache slots, block map, disk,
 * page table. A member's identity is (array, index), whoever touches it first.
 */
export class SharedArray<T> extends SharedObject {
  readonly #members: SharedVar<T>[] = [];
  readonly #initial: (index: number) => T;
  readonly #show: ((value: T) => string) | undefined;

  /**
   * @param label - Kernel spelling, such as `i_pages`.
   * @param initial - Value of a member nobody has touched.
   * @param show - How a value is shown in a trace.
   * @param key - Distinguishes it from other arrays of that label.
   */
  constructor(
    label: string,
    initial: (index: number) => T,
    show?: (value: T) => string,
    key: string | number = '',
  ) {
    super(label, key);
    this.#initial = initial;
    this.#show = show;
  }

  /** The variable at an index. */
  at(index: number): SharedVar<T> {
    let member = this.#members[index];
    if (member === undefined) {
      member = new SharedVar(this.name, this.#initial(index), index, current.memberId(this.id, index));
      if (this.#show !== undefined) member.show = this.#show;
      this.#members[index] = member;
    }
    return member;
  }

  override peekState(): readonly (SharedVar<T> | undefined)[] {
    return this.#members;
  }

  /** The values so far, unseen. For checkers and printers only; untouched members are absent. */
  *peekAll(): Generator<readonly [index: number, value: T]> {
    for (const [index, member] of this.#members.entries())
      if (member !== undefined) yield [index, member.peek()];
  }
}
