/**
 * One execution: from a fresh set-up to the point where every task has ended, or cannot go on.
 *
 * Use: construct it, `setUp()` the world and `spawn()` tasks inside it, `run()` it under a scheduler, then
 * look at the outcome and the {@link EventLog}. `drive()` runs further tasks one after another, without a
 * scheduler: for set-up and for probes of the final state.
 */
import type { Access } from './access.js';
import { enter } from './current.js';
import { EventLog } from './events.js';
import type { Identity } from './identity.js';
import { Retry } from './retry.js';
import { ABANDON, type Scheduler } from './scheduler.js';
import type { SharedObject } from './shared-object.js';
import { Step, stepName, type Task, TaskStruct } from './task.js';

/** How an execution ended. */
export type Ending =
  /** Every task ran to its end. */
  | { readonly kind: 'done' }
  /** Tasks are left and none of them can ever run. */
  | { readonly kind: 'deadlock'; readonly blocked: readonly TaskStruct[] }
  /** The step bound was reached: somebody loops. */
  | { readonly kind: 'livelock'; readonly task: TaskStruct; readonly loop: readonly string[] }
  /** A task threw. */
  | { readonly kind: 'threw'; readonly task: TaskStruct; readonly error: unknown }
  /** The scheduler gave it up as a repetition. */
  | { readonly kind: 'abandoned' };

/** Listens to an execution that is being replayed for people. */
export interface Recorder {
  /**
   * A step was performed.
   *
   * @param step - The step.
   * @param result - Its result, ready to print.
   */
  performed(step: Step<unknown>, result: string): void;
}

/** Limits and identities of an execution. */
export interface ExecutionOptions {
  /** Identities shared by all executions of a search. */
  readonly identity: Identity;
  /** Steps after which a run counts as a livelock. */
  readonly maxSteps: number;
  /** A log to write to, of an execution that nobody looks at any more; by default a new one. */
  readonly events?: EventLog;
}

/** Thrown when code yields something that is not a step: a `yield` that should be `yield*`. */
export class NotAStepError extends Error {
  /** Stable code. */
  readonly code = 'NOT_A_STEP';
}

/** Thrown when the steps of an earlier execution cannot be repeated: something besides the schedule matters. */
export class NotRepeatableError extends Error {
  /** Stable code. */
  readonly code = 'nondeterminism';
}

/** Steps after which something driven alone is taken to run for ever. */
const MAX_DRIVEN = 100_000;

const DONE: Ending = { kind: 'done' };
const ABANDONED: Ending = { kind: 'abandoned' };

/** One run of a scenario. */
export class Execution {
  /** What happened so far. */
  readonly events: EventLog;
  /** All tasks in creation order. */
  readonly tasks: TaskStruct[] = [];
  /** Indices of the tasks that can run now, in creation order. Valid inside {@link Scheduler.nextTask}. */
  readonly runnable: number[] = [];
  /** The task in progress, or `null` during set-up. */
  task: TaskStruct | null = null;
  /** Set while the execution is replayed for people. */
  recorder: Recorder | null = null;
  /** Set while a fault is applied to the program from outside: the task that runs in place of a step, or `null`. */
  instead: ((step: Step<unknown>) => Task<unknown> | null) | null = null;
  /** Free for the layer above: the machine that this execution runs on. */
  machine: unknown = null;
  readonly #identity: Identity;
  readonly #maxSteps: number;
  #scheduler: Scheduler | null = null;
  #repeating = false;
  #sequential = false;
  /** The task that goes on without being suspended as long as it is the next one anyway. */
  #turn: TaskStruct | null = null;
  /** Who is next, if the one whose turn it was found that it is somebody else; `null` at the end. */
  #next: TaskStruct | null = null;
  #ending: Ending = DONE;
  #drivenSteps = 0;
  #live = 0;
  #setupTasks = 0;
  #setupObjects = 0;
  #yielding = false;
  #floating = 0;
  readonly #unstarted = new Map<Step<unknown>, Error>();

  /** @param options - Limits and identities. */
  constructor(options: ExecutionOptions) {
    this.#identity = options.identity;
    this.#maxSteps = options.maxSteps;
    this.events = options.events ?? new EventLog();
    this.events.clear();
    enter(this);
  }

  /** The id for an object that the task in progress creates. */
  newObjectId(): number {
    const task = this.task;
    if (task === null) return this.#identity.objectId(-1, this.#setupObjects++);
    return this.#identity.objectId(task.key, task.objects++);
  }

  /** The id of a member of a shared array, the same whoever touches it first. */
  memberId(owner: number, index: number): number {
    return this.#identity.memberId(owner, index);
  }

