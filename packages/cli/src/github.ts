/** What GitHub is told about a run: annotations and the summary of the job. */
import { appendFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { type CheckReport, traceCheck } from '@fsport/conformance';
import { framesOf } from '@fsport/explore';
import { annotation, jobSummary, type RunEvents, reportDocument, type SourceLine } from '@fsport/report';
import type { Plugin, Plugins } from './discovery.js';

/** Does this run in a workflow of GitHub? */
export function onGitHub(): boolean {
  return process.env['GITHUB_ACTIONS'] === 'true';
}

/** Path of a source file from the root of the repository. */
function inRepository(path: string): string {
  const root = process.env['GITHUB_WORKSPACE'] ?? process.cwd();
  return relative(root, path).split(sep).join('/');
}

/**
 * The line of a filesystem at which a failing schedule comes to its end: of the last step that was performed on behalf of
 * its code, up to the one that broke a rule.
 *
 * @returns `null` if the failure has no schedule.
 */
function lineOf({ fs, folder, expected }: Plugin, { result, failure }: CheckReport): SourceLine | null {
  if (failure === null || failure.token === '') return null;
  const { steps } = traceCheck(fs, result.profile, failure.token, expected);
  const until = steps.slice(0, (failure.at ?? steps.length) + 1);
  for (const { origin } of until.reverse()) {
    const frame = framesOf(origin).find(({ path }) => path.startsWith(`${folder}${sep}`));
    if (frame !== undefined) return { file: inRepository(frame.path), line: frame.line };
  }
  return null;
}

/**
 * Tell GitHub about a run: an annotation for each check that is not as declared, and a table in the summary.
 *
 * @param events - The run.
 * @param write - Takes annotations.
 * @param plugins - The filesystems.
 */
export function reportGitHub(events: RunEvents, write: (text: string) => void, plugins: Plugins): void {
  events.on('check', (report) => {
    if (!report.result.ok) write(annotation(report, lineOf(plugins.get(report.result.fs), report)));
  });
  const summary = process.env['GITHUB_STEP_SUMMARY'] ?? '';
  if (summary === '') return;
  reportDocument(events, (document) => {
    if (document.tail !== null) appendFileSync(summary, jobSummary(document));
  });
}
