/**
 * Makes a failure easier to read: fewer tasks, then fewer preemptions, then the canonical order of what is
 * independent. Whatever it reports has been run again and fails in the same property; if a simplification
 * does not, the schedule stays as it was.
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
const TRACES = 1_000;
const BOUNDED = 4_000;
const SEED = 1;

/** What the shrinker needs to know. */
export interface ShrinkOptions {
  /** Steps after which an execution counts as a livelock. */
  readonly maxSteps: number;
  /** Where its executions are counted; past the deadline it stops with what it has. */
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
}

/** A schedule that fails, and the tasks it is for. */
interface Candidate {
  readonly schedule: readonly ScheduleStep[];
  readonly letters: readonly string[];
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
  return new Shrinker(scenario, property, options).run({ schedule, letters: scenario.letters });
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
      best = this.#reordered(best);
      best = this.#bounded(best);
      best = this.#reordered(best);
    }
    const { recording, letters } = best;
    const ran = new Set(recording.steps.map((step) => step.task));
    const idle = letters.filter((letter) => !ran.has(letter));
    return {
      violations: recording.violations,
      preemptions: recording.preemptions,
      token: encodeToken(this.#scenario.name, recording.steps, recording.ending.kind, idle),
      tasks: letters,
    };
  }

  /** Leave out one root task after the other, as long as what is left can still fail. */
  #fewerTasks(start: Checked): Checked {
    let best = start;
    for (let i = best.letters.length - 1; i >= 0 && best.letters.length > 1; i--) {
      const letters = best.letters.filter((_, at) => at !== i);
      const found =
        this.#search(new PosStrategy(SEED), letters, SAMPLES) ??
        this.#search(new DporStrategy(), letters, TRACES);
      const checked = found === null ? null : this.#check({ schedule: found, letters });
      if (checked !== null) best = checked;
    }
    return best;
  }

  /** The same trace with the fewest preemptions. */
  #reordered(best: Checked): Checked {
    const schedule = fewestPreemptions(best.recording.execution);
    const checked = this.#check({ schedule, letters: best.letters });
    return checked !== null && checked.recording.preemptions <= best.recording.preemptions ? checked : best;
  }

  /** Another failure of the same property, with fewer preemptions. */
  #bounded(best: Checked): Checked {
    let left = BOUNDED;
    for (let bound = 0; bound < best.recording.preemptions && left > 0; bound++) {
      const before = this.#options.budget.shrinking;
      const found = this.#search(new BoundedScheduler(bound), best.letters, left);
      left -= this.#options.budget.shrinking - before;
      const checked = found === null ? null : this.#check({ schedule: found, letters: best.letters });
      if (checked !== null) return checked;
    }
    return best;
  }

  #search(
    scheduler: Scheduler | Strategy,
    letters: readonly string[],
    limit: number,
  ): readonly ScheduleStep[] | null {
    const { maxSteps, budget } = this.#options;
    const options = { identity: new Identity(), maxSteps, only: new Set(letters) };
    for (let i = 0; i < limit && !budget.late() && scheduler.newExecution(); i++) {
      const run = runOne(this.#scenario, scheduler, options);
      if ('executed' in scheduler) scheduler.executed(run.execution, run.ending);
      budget.spend('shrink');
      if (run.ending.kind === 'abandoned') continue;
      const schedule = scheduleOf(run.execution);
      if (judgeOne(this.#scenario, run).some((violation) => violation.property === this.#property))
        return schedule;
    }
    return null;
  }

  /** Run a schedule again: does it fail in the same property? */
  #check(candidate: Candidate): Checked | null {
    const only = new Set(candidate.letters);
    const { maxSteps, budget } = this.#options;
    const recording = record(this.#scenario, candidate.schedule, { maxSteps, only });
    budget.spend('shrink');
    if (recording.obstacle !== null) return null;
    if (!recording.violations.some((violation) => violation.property === this.#property)) return null;
    return { ...candidate, recording };
  }
}

/** A schedule that was run and fails. */
interface Checked extends Candidate {
  readonly recording: Recording;
}