  /**
   * Create a task. It runs up to its first scheduling point at once, and from there like any other.
   *
   * @param title - Heading for people, such as `pread(2)`.
   * @param body - The task.
   * @param letter - Name in tokens; a task spawned by another gets its parent's name and a capital letter.
   * @returns The task.
   */
  spawn(title: string, body: Task<unknown>, letter?: string): TaskStruct {
    const parent = this.task;
    const nth = parent === null ? this.#setupTasks++ : parent.children++;
    const key = this.#identity.taskKey(parent === null ? -1 : parent.key, nth);
    const name = letter ?? `${parent === null ? '' : parent.name}${capital(nth)}`;
    const iterator = body[Symbol.iterator]();
    const event = parent === null ? -1 : this.events.count - 1;
    const task = new TaskStruct(this.tasks.length, key, name, title, parent, event, iterator);
    this.tasks.push(task);
    this.#live++;
    this.#resume(task);
    this.task = parent;
    return task;
  }

  /** Run until nothing can run any more, as the scheduler says. */
  run(scheduler: Scheduler): Ending {
    this.#scheduler = scheduler;
    this.#repeating = scheduler.prefix !== undefined;
    this.events.clear();
    try {
      let task = this.#pick(scheduler);
      while (task !== null) {
        this.#begin(task, task.pending as Step<unknown>);
        this.#turn = task;
        const ended = this.#resume(task);
        this.#turn = null;
        task = ended ? this.#pick(scheduler) : this.#next;
      }
    } catch (error) {
      this.#turn = null;
      this.#ending = { kind: 'threw', task: this.task as TaskStruct, error };
    }
    this.task = null;
    this.#scheduler = null;
    return this.#ending;
  }

