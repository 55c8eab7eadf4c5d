/**
 * The reports of a run: several at once, each printed or written to a file. A file is written again after each check, so
 * that a run which dies leaves it valid, with what has not ended as unknown.
 */
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CHECKS, type CheckResult } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import {
  documentJson,
  junitXml,
  ktap,
  PLAIN_TEXT,
  type RunDocument,
  type RunEvents,
  reportDocument,
  reportMinimal,
  reportText,
  showProgress,
  type TextReportOptions,
} from '@fsport/report';
import { EventEmitter } from 'eventemitter3';
import { differenceOf, keepChecks } from './about-checks.js';
import type { Plugins } from './discovery.js';
import { onGitHub, reportGitHub } from './github.js';
import { listed } from './options.js';
import type { Results } from './results.js';
import { textOptions } from './terminal.js';

/** A report that is told as the run goes on. */
type Told = (
  events: RunEvents,
  write: (text: string) => void,
  options: TextReportOptions,
  plugins: Plugins,
) => void;

/** A report that is one document. */
interface Document {
  /** The whole of it. */
  readonly whole: (document: RunDocument) => string;
  /** What of it cannot change any more, if it is printed as the run goes on. */
  readonly begun?: (document: RunDocument) => string;
  /** Name of the file of results that it is written to unless another is named; it is printed if undefined. */
  readonly file?: string;
}

const TOLD: Readonly<Record<string, Told>> = {
  text: reportText,
  minimal: reportMinimal,
  github: (events, write, _options, plugins) => reportGitHub(events, write, plugins),
};

const DOCUMENTS: Readonly<Record<string, Document>> = {
  json: { whole: documentJson },
  ktap: { whole: (document) => ktap(document, true), begun: (document) => ktap(document, false) },
  junit: { whole: (document) => junitXml(document, CHECKS), file: 'junit.xml' },
};

const NAMES = [...Object.keys(TOLD), ...Object.keys(DOCUMENTS)];

/** A report that was asked for. */
export interface Wanted {
  /** Its name. */
  readonly name: string;
  /** Path of the file it goes to; where it goes by itself if `null`. */
  readonly file: string | null;
}

const DEFAULT: readonly string[] = ['text'];

/** The option that names reports, for every command that prints some. */
export const REPORTER_OPTION = [
  '-R, --reporter <names>',
  `reports: ${NAMES.join(', ')}; name=file writes one to a file (junit: to junit.xml in the results)`,
  // What is given replaces the default.
  (text: string, before: readonly string[]): readonly string[] =>
    listed(text, before === DEFAULT ? [] : before),
  DEFAULT,
] as const;

/**
 * Reports by their names. On GitHub its report is added, unless the run is a shard: each of many would annotate.
 *
 * @param names - `text`, or `junit=out.xml`.
 * @param shard - Is the run a part of one?
 * @throws UsageError `UNKNOWN_REPORTER`, or `BAD_OPTION` if two go to the same file.
 */
export function reportersOf(names: readonly string[], shard = false): readonly Wanted[] {
  const wanted = [...new Set(names)].map((text): Wanted => {
    const [, name, file] = /^([^=]*)(?:=(.*))?$/s.exec(text) as unknown as [string, string, string?];
    if (!NAMES.includes(name)) {
      const what = `--reporter: there is no reporter "${name}". There are ${NAMES.join(', ')}.`;
      throw new UsageError('UNKNOWN_REPORTER', { reporter: name }, what);
    }
    if (file === '') throw badFile(text, 'no file is named after the =');
    return { name, file: file === undefined ? null : resolve(file) };
  });
  const files = wanted.flatMap(({ file }) => file ?? []);
  const twice = files.find((file, i) => files.indexOf(file) !== i);
  if (twice !== undefined) throw badFile(twice, 'two reports go to this file');
  if (!onGitHub() || shard || wanted.some(({ name }) => name === 'github')) return wanted;
  return [...wanted, { name: 'github', file: null }];
}

function badFile(file: string, why: string): UsageError {
  const advice = 'Write -R name=file, a file for each report.';
  return new UsageError('BAD_OPTION', { option: 'reporter' }, `--reporter ${file}: ${why}. ${advice}`);
}

/**
 * The bus of a run, with everything that listens to it: reports, progress, and the files of failures.
 *
 * @param wanted - Reports.
 * @param results - Where failures are kept.
 * @param plugins - The filesystems.
 * @param times - With the times of checks?
 * @throws UsageError `BAD_OPTION` if a file cannot be written.
 */
export function busOf(
  wanted: readonly Wanted[],
  results: Results,
  plugins: Plugins,
  times: boolean,
): RunEvents {
  const events: RunEvents = new EventEmitter();
  const more = {
    checks: CHECKS,
    differenceOf: (result: CheckResult) => differenceOf(results, plugins.get(result.fs), result),
  };
  if (process.stderr.isTTY === true) showProgress(events, (text) => process.stderr.write(text));
  for (const one of wanted) {
    const told = TOLD[one.name];
    if (told === undefined) listen(events, DOCUMENTS[one.name] as Document, one.file, results);
    else if (one.file === null) told(events, print, { ...more, ...textOptions(times) }, plugins);
    else told(events, appending(events, one.file), { ...more, ...PLAIN_TEXT, times }, plugins);
  }
  keepChecks(events, results, plugins);
  return events;
}

function print(text: string): void {
  process.stdout.write(text);
}

function listen(events: RunEvents, how: Document, file: string | null, results: Results): void {
  const { whole, begun, file: own } = how;
  if (file !== null) {
    writable(file, () => rewrite(file, ''));
    keepWritten(events, (document) => rewrite(file, whole(document)));
  } else if (own !== undefined) keepWritten(events, (document) => results.writeReport(own, whole(document)));
  else if (begun === undefined) {
    reportDocument(events, (document) => document.tail !== null && print(whole(document)));
  } else {
    let printed = 0;
    reportDocument(events, (document) => {
      const text = document.tail === null ? begun(document) : whole(document);
      print(text.slice(printed));
      printed = text.length;
    });
  }
}

/** Of its time, a run gives a tenth at most to each file that is written over and over. */
const REST = 10;

/**
 * Write a document after each check. A long one that takes a while to write is written a little later, and then once for
 * all checks that have ended by then.
 */
function keepWritten(events: RunEvents, write: (document: RunDocument) => void): void {
  let later: NodeJS.Timeout | undefined;
  let notBefore = 0;
  const now = (document: RunDocument): void => {
    const began = performance.now();
    write(document);
    notBefore = performance.now() + REST * (performance.now() - began);
  };
  reportDocument(events, (document) => {
    clearTimeout(later);
    const wait = notBefore - performance.now();
    if (document.tail !== null || wait <= 0) now(document);
    else later = setTimeout(now, wait, document).unref();
  });
}

function writable<T>(file: string, open: () => T): T {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return open();
  } catch (error) {
    throw badFile(file, (error as Error).message);
  }
}

/** Write a file; whoever reads it never sees half of it. */
function rewrite(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Writes what is told to a file as it is told. */
function appending(events: RunEvents, file: string): (text: string) => void {
  const descriptor = writable(file, () => openSync(file, 'w'));
  // Reports listen to the end before this does: it is put in line when they already are.
  events.once('start', () => events.once('end', () => closeSync(descriptor)));
  return (text) => void writeSync(descriptor, text);
}
