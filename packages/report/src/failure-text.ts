/** A failure in full: who did what, where it went wrong, why the bytes are what they are, and how to see it again. */
import type { Check, Failure, ReplayedCheck } from '@fsport/conformance';
import { counted, hanging, palette, type TextOptions } from './layout.js';
import { columnsText, type Mark } from './race.js';

/** What a failure or a schedule belongs to. */
export interface Where {
  /** Short name of the filesystem. */
  readonly fs: string;
  /** Its profile. */
  readonly profile: string;
}

/** The command that replays a token, ready to be pasted into a shell. */
export function replayCommand({ fs, profile }: Where, token: string): string {
  return `fsport replay ${fs} '${token}' -s ${profile}`;
}

/** `stale-data (S-1)`. */
function broken({ property, rule }: Failure): string {
  return rule === '' ? property : `${property} (${rule})`;
}

/** The steps, unless the failure is one of the search as a whole and has none. */
function drawn(failure: Failure, options: TextOptions): string[] {
  if (failure.steps.length === 0) return [];
  const mark: Mark | null = failure.at === null ? null : { at: failure.at, text: broken(failure) };
  return [columnsText(failure.steps, mark, options), ''];
}

function facts(failure: Failure, check: Check): string[] {
  const switches = failure.preemptions < 0 ? '' : `, ${counted(failure.preemptions, 'preemption')}`;
  return [
    hanging('  Found    ', `${failure.found}${switches}`),
    hanging('  Bounds   ', failure.bounds),
    hanging('  Claim    ', check.summary),
    hanging('  See      ', check.see),
    ...failure.hints.map((hint) => hanging('  Hint     ', hint)),
  ];
}

/**
 * A failure in full.
 *
 * @param failure - The failure.
 * @param where - Filesystem and profile.
 * @param check - The check that failed.
 * @param options - Colours.
 */
export function raceText(failure: Failure, where: Where, check: Check, options: TextOptions): string {
  const c = palette(options);
  return [
    `${c.bold(check.id)}  ${where.fs} ${where.profile}  ${c.red(broken(failure))}`,
    '',
    ...drawn(failure, options),
    hanging('  ', failure.message),
    ...failure.because.map((line, i) => hanging(i === 0 ? '  because  - ' : '           - ', line)),
    '',
    ...facts(failure, check),
    ...(failure.token === '' ? [] : [`  Replay   ${replayCommand(where, failure.token)}`]),
  ].join('\n');
}

/**
 * What a token shows.
 *
 * @param replayed - The replayed token.
 * @param where - Filesystem and profile.
 * @param options - Colours.
 */
export function explainText(replayed: ReplayedCheck, where: Where, options: TextOptions): string {
  const { check, failure, steps } = replayed;
  if (failure !== null) return raceText(failure, where, check, options);
  const c = palette(options);
  return [
    `${c.bold(check.id)}  ${where.fs} ${where.profile}  ${c.green('nothing is wrong with this schedule')}`,
    '',
    columnsText(steps, null, options),
    '',
    hanging('  Claim    ', check.summary),
  ].join('\n');
}
