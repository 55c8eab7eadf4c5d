/** What a result means to a program that knows only passed, failed and skipped. */
import type { CheckReport, CheckResult } from '@fsport/conformance';
import { INTERNAL, NOT_ENDED } from './document.js';
import { counted } from './layout.js';

/** What a result comes to. */
export type Outcome =
  /** Every interleaving within the bounds was explored and nothing found. */
  | 'pass'
  /** It fails, as declared. */
  | 'xfail'
  /** Not run, as is to be expected. */
  | 'skip'
  /** Something is not as declared. */
  | 'fail'
  /** Nothing was found, but not everything explored. */
  | 'unknown'
  /** That, and it is declared. */
  | 'known-unknown'
  /** fsport itself failed. */
  | 'internal';

/** The outcome of a check, and what there is to say about it in one line. */
export interface Told {
  /** What it comes to. */
  readonly outcome: Outcome;
  /** One line; empty if there is nothing to say. */
  readonly why: string;
}

function unknownOf({ ok, expected, reason }: CheckResult): Told {
  const declared = ok || expected === null ? '' : `expected.json declares ${expected}; `;
  const why = `${declared}${reason ?? 'not explored'}`;
  if (reason?.startsWith(INTERNAL) === true) return { outcome: 'internal', why };
  return { outcome: ok ? 'known-unknown' : 'unknown', why };
}

/** `expected.json declares pass, found fail: stale-data, 1 preemption`. */
function surprise({ verdict, expected, property, preemptions, reason }: CheckResult): string {
  const declared = expected === null ? '' : `expected.json declares ${expected}, found `;
  const switches = preemptions === null || preemptions < 0 ? '' : `, ${counted(preemptions, 'preemption')}`;
  const detail = property === null ? (reason ?? '') : `${property}${switches}`;
  return `${declared}${verdict}${detail === '' ? '' : `: ${detail}`}`;
}

/**
 * What a check comes to.
 *
 * @param report - How it ended, `null` if it has not.
 */
export function toldOf(report: CheckReport | null): Told {
  if (report === null) return { outcome: 'unknown', why: NOT_ENDED };
  const { result } = report;
  if (result.verdict === 'unknown') return unknownOf(result);
  if (!result.ok) return { outcome: 'fail', why: surprise(result) };
  if (result.verdict === 'notrun') return { outcome: 'skip', why: result.reason ?? '' };
  return result.verdict === 'fail'
    ? { outcome: 'xfail', why: result.property ?? '' }
    : {
        outcome: 'pass',
        why: `${result.exhaustive ? 'exhaustive' : 'not exhaustive'}, ${counted(result.executions, 'execution')}`,
      };
}
