/**
 * Happens-before of the current path: a vector clock per event, and per object the list of its accesses.
 *
 * Clocks hold event numbers: entry `t` of the clock of `e` is one more than the last event of task `t` that
 * happens before `e` (or is `e`), `0` if there is none. So `f` happens before `e` exactly if
 * `clock(e)[task(f)] > f`. Everything is in flat arrays that grow and are never given back; going back to
 * an earlier event only moves the ends.
 */
import { type Access, dependent, type EventLog, type Execution } from '@fsport/core';
import type { Label } from './label.js';

/** The events of a path as plain data. */
export interface HistoryState {
  /** Per event: its task. */
  readonly task: readonly number[];
  /** Per event: where its accesses begin; one more entry than events. */
  readonly first: readonly number[];
  /** Per access: the object. */
  readonly object: readonly number[];
  /** Per access: what was done. */
  readonly access: readonly Access[];
  /** Entries per clock. */
  readonly width: number;
  /** The clocks, one after the other. */
  readonly clocks: readonly number[];
}

/** Clocks and access lists of the events on the current path. */
export class History {
  /** Number of events known. */
  count = 0;
  /** Entries per clock. */
  width = 8;
  /** The clocks, one after the other. */
  clocks = new Int32Array(8 * 256);
  /** Per event: its task. */
  readonly task: number[] = [];
  /** Per event: where its accesses begin; one more entry than events. */
  readonly first: number[] = [0];
  /** Per access: the object. */
  readonly object: number[] = [];
  /** Per event: how many its task had before it. */
  readonly ordinal: number[] = [];
  /** Per access: what was done, by outcome. */
  readonly access: Access[] = [];
  /** Per access: the event it belongs to. */
  readonly eventOf: number[] = [];
  /** Per access: the access to the same object before it, `-1` if there is none. */
  readonly previous: number[] = [];
  readonly #latest: number[] = [];
  readonly #lastOf: number[] = [];
  readonly #previousOf: number[] = [];
  /** Per object: the labels of events with just one access, to it, by access. */
  readonly #labels: Label[][] = [];

  /** Forget the events from this one on. */
  rewind(event: number): void {
    for (let e = this.count - 1; e >= event; e--) {
      this.#lastOf[this.task[e] as number] = this.#previousOf[e] as number;
      for (let at = (this.first[e + 1] as number) - 1; at >= (this.first[e] as number); at--) {
        this.#latest[this.object[at] as number] = this.previous[at] as number;
      }
    }
    if (event < this.count) this.count = event;
  }

  /** The first events as plain data. */
  state(count: number): HistoryState {
    const accesses = this.first[count] as number;
    return {
      task: this.task.slice(0, count),
      first: this.first.slice(0, count + 1),
      object: this.object.slice(0, accesses),
      access: this.access.slice(0, accesses),
      width: this.width,
      clocks: [...this.clocks.subarray(0, count * this.width)],
    };
  }

  /** Become what plain data says. */
  restore(state: HistoryState): void {
    const { task, first, width } = state;
    this.width = width;
    this.reserve(Math.max(0, ...task) + 1, task.length + 1);
    this.clocks.set(state.clocks);
    for (const [event, its] of task.entries()) {
      this.task[event] = its;
      this.#join(event);
      this.#enlist(state.object, state.access, first[event] as number, first[event + 1] as number);
    }
  }

