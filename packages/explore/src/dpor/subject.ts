/**
 * The later half of a race: an event, or a step that is blocked for good and would be the next event of
 * its task.
 */
import {
  type Access,
  dependent,
  type EventLog,
  type Execution,
  LOCAL,
  READ,
  type Step,
  type TaskStruct,
} from '@fsport/core';
import type { Label } from './label.js';

/** More steps than a task has in an execution; if it has more, some of them count as one. */
const MANY = 0x10000;

/** A step of a task, the same in every execution. */
export function nameOf({ key }: TaskStruct, nth: number): number {
  return key * MANY + nth;
}

/** Reused: {@link takeEvent} or {@link takePending} before use. */
export class Subject {
  /** Its place in the execution; the number of events for a step that was not performed. */
  event = 0;
  /** Index of its task. */
  task = 0;
  /** The event of its task before it, or the one that spawned its task; or `-1`. */
  before = -1;
  /** Which step of which task it is, the same in every execution. */
  name = 0;
  /** The step. */
  step: Step<unknown> = undefined as unknown as Step<unknown>;
  /** Was it performed? */
  performed = false;
  /** Did it end the execution by throwing? Then it conflicts with everything. */
  fatal = false;
  /** Number of accesses. */
  count = 0;
  /** Object of each access. */
  readonly objects: number[] = [];
  /** What it did to each. */
  readonly did: Access[] = [];
  /** The strongest thing it could have done to each. */
  readonly could: Access[] = [];

  /** Become an event of the log, which is this one of its task. */
  takeEvent({ events, tasks }: Execution, event: number, nth: number, before: number, fatal: boolean): void {
    const step = events.step[event] as Step<unknown>;
    this.event = event;
    this.task = events.task[event] as number;
    this.name = nameOf(tasks[this.task] as TaskStruct, nth);
    this.before = before;
    this.step = step;
    this.performed = true;
    this.fatal = fatal;
    const announced = step.object !== null && step.access !== LOCAL;
    const begin = events.first[event] as number;
    const end = events.first[event + 1] as number;
    this.count = end - begin;
    for (let i = 0; i < this.count; i++) {
      const object = events.object[begin + i] as number;
      const access = events.access[begin + i] as Access;
      this.objects[i] = object;
      this.did[i] = access;
      this.could[i] = announced && i === 0 ? step.access : access;
    }
  }

  /** Become the pending step of a task, which would be this one of it. */
  takePending(task: TaskStruct, event: number, nth: number, before: number): void {
    const step = task.pending as Step<unknown>;
    this.event = event;
    this.task = task.index;
    this.name = nameOf(task, nth);
    this.before = before;
    this.step = step;
    this.performed = false;
    this.fatal = false;
    this.count = 0;
    if (step.object === null) return;
    this.#add(step.object.id, step.access);
    if (step.killable && task.signal !== null) this.#add(task.signal.id, READ);
  }

  /** Would it conflict with an event of the log, at its strongest? */
  couldConflict(events: EventLog, event: number): boolean {
    const end = events.first[event + 1] as number;
    for (let at = events.first[event] as number; at < end; at++) {
      const object = events.object[at] as number;
      for (let i = 0; i < this.count; i++) {
        if (this.objects[i] !== object) continue;
        if (dependent(events.access[at] as Access, this.could[i] as Access)) return true;
      }
    }
    return false;
  }

  /** Would it conflict with what somebody else does, at its strongest? */
  couldConflictWith({ objects, accesses, fatal }: Label): boolean {
    if (fatal || this.fatal) return true;
    return this.objects.some(
      (object, i) =>
        i < this.count &&
        objects.some(
          (other, at) => other === object && dependent(accesses[at] as Access, this.could[i] as Access),
        ),
    );
  }

  #add(object: number, access: Access): void {
    this.objects[this.count] = object;
    this.did[this.count] = access;
    this.could[this.count] = access;
    this.count++;
  }
}
