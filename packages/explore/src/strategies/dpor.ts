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
import {
  ABANDON,
  type Ending,
  type EventLog,
  type Execution,
  type Identity,
  type Scheduler,
  type TaskStruct,
} from '@fsport/core';
import {
  alternatives,
  type DporCheckpoint,
  type DporReport,
  partOf,
  probe,
  restOf,
} from '../dpor/checkpoint.js';
import type { DporFaults } from '../dpor/faults.js';
import { ASLEEP, ENABLED, Frame, HELD_BACK, type Sleeper, YIELDED } from '../dpor/frame.js';
import { History } from '../dpor/history.js';
import { conflicts, type Label } from '../dpor/label.js';
import { RaceSearch } from '../dpor/races.js';
import { nameOf } from '../dpor/subject.js';
import { Tail } from '../dpor/tail.js';
import { EVERY, indexOf, isKept, type Plan, type Wakeup } from '../dpor/wakeup.js';
import type { Run } from '../run-one.js';
import type { Strategy } from './strategy.js';

/** How often others may let others go first while a task that can run is not run. */
export const PATIENCE = 64;

/** What a reduced search leaves out. */
export interface DporOptions {
  /** Leave out executions in which an attempt comes to nothing and leaves no mark, see `retry()`. */
  readonly cutRetries?: boolean;
  /** Most preemptions in one execution. With a bound nobody sleeps, and running out proves nothing. */
  readonly preemptions?: number;
  /** Deliberate faults, for tests. */
  readonly faults?: DporFaults;
}

/** Explores one execution per trace. */
export class DporStrategy implements Strategy {
  /** Is there a bound? */
  readonly bounded: boolean;
  readonly #cutRetries: boolean;
  readonly #preemptions: number;
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
  /** States before this depth belong to somebody else, who is told what to explore from them. */
  #root = 0;
  /** Number of steps planned in each of them at first. */
  #plannedBefore: readonly number[] = [];
  #fatal = false;
  #started = false;
  #complete = true;

  /** @param options - What it leaves out. */
  constructor({ cutRetries = false, preemptions, faults = {} }: DporOptions = {}) {
    this.bounded = preemptions !== undefined;
    this.#preemptions = preemptions ?? Number.POSITIVE_INFINITY;
    this.#cutRetries = cutRetries;
    this.#faults = faults;
    this.#races = new RaceSearch(this.#history, this.#frames, this.bounded, faults);
  }

  /** Having run out means that every trace was seen, unless a task was held back for fairness or by a bound. */
  get exhaustive(): boolean {
    return this.#complete && !this.bounded && !this.waiting;
  }

