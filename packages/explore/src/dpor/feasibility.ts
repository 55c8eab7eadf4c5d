/**
 * Can a blocking step run right before an event that it lost a race to?
 *
 * Often the answer is recorded: if the step was already pending in the state before `e`, and nothing between
 * touches what it waits for, it is whether its task could run there. Otherwise the object is asked, given the
 * accesses that would come before the step. If the step fails only because somebody took the object inside
 * `v` and gives it back outside, that acquisition and all that happens after it are left out of `v`.
 */
import {
  type Access,
  AwaitStep,
  DOWN_READ,
  DOWN_WRITE,
  DOWNGRADE,
  dependent,
  type EventLog,
  LOCK,
  QUEUE_WRITE,
  type SharedObject,
  UNLOCK,
  UP_READ,
  UP_WRITE,
} from '@fsport/core';
import type { DporFaults } from './faults.js';
import { ENABLED, type Frame } from './frame.js';
import type { History } from './history.js';
import type { Subject } from './subject.js';

/** The step would be blocked: the order is enforced by the object. */
export const NO = 0;
/** The step could run. */
export const YES = 1;
/** It cannot be told: plan the reversal, and keep looking. */
export const UNKNOWN = 2;

interface Entry {
  access: Access;
  task: number;
  event: number;
}

/** Answers the question for one subject and candidate after the other. */
export class Feasibility {
  /** Events that are left out of `v`, with all that happens after them. */
  readonly dropped: number[] = [];
  readonly #history: History;
  readonly #frames: readonly Frame[];
  readonly #faults: DporFaults;
  readonly #entries: Entry[] = [];
  readonly #pool: Entry[] = [];

  /**
   * @param history - The current path.
   * @param frames - The states on it.
   * @param faults - Deliberate faults, for tests.
   */
  constructor(history: History, frames: readonly Frame[], faults: DporFaults) {
    this.#history = history;
    this.#frames = frames;
    this.#faults = faults;
  }

  /** Is an event between `e` and the subject part of `v`? */
  inReversal(e: number, event: number): boolean {
    const history = this.#history;
    if (history.ordered(e, event)) return false;
    const dropped = this.dropped;
    for (let i = 0; i < dropped.length; i++) {
      const out = dropped[i] as number;
      if (event === out || (event > out && history.ordered(out, event))) return false;
    }
    return true;
  }

  /**
   * Can the subject run right before `e`, after the rest of `v`?
   *
   * @param events - The log.
   * @param subject - The later half of the race.
   * @param e - The earlier half.
   * @returns {@link NO}, {@link YES} or {@link UNKNOWN}; sets {@link dropped}.
   */
  check(events: EventLog, subject: Subject, e: number): number {
    if (this.dropped.length > 0) this.dropped.length = 0;
    const { step } = subject;
    if (!step.blocking || this.#faults.alwaysCoEnabled === true) return YES;
    const object = step.object as SharedObject;
    if (subject.before < e && this.#undisturbed(subject, e)) {
      return (this.#frames[e] as Frame).has(subject.task, ENABLED) ? YES : NO;
    }
    if (step.killable) return UNKNOWN;
    if (step instanceof AwaitStep) return this.#awaitFeasible(events, subject, e, object);
    for (;;) {
      this.#collect(object.id, e, subject.event);
      if (object.enabledAfter(step, this.#entries, undefined)) return YES;
      if (!this.#dropAcquisition(e, subject)) return NO;
    }
  }

  /** Does no event of `v` touch anything that decides if the subject is enabled? */
  #undisturbed(subject: Subject, e: number): boolean {
    const history = this.#history;
    const objects = subject.step.killable ? subject.count : 1;
    for (let i = 0; i < objects; i++) {
      let at = history.latest(subject.objects[i] as number);
      for (; at >= 0 && (history.eventOf[at] as number) > e; at = history.previous[at] as number) {
        if (!dependent(history.access[at] as Access, subject.could[i] as Access)) continue;
        if (!history.ordered(e, history.eventOf[at] as number)) return false;
      }
    }
    return true;
  }

  /** The variable's value there is what the first write outside of `v` replaced. */
  #awaitFeasible(events: EventLog, subject: Subject, e: number, object: SharedObject): number {
    const history = this.#history;
    let first = -1;
    for (let at = history.latest(object.id); at >= 0; at = history.previous[at] as number) {
      const event = history.eventOf[at] as number;
      if (event < e) break;
      const counts = dependent(history.access[at] as Access, subject.step.access);
      if (counts && (event === e || history.ordered(e, event))) first = at;
    }
    if (first < 0) return subject.performed ? YES : NO;
    return object.enabledAfter(subject.step, [], events.replaced[first]) ? YES : NO;
  }

  /** The accesses to an object before `e` and in `v`, oldest first. */
  #collect(object: number, e: number, end: number): void {
    const history = this.#history;
    const entries = this.#entries;
    entries.length = 0;
    for (let at = history.latest(object); at >= 0; at = history.previous[at] as number) {
      const event = history.eventOf[at] as number;
      if (event >= end || event === e || (event > e && !this.inReversal(e, event))) continue;
      const entry = this.#pool[entries.length] ?? { access: 0, task: 0, event: 0 };
      this.#pool[entries.length] = entry;
      entry.access = history.access[at] as Access;
      entry.task = history.task[event] as number;
      entry.event = event;
      entries.push(entry);
    }
    entries.reverse();
  }

  /** Leave out the last acquisition in `v` that is not given back in `v`. */
  #dropAcquisition(e: number, subject: Subject): boolean {
    const history = this.#history;
    const entries = this.#entries;
    for (let i = entries.length - 1; i >= 0; i--) {
      const { event, access, task } = entries[i] as Entry;
      if (event < e) return false;
      if (!acquires(access) || this.#releasedAfter(i, task)) continue;
      if (task === subject.task) return false;
      const before = subject.before;
      if (before >= event && (before === event || history.ordered(event, before))) return false;
      this.dropped.push(event);
      return true;
    }
    return false;
  }

  #releasedAfter(acquisition: number, task: number): boolean {
    const entries = this.#entries;
    for (let i = acquisition + 1; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      if (entry.task === task && releases(entry.access)) return true;
    }
    return false;
  }
}

function acquires(access: Access): boolean {
  return (
    access === LOCK ||
    access === DOWN_READ ||
    access === DOWN_WRITE ||
    access === DOWNGRADE ||
    access === QUEUE_WRITE
  );
}

function releases(access: Access): boolean {
  return access === UNLOCK || access === UP_READ || access === UP_WRITE;
}
