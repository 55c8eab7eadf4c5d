/**
 * Race search: for an event, find the earlier events whose order with it can be reversed, and plan the
 * reversal in the state before the earlier one (source sets).
 *
 * Vocabulary: `e` is the earlier event; the *subject* is the later one, or a step that is blocked for good;
 * `v` is all events of the execution that come after `e` and do not happen after it, followed by the subject.
 * Running `v` from the state before `e` reverses the race. The *initials* of `v` are the tasks that can
 * begin it.
 *
 * - Candidates are walked from the latest to the earliest, over the access lists of the subject's objects.
 * - A blocking subject may be impossible before `e` (an unlock always precedes the lock it allows). Then
 *   there is no race here, and `e` must not shadow the ones further back: its clock is not absorbed.
 * - In `v` the subject counts as the strongest thing it could do, because before `e` it may do something else. If
 *   its task is planned there, too, what it does will be known: the reversal is planned on that condition.
 *
 * @see Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction (POPL 2014)
 */
import { type Access, dependent, type Execution, type TaskStruct } from '@fsport/core';
import type { DporFaults } from './faults.js';
import { Feasibility, NO, UNKNOWN } from './feasibility.js';
import type { Frame, Sleeper } from './frame.js';
import type { History } from './history.js';
import { Reversal } from './reversal.js';
import { Subject } from './subject.js';
import type { Tail } from './tail.js';
import { EVERY, indexOf, isKept, type Plan, type Rival } from './wakeup.js';

/** Finds races and plans their reversals. */
export class RaceSearch {
  readonly #history: History;
  readonly #frames: readonly Frame[];
  readonly #conservative: boolean;
  readonly #faults: DporFaults;
  readonly #feasibility: Feasibility;
  readonly #subject = new Subject();
  readonly #reversal: Reversal;
  /** Per access of the subject: the next access to the same object to look at, `-1` at the end. */
  readonly #cursors: number[] = [];
  #tail: Tail | null = null;
  /** What is ordered before the subject by something that cannot be reversed, or has been. */
  #seen = new Int32Array(8);

  /**
   * @param history - The current path; events are added to it.
   * @param frames - The states on it; reversals are planned there.
   * @param conservative - Is there a bound on preemptions?
   * @param faults - Deliberate faults, for tests.
   */
  constructor(history: History, frames: readonly Frame[], conservative: boolean, faults: DporFaults) {
    this.#history = history;
    this.#conservative = conservative;
    this.#frames = frames;
    this.#faults = faults;
    this.#reversal = new Reversal(history, this.#subject);
    this.#feasibility = new Feasibility(history, frames, faults);
  }

  /**
   * Find the races of an event. All events of the execution must be in the history.
   *
   * @param execution - The execution.
   * @param event - The event.
   * @param fatal - Did it end the execution by throwing?
   * @param tail - What has changed since its races were planned; `null` if they never were.
   */
  event(execution: Execution, event: number, fatal: boolean, tail: Tail | null): void {
    this.#tail = tail;
    const history = this.#history;
    const nth = history.ordinal[event] as number;
    this.#subject.takeEvent(execution, event, nth, history.beforeEvent(execution, event), fatal);
    this.#start(execution.tasks.length);
    if (fatal) this.#walkAll(execution);
    else this.#walk(execution, history.first[event] as number);
  }

  /** Find the races of a step that is blocked for good. */
  pending(execution: Execution, task: TaskStruct): void {
    this.#tail = null;
    const history = this.#history;
    const nth = history.nextOrdinal(task.index);
    this.#subject.takePending(task, history.count, nth, history.before(execution, task.index));
    this.#start(execution.tasks.length);
    this.#walk(execution, -1);
  }

