/** What a replay token shows. */
import { type FileSystemType, type Recorder, UsageError } from '@fsport/core';
import { parseToken, type Replay, replay, type Token } from '@fsport/explore';
import { checksOf } from './checks/registry.js';
import { cutCheck } from './cuts.js';
import { boundsOf, explained, shown } from './run.js';
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
 * @param check - The check.
 * @param token - The token.
 * @param replayed - What came of it.
 */
export function replayedCheck(check: Check, token: string, replayed: Replay): ReplayedCheck {
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
  };
  return { check, failure, steps };
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
  const check = checkOfToken(fs, parsed);
  return replayedCheck(check, token, replay(new CheckScenario(fs, profile, check), parsed, recorder));
}
