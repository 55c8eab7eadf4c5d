/**
 * Makes a failure easier to read: fewer tasks, less of everything else that can be left out, fewer choices that are not
 * the usual ones, then fewer preemptions, then the canonical order of what is independent. Whatever it reports has been
 * run again and fails in the same property; if a simplification does not, the schedule stays as it was.
 *
 * Each attempt is limited by executions and never by time, so that a failure is always simplified to the same one.
 */
import { Identity, type Scheduler } from '@fsport/core';
import { BoundedScheduler } from './bounded.js';
import type { Budget } from './budget.js';
import { fewestPreemptions } from './linearize.js';
import { type Recording, record } from './record.js';
import { judgeOne, runOne } from './run-one.js';
import type { Scenario, Violation } from './scenario.js';
import { type ScheduleStep, scheduleOf } from './schedule.js';
import { DporStrategy } from './strategies/dpor.js';
import { PosStrategy } from './strategies/pos.js';
import type { Strategy } from './strategies/strategy.js';
import { encodeToken } from './token.js';

const SAMPLES = 200;
const GLANCE = 50;
const TRACES = 1_000;
const BOUNDED = 4_000;
const SEED = 1;

/** What the shrinker needs to know. */
export interface ShrinkOptions {
  /** Steps after which an execution counts as a livelock. */
  readonly maxSteps: number;
  /** Where its executions are counted. */
  readonly budget: Budget;
  /** Only replay the schedule, do not simplify it. */
  readonly plain: boolean;
}

/** A failure, ready to be reported. */
export interface Shrunk {
  /** What is wrong. */
  readonly violations: readonly Violation[];
  /** Switches away from a task that could have gone on. */
  readonly preemptions: number;
  /** The schedule. */
  readonly token: string;
  /** Letters of the root tasks that are left. */
  readonly tasks: readonly string[];
  /** Names of what else is left out. */
  readonly cuts: readonly string[];
}

/** What is left of the scenario. */
interface Rest {
  readonly letters: readonly string[];
  readonly cuts: readonly string[];
  readonly scenario: Scenario;
}

/** A schedule that fails, and what it is for. */
interface Candidate extends Rest {
  readonly schedule: readonly ScheduleStep[];
}

/**
 * Simplify a failing schedule.
 *
 * @param scenario - What fails.
 * @param schedule - A schedule that shows it.
 * @param property - The property that is violated.
 * @param options - Limits.
 * @returns The simplest failure found; `null` if the schedule does not fail when it is run again.
 */
export function shrink(
  scenario: Scenario,
  schedule: readonly ScheduleStep[],
  property: string,
  options: ShrinkOptions,
): Shrunk | null {
  return new Shrinker(scenario, property, options).run({
    schedule,
    letters: scenario.letters,
    cuts: [],
    scenario,
  });
}

class Shrinker {
  readonly #scenario: Scenario;
  readonly #property: string;
  readonly #options: ShrinkOptions;

  constructor(scenario: Scenario, property: string, options: ShrinkOptions) {
    this.#scenario = scenario;
    this.#property = property;
    this.#options = options;
  }

  run(found: Candidate): Shrunk | null {
    let best = this.#check(found);
    if (best === null) return null;
    if (!this.#options.plain) {
      best = this.#fewerTasks(best);
      best = this.#less(best);
      best = this.#usualChoices(best);
      best = this.#reordered(best);
      best = this.#bounded(best);
      best = this.#reordered(best);
    }
    const { recording, letters, cuts } = best;
    const ran = new Set(recording.steps.map((step) => step.task));
    const idle = letters.filter((letter) => !ran.has(letter));
    return {
      violations: recording.violations,
      preemptions: recording.preemptions,
      token: encodeToken(this.#scenario.name, recording.steps, recording.ending.kind, idle, cuts),
      tasks: letters,
      cuts,
    };
  }

  /** Leave out one root task after the other, as long as what is left can still fail. */
  #fewerTasks(start: Checked): Checked {
    let best = start;
    for (let i = best.letters.length - 1; i >= 0 && best.letters.length > 1; i--) {
      best = this.#anew({ ...best, letters: best.letters.filter((_, at) => at !== i) }) ?? best;
    }
    return best;
  }

