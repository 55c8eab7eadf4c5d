/** Runs one schedule and writes down what it does, step by step. */
import {
  ACCESS_NAMES,
  type Ending,
  type Execution,
  Identity,
  LOCAL,
  type Recorder,
  type Step,
} from '@fsport/core';
import { PreemptionCounter } from './preemptions.js';
import { judgeOne, runOne } from './run-one.js';
import type { Scenario, Violation } from './scenario.js';
import { ScheduleRunner, type ScheduleStep, WITHOUT_PREEMPTIONS } from './schedule.js';
import type { RecordedStep } from './token.js';

/** How to run it. */
export interface RecordOptions {
  /** Steps after which the execution counts as a livelock. */
  readonly maxSteps: number;
  /** Letters of the root tasks to spawn; all if undefined. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Told about each step while it is performed. */
  readonly recorder?: Recorder | undefined;
  /** Go on without preemptions where the schedule ends. */
  readonly open?: boolean;
}

/** A recorded execution. */
export interface Recording {
  /** The execution, with its events. */
  readonly execution: Execution;
  /** How it ended; `abandoned` if the schedule did not fit. */
  readonly ending: Ending;
  /** What is wrong with it; empty if the schedule did not fit. */
  readonly violations: readonly Violation[];
  /** What it did, step by step. */
  readonly steps: readonly RecordedStep[];
  /** Switches away from a task that could have gone on. */
  readonly preemptions: number;
  /** Where the schedule did not fit, and why; `null` if it did. */
  readonly obstacle: { readonly step: number; readonly why: string } | null;
}

/**
 * Run one schedule.
 *
 * @param scenario - What to run.
 * @param schedule - The schedule.
 * @param options - Limits.
 * @returns What happened.
 */
export function record(
  scenario: Scenario,
  schedule: readonly ScheduleStep[],
  options: RecordOptions,
): Recording {
  const results: string[] = [];
  let running: Execution | null = null;
  const recorder: Recorder = {
    performed(step: Step<unknown>, result: string): void {
      if (running !== null) results[running.events.count - 1] = result;
      options.recorder?.performed(step, result);
    },
  };
  const runner = new ScheduleRunner(schedule, options.open === true ? WITHOUT_PREEMPTIONS : null);
  const counter = new PreemptionCounter({
    newExecution: () => true,
    nextTask(execution: Execution): number {
      running = execution;
      return runner.nextTask(execution);
    },
    nextChoice: (execution, count) => runner.nextChoice(execution, count),
    retries: (execution) => runner.retries(execution),
  });
  const { maxSteps, only } = options;
  const run = runOne(scenario, counter, { identity: new Identity(), maxSteps, only, recorder });
  running = null;
  const fits = runner.obstacle === null && run.ending.kind !== 'abandoned';
  const violations = fits ? judgeOne(scenario, run) : [];
  const steps = recordedSteps(run.execution, results, runner.asked, counter.after);
  const { obstacle } = runner;
  return { ...run, violations, steps, preemptions: counter.count, obstacle };
}

function recordedSteps(
  execution: Execution,
  results: readonly string[],
  asked: ReadonlySet<number>,
  preempted: ReadonlySet<number>,
): readonly RecordedStep[] {
  const { events, tasks } = execution;
  const steps: RecordedStep[] = [];
  for (let event = 0; event < events.count; event++) {
    const { name, title } = tasks[events.task[event] as number] as { name: string; title: string };
    const { verb, object, access: announced } = events.step[event] as Step<unknown>;
    const access =
      object === null || announced === LOCAL
        ? LOCAL
        : (events.access[events.first[event] as number] as number);
    steps.push({
      task: name,
      title,
      verb,
      object: object?.name ?? null,
      access: ACCESS_NAMES[access] as string,
      result: results[event] ?? '',
      choice: asked.has(event) ? (events.choice[event] as number) : -1,
      preempted: preempted.has(event),
    });
  }
  return steps;
}
