/**
 * What is kept about each check in the folder of results, in files that end like those of fstests:
 *
 * | File | When | What |
 * | --- | --- | --- |
 * | `.full` | it failed | the failure in full |
 * | `.token` | it failed by a schedule | the replay token |
 * | `.trace.json` | it failed by a schedule | everything about its steps, for programs |
 * | `.hints` | it failed | what the kernel did about it |
 * | `.out`, `.out.bad` | it is not as declared | what is declared, and what was found |
 * | `.notrun` | it was not run | the reason |
 */
import { CHECKS, type Check, type CheckReport, type CheckResult } from '@fsport/conformance';
import { type Difference, PLAIN_TEXT, type RunEvents, type RunTail, raceText } from '@fsport/report';
import type { Plugin, Plugins } from './discovery.js';
import type { Results } from './results.js';

const OUT = 'out';
const BAD = 'out.bad';

/** Verdict and property, a line each, to be compared by `diff`. */
function verdictText(verdict: string, property: string | null | undefined): string {
  return `verdict: ${verdict}\n${property === null || property === undefined ? '' : `property: ${property}\n`}`;
}

/**
 * What is wrong with a verdict that is not as declared.
 *
 * @param results - Where it is kept.
 * @param plugin - The filesystem.
 * @param result - The verdict.
 */
export function differenceOf(results: Results, { expected }: Plugin, result: CheckResult): Difference {
  const declared = expected?.of(result.check, result.profile) ?? { verdict: 'pass' };
  const reason = result.reason === null ? '' : `reason: ${result.reason}\n`;
  return {
    out: verdictText(declared.verdict, declared.property),
    bad: `${verdictText(result.verdict, result.property)}${reason}`,
    outPath: results.pathAbout(result, OUT),
    badPath: results.pathAbout(result, BAD),
  };
}

function keepDifference(results: Results, plugin: Plugin, result: CheckResult): void {
  const { out, bad } = differenceOf(results, plugin, result);
  results.writeAbout(result, OUT, out);
  results.writeAbout(result, BAD, bad);
}

function keepFailure(results: Results, { result, failure }: CheckReport, check: Check): void {
  if (failure === null) return;
  results.writeAbout(result, 'full', `${raceText(failure, result, check, PLAIN_TEXT)}\n`);
  if (failure.hints.length > 0) results.writeShared(result, 'hints', `${failure.hints.join('\n')}\n`);
  if (failure.token !== '') results.writeAbout(result, 'token', `${failure.token}\n`);
}

/**
 * Write down everything about the steps of a failure, as whoever ran the check has found it.
 *
 * @param results - Where it goes.
 * @param result - The check.
 * @param trace - Text of the file.
 */
export function keepTrace(results: Results, result: CheckResult, trace: string): void {
  results.writeAbout(result, 'trace.json', trace);
}

/** A run in the log of all runs. */
function logText({ results, status }: RunTail): string {
  const ran = results.filter(({ verdict }) => verdict !== 'notrun');
  const wrong = results.filter(({ ok }) => !ok);
  const ids = wrong.map(({ fs, profile, check }) => ` ${profile}/${fs}/${check}`);
  const failures = wrong.length === 0 ? '' : `Failures:${ids.join('')}\n`;
  const last = `Failed ${wrong.length} of ${ran.length} checks, exit status ${status}`;
  return `\n${new Date().toISOString()}\n${failures}${last}\n`;
}

/**
 * Write down what there is to say about each check, and log the run.
 *
 * @param events - The run.
 * @param results - Where it goes.
 * @param plugins - The filesystems.
 */
export function keepChecks(events: RunEvents, results: Results, plugins: Plugins): void {
  const checks = new Map(CHECKS.map((check) => [check.id, check]));
  events.on('check', (report) => {
    const { result } = report;
    const plugin = plugins.get(result.fs);
    if (result.verdict === 'notrun') results.writeShared(result, 'notrun', `${result.reason ?? ''}\n`);
    if (!result.ok) keepDifference(results, plugin, result);
    keepFailure(results, report, checks.get(result.check) as Check);
  });
  events.on('end', (tail) => results.log(logText(tail)));
}
