/** The first and the last lines of the report of a run. */
import type { CheckResult } from '@fsport/conformance';
import type { RunHead, RunTail } from './events.js';
import { count, counted, hanging, palette, type TextOptions } from './layout.js';

/** What runs, on what, within which bounds. The number of workers is left out: it changes nothing. */
export function headText(head: RunHead): string {
  const packages = new Map<string, string[]>();
  for (const { name, version, profile } of head.filesystems) {
    const key = `${name} ${version}`;
    packages.set(key, [...(packages.get(key) ?? []), profile]);
  }
  return [
    ...[...packages].map(([name, profiles]) =>
      hanging('FSTYP      -- ', `${name} as ${profiles.join(', ')}`),
    ),
    hanging('PLATFORM   -- ', `core ${head.core}, node ${head.node}`),
    hanging('BOUNDS     -- ', head.bounds),
  ].join('\n');
}

/** Exit status in words. */
const STATUS: Readonly<Record<number, string>> = {
  0: 'every verdict is as declared',
  1: 'a verdict is not as declared',
  2: 'nothing failed, but not everything was explored',
  4: 'fsport itself failed',
  130: 'interrupted',
};

function rerun({ fs, profile, check }: CheckResult): string {
  return `  fsport run ${fs} ${check} -s ${profile}`;
}

/** How many checks were not run for each reason, most first. */
function notRun(results: readonly CheckResult[]): string[] {
  const counts = new Map<string, { readonly fs: string; readonly reason: string; checks: number }>();
  for (const { fs, reason, verdict } of results) {
    if (verdict !== 'notrun') continue;
    const key = `${fs} ${reason}`;
    const entry = counts.get(key) ?? { fs, reason: reason ?? '', checks: 0 };
    entry.checks++;
    counts.set(key, entry);
  }
  return [...counts.values()]
    .sort((a, b) => b.checks - a.checks)
    .map(({ fs, reason, checks }) => hanging(`  ${count(checks).padStart(5)} of ${fs}: `, reason));
}

/** Commands under a heading; nothing if there are none. */
function list(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, ...lines];
}

/** What a check that was not finished needs more of. */
function more({ reason, executions, blockedExecutions }: CheckResult): string {
  return reason?.includes('stopped by executions') === true
    ? `--max-executions ${10 * (executions + blockedExecutions)}`
    : '--time 10m';
}

/**
 * The last lines: what was run, what was left out, what failed and how to run it again.
 *
 * @param tail - How the run ended.
 * @param total - Checks times profiles.
 * @param options - Colours.
 */
export function summaryText(tail: RunTail, total: number, options: TextOptions): string {
  const c = palette(options);
  const { results, excluded, status } = tail;
  const skipped = results.filter(({ verdict }) => verdict === 'notrun').length;
  const unfinished = results.filter(({ ok, verdict }) => !ok && verdict === 'unknown');
  const bounded = results.filter(({ ok, verdict }) => ok && verdict === 'unknown').length;
  const wrong = results.filter(({ ok, verdict }) => !ok && verdict !== 'unknown');
  const declared = results.filter(({ ok, verdict }) => ok && verdict === 'fail').length;
  const ran = results.length - skipped;
  const known = declared === 0 ? '' : ` (${counted(declared, 'declared failure')})`;
  const paint = status === 0 ? c.green : c.red;
  return [
    `Ran: ${count(ran)} of ${count(total)}${known}   Not run: ${count(skipped)}   Excluded: ${count(excluded.length)}`,
    ...notRun(results),
    ...excluded.map(({ check, reason }) => hanging(`  ${check}  `, reason)),
    ...list(`Failed: ${count(wrong.length)}; run again:`, wrong.map(rerun)),
    ...list(
      `Unknown: ${count(unfinished.length)}; run again with more:`,
      unfinished.map((result) => `${rerun(result)} ${more(result)}`),
    ),
    ...(bounded === 0 ? [] : [`Unknown as declared, at a declared bound: ${count(bounded)}`]),
    paint(`Exit status ${status}: ${STATUS[status] ?? 'see above'}`),
  ].join('\n');
}