  /** What comes before the subject in its own task needs no reversal. */
  #start(tasks: number): void {
    if (this.#seen.length < tasks) {
      this.#seen = new Int32Array(tasks * 2);
    }
    const { clocks, width } = this.#history;
    const { before } = this.#subject;
    for (let task = 0; task < tasks; task++) {
      this.#seen[task] = before < 0 ? 0 : (clocks[before * width + task] as number);
    }
  }

  /** Walk the accesses to the subject's objects, from the latest event before it to the earliest. */
  #walk(execution: Execution, firstAccess: number): void {
    const history = this.#history;
    const { eventOf, previous, access } = history;
    const { objects, did } = this.#subject;
    const count =
      this.#faults.firstAccessOnly === true ? Math.min(1, this.#subject.count) : this.#subject.count;
    const cursors = this.#cursors;
    for (let i = 0; i < count; i++) {
      cursors[i] =
        firstAccess < 0 ? history.latest(objects[i] as number) : (previous[firstAccess + i] as number);
    }
    for (;;) {
      let e = -1;
      for (let i = 0; i < count; i++) {
        const at = cursors[i] as number;
        if (at >= 0 && (eventOf[at] as number) > e) e = eventOf[at] as number;
      }
      if (e < 0) return;
      const seen = (this.#seen[history.task[e] as number] as number) > e;
      let conflict = false;
      for (let i = 0; i < count; i++) {
        const at = cursors[i] as number;
        if (at < 0 || eventOf[at] !== e) continue;
        const other = access[at] as Access;
        if (dependent(other, did[i] as Access)) conflict = true;
        // What came before an access that commutes with nothing is seen if that access is.
        cursors[i] = seen && dependent(other, other) ? -1 : (previous[at] as number);
      }
      if (conflict && !seen) this.#candidate(execution, e);
    }
  }

  /** An event that ended the execution conflicts with all others. */
  #walkAll(execution: Execution): void {
    const history = this.#history;
    for (let e = this.#subject.event - 1; e >= 0; e--) {
      if ((this.#seen[history.task[e] as number] as number) <= e) this.#candidate(execution, e);
    }
  }

  #candidate(execution: Execution, e: number): void {
    if (this.#faults.noFoes !== true) (this.#frames[e] as Frame).addFoe(this.#subject.name);
    const feasible = this.#feasibility.check(execution.events, this.#subject, e);
    const planned = this.#tail?.comesAfter(this.#history, e) ?? false;
    if (feasible !== NO && !planned) this.#plan(execution, e);
    const absorbs = feasible === NO ? this.#faults.absorbInfeasible === true : feasible !== UNKNOWN;
    if (!absorbs) return;
    const { clocks, width } = this.#history;
    for (let task = 0; task < execution.tasks.length; task++) {
      const known = clocks[e * width + task] as number;
      if (known > (this.#seen[task] as number)) this.#seen[task] = known;
    }
  }

  /** Make sure that some initial of `v` is explored from the state before `e`, and the rest of `v` after it. */
  #plan(execution: Execution, e: number): void {
    const { events } = execution;
    const frame = this.#frames[e] as Frame;
    const reversal = this.#reversal;
    reversal.begin();
    const end = this.#faults.shortReversal === true ? this.#subject.event : this.#history.count;
    for (let event = e + 1; event < end; event++) {
      if (this.#feasibility.inReversal(e, event)) reversal.add(event);
    }
    if (this.#conservative) {
      this.#planEarly(e, indexOf(execution.tasks, reversal.shortest(execution).key));
      return;
    }
    for (let i = 0; i < frame.sleepers.length; i++) {
      const sleeper = frame.sleepers[i] as Sleeper;
      const { task, choice, label } = sleeper;
      const known = this.#faults.guessSleepers === true ? null : label;
      const at = reversal.initial(events, task, known);
      if (at >= 0 && reversal.choiceAt(events, at) === choice) return;
      const knows = i >= frame.loose && sleeper.choices === 1 && !sleeper.foes.includes(this.#subject.name);
      if ((knows || this.#faults.weakInitials === true) && reversal.ignores(events, task, label)) return;
    }
    const own = this.#subject.task;
    const rival = frame.planned.some(({ task }) => task === own) ? reversal.rival(events) : null;
    if (this.#isPlanned(execution, frame, rival)) return;
    const shortest = reversal.shortest(execution);
    const first = indexOf(execution.tasks, shortest.key);
    if (frame.canRun(first) && !frame.sleeps(first, shortest.choice)) {
      frame.plan({ task: first, choice: shortest.choice, next: shortest.next, rival });
      return;
    }
    for (let task = 0; task < frame.tasks; task++) {
      const begin = frame.canRun(task) ? reversal.initial(events, task, null) : -1;
      if (begin < 0) continue;
      const choice = reversal.choiceAt(events, begin);
      // One that sleeps cannot begin it: what it would do is known, and was asked for above.
      if (frame.sleeps(task, choice)) continue;
      frame.plan({ task, choice, next: reversal.after(execution, begin), rival });
      return;
    }
    frame.planAll();
  }

  /** Does something that is planned begin the reversal? Then the rest of it is to follow. */
  #isPlanned(execution: Execution, frame: Frame, rival: Rival | null): boolean {
    const { events } = execution;
    const reversal = this.#reversal;
    let begin = -1;
    let begins: Plan | null = null;
    for (const plan of frame.planned) {
      const at = reversal.initial(events, plan.task, null);
      if (at < 0 || (plan.choice !== EVERY && reversal.choiceAt(events, at) !== plan.choice)) continue;
      if (isKept(plan, rival) || this.#faults.trustPlans === true) {
        // What begins with a step before it may begin the reversal, too, and is not followed by the rest.
        if (begins !== null) frame.loosen();
        reversal.addAfter(execution, at, plan.next);
        return true;
      }
      if (begins !== null) continue;
      begins = plan;
      begin = at;
    }
    if (begins === null) return false;
    // The same again, for a reason of its own: if the first is taken, what follows the second follows it, too.
    const { task, choice } = begins;
    frame.plan({ task, choice, next: reversal.after(execution, begin), rival });
    return true;
  }

  /**
   * With a bound on preemptions, what begins with one task is no substitute for what begins with another, because it
   * may cost more. And the reversal may cost less if the switch is made where the task of `e` was switched to.
   */
  #planEarly(e: number, task: number): void {
    const { task: taskOf } = this.#history;
    let begin = e;
    if (this.#faults.notConservative !== true) while (begin > 0 && taskOf[begin - 1] === taskOf[e]) begin--;
    for (const frame of [this.#frames[e] as Frame, this.#frames[begin] as Frame]) {
      if (!frame.canRun(task)) frame.planAll();
      else if (!frame.plans(task)) frame.plan({ task, choice: EVERY, next: [], rival: null });
    }
  }
}
