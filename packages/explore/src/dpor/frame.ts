/**
 * What the search remembers about one state on the current path: who could run, who has been run, who is
 * to be run, and who need not be because all of that has been seen (the sleep set).
 */
import { clash, type Label } from './label.js';
import { EVERY, type Plan, type Rival, type Wakeup } from './wakeup.js';

/** The task could run in this state. */
export const ENABLED = 1;
/** Everything that begins with it has been explored, from this state or an earlier one. */
export const ASLEEP = 2;
/** It may not run here: others have waited for their turn too long, or the preemptions are used up. */
export const HELD_BACK = 4;
/** It has just let others go first, with `cond_resched()`. */
export const YIELDED = 8;

/** A step that need not be run, and what it would do. A step that is no choice has one alternative. */
export interface Sleeper {
  /** Index of the task. */
  readonly task: number;
  /** The alternative it picks. */
  readonly choice: number;
  /** Number of alternatives. */
  readonly choices: number;
  /** What it does if it runs now. */
  readonly label: Label;
  /** Steps that were seen to race with it, by name. */
  readonly foes: readonly number[];
}

const NOBODY: number[] = [];

/** What is never added to. */
const NOTHING: Wakeup[] = [];

/** More than there can be sleepers. */
const ALL = 0x7fffffff;

/** A frame as plain data. */
export interface FrameState {
  /** The task that runs from here, `-1` if it has been explored. */
  readonly chosen: number;
  /** The alternative in progress. */
  readonly choice: number;
  /** Number of alternatives of the step that the chosen task takes. */
  readonly choices: number;
  /** Are all alternatives to be explored, or just that one? */
  readonly every: boolean;
  /** Number of steps explored from here, without the one in progress. */
  readonly explored: number;
  /** Number of steps that somebody else explores from here. */
  readonly givenAway: number;
  /** Preemptions before this state. */
  readonly preemptions: number;
  /** Per task: how often others let others go first while it could have run. */
  readonly waited: readonly number[];
  /** Steps that need not be run. */
  readonly sleepers: readonly Sleeper[];
  /** How many of them were not slept beside all the way. */
  readonly loose: number;
  /** What is planned from here and has not begun. */
  readonly planned: readonly Plan[];
  /** What to do after the chosen task. */
  readonly next: Wakeup[];
  /** Steps that were seen to race with the chosen one. */
  readonly foes: readonly number[];
  /** How many steps the chosen task has taken before. */
  readonly nth: number;
  /** Flags of each task. */
  readonly status: readonly number[];
}

/** One state on the path. Frames are reused: {@link reset} before use. */
export class Frame {
  /** The task that runs from here. */
  chosen = -1;
  /** The alternative in progress. */
  choice = 0;
  /** Number of alternatives of the step that the chosen task takes. */
  choices = 1;
  /** Are all alternatives to be explored, or just this one? */
  every = true;
  /** Number of steps explored from here, without the one in progress. */
  explored = 0;
  /** Number of steps that somebody else explores from here and has not reported on. */
  givenAway = 0;
  /** Preemptions before this state. */
  preemptions = 0;
  /** Per task: how often others let others go first while it could have run, and did not. */
  readonly waited: number[] = [];
  /** Steps that need not be run: inherited ones first, then those explored from here. */
  readonly sleepers: Sleeper[] = [];
  /**
   * How many of these, the first ones, fell asleep before the path left the wakeup tree of the state that they have been
   * asleep since. If a step that sleeps is none of them, what is to be explored without running it first is on the tree.
   * So a reversal that it commutes with is to be found after it, and need not be planned here.
   */
  loose = 0;
  /** What is planned from here and has not begun, in order. */
  readonly planned: Plan[] = [];
  /** What to do after the chosen task, as far as that is planned. */
  next: Wakeup[] = NOTHING;
  /** Steps that were seen to race with the chosen one, by name. */
  foes: number[] = NOBODY;
  /** How many steps the chosen task has taken before. */
  nth = 0;
  /** Number of tasks that exist. */
  tasks = 0;
  /** One byte of flags per task. */
  status = new Uint8Array(8);