  /** Make room for this many tasks and events. */
  reserve(tasks: number, events: number): void {
    if (tasks > this.width) this.#widen(tasks);
    if ((events + 1) * this.width > this.clocks.length) {
      const bigger = new Int32Array((events + 1) * this.width * 2);
      bigger.set(this.clocks);
      this.clocks = bigger;
    }
    for (let task = this.#lastOf.length; task < tasks; task++) this.#lastOf.push(-1);
  }

  /** The event that a task's next event comes after: its latest, or the one that spawned it; or `-1`. */
  before(execution: Execution, task: number): number {
    const last = this.#lastOf[task] as number;
    return last >= 0 ? last : (execution.tasks[task]?.spawnEvent ?? -1);
  }

  /** The same for an event that is known. */
  beforeEvent(execution: Execution, event: number): number {
    const last = this.#previousOf[event] as number;
    return last >= 0 ? last : (execution.tasks[this.task[event] as number]?.spawnEvent ?? -1);
  }

  /** How many events a task has. */
  nextOrdinal(task: number): number {
    const last = this.#lastOf[task] as number;
    return last < 0 ? 0 : (this.ordinal[last] as number) + 1;
  }

  /** Does `early` happen before the later event `late`, both known? */
  ordered(early: number, late: number): boolean {
    return (this.clocks[late * this.width + (this.task[early] as number)] as number) > early;
  }

  /** The latest access to an object, `-1` if there is none. */
  latest(object: number): number {
    return this.#latest[object] ?? -1;
  }

  /**
   * The label of an event.
   *
   * @param event - The event.
   * @param fatal - Did it end the execution by throwing?
   */
  label(event: number, fatal: boolean): Label {
    const begin = this.first[event] as number;
    const end = this.first[event + 1] as number;
    if (fatal || end !== begin + 1) {
      return { objects: this.object.slice(begin, end), accesses: this.access.slice(begin, end), fatal };
    }
    const object = this.object[begin] as number;
    const access = this.access[begin] as Access;
    while (this.#labels.length <= object) this.#labels.push([]);
    const labels = this.#labels[object] as Label[];
    labels[access] ??= { objects: [object], accesses: [access], fatal };
    return labels[access];
  }

  /**
   * Add the next event of the log.
   *
   * @param execution - The execution.
   * @param fatal - Did it end the execution by throwing? Then it comes after everything.
   * @returns Whether it conflicts with an event that is not already before it in its own task.
   */
  append(execution: Execution, fatal: boolean): boolean {
    const { events } = execution;
    const event = this.count;
    const task = events.task[event] as number;
    this.task[event] = task;
    const racy = this.#clock(events, event, this.before(execution, task), fatal);
    this.clocks[event * this.width + task] = event + 1;
    this.#join(event);
    this.#enlist(
      events.object,
      events.access,
      events.first[event] as number,
      events.first[event + 1] as number,
    );
    return racy;
  }

  /** The next event is the latest of its task. */
  #join(event: number): void {
    const task = this.task[event] as number;
    this.ordinal[event] = this.nextOrdinal(task);
    this.#previousOf[event] = this.#lastOf[task] as number;
    this.#lastOf[task] = event;
    this.count++;
  }

  /** The accesses of the last event are the latest to their objects. */
  #enlist(objects: readonly number[], accesses: readonly Access[], begin: number, end: number): void {
    this.first[this.count] = end;
    for (let at = begin; at < end; at++) {
      const object = objects[at] as number;
      for (let known = this.#latest.length; known <= object; known++) this.#latest.push(-1);
      this.object[at] = object;
      this.access[at] = accesses[at] as Access;
      this.eventOf[at] = this.count - 1;
      this.previous[at] = this.#latest[object] as number;
      this.#latest[object] = at;
    }
  }

  /** Work out the clock of the next event: that of the event before it in its task, and of its conflicts. */
  #clock(events: EventLog, event: number, before: number, fatal: boolean): boolean {
    const { clocks, width } = this;
    const row = event * width;
    // A loop, because for so few entries the built-in functions cost more than the work.
    for (let i = 0; i < width; i++) clocks[row + i] = before < 0 ? 0 : (clocks[before * width + i] as number);
    let racy = false;
    if (fatal) {
      for (let e = 0; e < event; e++) if (this.#absorb(row, e)) racy = true;
      return racy;
    }
    const end = events.first[event + 1] as number;
    for (let own = events.first[event] as number; own < end; own++) {
      const access = events.access[own] as Access;
      let at = this.latest(events.object[own] as number);
      for (; at >= 0; at = this.previous[at] as number) {
        const other = this.access[at] as Access;
        if (!dependent(other, access)) continue;
        if (this.#absorb(row, this.eventOf[at] as number)) racy = true;
        // Everything that came before an access that commutes with nothing comes before this event, too.
        if (dependent(other, other)) break;
      }
    }
    return racy;
  }

  /** Join the clock of an event into a row. Returns whether it was not there yet. */
  #absorb(row: number, event: number): boolean {
    const { clocks, width } = this;
    if ((clocks[row + (this.task[event] as number)] as number) > event) return false;
    const from = event * width;
    for (let i = 0; i < width; i++) {
      const known = clocks[from + i] as number;
      if (known > (clocks[row + i] as number)) clocks[row + i] = known;
    }
    return true;
  }

  #widen(tasks: number): void {
    const old = this.width;
    const width = tasks * 2;
    const clocks = new Int32Array(Math.ceil(this.clocks.length / old) * width);
    for (let event = 0; event < this.count; event++) {
      clocks.set(this.clocks.subarray(event * old, event * old + old), event * width);
    }
    this.width = width;
    this.clocks = clocks;
  }
}