  /**
   * Run a task, and whatever it spawns, to the end without a scheduler: set-up and final probes.
   *
   * @param title - Heading for people.
   * @param body - The task.
   * @returns What the task returned.
   * @throws Error if it blocks for ever.
   */
  drive<T>(title: string, body: Task<T>): T {
    if (this.#live > 0)
      throw new Error(`${title}: drive it before other tasks are spawned or after they have ended`);
    const first = this.tasks.length;
    this.#sequential = true;
    const task = this.spawn(title, body);
    this.#drivenSteps = 0;
    while (this.#live > 0) {
      const next = this.tasks.find((t) => t.pending !== null && this.#enabled(t));
      if (next === undefined) {
        const stuck = this.tasks
          .filter((t) => t.pending !== null)
          .map((t) => `${t.title} in ${describeStep(t)}`);
        throw new Error(`${title} never ends: ${stuck.join('; ')}`);
      }
      if (this.#drivenSteps++ >= MAX_DRIVEN)
        throw new Error(`${title} never ends: more than ${MAX_DRIVEN} steps`);
      this.#forgetYields(next);
      // Those that it has spawned run when it cannot, so only the first one may go on by itself.
      this.#turn = next.index === first ? next : null;
      this.#resume(next);
      this.#turn = null;
    }
    this.task = null;
    this.#sequential = false;
    this.tasks.length = first;
    return task.result as T;
  }

  /** The alternative for a choice in progress; the first one during set-up and probes. */
  choose(count: number): number {
    if (this.#scheduler === null) return 0;
    const picked = count === 1 ? 0 : this.#scheduler.nextChoice(this, count);
    this.events.choice[this.events.count - 1] = picked;
    return picked;
  }

  /** May the task in progress make another attempt? Called by the steps of `retry.ts`. */
  retries(): boolean {
    return this.#scheduler?.retries?.(this) ?? true;
  }

  /** Record that the step in progress also touches this object. */
  touch(object: SharedObject, access: Access, replaced?: unknown): void {
    if (this.#scheduler !== null) this.events.touch(object.id, access, replaced);
  }

  /** Record what the announced access of the step in progress turned out to be. */
  outcome(access: Access): void {
    if (this.#scheduler !== null) this.events.outcome(access);
  }

  /** Record the value that the announced WRITE replaces. */
  replaced(value: unknown): void {
    if (this.#scheduler !== null) this.events.setReplaced(value);
  }

  /** The task in progress lets others go first: `cond_resched()`. */
  yieldNow(): void {
    if (this.task === null) return;
    this.task.yielded = true;
    this.#yielding = true;
  }

  /**
   * The task in progress has come to its next step. Called by {@link Step}.
   *
   * Suspending a task and resuming it costs a return through every function it is in, and most often the same
   * task is the next one. So the decision is made here, and only a switch suspends it.
   *
   * @param step - The step.
   * @returns Whether it is performed right now; if not, the task is to be suspended.
   */
  reached(step: Step<unknown>): boolean {
    const { task } = this;
    // A task that was just spawned gets its first turn later.
    if (task === null || task !== this.#turn) return false;
    task.pending = step;
    if (this.#sequential) {
      if (!this.#enabled(task) || this.#drivenSteps++ >= MAX_DRIVEN) return false;
      this.#forgetYields(task);
      return true;
    }
    try {
      this.#next = this.#pick(this.#scheduler as Scheduler);
    } catch (error) {
      // It is not for the functions of the task to catch.
      this.#next = null;
      this.#ending = { kind: 'threw', task, error };
    }
    if (this.#next !== task) return false;
    this.#begin(task, step);
    return true;
  }

  /** A step object came into being; it must be driven. Called by {@link Step}. */
  stepCreated(step: Step<unknown>): void {
    this.#floating++;
    if (this.recorder !== null) this.#unstarted.set(step, new Error('created here'));
  }

  /** A step object is being driven. Called by {@link Step}. */
  stepStarted(step: Step<unknown>): void {
    this.#floating--;
    if (this.recorder !== null) this.#unstarted.delete(step);
  }

  /** Number of steps that were created and never driven: each is a forgotten `yield*`. */
  get floating(): number {
    return this.#floating;
  }

  /** The steps behind {@link floating} and errors that say where they were created; known while recording. */
  get floatingSteps(): ReadonlyMap<Step<unknown>, Error> {
    return this.#unstarted;
  }

  /** The task that performs its step now, `null` if the execution ends here. */
  #pick(scheduler: Scheduler): TaskStruct | null {
    const { runnable, tasks, events } = this;
    if (this.#repeating) {
      const known = (scheduler.prefix as readonly number[])[events.count] as number;
      if (known !== ABANDON) return this.#repeated(known);
      this.#repeating = false;
    }
    let count = 0;
    for (let index = 0; index < tasks.length; index++) {
      const task = tasks[index] as TaskStruct;
      if (task.pending !== null && this.#enabled(task)) runnable[count++] = index;
    }
    while (runnable.length > count) runnable.pop(); // a task at most; cheaper than a new length
    if (count === 0) {
      this.#ending = this.#live === 0 ? DONE : this.#stuck();
      return null;
    }
    if (events.count >= this.#maxSteps) {
      this.#ending = this.#livelock();
      return null;
    }
    const picked = scheduler.nextTask(this);
    if (picked !== ABANDON) return tasks[picked] as TaskStruct;
    this.#ending = ABANDONED;
    return null;
  }

  /** A task whose step is known to be possible. */
  #repeated(index: number): TaskStruct {
    const task = this.tasks[index];
    if (task !== undefined && task.pending !== null && this.#enabled(task)) return task;
    this.task = task ?? (this.tasks[0] as TaskStruct);
    const step = this.events.count + 1;
    throw new NotRepeatableError(`step ${step} of an earlier execution cannot be repeated`);
  }

  #enabled(task: TaskStruct): boolean {
    const step = task.pending as Step<unknown>;
    return !step.blocking || step.ready();
  }

  #begin(task: TaskStruct, step: Step<unknown>): void {
    this.events.begin(task.index, step);
    this.#forgetYields(task);
  }

  /** Let a task go on. Returns whether it has ended. */
  #resume(task: TaskStruct): boolean {
    this.task = task;
    const { value, done } = task.iterator.next();
    if (done === true) {
      task.pending = null;
      task.result = value;
      this.#live--;
      return true;
    }
    if (value instanceof Step) {
      task.pending = value;
      return false;
    }
    throw new NotAStepError(
      `${task.title} yielded something that is not a step: write "yield*", not "yield"`,
    );
  }

  #forgetYields(running: TaskStruct): void {
    if (!this.#yielding) return;
    for (const task of this.tasks) if (task !== running) task.yielded = false;
    this.#yielding = running.yielded;
  }

  /** Nobody can go on. If somebody was only stopped because it could as well have looked later, it says nothing. */
  #stuck(): Ending {
    const blocked = this.tasks.filter((task) => task.pending !== null);
    const stopped = (task: TaskStruct): boolean =>
      task.pending instanceof Retry && task.pending.isCovered(this.events);
    if (this.recorder === null && blocked.some(stopped)) return ABANDONED;
    return { kind: 'deadlock', blocked };
  }

  #livelock(): Ending {
    const { task, count, step } = this.events;
    const recent = Math.max(0, count - 64);
    const turns = new Map<number, number>();
    for (let i = recent; i < count; i++)
      turns.set(task[i] as number, (turns.get(task[i] as number) ?? 0) + 1);
    const [busiest] = [...turns].sort((a, b) => b[1] - a[1])[0] as [number, number];
    const loop: string[] = [];
    for (let i = count - 1; i >= recent && loop.length < 12; i--) {
      if (task[i] !== busiest) continue;
      const name = stepName(step[i] as Step<unknown>);
      if (loop.includes(name) && loop[0] === name) break;
      if (!loop.includes(name)) loop.unshift(name);
    }
    return { kind: 'livelock', task: this.tasks[busiest] as TaskStruct, loop };
  }
}

function describeStep(task: TaskStruct): string {
  return task.pending === null ? 'nothing' : stepName(task.pending);
}

/** A to Y, then ZA to ZY, ZZA and so on: no name is the beginning of a sibling's. */
function capital(nth: number): string {
  return nth < 25 ? String.fromCharCode(65 + nth) : `Z${capital(nth - 25)}`;
}