  /** Forget everything and make room for this many tasks. */
  reset(tasks: number): void {
    if (this.waited.length > 0) this.waited.length = 0;
    // Few or none, so that one by one is cheaper than a new length.
    while (this.sleepers.length > 0) this.sleepers.pop();
    while (this.planned.length > 0) this.planned.pop();
    this.loose = 0;
    this.explored = 0;
    this.givenAway = 0;
    this.tasks = tasks;
    if (this.status.length < tasks) this.status = new Uint8Array(tasks * 2);
    else for (let task = 0; task < tasks; task++) this.status[task] = 0;
  }

  /** The frame as plain data. */
  state(): FrameState {
    const { chosen, choice, choices, every, explored, givenAway, preemptions, loose, next, nth } = this;
    return {
      ...{ chosen, choice, choices, every, explored, givenAway, preemptions, loose, nth },
      next: structuredClone(next),
      waited: [...this.waited],
      sleepers: [...this.sleepers],
      foes: [...this.foes],
      planned: structuredClone(this.planned),
      status: [...this.status.subarray(0, this.tasks)],
    };
  }

  /** Become what plain data says. */
  restore(state: FrameState): void {
    const { waited, sleepers, planned, status, foes, ...rest } = state;
    this.reset(status.length);
    Object.assign(this, rest);
    this.waited.push(...waited);
    this.sleepers.push(...sleepers);
    this.foes = [...foes];
    this.planned.push(...planned);
    this.status.set(status);
  }

  /** Does a task have one of these flags? */
  has(task: number, flags: number): boolean {
    return ((this.status[task] as number) & flags) !== 0;
  }

  /** May it be chosen here? A plan may name a task that is not there yet: others were spawned before it. */
  canRun(task: number): boolean {
    return (
      task >= 0 && task < this.tasks && ((this.status[task] as number) & (ENABLED | HELD_BACK)) === ENABLED
    );
  }

  /** Set flags of a task. */
  set(task: number, flags: number): void {
    this.status[task] = (this.status[task] as number) | flags;
  }

  /**
   * Let a step sleep; a task sleeps when each alternative of its step does.
   *
   * @param sleeper - The step.
   * @param loose - Is it one of the {@link loose} ones?
   */
  sleep(sleeper: Sleeper, loose = false): void {
    if (loose && this.loose < this.sleepers.length) this.sleepers.splice(this.loose, 0, sleeper);
    else this.sleepers.push(sleeper);
    if (loose) this.loose++;
    const { task, choices } = sleeper;
    let asleep = 0;
    for (const other of this.sleepers) if (other.task === task) asleep++;
    if (asleep === choices) this.set(task, ASLEEP);
  }

  /** Explore what begins with a step from here, too. */
  plan(step: Plan): void {
    this.planned.push(step);
  }

  /** A step was seen to race with the chosen one. */
  addFoe(name: number): void {
    if (this.foes === NOBODY) this.foes = [name];
    else if (!this.foes.includes(name)) this.foes.push(name);
  }

  /** Nobody who sleeps here counts as being asleep beside a wakeup tree. */
  loosen(): void {
    this.loose = ALL;
  }

  /** A step is taken from here: whoever saw it race does not know what it does now. */
  distrust(name: number): void {
    for (let i = this.loose; i < this.sleepers.length; i++) {
      const sleeper = this.sleepers[i] as Sleeper;
      if (!sleeper.foes.includes(name)) continue;
      this.sleepers[i] = this.sleepers[this.loose] as Sleeper;
      this.sleepers[this.loose] = sleeper;
      this.loose++;
    }
  }