  /** Leave out one thing after the other, as long as what is left can still fail. */
  #less(start: Checked): Checked {
    let best = start;
    const tried = new Set<string>();
    for (;;) {
      const cut = best.scenario.cuts?.find((name) => !tried.has(name) && concerns(name, best.letters));
      if (cut === undefined) return best;
      tried.add(cut);
      const cuts = [...best.cuts, cut];
      const scenario = this.#scenario.without?.(cuts);
      if (scenario !== undefined) best = this.#anew({ letters: best.letters, cuts, scenario }) ?? best;
    }
  }

  /** A failure of what is left, found anew. */
  #anew(rest: Rest): Checked | null {
    const schedule = this.#found(rest);
    return schedule === null ? null : this.#check({ ...rest, schedule });
  }

  /** Less leaves few traces, and where none of those fails, no sample does. */
  #found(rest: Rest): readonly ScheduleStep[] | null {
    const dpor = new DporStrategy();
    const identity = new Identity();
    const glance = this.#search(dpor, rest, GLANCE, identity);
    if (glance.over && dpor.exhaustive) return null;
    return (
      this.#search(new PosStrategy(SEED), rest, SAMPLES).schedule ??
      glance.schedule ??
      this.#search(dpor, rest, TRACES - GLANCE, identity).schedule
    );
  }

  /** Pick the first alternative wherever another one is not needed. */
  #usualChoices(start: Checked): Checked {
    let best = start;
    for (let step = best.schedule.length - 1; step >= 0; step--) {
      const { task, choice } = best.schedule[step] ?? { task: '', choice: 0 };
      if (choice <= 0) continue;
      const usual = [...best.schedule.slice(0, step), { task, choice: 0 }];
      const same = this.#check({ ...best, schedule: [...usual, ...best.schedule.slice(step + 1)] });
      best = same ?? this.#check({ ...best, schedule: usual }, true) ?? best;
    }
    return best;
  }

  /** The same trace with the fewest preemptions. */
  #reordered(best: Checked): Checked {
    const schedule = fewestPreemptions(best.recording.execution);
    const checked = this.#check({ ...best, schedule });
    return checked !== null && checked.recording.preemptions <= best.recording.preemptions ? checked : best;
  }

  /** Another failure of the same property, with fewer preemptions. */
  #bounded(best: Checked): Checked {
    let left = BOUNDED;
    for (let bound = 0; bound < best.recording.preemptions && left > 0; bound++) {
      const before = this.#options.budget.shrinking;
      const { schedule: found } = this.#search(new BoundedScheduler(bound), best, left);
      left -= this.#options.budget.shrinking - before;
      const checked = found === null ? null : this.#check({ ...best, schedule: found });
      if (checked !== null) return checked;
    }
    return best;
  }

  #search(
    scheduler: Scheduler | Strategy,
    { letters, scenario }: Rest,
    limit: number,
    identity = new Identity(),
  ): Searched {
    const { maxSteps, budget } = this.#options;
    const options = { identity, maxSteps, only: new Set(letters) };
    for (let i = 0; i < limit; i++) {
      if (!scheduler.newExecution()) return { schedule: null, over: true };
      const run = runOne(scenario, scheduler, options);
      if ('executed' in scheduler) scheduler.executed(run.execution, run.ending);
      budget.spend('shrink');
      if (run.ending.kind === 'abandoned') continue;
      const schedule = scheduleOf(run.execution);
      if (judgeOne(scenario, run).some((violation) => violation.property === this.#property))
        return { schedule, over: false };
    }
    return { schedule: null, over: false };
  }

  /** Run a schedule again, and go on where it ends if it is open: does it fail in the same property? */
  #check({ scenario, letters, cuts, schedule }: Candidate, open = false): Checked | null {
    const only = new Set(letters);
    const { maxSteps, budget } = this.#options;
    const recording = record(scenario, schedule, { maxSteps, only, open });
    budget.spend('shrink');
    if (recording.obstacle !== null) return null;
    if (!recording.violations.some((violation) => violation.property === this.#property)) return null;
    const ran = scheduleOf(recording.execution);
    return { scenario, letters, cuts, schedule: ran, recording };
  }
}

/** Is it worth a try to leave something out? An operation only if its task is there. */
function concerns(cut: string, letters: readonly string[]): boolean {
  const [, letter] = /^([a-z])\d+$/.exec(cut) ?? [];
  return letter === undefined || letters.includes(letter);
}

/** A schedule that was run and fails. */
interface Checked extends Candidate {
  readonly recording: Recording;
}

/** What came of a search. */
interface Searched {
  /** A schedule that fails, `null` if none was found. */
  readonly schedule: readonly ScheduleStep[] | null;
  /** Was there nothing left to run? */
  readonly over: boolean;
}
