// Shows that what GitHub is told is what its own toolkit would tell it, and that the summary is a table that fits.

import { issueCommand } from '@actions/core/lib/command.js';
import { annotation, jobSummary } from '@fsport/report';
import { expect, jest, test } from '@jest/globals';
import { failing } from './fixtures/results.js';
import { documents, REPORTS } from './fixtures/runs.js';

/** What the toolkit of GitHub prints. */
function toolkit(...args: Parameters<typeof issueCommand>): string {
  let text = '';
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  issueCommand(...args);
  spy.mockRestore();
  return text;
}

test('an annotation is what the toolkit prints', () => {
  const at = { file: 'src/odd, name: 100%.ts', line: 42 };
  for (const report of REPORTS) {
    const text = annotation(report, at);
    if (report.result.ok) {
      expect(text).toBe('');
      continue;
    }
    const { fs, profile, check, verdict } = report.result;
    const [, level, message] = /^::(\w+) .*?::(.*)\n$/.exec(text) as unknown as [string, string, string];
    expect(level).toBe(verdict === 'unknown' && check !== 'a/internal' ? 'warning' : 'error');
    const plain = message.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
    const properties = { file: at.file, line: at.line, title: `${check} (${fs} ${profile})` };
    expect(text).toBe(toolkit(level, properties, plain));
  }
});

test('an annotation says what is wrong, why and how to see it again', () => {
  const text = annotation(failing({ expected: null, ok: false }), null);
  expect(text).toMatch(
    /^::error title=race\/e1-read-vs-punch \(toy v5\.14\)::fail: stale-data, 1 preemption%0A/,
  );
  expect(text).toContain(
    "%0Afsport replay toy 'race/e1-read-vs-punch@1:p1r2p1rA1~9d5036bd.4af31b49' -s v5.14",
  );
});

test('the summary has a row for each check and a column for each filesystem and profile', () => {
  const all = documents();
  const last = all.at(-1) as (typeof all)[number];
  const lines = jobSummary(last).split('\n');
  expect(lines).toContain('10 verdicts, 6 not as declared. Exit status 1.');
  const rows = lines.filter((line) => line.startsWith('|')).map((line) => line.slice(2, -2).split(' | '));
  expect(rows[0]).toEqual(['check', 'toy@v5.14', 'toy@v5.15']);
  expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([3]));
  // What was not run fills no row.
  const shown = REPORTS.map(({ result }) => result.check).filter((id) => id !== 'a/skip');
  expect(
    rows
      .slice(2)
      .map(([id]) => id)
      .sort(),
  ).toEqual(shown.sort());
});

test('a summary that is too long for GitHub leaves out what is as declared', () => {
  const all = documents();
  const last = all.at(-1) as (typeof all)[number];
  const [entry] = (last.suites[1] as (typeof last.suites)[number]).entries as [
    (typeof last.suites)[0]['entries'][0],
  ];
  const many = Array.from({ length: 40_000 }, (_, i) => ({
    report: REPORTS[2] as (typeof REPORTS)[number],
    planned: { ...entry.planned, check: `pair/many-${i}.page` },
  }));
  const text = jobSummary({ ...last, suites: [...last.suites, { name: 'b@v5.15', entries: many }] });
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  expect(text).toContain('too long');
  expect(text).toContain('| a/fail |');
  expect(text).not.toContain('pair/many');
});
