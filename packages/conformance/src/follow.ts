/**
 * A schedule on a filesystem that it was not made for. It is followed as far as it goes, whatever the steps do: that is how
 * two filesystems, or two profiles of one, are compared.
 */
import { type FileSystemType, UsageError } from '@fsport/core';
import { parseToken, record, rootsOfToken, scheduleOfToken, withoutCuts } from '@fsport/explore';
import { missingClaims } from './checks/registry.js';
import { checkOfToken } from './replay.js';
import { explained, shown } from './run.js';
import { CheckScenario } from './scenario.js';
import type { Check, Failure, ShownStep } from './types.js';

/** A schedule as far as it went. */
export interface Followed {
  /** The check it is for. */
  readonly check: Check;
  /** What happened, step by step. */
  readonly steps: readonly ShownStep[];
  /** What is wrong with it, `null` if nothing or if it did not come to its end. */
  readonly failure: Pick<Failure, 'property' | 'message'> | null;
  /** Why it did not go on, `null` if it came to its end. */
  readonly obstacle: string | null;
}

/**
 * Follow the schedule of a token.
 *
 * @param fs - A filesystem.
 * @param profile - One of those it follows.
 * @param token - The token.
 * @throws UsageError `BAD_TOKEN`, `OLD_TOKEN`, `UNKNOWN_CHECK`, `STALE_TOKEN` if the check has no such task, or `NOT_CLAIMED` if the filesystem does not claim what the
 * check needs.
 */
export function followToken(fs: FileSystemType, profile: string, token: string): Followed {
  const parsed = parseToken(token);
  const check = checkOfToken(fs, parsed);
  const [missing] = missingClaims(fs, check);
  if (missing !== undefined) {
    const what = `${fs.name} does not claim supports.${missing}, which ${check.id} needs. Name another filesystem.`;
    throw new UsageError('NOT_CLAIMED', { fs: fs.name, claim: missing }, what);
  }
  const schedule = scheduleOfToken(parsed);
  const scenario = withoutCuts(new CheckScenario(fs, profile, check), parsed);
  const only = rootsOfToken(scenario, parsed);
  const { steps, violations, obstacle, ending } = record(scenario, schedule, {
    maxSteps: schedule.length,
    only,
  });
  const over = ending.kind === 'livelock' && obstacle === null;
  const wrong = over || violations.length === 0 ? null : explained(violations);
  return {
    check,
    steps: shown({ steps }),
    failure: wrong === null ? null : { property: wrong.property, message: wrong.message },
    obstacle: over ? 'the schedule is over, the execution is not' : (obstacle?.why ?? null),
  };
}
