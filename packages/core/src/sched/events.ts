/**
 * The log of one execution: which task ran, and what it touched. Flat arrays of numbers, because the
 * search reads them millions of times.
 *
 * Event `i` has the accesses `first[i]` up to, not including, `first[i + 1]`. The first of them is the one
 * the step announced; the others joined it (`load()`, `store()`, reference counts).
 */
import { type Access, ADD, LOCAL, WRITE } from './access.js';
import type { Step } from './task.js';

/** What happened, in order. */
export class EventLog {
  /** Number of events. */
  count = 0;
  /** Index of the task of each event. */
  readonly task: number[] = [];
  /** The step of each event; its `access` is the announced one, the strongest it could have been. */
  readonly step: Step<unknown>[] = [];
  /** The alternative picked, for events that are a choice, otherwise `-1`. */
  readonly choice: number[] = [];
  /** Where each event's accesses begin; one more entry than events. */
  readonly first: number[] = [0];
  /** Object id of each access. */
  readonly object: number[] = [];
  /** What was done, by outcome. */
  readonly access: Access[] = [];
  /** For a WRITE, the value it replaced. */
  readonly replaced: unknown[] = [];

  /** Forget everything. */
  clear(): void {
    this.count = 0;
    this.first[0] = 0;
  }

  /** Begin an event with the access it announced. */
  begin(task: number, step: Step<unknown>): void {
    const event = this.count++;
    const at = this.first[event] as number;
    this.task[event] = task;
    this.step[event] = step;
    this.choice[event] = -1;
    if (step.object === null || step.access === LOCAL) {
      this.first[event + 1] = at;
      return;
    }
    this.object[at] = step.object.id;
    this.access[at] = step.access;
    this.replaced[at] = undefined;
    this.first[event + 1] = at + 1;
  }

  /** Record a further access of the event in progress; several to one object become its strongest. */
  touch(object: number, access: Access, replaced: unknown): void {
    const end = this.first[this.count] as number;
    for (let at = this.first[this.count - 1] as number; at < end; at++) {
      if (this.object[at] !== object) continue;
      const before = this.access[at] as Access;
      // Who adds to a counter and looks at it commutes neither with who adds nor with who looks.
      const both = (before === ADD) !== (access === ADD) ? WRITE : access;
      if ((STRENGTH[both] as number) > (STRENGTH[before] as number)) {
        this.access[at] = both;
        this.replaced[at] = replaced;
      }
      return;
    }
    this.object[end] = object;
    this.access[end] = access;
    this.replaced[end] = replaced;
    this.first[this.count] = end + 1;
  }

  /** Change what the announced access of the event in progress turned out to be. */
  outcome(access: Access): void {
    this.access[this.first[this.count - 1] as number] = access;
  }

  /** Note the value that the announced WRITE of the event in progress replaced. */
  setReplaced(value: unknown): void {
    this.replaced[this.first[this.count - 1] as number] = value;
  }
}

/** READ, AWAIT and ADD give way to a WRITE of the same object in the same event; lock accesses stay. */
const STRENGTH = [0, 2, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