  /** Is somebody asleep who knows what is to be explored from here? */
  get guided(): boolean {
    for (let i = this.loose; i < this.sleepers.length; i++) if (this.sleepers[i]?.choices === 1) return true;
    return false;
  }

  /** Is all that begins with a task explored, or going to be? */
  plans(task: number): boolean {
    if (this.has(task, ASLEEP) || (this.chosen === task && this.every)) return true;
    return this.planned.some((step) => step.task === task && step.choice === EVERY && step.rival === null);
  }

  /** Explore what begins with any step from here, too. */
  planAll(): void {
    this.loosen();
    for (let task = 0; task < this.tasks; task++) {
      if (this.canRun(task) && !this.plans(task)) {
        this.plan({ task, choice: EVERY, next: [], rival: null });
      }
    }
  }

  /** Choose a task; every alternative of its step, or just one. */
  choose(task: number, choice: number, next: Wakeup[]): void {
    this.chosen = task;
    this.choice = Math.max(choice, 0);
    this.choices = 1;
    this.every = choice === EVERY;
    this.next = next;
    this.foes = NOBODY;
  }

  /** Can a step be taken, is it not in progress, does it not sleep, and nobody else who makes it unnecessary? */
  isOpen({ task, choice, rival }: Plan): boolean {
    if (rival !== null && this.#wins(rival)) return false;
    if (task === this.chosen && (choice === this.choice || this.choices === 1)) return false;
    return this.canRun(task) && !this.has(task, ASLEEP) && !this.sleeps(task, choice);
  }

  /** Choose the first planned step that can be taken and does not sleep. Returns whether there is one. */
  advance(): boolean {
    for (let step = this.planned.shift(); step !== undefined; step = this.planned.shift()) {
      if (!this.isOpen(step)) continue;
      this.planned.unshift(step);
      this.choose(step.task, step.choice, this.#take(step.task, step.choice));
      return true;
    }
    return false;
  }

  /** Every alternative of the chosen step is to be explored, not just the one that was planned. */
  chooseEvery(): void {
    const { chosen: task, choice, next } = this;
    if (choice === 0) {
      this.every = true;
      return;
    }
    this.planned.unshift({ task, choice, next, rival: null });
    this.choose(task, EVERY, this.#take(task, 0));
  }

  /** Pick the next alternative of the chosen step that is to be explored. Returns whether there is one. */
  nextChoice(from: number): boolean {
    for (let choice = from; choice < this.choices; choice++) {
      if (this.sleeps(this.chosen, choice)) continue;
      if (choice !== this.choice) {
        this.next = this.#take(this.chosen, choice);
        this.foes = NOBODY;
      }
      this.choice = choice;
      return true;
    }
    return false;
  }

  /** What is to follow a step, which need not be planned any more. */
  #take(task: number, choice: number): Wakeup[] {
    let next = NOTHING;
    let free = false;
    for (let i = 0; i < this.planned.length; ) {
      const step = this.planned[i] as Plan;
      if (step.task !== task || step.choice !== choice) {
        i++;
        continue;
      }
      if (step.next.length === 0) free = true;
      next = next.length === 0 ? step.next : [...next, ...step.next];
      this.planned.splice(i, 1);
    }
    return free ? NOTHING : next;
  }

  /** Does a rival sleep, and would it do nothing that the rest of the reversal depends on? */
  #wins({ task, choice, rest }: Rival): boolean {
    return this.sleepers.some(
      (sleeper) => sleeper.task === task && sleeper.choice === choice && !clash(sleeper.label, rest),
    );
  }

  /** Does any alternative of a task's step sleep? */
  anySleeps(task: number): boolean {
    return this.sleepers.some((sleeper) => sleeper.task === task);
  }

  /** Does an alternative of a task's step sleep? */
  sleeps(task: number, choice: number): boolean {
    for (const sleeper of this.sleepers) if (sleeper.task === task && sleeper.choice === choice) return true;
    return false;
  }
}
