/**
 * Retry loops: "somebody was faster, look again". An attempt that only looked leaves no mark, so an execution in
 * which it happens ends like one in which the task looked later. A search may leave such executions out, and then
 * the task stops where it would have looked again; nobody else can tell.
 *
 * An attempt that says so may take references and locks, and gives all of them back. Somebody else may notice: a reference by
 * testing the count, a lock by failing to get it. Then the attempt has left a mark, and the search goes on from it. Who waits
 * for a lock notices nothing: he comes later, and could have come then.
 *
 * ```ts
 * for (;;) {
 *   const attempt = beginAttempt();
 *   ...
 *   yield* retry(attempt);
 * }
 * ```
 */
import {
  type Access,
  ADD,
  AWAIT,
  DOWN_READ,
  dependent,
  LOCAL,
  LOCK,
  READ,
  TRY_FAIL,
  UNLOCK,
  UP_READ,
} from './access.js';
import { current } from './current.js';
import type { EventLog } from './events.js';
import { Step, type Task, type TaskStruct } from './task.js';

/** Where an attempt began. */
export interface Attempt {
  /** Index of the first event that may belong to it. */
  readonly event: number;
  /** Shared objects that the task had created. */
  readonly objects: number;
  /** Tasks that the task had created. */
  readonly children: number;
  /** It may take references and locks, and gives them back. */
  readonly borrows: boolean;
}

/**
 * Note where an attempt begins. Everything that the task remembers from before must be what it was then.
 *
 * @param borrows - It takes references or locks, and when it has come to nothing it has given all of them back.
 */
export function beginAttempt(borrows = false): Attempt {
  const { task, events } = current;
  return { event: events.count, objects: task?.objects ?? 0, children: task?.children ?? 0, borrows };
}

/**
 * Try again, if the search goes along with it.
 *
 * @param attempt - The attempt that came to nothing.
 * @returns A step that is none if the search does, and cannot be taken if it does not.
 * @context May be preempted for good.
 */
export function retry(attempt: Attempt): Task<void> {
  return new Retry(attempt);
}

/** The end of an attempt. */
export class Retry extends Step<void> {
  readonly #attempt: Attempt;
  readonly #task: TaskStruct | null;

  /** @param attempt - The attempt. */
  constructor(attempt: Attempt) {
    super(null, LOCAL, 'retry');
    // It is no sleep, so it is not for the check of calls that must not wait.
    (this as { blocking: boolean }).blocking = true;
    this.#attempt = attempt;
    this.#task = current.task;
  }

  override ready(): boolean {
    return false;
  }

  protected perform(): void {}

  override next(): IteratorResult<Step<unknown>, void> {
    if (this.#task === null || current.retries() || this.#hasEffects())
      return { value: undefined, done: true };
    return super.next();
  }

  /** Has anything that the attempt looked at changed since? Then an execution with a later attempt goes on. */
  isCovered(events: EventLog): boolean {
    for (let event = this.#attempt.event; event < events.count; event++) {
      if (events.task[event] !== this.#task?.index) continue;
      for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
        if (looks(events.access[at] as Access) && changedAfter(events, event, events.object[at] as number))
          return true;
      }
    }
    return false;
  }

  #hasEffects(): boolean {
    const { events } = current;
    const { event: begin, objects, children, borrows } = this.#attempt;
    const task = this.#task as TaskStruct;
    if (task.objects !== objects || task.children !== children) return true;
    const borrowed = new Set<number>();
    for (let event = begin; event < events.count; event++) {
      if (events.task[event] !== task.index) continue;
      if ((events.choice[event] as number) >= 0) return true;
      for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
        const access = events.access[at] as Access;
        if (looks(access)) continue;
        if (!borrows || !BORROWED.has(access)) return true;
        borrowed.add(events.object[at] as number);
      }
    }
    return [...borrowed].some((object) => isNoticed(events, begin, task.index, object));
  }
}

/** What an attempt may do to an object and take back: refer to it, hold it. */
const BORROWED: ReadonlySet<Access> = new Set([ADD, LOCK, UNLOCK, DOWN_READ, UP_READ]);

function looks(access: Access): boolean {
  return access === READ || access === AWAIT || access === TRY_FAIL;
}

/** Did somebody else meet what an attempt did to an object, before the attempt was done with it? */
function isNoticed(events: EventLog, begin: number, own: number, object: number): boolean {
  const did: Access[] = [];
  let met = false;
  for (let event = begin; event < events.count; event++) {
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      if (events.object[at] !== object) continue;
      const access = events.access[at] as Access;
      if (events.task[event] !== own) met ||= did.some((its) => dependent(its, access));
      else if (met) return true;
      else did.push(access);
    }
  }
  return false;
}

function changedAfter(events: EventLog, event: number, object: number): boolean {
  for (let at = events.first[event + 1] as number; at < (events.first[events.count] as number); at++) {
    if (events.object[at] === object && !looks(events.access[at] as Access)) return true;
  }
  return false;
}
