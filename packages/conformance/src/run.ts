/** Run one check under one profile. */
import type { ErrorCode, FileSystemType } from '@fsport/core';
import {
  type Checkpoints,
  conclude,
  exploreLeg,
  type Leg,
  type LegEnd,
  mostExecutions,
  type Outcome,
  type Replay,
  replay,
  type SearchOptions,
  type SearchResult,
  search,
  type Violation,
} from '@fsport/explore';
import { missingClaims } from './checks/registry.js';
import { cutCheck } from './cuts.js';
import type { Expected } from './expected.js';
import { hintsOf } from './hints.js';
import { KERNEL_RULES } from './lock-rules.js';
import { CheckScenario } from './scenario.js';
import { opText } from './titles.js';
import type { Check, CheckReport, CheckResult, Failure, ShownStep, Verdict } from './types.js';

/** Contract codes and the properties they belong to; other codes are contracts. */
const PROPERTIES: Readonly<Record<string, string>> = {
  LOCK_LEAK: 'lock-discipline',
  LOCK_NOT_HELD: 'lock-discipline',
  LOCK_MODE: 'lock-discipline',
  COPY_UNDER_LOCK: 'lock-discipline',
  NOWAIT_SLEEPS: 'lock-discipline',
  ATOMIC_SLEEPS: 'lock-discipline',
  PAGE_REFCOUNT: 'refcount',
  PAGE_NOT_LOCKED: 'contract',
  CONTRACT: 'contract',
  BLOCK_STATE: 'contract',
  USE_AFTER_RETURN: 'use-after-return',
};

/** The property of a violation, in the words of the suite. */
function propertyOf(violation: Violation): string {
  return PROPERTIES[violation.property] ?? violation.property;
}

/** Sizes, tasks and operations of a check: what a pass covers. */
export function boundsOf(check: Check, only?: readonly string[]): string {
  const { pageSize, blockSize } = check.geometry;
  const tasks = check.tasks.filter((task) => only === undefined || only.includes(task.letter));
  const who = tasks.map((task) => `${task.letter}: ${task.ops.map(opText).join(', ')}`).join('; ');
  const faults = Object.keys(check.faults);
  const extra = [
    faults.length > 0 ? `faults ${faults.join(', ')}` : '',
    check.fair ? 'fair locks' : '',
  ].filter((text) => text !== '');
  return [`page ${pageSize} B, block ${blockSize} B`, who, ...extra].join('; ');
}

/** What was found out about a check; the rest of its result follows from what is declared. */
type Found = Omit<CheckResult, 'fs' | 'profile' | 'check' | 'expected' | 'ok' | 'seconds'>;

function resultOf(
  fs: FileSystemType,
  profile: string,
  check: Check,
  expected: Expected | null,
  found: Found,
): CheckResult {
  const declared = expected?.of(check.id, profile) ?? null;
  const wanted = declared?.verdict ?? 'pass';
  const agrees = found.verdict === wanted && (declared?.property ?? found.property) === found.property;
  return {
    fs: fs.name,
    profile,
    check: check.id,
    expected: declared?.verdict ?? null,
    ok: agrees || (found.verdict === 'notrun' && wanted === 'pass'),
    ...found,
    seconds: 0,
  };
}

/** How a check ended that no search ended. */
export interface Unsearched {
  /** The verdict, not a pass. */
  readonly verdict: Exclude<Verdict, 'pass'>;
  /** Why it was not run or is unknown, `null` if it failed. */
  readonly reason: string | null;
  /** What went wrong, if something did. */
  readonly failure?: Pick<Failure, 'property' | 'message' | 'because'>;
  /** Executions run to their end. */
  readonly executions?: number;
}

/**
 * The report of a check that no search ended: it was not run, was interrupted, or the filesystem itself failed.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param check - The check.
 * @param expected - What the package declares, `null` if nothing.
 * @param ended - How it ended.
 */
export function unsearched(
  fs: FileSystemType,
  profile: string,
  check: Check,
  expected: Expected | null,
  { verdict, reason, failure, executions = 0 }: Unsearched,
): CheckReport {
  const bounds = boundsOf(check);
  const result = resultOf(fs, profile, check, expected, {
    verdict,
    property: failure?.property ?? null,
    bounds,
    exhaustive: false,
    executions,
    blockedExecutions: 0,
    preemptions: null,
    token: null,
    reason,
  });
  if (failure === undefined) return { result, failure: null };
  const schedule = { steps: [], at: null, token: '', preemptions: -1, found: 'without a schedule' };
  return { result, failure: { rule: '', ...schedule, ...failure, bounds, hints: [] } };
}

function reasonOf(found: SearchResult, bound: number | undefined): string | null {
  if (found.verdict !== 'unknown') return null;
  const spent = found.executions + found.blockedExecutions;
  if (found.stopped === 'executions' && spent === bound)
    return `stopped by the declared bound of ${bound.toLocaleString('en-US')} executions, no failure`;
  return `stopped by ${found.stopped} after ${spent} executions, no failure`;
}

/**
 * Run one check.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param check - The check.
 * @param expected - What the package declares, `null` if nothing.
 * @param options - Strategy and budgets.
 * @returns What was found out; `seconds` is left to the caller.
 * @throws Whatever the filesystem's mkfs, mount or iget throw.
 */
