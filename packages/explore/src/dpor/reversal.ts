/**
 * What reverses a race: all events of the execution that come after its earlier half and do not happen after it,
 * followed by its later half, the *subject*. Knows who can begin it.
 */
import type { EventLog } from '@fsport/core';
import type { History } from './history.js';
import { conflicts, type Label } from './label.js';
import type { Subject } from './subject.js';
import { EVERY, type Wakeup, WHATEVER } from './wakeup.js';

/** Reused: {@link begin} before use. */
export class Reversal {
  readonly #history: History;
  readonly #subject: Subject;
  readonly #events: number[] = [];
  #count = 0;
  /** Per task: its first event. */
  #first = new Int32Array(8);

  /**
   * @param history - The current path.
   * @param subject - The later half of the race.
   */
  constructor(history: History, subject: Subject) {
    this.#history = history;
    this.#subject = subject;
  }

  /** Forget all events but the subject, and make room for this many tasks. */
  begin(tasks: number): void {
    this.#count = 0;
    if (this.#first.length < tasks) this.#first = new Int32Array(tasks * 2);
  }

  /** Add the next event. */
  add(event: number): void {
    this.#events[this.#count] = event;
    this.#count++;
  }

  /**
   * Can a task begin it? It must have an event there that nothing there has to come before.
   *
   * @param events - The log.
   * @param task - Index of the task.
   * @param known - What its step does in that state, `null` if that is not known. Matters for the subject only.
   * @returns The position of the event, `-1` if it cannot.
   */
  initial(events: EventLog, task: number, known: Label | null): number {
    const { clocks, width, task: taskOf } = this.#history;
    const first = this.#first;
    first.fill(-1, 0, width < first.length ? width : first.length);
    for (let at = 0; at < this.#count; at++) {
      const event = this.#events[at] as number;
      const its = taskOf[event] as number;
      if (its !== task) {
        if ((first[its] as number) < 0) first[its] = event;
        continue;
      }
      for (let other = 0; other < first.length; other++) {
        const begin = first[other] as number;
        if (begin >= 0 && (clocks[event * width + other] as number) > begin) return -1;
      }
      return at;
    }
    if (task !== this.#subject.task) return -1;
    for (let at = 0; at < this.#count; at++) {
      if (this.#disturbs(events, this.#events[at] as number, known)) return -1;
    }
    return this.#count;
  }

  /** The alternative that the step at a position picks; `0` if it is no choice. */
  choiceAt(events: EventLog, at: number): number {
    const event = at === this.#count ? this.#subject.event : (this.#events[at] as number);
    return at === this.#count && !this.#subject.performed ? 0 : Math.max(events.choice[event] as number, 0);
  }

  /**
   * All of it, as a sequence of steps. It ends early at a choice: what comes after that depends on the
   * alternative, and all of them are explored unless it is the first step.
   *
   * @param events - The log.
   * @param begin - The position of the step to begin with.
   */
  sequence(events: EventLog, begin: number): Wakeup {
    let end = 0;
    while (end < this.#count && !this.#isChoice(events, end)) end++;
    let then = WHATEVER;
    for (let at = end; at >= 0; at--) {
      if (at !== begin) then = [{ task: this.#taskAt(at), choice: EVERY, then }];
    }
    if (this.#isChoice(events, begin)) then = WHATEVER;
    return { task: this.#taskAt(begin), choice: this.choiceAt(events, begin), then };
  }

  #taskAt(at: number): number {
    return at === this.#count
      ? this.#subject.task
      : (this.#history.task[this.#events[at] as number] as number);
  }

  #isChoice(events: EventLog, at: number): boolean {
    return at < this.#count && (events.choice[this.#events[at] as number] as number) >= 0;
  }

  #disturbs(events: EventLog, event: number, known: Label | null): boolean {
    if (known !== null) return conflicts(events, event, known);
    return this.#subject.fatal || this.#subject.couldConflict(events, event);
  }
}
