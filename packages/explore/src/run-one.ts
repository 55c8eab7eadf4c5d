/** One execution of a scenario: set up, run, judged. */
import {
  ContractError,
  type Ending,
  type EventLog,
  Execution,
  type Identity,
  type Recorder,
  type Scheduler,
  stepName,
  UsageError,
} from '@fsport/core';
import { becauseOfContract } from './broken-contract.js';
import { deadlockViolation } from './deadlock.js';
import { placeOf } from './place.js';
import type { Scenario, Violation } from './scenario.js';
import { named } from './words.js';

/** How to run it. */
export interface RunOptions {
  /** Identities shared by all executions of a search. */
  readonly identity: Identity;
  /** Steps after which the execution counts as a livelock. */
  readonly maxSteps: number;
  /** Letters of the root tasks to spawn; all if undefined. */
  readonly only?: ReadonlySet<string> | undefined;
  /** A log to write to, of an execution that nobody looks at any more. */
  readonly events?: EventLog;
  /** Told about each step while it is performed. */
  readonly recorder?: Recorder | undefined;
}

/** An execution that has ended. */
export interface Run {
  /** The execution. */
  readonly execution: Execution;
  /** How it ended. */
  readonly ending: Ending;
}

/**
 * Set up and run one execution.
 *
 * @param scenario - What to run.
 * @param scheduler - Who decides.
 * @param options - Limits.
 * @returns The execution and how it ended; a task that throws before its first step ends it, too.
 */
export function runOne(scenario: Scenario, scheduler: Scheduler, options: RunOptions): Run {
  const execution = new Execution(options);
  if (options.recorder !== undefined) execution.recorder = options.recorder;
  const ending = startOne(scenario, execution, options.only) ?? execution.run(scheduler);
  if (ending.kind === 'threw' && ending.error instanceof UsageError) throw ending.error;
  return { execution, ending };
}

function startOne(scenario: Scenario, execution: Execution, only?: ReadonlySet<string>): Ending | null {
  try {
    scenario.start(execution, only);
    return null;
  } catch (error) {
    const { task } = execution;
    if (task === null) throw error;
    execution.task = null;
    return { kind: 'threw', task, error };
  }
}

/**
 * Everything that is wrong with an execution.
 *
 * @param scenario - What was run.
 * @param run - The execution, not an abandoned one.
 */
export function judgeOne(scenario: Scenario, run: Run): readonly Violation[] {
  const { execution, ending } = run;
  const elsewhere = ending.kind === 'deadlock' && scenario.deadlockElsewhere === true;
  const own = elsewhere ? null : endingViolation(execution, ending);
  const floating = ending.kind === 'done' ? floatingViolation(execution) : null;
  const judged = scenario.judge(execution, ending);
  if (own === null && floating === null) return judged;
  return [own, floating, ...judged].filter((violation) => violation !== null);
}

function endingViolation(execution: Execution, ending: Ending): Violation | null {
  const last = execution.events.count - 1;
  const at = last >= 0 ? { at: last } : {};
  if (ending.kind === 'deadlock') return deadlockViolation(execution, ending.blocked);
  if (ending.kind === 'livelock') {
    const { task, loop } = ending;
    return {
      property: 'livelock',
      message: `${named(task)} is still running after ${execution.events.count} steps`,
      because: [`it repeats ${loop.join(', ')}`],
      ...at,
    };
  }
  if (ending.kind !== 'threw') return null;
  const { task, error } = ending;
  if (error instanceof ContractError) {
    const because = becauseOfContract(execution, task, error.code);
    return { property: error.code, message: `${named(task)}: ${error.message}`, because, ...at };
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const property = codeOf(error);
  const place = property === 'threw' ? placeOf(error) : null;
  const because = place === null ? {} : { because: [`thrown ${place}`] };
  return { property, message: `${named(task)}: ${text}`, ...because, ...at };
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'threw';
  return typeof error.code === 'string' ? error.code : 'threw';
}

function floatingViolation(execution: Execution): Violation | null {
  const count = execution.floating;
  if (count === 0) return null;
  const known = [...execution.floatingSteps].map(([step, created]) => {
    const place = placeOf(created);
    return `${stepName(step)} was created${place === null ? '' : ` ${place}`} and never driven`;
  });
  const steps = count === 1 ? 'a step was' : `${count} steps were`;
  return {
    property: 'floating-task',
    message: `${steps} created and never driven: write "yield*" before the call`,
    ...(known.length > 0 ? { because: known } : {}),
  };
}
