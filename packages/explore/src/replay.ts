/**
 * Replay: run the one schedule that a token names, and refuse a token that no longer fits.
 */
import { type Ending, type Execution, type Recorder, UsageError } from '@fsport/core';
import { type Recording, record } from './record.js';
import type { Scenario, Violation } from './scenario.js';
import type { ScheduleStep } from './schedule.js';
import { fingerprint, parseToken, type RecordedStep, type Token } from './token.js';

const MAX_STEPS = 5_000;

/** A replayed execution. */
export interface Replay {
  /** The execution, with its events. */
  readonly execution: Execution;
  /** How it ended. */
  readonly ending: Ending;
  /** What is wrong with it. */
  readonly violations: readonly Violation[];
  /** What it did, step by step. */
  readonly steps: readonly RecordedStep[];
  /** Switches away from a task that could have gone on. */
  readonly preemptions: number;
}

/**
 * Run the schedule of a token. Root tasks that the token does not mention are left out, and what it says is.
 *
 * @param scenario - The scenario the token is for.
 * @param token - The token, as text or taken apart.
 * @param recorder - Told about each step while it is performed.
 * @returns The execution and what is wrong with it.
 * @throws UsageError `STALE_TOKEN` if the schedule does not fit the scenario; `BAD_TOKEN`, `OLD_TOKEN`.
 */
export function replay(scenario: Scenario, token: string | Token, recorder?: Recorder): Replay {
  const parsed = typeof token === 'string' ? parseToken(token) : token;
  if (parsed.check !== scenario.name) {
    throw stale(parsed, 0, `it is for ${parsed.check}, not for ${scenario.name}`);
  }
  const schedule = scheduleOfToken(parsed);
  const own = withoutCuts(scenario, parsed);
  const only = rootsOfToken(own, parsed);
  const open = parsed.digest === null;
  const maxSteps = open ? Math.max(MAX_STEPS, schedule.length) : schedule.length;
  const recording = record(own, schedule, { maxSteps, only, recorder, open });
  compare(parsed, schedule, recording);
  const { execution, ending, violations, steps, preemptions } = recording;
  return { execution, ending, violations, steps, preemptions };
}

/** The schedule of a token, step by step. */
export function scheduleOfToken(token: Token): readonly ScheduleStep[] {
  return token.runs.flatMap(({ task, count, choice }) =>
    Array.from({ length: count }, (_, i) => ({ task, choice: i === count - 1 ? choice : -1 })),
  );
}

/**
 * The scenario of a token, without what is left out.
 *
 * @throws UsageError `STALE_TOKEN` if something cannot be left out.
 */
export function withoutCuts(scenario: Scenario, token: Token): Scenario {
  let own = scenario;
  for (const [i, cut] of token.cuts.entries()) {
    const next = own.cuts?.includes(cut) === true ? own.without?.(token.cuts.slice(0, i + 1)) : undefined;
    if (next === undefined) throw stale(token, 0, `it leaves out ${cut}, which cannot be left out`);
    own = next;
  }
  return own;
}

/**
 * Letters of the root tasks of a token.
 *
 * @throws UsageError `STALE_TOKEN` if the scenario has no such task.
 */
export function rootsOfToken(scenario: Scenario, token: Token): ReadonlySet<string> {
  const names = [...token.runs.map((run) => run.task), ...token.idle];
  const letters = new Set(names.map((name) => name.charAt(0)));
  for (const letter of letters) {
    if (scenario.letters.includes(letter)) continue;
    throw stale(
      token,
      0,
      `it runs a task ${letter}; the tasks of this check are ${scenario.letters.join(', ')}`,
    );
  }
  return letters;
}

function compare(token: Token, schedule: readonly ScheduleStep[], recording: Recording): void {
  const { obstacle, steps, ending } = recording;
  const now = fingerprint(steps, ending.kind);
  if (token.digest !== null) {
    for (let run = 0, step = 0; run < token.runs.length; run++) {
      const expected = token.runs[run] as Token['runs'][number];
      const found = now.runs[run];
      const complete = found !== undefined && found.count >= expected.count;
      if (complete && now.checkpoints[run] !== token.checkpoints[run] && found.count === expected.count) {
        const did = describeRun(steps, step, expected.count);
        const range =
          expected.count === 1 ? `step ${step + 1}` : `steps ${step + 1} to ${step + expected.count}`;
        throw stale(
          token,
          step + 1,
          `${range} of task ${expected.task} did something else before; now: ${did}`,
        );
      }
      step += expected.count;
      if (!complete) break;
    }
  }
  if (obstacle !== null) {
    const wanted = schedule[obstacle.step]?.task;
    const at = wanted === undefined ? '' : `step ${obstacle.step + 1} belongs to task ${wanted}, but `;
    throw stale(token, obstacle.step + 1, `${at}${obstacle.why}; ${offer(recording)}`);
  }
  if (steps.length < schedule.length) {
    const ended = `the execution now ends (${ending.kind}) after ${steps.length} steps`;
    throw stale(token, steps.length + 1, `${ended}, the token has ${schedule.length}`);
  }
  if (token.digest === null || token.digest === now.digest) return;
  throw stale(
    token,
    steps.length,
    `its last step is as before, but the execution now ends otherwise: ${offer(recording)}`,
  );
}

function describeRun(steps: readonly RecordedStep[], from: number, count: number): string {
  const shown = steps
    .slice(from, from + Math.min(count, 4))
    .map((s) => `${s.verb}(${s.object ?? ''}) ${s.access}`);
  return shown.join(', ') + (count > 4 ? ', ...' : '');
}

/** What the tasks are about to do where the replay stopped. */
function offer(recording: Recording): string {
  const { execution, ending } = recording;
  const pending = execution.tasks
    .filter((task) => task.pending !== null)
    .map((task) => `${task.name} is at ${task.pending?.verb}(${task.pending?.object?.name ?? ''})`);
  if (pending.length === 0) return `every task has ended (${ending.kind})`;
  return pending.join(', ');
}

function stale(token: Token, step: number, what: string): UsageError {
  return new UsageError(
    'STALE_TOKEN',
    { check: token.check, step },
    `The token for ${token.check} does not fit what is installed: ${what}. ` +
      'The model, the check or fsport has changed since; run the check again to get a new token.',
  );
}
