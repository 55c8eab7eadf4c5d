/** The shortest report: what is not as declared, and the last lines. */
import type { Check } from '@fsport/conformance';
import { checkLine } from './check-line.js';
import { differenceText } from './difference.js';
import type { RunEvents } from './events.js';
import { raceText } from './failure-text.js';
import { summaryText } from './summary.js';
import { isWrong, type TextReportOptions } from './text-reporter.js';

/**
 * Write what is not as declared, and the last lines.
 *
 * @param events - The run.
 * @param write - Takes the text.
 * @param options - The suite, colours and times.
 */
export function reportMinimal(
  events: RunEvents,
  write: (text: string) => void,
  options: TextReportOptions,
): void {
  const checks = new Map(options.checks.map((check) => [check.id, check]));
  let total = 0;
  events.on('start', (head) => {
    total = head.checks.length;
  });
  events.on('check', ({ result, failure }) => {
    if (result.ok) return;
    const text =
      failure === null
        ? checkLine(result, options)
        : raceText(failure, result, checks.get(result.check) as Check, options);
    const difference = isWrong(result) ? `${differenceText(options.differenceOf(result))}\n` : '';
    write(`${text}\n${difference}\n`);
  });
  events.on('end', (tail) => write(`${summaryText(tail, total, options)}\n`));
}