  /** Is there a part that somebody else explores and has not reported on? */
  get waiting(): boolean {
    for (let depth = this.#root; depth < this.#history.count; depth++) {
      if ((this.#frames[depth] as Frame).givenAway > 0) return true;
    }
    return false;
  }

  /**
   * The share of leaves up to the last one, in a tree in which all children of a node have equally many.
   *
   * @see Knuth: Estimating the efficiency of backtrack programs (1975)
   */
  get share(): number {
    let share = 0;
    let rest = 1;
    for (let depth = 0; depth < this.#history.count; depth++) {
      const frame = this.#frames[depth] as Frame;
      const branches = frame.explored + 1 + frame.planned.length;
      share += (rest * frame.explored) / branches;
      rest /= branches;
    }
    return share + rest;
  }

  /** Go back to the deepest state with work left. */
  newExecution(): boolean {
    if (!this.#started) {
      this.#started = true;
      return true;
    }
    for (let depth = this.#history.count - 1; depth >= this.#root; depth--) {
      if (!this.#advance(depth)) {
        // Whoever explores a part from here may find that there is more to do here.
        if ((this.#frames[depth] as Frame).givenAway > 0) return false;
        continue;
      }
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
    const next = depth === 0 ? [] : (this.#frames[depth - 1] as Frame).next;
    if (next.length > 0 && this.#follow(frame, execution, next)) return frame.chosen;
    frame.choose(this.#choose(frame, depth), EVERY, []);
    return frame.chosen;
  }

  /** Follow the path, then the first alternative. */
  nextChoice(execution: Execution, count: number): number {
    const depth = execution.events.count - 1;
    const frame = this.#frames[depth] as Frame;
    frame.choices = count;
    if (!frame.every || this.#faults.firstChoiceOnly === true) return frame.choice;
    frame.nextChoice(frame.choice);
    // An alternative that sleeps may be woken, but not after another one was picked, and that is no race that shows.
    const fresh = depth >= this.#forced;
    if (fresh && frame.anySleeps(frame.chosen) && this.#faults.onlyAwake !== true) frame.planAll();
    return frame.choice;
  }

  /** As the options say. */
  retries(): boolean {
    return !this.#cutRetries;
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

  /**
   * What is left to do, as plain data. To be asked between two executions.
   *
   * @param identity - Identities of the search.
   */
  checkpoint(identity: Identity): DporCheckpoint {
    const count = this.#history.count;
    return {
      identity: identity.snapshot(),
      cutRetries: this.#cutRetries,
      preemptions: this.bounded ? this.#preemptions : null,
      root: this.#root,
      started: this.#started,
      complete: this.#complete,
      fatal: this.#fatal,
      racy: [...this.#racy],
      history: this.#history.state(count),
      frames: this.#frames.slice(0, Math.max(count, this.#root)).map((frame) => frame.state()),
      planned: this.#plannedBefore,
    };
  }

  /**
   * Go on where a checkpoint was taken. Executions must have the identities of the checkpoint.
   *
   * @param from - The checkpoint.
   */
  static restore(from: DporCheckpoint): DporStrategy {
    const { cutRetries, preemptions } = from;
    const strategy = new DporStrategy({ cutRetries, ...(preemptions === null ? {} : { preemptions }) });
    strategy.#root = from.root;
    strategy.#started = from.started;
    strategy.#complete = from.complete;
    strategy.#fatal = from.fatal;
    strategy.#racy.push(...from.racy);
    strategy.#plannedBefore = from.planned;
    strategy.#history.restore(from.history);
    for (const state of from.frames) {
      const frame = new Frame();
      frame.restore(state);
      strategy.#frames.push(frame);
    }
    if (!from.started) strategy.#force(from.root);
    return strategy;
  }

  /**
   * Give what is left to others, as parts: first what is left below the state that the last of them begins in, then
   * steps planned from it and from states before it, the largest first. To be asked between two executions. Each part
   * is explored like a search of its own, and then reported on: {@link report} there, {@link join} here. Until then
   * this search has nothing to do although it is not over: {@link waiting}.
   *
   * @param most - Number of planned steps to give away, about.
   * @param identity - Identities of the search.
   * @param run - Runs one execution: what a step does is found out by running it.
   * @returns The parts, in the order in which this search would have explored them; none if nothing is planned.
   */
  split(most: number, identity: Identity, run: (scheduler: Scheduler) => Run): readonly DporCheckpoint[] {
    let last = this.#root - 1;
    for (let depth = this.#root, planned = 0; depth < this.#history.count && planned < most; depth++) {
      const here = (this.#frames[depth] as Frame).planned.length;
      if (here > 0) last = depth;
      planned += here;
    }
    if (last < this.#root) return [];
    // What others find out is not known while what comes after it is explored.
    for (let depth = 0; depth <= last; depth++) (this.#frames[depth] as Frame).loosen();
    const parts = this.#giveRest(last, identity);
    for (let depth = last; depth >= this.#root; depth--) {
      const path = this.#frames.slice(0, depth);
      const frame = this.#frames[depth] as Frame;
      while (frame.planned.length > 0) {
        const step = frame.planned.shift() as Plan;
        if (!frame.isOpen(step)) continue;
        const { label, choices } = probe(run, path, step);
        const [first, ...others] = alternatives(step, choices) as [Plan, ...Plan[]];
        frame.planned.unshift(...others);
        if (!frame.isOpen(first)) continue;
        const own = frame.chosen < 0 ? [] : [this.#ownSleeper(frame, depth)];
        const state = frame.state();
        const { history, ...whole } = this.checkpoint(identity);
        const chosen = { chosen: first.task, choice: Math.max(first.choice, 0), choices, next: first.next };
        parts.push(
          partOf({ ...whole, history: this.#history.state(depth) }, depth, {
            ...{ ...state, ...chosen, every: false, explored: 0, givenAway: 0 },
            sleepers: [...state.sleepers, ...own],
          }),
        );
        frame.sleep({ task: first.task, choice: Math.max(first.choice, 0), choices, label, foes: [] });
        frame.givenAway++;
      }
    }
    return parts;
  }

  /** Give away what is left below a state, and keep nothing but the path. */
  #giveRest(depth: number, identity: Identity): DporCheckpoint[] {
    const frame = this.#frames[depth] as Frame;
    if (frame.chosen < 0) return [];
    const rest = restOf(this.checkpoint(identity), depth);
    const { chosen: task, choice, choices, every } = frame;
    // A step for each alternative that has not been explored: the one in progress is all that is given away.
    if (every)
      frame.planned.unshift(
        ...alternatives({ task, choice: EVERY, next: [], rival: null }, choices).slice(choice + 1),
      );
    frame.sleep(this.#ownSleeper(frame, depth));
    frame.chosen = -1;
    frame.givenAway++;
    for (const below of this.#frames.slice(depth + 1, this.#history.count)) {
      below.chosen = -1;
      below.planned.length = 0;
    }
    return [rest];
  }

  /** What to tell whom this part was taken from, when it is over. */
  report(): DporReport {
    const plans = this.#frames
      .slice(0, this.#root)
      .flatMap((frame, depth) =>
        frame.planned.slice(this.#plannedBefore[depth]).map((step) => ({ depth, step })),
      );
    return { depth: this.#root - 1, plans, complete: this.#complete };
  }

  /** Hear what was found out about a part that was given away. */
  join({ depth, plans, complete }: DporReport): void {
    (this.#frames[depth] as Frame).givenAway--;
    if (!complete) this.#complete = false;
    for (const plan of plans) {
      const frame = this.#frames[plan.depth] as Frame;
      const { task, choice, rival } = plan.step;
      const known = frame.planned.some(
        (step) => step.task === task && step.choice === choice && isKept(step, rival),
      );
      if (!known && !frame.plans(task) && frame.isOpen(plan.step)) frame.plan(plan.step);
    }
  }

  #ownSleeper(frame: Frame, depth: number): Sleeper {
    const { chosen: task, choice, choices, foes } = frame;
    return { task, choice, choices, label: this.#labelAt(depth), foes };
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
    frame.preemptions = 0;
    if (depth === 0) return;
    const parent = this.#frames[depth - 1] as Frame;
    const { sleepers } = parent;
    parent.nth = this.#nthAt(depth - 1);
    if (parent.loose < sleepers.length) {
      parent.distrust(nameOf(tasks[parent.chosen] as TaskStruct, parent.nth));
    }
    for (let i = 0; i < sleepers.length; i++) {
      if (this.bounded || this.#faults.noSleep === true) break;
      const sleeper = sleepers[i] as Sleeper;
      if (sleeper.task === parent.chosen) continue;
      if (this.#faults.noWake !== true && conflicts(events, depth - 1, sleeper.label)) continue;
      const left = parent.next.length === 0 && this.#faults.neverLoose !== true;
      frame.sleep(sleeper, left || i < parent.loose);
    }
    const yielded = (tasks[parent.chosen]?.yielded ?? false) && isLocal(events, depth - 1);
    if (yielded || parent.waited.length > 0) this.#wait(frame, parent, yielded);
    for (const index of runnable) if (tasks[index]?.yielded === true) frame.set(index, YIELDED);
    if (this.bounded) this.#spend(frame, depth);
  }

  /** How many steps the task that is chosen in a state has taken before. */
  #nthAt(depth: number): number {
    const { chosen } = this.#frames[depth] as Frame;
    for (let before = depth - 1; before >= 0; before--) {
      const frame = this.#frames[before] as Frame;
      if (frame.chosen === chosen) return frame.nth + 1;
    }
    return 0;
  }

  /** Do what is planned after the step before. Returns whether anything of that can be done. */
  #follow(frame: Frame, { tasks }: Execution, next: readonly Wakeup[]): boolean {
    for (const { key, choice, next: then } of next) {
      const task = indexOf(tasks, key);
      if (frame.canRun(task)) frame.plan({ task, choice, next: then, rival: null });
      else frame.loosen();
    }
    if (!frame.advance()) {
      frame.loosen();
      return false;
    }
    if (!frame.guided) frame.chooseEvery();
    return true;
  }

  /** Count preemptions; when they are used up, the running task keeps the others back. */
  #spend(frame: Frame, depth: number): void {
    const parent = this.#frames[depth - 1] as Frame;
    const before = depth === 1 ? -1 : (this.#frames[depth - 2] as Frame).chosen;
    frame.preemptions = parent.preemptions + (before !== parent.chosen && goesOn(parent, before) ? 1 : 0);
    if (frame.preemptions < this.#preemptions || !goesOn(frame, parent.chosen)) return;
    for (let task = 0; task < frame.tasks; task++) if (task !== parent.chosen) frame.set(task, HELD_BACK);
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
    if (frame.chosen >= 0) {
      frame.sleep(this.#ownSleeper(frame, depth));
      frame.explored++;
      if (this.#faults.firstChoiceOnly !== true && frame.every && frame.nextChoice(frame.choice + 1))
        return true;
      frame.chosen = -1;
    }
    return frame.advance();
  }

  #labelAt(depth: number): Label {
    return this.#history.label(depth, this.#fatal && depth === this.#history.count - 1);
  }

  /** Any other task could have gone on instead of the event that ended the execution. */
  #branchEverywhere(depth: number): void {
    (this.#frames[depth] as Frame).planAll();
  }
}

/** Could the task that ran last go on? */
function goesOn(frame: Frame, running: number): boolean {
  return running >= 0 && frame.has(running, ENABLED) && !frame.has(running, YIELDED);
}

function isFree(frame: Frame, task: number): boolean {
  return frame.canRun(task) && !frame.has(task, ASLEEP);
}

function isLocal(events: EventLog, event: number): boolean {
  return events.step[event]?.object === null && (events.choice[event] as number) < 0;
}
