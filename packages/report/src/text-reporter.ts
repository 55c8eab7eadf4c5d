/** The report of a run as text, written as the run goes on. */
import type { Check, CheckReport, CheckResult } from '@fsport/conformance';
import { checkLine } from './check-line.js';
import { type Difference, differenceText } from './difference.js';
import type { RunEvents, RunTail } from './events.js';
import { raceText, replayCommand } from './failure-text.js';
import { palette, type TextOptions } from './layout.js';
import { headText, summaryText } from './summary.js';
import { pairTablesText } from './tables.js';

/** What a text report needs beyond the events. */
export interface TextReportOptions extends TextOptions {
  /** The suite. */
  readonly checks: readonly Check[];
  /** What is wrong with a verdict that is not as declared. */
  readonly differenceOf: (result: CheckResult) => Difference;
}

/** Is a verdict another than declared? One that nobody knows yet, because the run was ended, is not. */
export function isWrong({ ok, verdict }: CheckResult): boolean {
  return !ok && verdict !== 'unknown';
}

/**
 * Write the report of a run as text.
 *
 * A failure that nobody declared is shown in full at once. One that is declared gets a line and the command that
 * shows it; the first of each filesystem is shown in full at the end, where a terminal comes to rest.
 *
 * @param events - The run.
 * @param write - Takes the text.
 * @param options - The suite, colours and times.
 */
export function reportText(
  events: RunEvents,
  write: (text: string) => void,
  options: TextReportOptions,
): void {
  const checks = new Map(options.checks.map((check) => [check.id, check]));
  const example = new Map<string, CheckReport>();
  let several = false;
  let total = 0;
  let fs = '';

  const race = ({ result, failure }: CheckReport): string =>
    failure === null ? '' : raceText(failure, result, checks.get(result.check) as Check, options);

  events.on('start', (head) => {
    several = new Set(head.filesystems.map(({ name }) => name)).size > 1;
    total = head.checks.length;
    write(`${headText(head)}\n${several ? '' : '\n'}`);
  });

  events.on('check', (report) => {
    const { result, failure } = report;
    if (several && result.fs !== fs) write(`\n${palette(options).bold(result.fs)}\n`);
    fs = result.fs;
    // What was not run is counted by its reason, at the end, unless that is a surprise.
    if (result.verdict !== 'notrun' || !result.ok) write(`${checkLine(result, options)}\n`);
    if (isWrong(result)) write(`${differenceText(options.differenceOf(result))}\n`);
    if (failure === null) return;
    if (!result.ok) write(`\n${race(report)}\n\n`);
    else if (!example.has(fs)) example.set(fs, report);
    if (result.ok && failure.token !== '') write(`    ${replayCommand(result, failure.token)}\n`);
  });

  events.on('end', (tail: RunTail) => {
    const parts = [
      ...[...example.values()].map(
        (report) => `The first declared failure of ${report.result.fs} in full:\n\n${race(report)}`,
      ),
      pairTablesText(tail.results, options.checks, options),
      summaryText(tail, total, options),
    ];
    write(`\n${parts.filter((part) => part !== '').join('\n\n')}\n`);
  });
}
