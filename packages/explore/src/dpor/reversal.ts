/**
 * What reverses a race: all events of the execution that come after its earlier half and do not happen after it,
 * followed by its later half, the *subject*. Knows who can begin it.
 */
import type { Access, EventLog, Execution, TaskStruct } from '@fsport/core';
import type { History } from './history.js';
import { conflicts, type Label } from './label.js';
import type { Subject } from './subject.js';
import { indexOf, type Rival, type Wakeup } from './wakeup.js';

/** Reused: {@link begin} before use. */
export class Reversal {
  readonly #history: History;
  readonly #subject: Subject;
  readonly #events: number[] = [];
  /** Those before this one are left out. */
  #from = 0;
  #count = 0;
  /** Per task: its first event; or how much of it is needed. */
  #first = new Int32Array(8);

  /**
   * @param history - The current path.
   * @param subject - The later half of the race.
   */
  constructor(history: History, subject: Subject) {
    this.#history = history;
    this.#subject = subject;
  }

  /** Forget all events but the subject. */
  begin(): void {
    this.#from = 0;
    this.#count = 0;
    if (this.#first.length < this.#history.width) this.#first = new Int32Array(this.#history.width);
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
    first.fill(-1);
    for (let at = this.#from; at < this.#count; at++) {
      const event = this.#events[at] as number;
      const its = taskOf[event] as number;
      if (its !== task) {
        if ((first[its] as number) < 0) first[its] = event;
        continue;
      }
      for (let other = 0; other < width; other++) {
        const begin = first[other] as number;
        if (begin >= 0 && (clocks[event * width + other] as number) > begin) return -1;
      }
      return at;
    }
    if (task !== this.#subject.task) return -1;
    for (let at = this.#from; at < this.#count; at++) {
      if (this.#disturbs(events, this.#events[at] as number, known)) return -1;
    }
    return this.#count;
  }

  /** Does a task that is no part of it do nothing that any of it depends on? */
  ignores(events: EventLog, task: number, label: Label): boolean {
    if (task === this.#subject.task || this.#subject.couldConflictWith(label)) return false;
    for (let at = this.#from; at < this.#count; at++) {
      const event = this.#events[at] as number;
      if (this.#history.task[event] === task || conflicts(events, event, label)) return false;
    }
    return true;
  }

  /**
   * The subject's task, if it is the subject that it would begin it with. Whether it can depends on what the step does
   * in that state, and may be found out later.
   */
  rival(events: EventLog): Rival | null {
    const { first, object, access, task: taskOf } = this.#history;
    const { task } = this.#subject;
    const objects: number[] = [];
    const accesses: Access[] = [];
    for (let i = this.#from; i < this.#count; i++) {
      const event = this.#events[i] as number;
      if (taskOf[event] === task) return null;
      const end = first[event + 1] as number;
      for (let at = first[event] as number; at < end; at++) {
        const known = objects.some((other, j) => other === object[at] && accesses[j] === access[at]);
        if (known) continue;
        objects.push(object[at] as number);
        accesses.push(access[at] as Access);
      }
    }
    return { task, choice: this.choiceAt(events, this.#count), rest: { objects, accesses, fatal: false } };
  }

  /** The alternative that the step at a position picks; `0` if it is no choice. */
  choiceAt(events: EventLog, at: number): number {
    const event = at === this.#count ? this.#subject.event : (this.#events[at] as number);
    return at === this.#count && !this.#subject.performed ? 0 : Math.max(events.choice[event] as number, 0);
  }

  /**
   * What follows a step that begins it.
   *
   * @param execution - The execution.
   * @param at - The position of the step, which is left out from now on.
   */
  after(execution: Execution, at: number): Wakeup[] {
    if (at === this.#count) return [];
    this.#leaveOut(at);
    return [this.shortest(execution)];
  }

  /**
   * Add what follows a step that begins it to what is planned after that step anyway. If that is whatever comes, it
   * comes to the rest by itself.
   *
   * @param execution - The execution.
   * @param at - The position of the step, which is left out from now on.
   * @param next - What is planned.
   */
  addAfter(execution: Execution, at: number, next: Wakeup[]): void {
    const { events, tasks } = execution;
    for (let position = at, branch = next; position < this.#count && branch.length > 0; ) {
      this.#leaveOut(position);
      position = -1;
      for (let i = 0; i < branch.length && position < 0; i++) {
        const step = branch[i] as Wakeup;
        const task = indexOf(tasks, step.key);
        const begin = task < 0 ? -1 : this.initial(events, task, null);
        if (begin < 0 || this.choiceAt(events, begin) !== step.choice) continue;
        position = begin;
        branch = step.next;
      }
      if (position >= 0) continue;
      branch.push(this.shortest(execution));
      return;
    }
  }

  /**
   * The shortest part of it that reverses the race, as a sequence of steps: what has to come before the subject,
   * and the subject.
   *
   * @param execution - The execution.
   */
  shortest({ events, tasks }: Execution): Wakeup {
    const { clocks, width, task: taskOf } = this.#history;
    const { task, performed, event: own, before } = this.#subject;
    const needed = this.#first;
    const last = performed ? own : before;
    for (let other = 0; other < width; other++) {
      needed[other] = last < 0 ? 0 : (clocks[last * width + other] as number);
    }
    const keyOf = (index: number): number => (tasks[index] as TaskStruct).key;
    let first: Wakeup = { key: keyOf(task), choice: this.choiceAt(events, this.#count), next: [] };
    for (let at = this.#count - 1; at >= this.#from; at--) {
      const event = this.#events[at] as number;
      const its = taskOf[event] as number;
      if ((needed[its] as number) <= event && !this.#disturbs(events, event, null)) continue;
      for (let other = 0; other < width; other++) {
        const known = clocks[event * width + other] as number;
        if (known > (needed[other] as number)) needed[other] = known;
      }
      first = { key: keyOf(its), choice: this.choiceAt(events, at), next: [first] };
    }
    return first;
  }

  #leaveOut(at: number): void {
    const all = this.#events;
    for (let i = at; i > this.#from; i--) all[i] = all[i - 1] as number;
    this.#from++;
  }

  #disturbs(events: EventLog, event: number, known: Label | null): boolean {
    if (known !== null) return conflicts(events, event, known);
    return this.#subject.fatal || this.#subject.couldConflict(events, event);
  }
}