export function runCheck(
  fs: FileSystemType,
  profile: string,
  check: Check,
  expected: Expected | null,
  options: SearchOptions = {},
): CheckReport {
  const refused = refusal(fs, profile, check, expected);
  if (refused !== null) return refused;
  const run = { fs, profile, check, expected };
  const scenario = new CheckScenario(fs, profile, check);
  return reportOf(scenario, run, search(scenario, bounded(run, options)));
}

/** The report of a check for which a filesystem does not claim enough, `null` if it does. */
export function refusal(
  fs: FileSystemType,
  profile: string,
  check: Check,
  expected: Expected | null,
): CheckReport | null {
  const [missing] = missingClaims(fs, check);
  if (missing === undefined) return null;
  const reason = `supports.${missing} is ${check.requires[missing] === true ? 'not ' : ''}claimed`;
  return unsearched(fs, profile, check, expected, { verdict: 'notrun', reason });
}

/** A check, where it is run, and what is declared about it. */
export interface CheckRun {
  /** The filesystem. */
  readonly fs: FileSystemType;
  /** One of the profiles that it follows. */
  readonly profile: string;
  /** The check. */
  readonly check: Check;
  /** What the package declares, `null` if nothing. */
  readonly expected: Expected | null;
}

/**
 * How many executions the search of a check gets.
 *
 * @param run - The check, and what is declared about it.
 * @param budget - What every check of the run gets.
 * @returns The budget, or the bound that expected.json declares if that is smaller.
 */
export function executionsOf({ profile, check, expected }: Omit<CheckRun, 'fs'>, budget: number): number {
  return Math.min(budget, expected?.of(check.id, profile)?.executions ?? budget);
}

function bounded(run: CheckRun, options: SearchOptions): SearchOptions {
  return { ...options, maxExecutions: executionsOf(run, mostExecutions(options)) };
}

/**
 * Run one leg of a check.
 *
 * @param run - The check.
 * @param options - Strategy and budgets.
 * @param leg - What it begins with.
 * @param checkpoints - How it is kept.
 * @throws Whatever the filesystem's mkfs, mount or iget throw.
 */
export function runLeg(run: CheckRun, options: SearchOptions, leg: Leg, checkpoints: Checkpoints): LegEnd {
  const scenario = new CheckScenario(run.fs, run.profile, run.check);
  return exploreLeg(scenario, bounded(run, options), leg, checkpoints);
}

/**
 * Put together what the legs of a check found out.
 *
 * @param run - The check.
 * @param options - Strategy and budgets.
 * @param outcome - What its legs found out.
 */
export function concludeCheck(run: CheckRun, options: SearchOptions, outcome: Outcome): CheckReport {
  const scenario = new CheckScenario(run.fs, run.profile, run.check);
  return reportOf(scenario, run, conclude(scenario, bounded(run, options), outcome));
}

function reportOf(scenario: CheckScenario, run: CheckRun, found: SearchResult): CheckReport {
  const { fs, profile, check, expected } = run;
  const failure = found.violations.length === 0 ? null : failureOf(scenario, run, found);
  const result = resultOf(fs, profile, check, expected, {
    verdict: found.verdict,
    property: failure?.property ?? null,
    bounds: boundsOf(cutCheck(check, found.cuts), found.tasks),
    exhaustive: found.exhaustive,
    executions: found.executions,
    blockedExecutions: found.blockedExecutions,
    preemptions: failure === null ? null : found.preemptions,
    token: found.token,
    reason: reasonOf(found, expected?.of(check.id, profile)?.executions),
  });
  return { result, failure };
}

function failureOf(scenario: CheckScenario, run: CheckRun, found: SearchResult): Failure {
  const steps = found.token === null ? [] : shown(replay(scenario, found.token));
  return {
    ...explained(found.violations),
    steps,
    token: found.token ?? '',
    preemptions: found.preemptions,
    found: found.foundAt === 0 ? 'over all executions' : `execution ${found.foundAt}`,
    bounds: boundsOf(cutCheck(run.check, found.cuts), found.tasks),
    hints: hintsOf(run),
  };
}

/** The first finding of an execution; the next one says what it led to. */
export function explained(
  violations: readonly Violation[],
): Pick<Failure, 'property' | 'rule' | 'message' | 'because' | 'at'> {
  const [first, ...others] = violations as readonly [Violation, ...Violation[]];
  // What shows where zeroes should be is stale data, too, and told as that.
  const next = others.find(({ rule }) => rule !== 'Z-3');
  const kernel = KERNEL_RULES[first.property as ErrorCode];
  const consequence = next === undefined ? [] : [next.message, ...(next.because ?? [])];
  const lines = [...(first.because ?? []), ...(kernel === undefined ? [] : [kernel]), ...consequence];
  return {
    property: propertyOf(first),
    rule: first.rule ?? '',
    message: first.message,
    // A history that was told up to the moment at which it showed is not told twice.
    because: [...new Set(lines)].filter((line) => !lines.some((other) => other.startsWith(`${line},`))),
    at: first.at ?? null,
  };
}

/** The steps of a replay, ready to print. */
export function shown({ steps }: Pick<Replay, 'steps'>): ShownStep[] {
  return steps.map(({ task, title, verb, object, result, preempted }) => ({
    task,
    title,
    text: `${verb}(${object ?? ''})`,
    result,
    preempted,
  }));
}
