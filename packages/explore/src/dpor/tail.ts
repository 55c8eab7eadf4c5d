/**
 * What differs between an execution and the one before it: the events from the branch on, old and new. Only the
 * weakest thing that all of them know is kept, which is enough to tell that a reversal has not changed.
 */
import type { History } from './history.js';

/** The events after the branch, of the last execution and of this one. */
export class Tail {
  /** Per task: the smallest entry in the clocks of these events. */
  #known = new Int32Array(8);

  /** Forget all events. */
  reset(): void {
    this.#known.fill(MANY);
  }

  /** Add the events of a history from this one on. */
  add(history: History, from: number): void {
    const { clocks, width, count } = history;
    if (this.#known.length < width) {
      const wider = new Int32Array(width);
      wider.set(this.#known);
      // A task that was not there before has events in the tail only.
      wider.fill(0, this.#known.length);
      this.#known = wider;
    }
    for (let event = from; event < count; event++) {
      const row = event * width;
      for (let task = 0; task < width; task++) {
        const entry = clocks[row + task] as number;
        if (entry < (this.#known[task] as number)) this.#known[task] = entry;
      }
    }
  }

  /** Does every event of the tail happen after this one? */
  comesAfter(history: History, event: number): boolean {
    return (this.#known[history.task[event] as number] as number) > event;
  }

  /** Does every event of the tail happen after everything that this one happens after? */
  follows(history: History, event: number): boolean {
    const { clocks, width } = history;
    const row = event * width;
    for (let task = 0; task < width; task++) {
      if ((this.#known[task] as number) < (clocks[row + task] as number)) return false;
    }
    return true;
  }
}

const MANY = 0x7fffffff;
