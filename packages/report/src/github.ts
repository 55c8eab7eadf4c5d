/**
 * A run for GitHub: an annotation for each check whose verdict is not as declared, as workflow commands, and the
 * summary of the job as Markdown.
 *
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
import type { CheckReport } from '@fsport/conformance';
import type { RunDocument, Suite } from './document.js';
import { replayCommand } from './failure-text.js';
import { type Outcome, toldOf } from './verdict-words.js';

/** A line of a source file. */
export interface SourceLine {
  /** Path of the file, from the root of the repository. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
}

/** GitHub takes no more than 1 MiB of summary from a step. */
const MOST_SUMMARY = 1_000_000;

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function propertyValue(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * The annotation of a check.
 *
 * @param report - How it ended.
 * @param at - The line of the filesystem to which it belongs, `null` if none is known.
 * @returns A workflow command and the end of its line; empty if the verdict is as declared.
 */
export function annotation(report: CheckReport, at: SourceLine | null): string {
  const { result, failure } = report;
  if (result.ok) return '';
  const { outcome, why } = toldOf(report);
  const level = outcome === 'unknown' ? 'warning' : 'error';
  const place = at === null ? '' : `file=${propertyValue(at.file)},line=${at.line},`;
  const title = propertyValue(`${result.check} (${result.fs} ${result.profile})`);
  const replay = failure === null || failure.token === '' ? [] : [replayCommand(result, failure.token)];
  const lines = [why, ...(failure === null ? [] : [failure.message, ...failure.because]), ...replay];
  return `::${level} ${place}title=${title}::${data(lines.join('\n'))}\n`;
}

const MARKS: Readonly<Record<Outcome, string>> = {
  pass: 'pass',
  xfail: 'xfail',
  skip: '-',
  fail: '**FAIL**',
  unknown: '**unknown**',
  'known-unknown': 'unknown',
  internal: '**ERROR**',
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Checks against filesystems. */
function table(suites: readonly Suite[], only: (outcome: Outcome) => boolean): string[] {
  const outcomes = suites.map(
    ({ entries }) =>
      new Map(entries.map(({ planned, report }) => [planned.check, toldOf(report).outcome] as const)),
  );
  const ids = [...new Set(suites.flatMap(({ entries }) => entries.map(({ planned }) => planned.check)))];
  const rows = ids.flatMap((id) => {
    const found = outcomes.map((suite) => suite.get(id));
    if (!found.some((outcome) => outcome !== undefined && only(outcome))) return [];
    return [row([cell(id), ...found.map((outcome) => (outcome === undefined ? '' : MARKS[outcome]))])];
  });
  if (rows.length === 0) return [];
  return [
    row(['check', ...suites.map(({ name }) => cell(name))]),
    row(['---', ...suites.map(() => '---')]),
    ...rows,
  ];
}

const AS_DECLARED: ReadonlySet<Outcome> = new Set(['pass', 'xfail', 'skip', 'known-unknown']);

/**
 * The summary of a job: a table of checks against filesystems.
 *
 * @param document - The run.
 * @returns Markdown. If the whole table is more than GitHub takes, only checks that are not as declared are in it.
 */
export function jobSummary(document: RunDocument): string {
  const { suites, tail } = document;
  const all = suites.flatMap(({ entries }) => entries.map(({ report }) => toldOf(report).outcome));
  const wrong = all.filter((outcome) => !AS_DECLARED.has(outcome)).length;
  const status = tail === null ? '' : ` Exit status ${tail.status}.`;
  const head = ['## fsport', '', `${all.length} verdicts, ${wrong} not as declared.${status}`, ''];
  const whole = [...head, ...table(suites, (outcome) => outcome !== 'skip'), ''].join('\n');
  if (Buffer.byteLength(whole) <= MOST_SUMMARY) return whole;
  const short = table(suites, (outcome) => !AS_DECLARED.has(outcome));
  return [
    ...head,
    'The whole table is too long for a summary; what is as declared is left out.',
    '',
    ...short,
    '',
  ].join('\n');
}
