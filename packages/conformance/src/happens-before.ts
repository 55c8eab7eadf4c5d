/**
 * Which events of an execution come before which, in every execution of the same Mazurkiewicz trace.
 *
 * Checkers that need an order between operations use this one and never the order in which things happened to
 * be run: the search runs one execution of each trace, and a judgement must not depend on which.
 */
import { dependent, type Execution } from '@fsport/core';

/** Happens-before of one finished execution. */
export class HappensBefore {
  readonly #clocks: number[][] = [];
  readonly #task: readonly number[];
  readonly #ordinal: number[] = [];

  /** @param execution - A finished execution whose event log is still there. */
  constructor(execution: Execution) {
    const { events, tasks } = execution;
    const { count, first, object, access } = events;
    this.#task = events.task;
    const last: number[] = [];
    const performed: number[] = [];
    const touched = new Map<number, number[]>();
    for (let event = 0; event < count; event++) {
      const task = events.task[event] as number;
      const clock = new Array<number>(tasks.length).fill(0);
      this.#join(clock, last[task] ?? tasks[task]?.spawnEvent ?? -1);
      for (let at = first[event] as number; at < (first[event + 1] as number); at++) {
        const id = object[at] as number;
        const before = touched.get(id) ?? [];
        for (let i = before.length - 2; i >= 0; i -= 2) {
          if (dependent(before[i + 1] as number, access[at] as number))
            this.#join(clock, before[i] as number);
        }
        before.push(event, access[at] as number);
        touched.set(id, before);
      }
      performed[task] = (performed[task] ?? 0) + 1;
      clock[task] = performed[task];
      this.#ordinal[event] = performed[task];
      this.#clocks[event] = clock;
      last[task] = event;
    }
  }

  /** Does event `a` come before event `b` in every execution of this trace? */
  before(a: number, b: number): boolean {
    if (a === b) return false;
    return ((this.#clocks[b] as number[])[this.#task[a] as number] as number) >= (this.#ordinal[a] as number);
  }

  /**
   * The vector clock of an event: of each task, by its index, how many of its events come before or are this one.
   *
   * @param event - Index of the event.
   */
  clock(event: number): readonly number[] {
    return this.#clocks[event] as number[];
  }

  #join(clock: number[], event: number): void {
    if (event < 0) return;
    const other = this.#clocks[event] as number[];
    for (let i = 0; i < other.length; i++)
      if ((other[i] as number) > (clock[i] as number)) clock[i] = other[i] as number;
  }
}
