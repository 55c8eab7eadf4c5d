/**
 * A run as JUnit XML, in the form that Jenkins has a schema of. A test case has no properties there, so the numbers
 * and the token of each check are properties of its suite.
 */

import type { Check, Failure } from '@fsport/conformance';
import type { Entry, RunDocument, Suite } from './document.js';
import { raceText, type Where } from './failure-text.js';
import { PLAIN_TEXT } from './layout.js';
import { type Outcome, toldOf } from './verdict-words.js';
import { type Element, xmlDocument, xmlText } from './xml.js';

const FAILURES: ReadonlySet<Outcome> = new Set(['fail']);
const ERRORS: ReadonlySet<Outcome> = new Set(['unknown', 'internal']);
const SKIPPED: ReadonlySet<Outcome> = new Set(['skip', 'xfail', 'known-unknown']);

/** A failure in full is drawn once, however often the document is written. */
const DRAWN = new WeakMap<Failure, string>();

function drawn(failure: Failure, where: Where, check: Check): string {
  const text = DRAWN.get(failure) ?? xmlText(raceText(failure, where, check, PLAIN_TEXT));
  DRAWN.set(failure, text);
  return text;
}

function testcase(entry: Entry, checks: ReadonlyMap<string, Check>, suite: string): Element {
  const { planned, report } = entry;
  const { outcome, why } = toldOf(report);
  const check = checks.get(planned.check);
  const full =
    report === null || report.failure === null || check === undefined
      ? ''
      : drawn(report.failure, planned, check);
  const about = { '@message': xmlText(why), '#text': full };
  return {
    '@classname': suite,
    '@name': xmlText(planned.check),
    '@time': (report?.result.seconds ?? 0).toFixed(3),
    ...(SKIPPED.has(outcome) ? { skipped: xmlText(`${outcome}: ${why}`) } : {}),
    ...(ERRORS.has(outcome) ? { error: { '@type': outcome, ...about } } : {}),
    ...(FAILURES.has(outcome)
      ? { failure: { '@type': report?.result.property ?? 'verdict', ...about } }
      : {}),
    ...(SKIPPED.has(outcome) && full !== '' ? { 'system-out': full } : {}),
  };
}

function property(name: string, value: string | number): Element {
  return { '@name': xmlText(name), '@value': xmlText(String(value)) };
}

function properties(document: RunDocument, { entries }: Suite): Element[] {
  const { head } = document;
  return [
    property('bounds', head.bounds),
    property('core', head.core),
    ...entries.flatMap(({ report }) => {
      if (report === null || report.result.verdict === 'notrun') return [];
      const { check, bounds, executions, token } = report.result;
      return [
        property(`${check}.bounds`, bounds),
        property(`${check}.executions`, executions),
        ...(token === null ? [] : [property(`${check}.token`, token)]),
      ];
    }),
  ];
}

function tally(suites: readonly Suite[]): Element {
  const entries = suites.flatMap((suite) => suite.entries);
  const having = (outcomes: ReadonlySet<Outcome>): number =>
    entries.filter(({ report }) => outcomes.has(toldOf(report).outcome)).length;
  const time = entries.reduce((sum, { report }) => sum + (report?.result.seconds ?? 0), 0);
  return {
    '@tests': entries.length,
    '@failures': having(FAILURES),
    '@errors': having(ERRORS),
    '@time': time.toFixed(3),
  };
}

/**
 * A run as JUnit XML. A failure that is declared is skipped with its schedule, one that is not is a failure, and what is
 * unknown is an error: it has not passed.
 *
 * @param document - The run.
 * @param checks - The suite.
 */
export function junitXml(document: RunDocument, checks: readonly Check[]): string {
  const known = new Map(checks.map((check) => [check.id, check]));
  const { suites } = document;
  return xmlDocument({
    testsuites: {
      '@name': 'fsport',
      ...tally(suites),
      testsuite: suites.map((suite) => ({
        '@name': suite.name,
        ...tally([suite]),
        '@skipped': suite.entries.filter(({ report }) => SKIPPED.has(toldOf(report).outcome)).length,
        properties: { property: properties(document, suite) },
        testcase: suite.entries.map((entry) => testcase(entry, known, suite.name)),
      })),
    },
  });
}
