/**
 * Dynamic partial-order reduction: one execution per Mazurkiewicz trace, give or take a percent.
 *
 * Source sets and sleep sets, with events labelled by outcome. Depth first: run to the end, find the races of
 * the new events, plan their reversals in the states where they can be reversed, go back to the deepest
 * state with work left. Executions are replayed from the start up to there.
 *
 * - A race of events that were there before is planned again if its reversal may look different now: if a
 *   new event, or one that is gone, does not happen after the earlier half.
 * - Every value of a `choose()` is explored, each with the same sleep set.
 * - Races are searched in executions that were given up as repetitions, too: with outcome labels, the
 *   reversal of a race may be no repetition although the execution that shows the race is one.
 * - An event that throws ends the execution, so it conflicts with everything.
 * - A task that could run while others called `cond_resched()` {@link PATIENCE} times is run next. Polling
 *   loops would be unrolled for ever otherwise. Whenever that happened, {@link DporStrategy.exhaustive} says so.
 *
 * @see Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction (POPL 2014)
 * @see Flanagan, Godefroid: Dynamic partial-order reduction for model checking software (POPL 2005)
 */
import { ABANDON, type Ending, type EventLog, type Execution } from '@fsport/core';
import type { DporFaults } from '../dpor/faults.js';
import { ASLEEP, ENABLED, Frame, HELD_BACK, YIELDED } from '../dpor/frame.js';
import { History } from '../dpor/history.js';
import { conflicts } from '../dpor/label.js';
import { RaceSearch } from '../dpor/races.js';
import { Tail } from '../dpor/tail.js';
import { EVERY } from '../dpor/wakeup.js';
import type { Strategy } from './strategy.js';

/** How often others may let others go first while a task that can run is not run. */
export const PATIENCE = 64;

/** Explores one execution per trace. */
export class DporStrategy implements Strategy {
  readonly #faults: DporFaults;
  readonly #frames: Frame[] = [];
  readonly #history = new History();
  readonly #races: RaceSearch;
  /** The tasks of the steps up to the branch, the last of them the first new one; then {@link ABANDON}. */
  readonly prefix: number[] = [ABANDON];
  #forced = 0;
  /** Events that conflict with one that is not before them in their own task, in order. */
  readonly #racy: number[] = [];
  readonly #tail = new Tail();
  #fatal = false;
  #started = false;
  #complete = true;

  /** @param faults - Deliberate faults, for tests. */
  constructor(faults: DporFaults = {}) {
    this.#faults = faults;
    this.#races = new RaceSearch(this.#history, this.#frames, faults);
  }

  /** Having run out means that every trace was seen, unless a task had to be held back for fairness. */
  get exhaustive(): boolean {
    return this.#complete;
  }

