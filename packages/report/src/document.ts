/**
 * A report that is one document: the whole of it can be written at any time. What has not ended yet is in it as
 * unknown, so that a run which dies leaves a valid report that says so.
 */
import type { CheckReport } from '@fsport/conformance';
import type { PlannedCheck, RunEvents, RunHead, RunTail } from './events.js';
import { runJson } from './run-json.js';

/** How the reason of a check begins that has no verdict because fsport itself failed. */
export const INTERNAL = 'internal error';

/** What is said about a check that has not ended. */
export const NOT_ENDED = 'the run has not come to it, or ended before';

/** One check of a document. */
export interface Entry {
  /** What was to run. */
  readonly planned: PlannedCheck;
  /** How it ended, `null` if it has not. */
  readonly report: CheckReport | null;
}

/** The checks of one filesystem as one profile. */
export interface Suite {
  /** `ext4@v5.15`. */
  readonly name: string;
  /** The checks. */
  readonly entries: readonly Entry[];
}

/** A run as far as it has come. */
export interface RunDocument {
  /** What it began with. */
  readonly head: RunHead;
  /** The checks by filesystem and profile, in the order of the suite. */
  readonly suites: readonly Suite[];
  /** How it ended, `null` if it has not. */
  readonly tail: RunTail | null;
}

function nameOf({ fs, profile }: PlannedCheck): string {
  return `${fs}@${profile}`;
}

function keyOf(planned: PlannedCheck): string {
  return `${nameOf(planned)} ${planned.check}`;
}

function documentOf(
  head: RunHead,
  ended: ReadonlyMap<string, CheckReport>,
  tail: RunTail | null,
): RunDocument {
  const suites = new Map<string, Entry[]>(head.checks.map((planned) => [nameOf(planned), []]));
  for (const planned of head.checks)
    suites.get(nameOf(planned))?.push({ planned, report: ended.get(keyOf(planned)) ?? null });
  return { head, suites: [...suites].map(([name, entries]) => ({ name, entries })), tail };
}

/** A run as JSON: the results, and what has none yet. */
export function documentJson({ suites, tail }: RunDocument): string {
  if (tail !== null) return runJson(tail.results);
  const entries = suites.flatMap((suite) => suite.entries);
  return runJson(
    entries.flatMap(({ report }) => (report === null ? [] : [report.result])),
    entries.flatMap(({ planned, report }) => (report === null ? [planned] : [])),
  );
}

/**
 * Hand on the document of a run each time it changes.
 *
 * @param events - The run.
 * @param changed - Called at the start, after each check and at the end.
 */
export function reportDocument(events: RunEvents, changed: (document: RunDocument) => void): void {
  const ended = new Map<string, CheckReport>();
  let head: RunHead | null = null;
  const tell = (tail: RunTail | null): void => {
    if (head !== null) changed(documentOf(head, ended, tail));
  };
  events.on('start', (begun) => {
    head = begun;
    tell(null);
  });
  events.on('check', (report) => {
    ended.set(keyOf(report.result), report);
    tell(null);
  });
  events.on('end', (tail) => tell(tail));
}
