/** What a replay token shows. */
import { type FileSystemType, UsageError } from '@fsport/core';
import { parseToken, type Replay, replay, type Token } from '@fsport/explore';
import { checksOf } from './checks/registry.js';
import { cutCheck } from './cuts.js';
import type { Expected } from './expected.js';
import { hintsOf } from './hints.js';
import { boundsOf, type CheckRun, explained, shown } from './run.js';
import { CheckScenario } from './scenario.js';
import type { Check, Failure, ShownStep } from './types.js';

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
 * The check that a token is for.
 *
 * @param fs - The filesystem.
 * @param token - The token.
 * @throws UsageError `UNKNOWN_CHECK`.
 */
export function checkOfToken(fs: FileSystemType, token: Token): Check {
  const check = checksOf(fs).find(({ id }) => id === token.check);
  if (check !== undefined) return check;
  throw new UsageError(
    'UNKNOWN_CHECK',
    { check: token.check },
    `The token is for "${token.check}", which is no check. "fsport list" prints all of them.`,
  );
}

/**
 * What a replay shows.
 *
 * @param run - The check that the token is for, and where it was replayed.
 * @param token - The token.
 * @param replayed - What came of it.
 */
export function replayedCheck(run: CheckRun, token: string, replayed: Replay): ReplayedCheck {
  const { check } = run;
  const steps = shown(replayed);
  if (replayed.violations.length === 0) return { check, failure: null, steps };
  const letters = new Set(replayed.execution.tasks.map((task) => task.name.charAt(0)));
  const failure: Failure = {
    ...explained(replayed.violations),
    steps,
    token,
    preemptions: replayed.preemptions,
    found: 'replayed',
    bounds: boundsOf(cutCheck(check, parseToken(token).cuts), [...letters]),
    hints: hintsOf(run),
  };
  return { check, failure, steps };
}

/**
 * Replay a token.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param token - The token.
 * @param expected - What the package declares, `null` if nothing.
 * @throws UsageError `BAD_TOKEN`, `OLD_TOKEN`, `STALE_TOKEN` or `UNKNOWN_CHECK`.
 */
export function replayCheck(
  fs: FileSystemType,
  profile: string,
  token: string,
  expected: Expected | null,
): ReplayedCheck {
  const parsed = parseToken(token);
  const check = checkOfToken(fs, parsed);
  const replayed = replay(new CheckScenario(fs, profile, check), parsed);
  return replayedCheck({ fs, profile, check, expected }, token, replayed);
}
