/** Run one check under one profile, and replay what it found. */
import { type FileSystemType, type Recorder, UsageError } from '@fsport/core';
import {
  parseToken,
  type Replay,
  replay,
  type SearchOptions,
  type SearchResult,
  search,
  type Violation,
} from '@fsport/explore';
import { checksOf, missingClaims } from './checks/registry.js';
import type { Expected } from './expected.js';
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
  const nothing = { rule: '', steps: [], at: null, token: '', preemptions: -1, found: 'without a schedule' };
  return { result, failure: { ...nothing, ...failure, bounds } };
}

function reasonOf(found: SearchResult): string | null {
  if (found.verdict !== 'unknown') return null;
  return `stopped by ${found.stopped} after ${found.executions} executions, no failure`;
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
  const [missing] = missingClaims(fs, check);
  if (missing !== undefined) {
    const reason = `supports.${missing} is ${check.requires[missing] === true ? 'not ' : ''}claimed`;
    return unsearched(fs, profile, check, expected, { verdict: 'notrun', reason });
  }
  const scenario = new CheckScenario(fs, profile, check);
  const found = search(scenario, options);
  const failure = found.violations.length === 0 ? null : failureOf(scenario, check, found);
  const result = resultOf(fs, profile, check, expected, {
    verdict: found.verdict,
    property: failure?.property ?? null,
    bounds: boundsOf(check, found.tasks),
    exhaustive: found.exhaustive,
    executions: found.executions,
    blockedExecutions: found.blockedExecutions,
    preemptions: failure === null ? null : found.preemptions,
    token: found.token,
    reason: reasonOf(found),
  });
  return { result, failure };
}

function failureOf(scenario: CheckScenario, check: Check, found: SearchResult): Failure {
  const steps = found.token === null ? [] : shown(replay(scenario, found.token));
  return {
    ...explained(found.violations),
    steps,
    token: found.token ?? '',
    preemptions: found.preemptions,
    found: found.foundAt === 0 ? 'over all executions' : `execution ${found.foundAt}`,
    bounds: boundsOf(check, found.tasks),
  };
}

/** The first finding of an execution; the next one says what it led to. */
function explained(
  violations: readonly Violation[],
): Pick<Failure, 'property' | 'rule' | 'message' | 'because' | 'at'> {
  const [first, next] = violations as readonly [Violation, ...Violation[]];
  const consequence = next === undefined ? [] : [next.message, ...(next.because ?? [])];
  return {
    property: propertyOf(first),
    rule: first.rule ?? '',
    message: first.message,
    because: [...new Set([...(first.because ?? []), ...consequence])],
    at: first.at ?? null,
  };
}

function shown({ steps }: Replay): ShownStep[] {
  return steps.map(({ task, title, verb, object, result, preempted }) => ({
    task,
    title,
    text: `${verb}(${object ?? ''})`,
    result,
    preempted,
  }));
}

/** What a token shows when it is replayed. */
export interface ReplayedCheck {
  /** The check it is for. */
  readonly check: Check;
  /** The failure, `null` if the schedule does not fail. */
  readonly failure: Failure | null;
  /** What happened, step by step. */
  readonly steps: readonly ShownStep[];
}

/**
 * Replay a token.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param token - The token.
 * @param recorder - Told about each step while it is performed.
 * @throws UsageError `BAD_TOKEN`, `OLD_TOKEN`, `STALE_TOKEN` or `UNKNOWN_CHECK`.
 */
export function replayCheck(
  fs: FileSystemType,
  profile: string,
  token: string,
  recorder?: Recorder,
): ReplayedCheck {
  const parsed = parseToken(token);
  const check = checksOf(fs).find(({ id }) => id === parsed.check);
  if (check === undefined) {
    throw new UsageError(
      'UNKNOWN_CHECK',
      { check: parsed.check },
      `The token is for "${parsed.check}", which is no check. "fsport list" prints all of them.`,
    );
  }
  const replayed = replay(new CheckScenario(fs, profile, check), parsed, recorder);
  const steps = shown(replayed);
  if (replayed.violations.length === 0) return { check, failure: null, steps };
  const letters = new Set(replayed.execution.tasks.map((task) => task.name.charAt(0)));
  const failure: Failure = {
    ...explained(replayed.violations),
    steps,
    token,
    preemptions: replayed.preemptions,
    found: 'replayed',
    bounds: boundsOf(check, [...letters]),
  };
  return { check, failure, steps };
}
