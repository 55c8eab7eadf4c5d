/**
 * Fingerprints of Mazurkiewicz traces: equal for two executions exactly if (but for hash collisions, at 53
 * bits) they differ only in the order of independent events.
 *
 * An event is identified by its task and its number within the task; a trace by what each event did and by
 * its vector clock, counted in events per task. The clocks are computed here from the dependence relation
 * alone, not taken from the search, so that the search can be checked against them.
 */
import { type Access, dependent, type EventLog, type Execution } from '@fsport/core';

/** A set of traces. */
export class TraceSet {
  readonly #seen = new Map<number, number>();

  /**
   * Add the trace of an execution.
   *
   * @param execution - A finished execution.
   * @returns Whether it is new.
   */
  add(execution: Execution): boolean {
    const key = traceFingerprint(execution);
    const times = this.#seen.get(key) ?? 0;
    this.#seen.set(key, times + 1);
    return times === 0;
  }

  /** Number of distinct traces. */
  get size(): number {
    return this.#seen.size;
  }

  /** The fingerprints, in order of discovery. */
  keys(): IterableIterator<number> {
    return this.#seen.keys();
  }

  /** Is a trace in the set? */
  has(fingerprint: number): boolean {
    return this.#seen.has(fingerprint);
  }
}

/**
 * The fingerprint of the trace of an execution.
 *
 * @param execution - A finished execution.
 * @returns An integer of 53 bits.
 */
export function traceFingerprint(execution: Execution): number {
  const { events, tasks } = execution;
  const width = tasks.length;
  const clocks: Int32Array[] = [];
  const last = new Int32Array(width).fill(-1);
  const touched = new Touched();
  let low = 0;
  let high = 0;
  for (let event = 0; event < events.count; event++) {
    const task = events.task[event] as number;
    const own = last[task] as number;
    const before = own >= 0 ? own : (tasks[task]?.spawnEvent ?? -1);
    const clock = before < 0 ? new Int32Array(width) : (clocks[before] as Int32Array).slice();
    if (own >= 0) join(clock, clocks[own] as Int32Array);
    touched.visit(events, event, (earlier) => join(clock, clocks[earlier] as Int32Array));
    clock[task] = own < 0 ? 1 : ((clocks[own] as Int32Array)[task] as number) + 1;
    clocks.push(clock);
    last[task] = event;
    const hash = new Hash();
    hash.add(tasks[task]?.key ?? -1);
    hash.add(events.choice[event] as number);
    addAccesses(hash, execution, event);
    let others = 0;
    for (let other = 0; other < width; other++) {
      const entry = new Hash();
      entry.add(tasks[other]?.key ?? -1);
      entry.add(clock[other] as number);
      // A sum, because tasks are numbered in order of creation, which differs between equal traces.
      if (clock[other] !== 0) others = (others + entry.low) | 0;
    }
    hash.add(others);
    low = (low + hash.low) | 0;
    high = (high + hash.high) | 0;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** Per object: its accesses so far, and the events they belong to. */
class Touched {
  readonly #byObject = new Map<number, { readonly events: number[]; readonly accesses: Access[] }>();

  /** Visit the earlier events that conflict with one, nearest first, and add it. Transitive ones may be left out. */
  visit(log: EventLog, event: number, conflict: (earlier: number) => void): void {
    for (let at = log.first[event] as number; at < (log.first[event + 1] as number); at++) {
      const object = log.object[at] as number;
      const access = log.access[at] as Access;
      const known = this.#byObject.get(object) ?? { events: [], accesses: [] };
      this.#byObject.set(object, known);
      for (let i = known.events.length - 1; i >= 0; i--) {
        const other = known.accesses[i] as Access;
        if (!dependent(other, access)) continue;
        conflict(known.events[i] as number);
        if (dependent(other, other)) break; // it commutes with nothing, so it has all others before it
      }
      known.events.push(event);
      known.accesses.push(access);
    }
  }
}

/**
 * Do two events of an execution conflict, or belong to one task?
 *
 * @param execution - The execution.
 * @param a - One event.
 * @param b - Another event.
 */
export function eventsConflict(execution: Execution, a: number, b: number): boolean {
  const { events } = execution;
  if (events.task[a] === events.task[b]) return true;
  for (let i = events.first[a] as number; i < (events.first[a + 1] as number); i++) {
    for (let j = events.first[b] as number; j < (events.first[b + 1] as number); j++) {
      if (events.object[i] !== events.object[j]) continue;
      if (dependent(events.access[i] as Access, events.access[j] as Access)) return true;
    }
  }
  return false;
}

function addAccesses(hash: Hash, execution: Execution, event: number): void {
  const { events } = execution;
  let sum = 0;
  for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
    const access = new Hash();
    access.add(events.object[at] as number);
    access.add(events.access[at] as number);
    sum = (sum + access.low) | 0;
  }
  hash.add(sum);
}

function join(clock: Int32Array, other: Int32Array): void {
  for (let i = 0; i < other.length; i++) {
    if ((other[i] as number) > (clock[i] as number)) clock[i] = other[i] as number;
  }
}

/** Two lanes of 32 bits. */
class Hash {
  low = 0x2545f491;
  high = 0x1b873593;

  add(value: number): void {
    this.low = mix(this.low ^ value, 0x85ebca6b);
    this.high = mix((this.high + value) | 0, 0xc2b2ae35);
  }
}

function mix(value: number, factor: number): number {
  let h = Math.imul(value ^ (value >>> 16), factor);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return (h ^ (h >>> 15)) | 0;
}