  /** Go back to the deepest state with work left. */
  newExecution(): boolean {
    if (!this.#started) {
      this.#started = true;
      return true;
    }
    for (let depth = this.#history.count - 1; depth >= 0; depth--) {
      if (!this.#advance(depth)) continue;
      this.#force(depth + 1);
      this.#tail.reset();
      this.#tail.add(this.#history, depth);
      this.#history.rewind(depth);
      while (this.#racy.length > 0 && (this.#racy.at(-1) as number) >= depth) this.#racy.pop();
      return true;
    }
    return false;
  }

  /** Follow the path, then the running task as long as it goes. */
  nextTask(execution: Execution): number {
    const depth = execution.events.count;
    if (depth < this.#forced) return this.prefix[depth] as number;
    const frame = this.#frames[depth] ?? new Frame();
    this.#frames[depth] = frame;
    this.#enter(frame, execution, depth);
    const next = depth === 0 ? null : (this.#frames[depth - 1] as Frame).next;
    if (next !== null && isFree(frame, next.task)) frame.choose(next.task, EVERY, next.next);
    else frame.choose(this.#choose(frame, depth), EVERY, null);
    return frame.chosen;
  }

  /** Follow the path, then the first alternative. */
  nextChoice(execution: Execution, count: number): number {
    const frame = this.#frames[execution.events.count - 1] as Frame;
    frame.choices = count;
    if (frame.every && this.#faults.firstChoiceOnly !== true) frame.nextChoice(frame.choice);
    return frame.choice;
  }

  /** Find the races of the new events. */
  executed(execution: Execution, ending: Ending): void {
    const { events, tasks } = execution;
    const history = this.#history;
    history.reserve(tasks.length, events.count + 1);
    this.#fatal = ending.kind === 'threw';
    const known = history.count;
    while (history.count < events.count) {
      const event = history.count;
      if (history.append(execution, this.#fatal && event === events.count - 1)) this.#racy.push(event);
    }
    this.#tail.add(history, known);
    for (const event of this.#racy) {
      if (event >= known)
        this.#races.event(execution, event, this.#fatal && event === events.count - 1, null);
      else if (this.#faults.newEventsOnly !== true && !this.#tail.follows(history, event)) {
        this.#races.event(execution, event, false, this.#tail);
      }
    }
    if (this.#fatal && events.count > 0) this.#branchEverywhere(events.count - 1);
    if (this.#faults.noPending === true) return;
    for (const task of tasks) {
      const step = task.pending;
      if (step === null || !step.blocking || step.ready() || step === events.step[events.count - 1]) continue;
      this.#races.pending(execution, task);
    }
  }

  /** The next execution begins with the chosen tasks of the first states. */
  #force(steps: number): void {
    // Below the last branch nothing has changed.
    for (let i = Math.max(Math.min(this.#forced, steps) - 1, 0); i < steps; i++) {
      this.prefix[i] = (this.#frames[i] as Frame).chosen;
    }
    this.prefix[steps] = ABANDON;
    this.#forced = steps;
  }

  /** A state is entered for the first time: who can run, who sleeps. */
  #enter(frame: Frame, execution: Execution, depth: number): void {
    const { events, runnable, tasks } = execution;
    frame.reset(tasks.length);
    for (let i = 0; i < runnable.length; i++) frame.set(runnable[i] as number, ENABLED);
    if (depth === 0) return;
    const parent = this.#frames[depth - 1] as Frame;
    for (const sleeper of parent.sleepers) {
      if (this.#faults.noSleep === true) break;
      if (sleeper.task === parent.chosen) continue;
      if (this.#faults.noWake !== true && conflicts(events, depth - 1, sleeper.label)) continue;
      frame.sleep(sleeper);
    }
    const yielded = (tasks[parent.chosen]?.yielded ?? false) && isLocal(events, depth - 1);
    if (yielded || parent.waited.length > 0) this.#wait(frame, parent, yielded);
    for (const index of runnable) if (tasks[index]?.yielded === true) frame.set(index, YIELDED);
  }

  /** Count how long everybody has been waiting; who has waited too long keeps the others back. */
  #wait(frame: Frame, parent: Frame, yielded: boolean): void {
    let starving = false;
    for (let task = 0; task < frame.tasks; task++) {
      const waits = task !== parent.chosen && task < parent.tasks && frame.has(task, ENABLED);
      const waited = waits && parent.has(task, ENABLED) ? (parent.waited[task] ?? 0) + (yielded ? 1 : 0) : 0;
      frame.waited[task] = waited;
      if (waited >= PATIENCE) starving = true;
    }
    if (!starving) return;
    for (let task = 0; task < frame.tasks; task++) {
      if ((frame.waited[task] as number) >= PATIENCE || !frame.has(task, ENABLED)) continue;
      frame.set(task, HELD_BACK);
      this.#complete = false;
    }
  }

  /** The running task, else the first one; after a task that let others go first, the next in the circle. */
  #choose(frame: Frame, depth: number): number {
    const running = depth === 0 ? -1 : (this.#frames[depth - 1] as Frame).chosen;
    const yielded = running >= 0 && frame.has(running, YIELDED);
    if (running >= 0 && !yielded && isFree(frame, running)) return running;
    const after = yielded ? running : -1;
    let last = -1;
    for (let i = 1; i <= frame.tasks; i++) {
      const task = (after + i) % frame.tasks;
      if (!isFree(frame, task)) continue;
      if (!frame.has(task, YIELDED)) return task;
      if (last < 0) last = task;
    }
    return last;
  }

  /** Find the next thing to do in a state whose subtree has just been explored. */
  #advance(depth: number): boolean {
    const frame = this.#frames[depth] as Frame;
    const { chosen: task, choice, choices } = frame;
    const label = this.#history.label(depth, this.#fatal && depth === this.#history.count - 1);
    frame.sleep({ task, choice, choices, label });
    if (this.#faults.firstChoiceOnly !== true && frame.every && frame.nextChoice(choice + 1)) return true;
    return frame.advance();
  }

  /** Any other task could have gone on instead of the event that ended the execution. */
  #branchEverywhere(depth: number): void {
    (this.#frames[depth] as Frame).planAll();
  }
}

function isFree(frame: Frame, task: number): boolean {
  return frame.canRun(task) && !frame.has(task, ASLEEP);
}

function isLocal(events: EventLog, event: number): boolean {
  return events.step[event]?.object === null && (events.choice[event] as number) < 0;
}
