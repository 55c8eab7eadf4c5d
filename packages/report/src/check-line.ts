/** The line of a check in the report of a run. */
import type { CheckResult } from '@fsport/conformance';
import { count, counted, hanging, palette, type TextOptions } from './layout.js';

/** How the word of a line is meant. */
type Tone = 'green' | 'yellow' | 'red' | 'magenta' | 'dim';

/** Word and colour of a verdict: `xfail` failed as declared, `XPASS` did not although it was declared. */
function wordOf({ verdict, expected, ok }: CheckResult): readonly [string, Tone] {
  if (verdict === 'notrun') return ['[not run]', ok ? 'dim' : 'red'];
  if (verdict === 'unknown') return ['unknown', 'magenta'];
  if (verdict === 'fail') return ok ? ['xfail', 'yellow'] : ['FAIL', 'red'];
  return expected === 'fail' ? ['XPASS', 'red'] : ['pass', 'green'];
}

function detailOf(result: CheckResult): string {
  const { verdict, property, preemptions, exhaustive, executions, reason } = result;
  if (verdict === 'notrun' || verdict === 'unknown') return reason ?? '';
  if (verdict === 'pass')
    return `${exhaustive ? 'exhaustive' : 'not exhaustive'}, ${counted(executions, 'execution')}`;
  const switches = preemptions === null || preemptions < 0 ? '' : `, ${counted(preemptions, 'preemption')}`;
  return `${property ?? ''}${switches}`;
}

/** What is wrong beyond the verdict: a declared result that did not come is as loud as a failure. */
function complaintOf({ verdict, expected, ok }: CheckResult): string {
  if (ok || expected === null) return '';
  return verdict === expected
    ? 'expected.json declares another property; '
    : `expected.json declares ${expected}; `;
}

/**
 * The line of a check.
 *
 * @param result - How it ended.
 * @param options - Colours and times.
 */
export function checkLine(result: CheckResult, options: TextOptions): string {
  const [word, tone] = wordOf(result);
  const time = options.times ? `${count(Math.round(result.seconds))}s ...`.padStart(8) : '';
  const head = `${result.check.padEnd(47)} ${result.profile.padEnd(5)}${time} `;
  const plain = `${head}${word.padEnd(8)} `;
  const label = `${head}${palette(options)[tone](word)}${' '.repeat(plain.length - head.length - word.length)}`;
  return hanging(label, `${complaintOf(result)}${detailOf(result)}`, plain);
}
