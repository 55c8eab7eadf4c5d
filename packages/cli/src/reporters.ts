/** The reports that a run can print. */
import { CHECKS, type Check } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import {
  type RunEvents,
  raceText,
  reportText,
  runJson,
  showProgress,
  type TextOptions,
} from '@fsport/report';
import { EventEmitter } from 'eventemitter3';
import { listed } from './options.js';
import type { Results } from './results.js';
import { textOptions } from './terminal.js';

/** Prints the report of a run. */
type Reporter = (events: RunEvents, write: (text: string) => void, options: TextOptions) => void;

/** Reports by name. */
const REPORTERS: Readonly<Record<string, Reporter>> = {
  text: (events, write, options) => reportText(events, write, { ...options, checks: CHECKS }),
  json: (events, write) => events.on('end', ({ results }) => write(runJson(results))),
};

/** The option that names reports, for every command that prints some. */
export const REPORTER_OPTION = [
  '-R, --reporter <names>',
  `reports to print: ${Object.keys(REPORTERS).join(', ')}`,
  (text: string): readonly string[] => listed(text), // instead of the default
  ['text'],
] as const;

/**
 * Reports by their names.
 *
 * @throws UsageError `UNKNOWN_REPORTER`.
 */
export function reportersOf(names: readonly string[]): readonly Reporter[] {
  return [...new Set(names)].map((name) => {
    const reporter = Object.hasOwn(REPORTERS, name) ? REPORTERS[name] : undefined;
    if (reporter !== undefined) return reporter;
    const known = Object.keys(REPORTERS).join(', ');
    const text = `There is no reporter "${name}". There are ${known}.`;
    throw new UsageError('UNKNOWN_REPORTER', { reporter: name }, text);
  });
}

/**
 * The bus of a run, with everything that listens to it: reports, progress, and the files of failures.
 *
 * @param reporters - What to print.
 * @param results - Where failures are kept.
 * @param times - With the times of checks?
 */
export function busOf(reporters: readonly Reporter[], results: Results, times: boolean): RunEvents {
  const events: RunEvents = new EventEmitter();
  if (process.stderr.isTTY === true) showProgress(events, (text) => process.stderr.write(text));
  const options = textOptions(times);
  for (const report of reporters) report(events, (written) => process.stdout.write(written), options);
  keepFailures(events, results);
  return events;
}

/** Write each failure to a file of its own. */
function keepFailures(events: RunEvents, results: Results): void {
  const checks = new Map(CHECKS.map((check) => [check.id, check]));
  events.on('check', (report) => {
    const { result, failure } = report;
    if (failure === null) return;
    const check = checks.get(result.check) as Check;
    results.writeFailure(report, raceText(failure, result, check, { color: false, times: false }));
  });
}
