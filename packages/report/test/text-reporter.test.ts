// Shows what a run prints: a line for each check, failures that nobody declared in full, tables, a summary; and
// that it is the same bytes whatever the times.

import type { CheckReport, CheckResult } from '@fsport/conformance';
import { checkLine, type RunEventTypes, reportText, summaryText, WIDTH } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'eventemitter3';
import { check, differenceOf, FAILURE, failing, longest, PLAIN, result } from './fixtures/results.js';

const CHECKS = [
  check('race/e1-read-vs-punch'),
  check('pair/pread-vs-punch-hole.page', { pair: { filler: 'pread', invalidator: 'punch-hole' } }),
];

/** What a run prints. */
function printed(reports: readonly CheckReport[], status = 0, times = false): string {
  const events = new EventEmitter<RunEventTypes>();
  const texts: string[] = [];
  reportText(events, (text) => texts.push(text), { color: false, times, checks: CHECKS, differenceOf });
  const names = [...new Set(reports.map((report) => report.result.fs))];
  events.emit('start', {
    filesystems: names.flatMap((fs) =>
      ['v5.14', 'v5.15'].map((profile) => ({ name: `fs-${fs}`, version: '0.1.0', profile })),
    ),
    core: '0.1.0',
    node: 'v24.0.0',
    bounds: '1M executions per check',
    checks: reports.map(({ result }) => result),
  });
  for (const report of reports) events.emit('check', report);
  const results = reports.map((report) => report.result);
  events.emit('end', { results, excluded: [], interrupted: false, status });
  return texts.join('');
}

describe('the line of a check', () => {
  const lines: readonly (readonly [string, Partial<CheckResult>, RegExp])[] = [
    ['passes', {}, /v5\.15 pass {5}exhaustive, 1,212 executions$/],
    [
      'fails as declared',
      { verdict: 'fail', expected: 'fail', property: 'stale-data', preemptions: 1 },
      / xfail {4}stale-data, 1 preemption$/,
    ],
    [
      'fails',
      { verdict: 'fail', ok: false, property: 'deadlock', preemptions: 2 },
      / FAIL {5}deadlock, 2 preemptions$/,
    ],
    [
      'does not fail as declared',
      { expected: 'fail', ok: false },
      / XPASS {4}expected\.json declares fail;\s/,
    ],
    ['is not finished', { verdict: 'unknown', ok: false, reason: 'stopped' }, / unknown {2}stopped$/],
    [
      'is not run',
      { verdict: 'notrun', reason: 'supports.mmap is not claimed' },
      / \[not run\] supports\.mmap is not claimed$/,
    ],
    [
      'fails with another property than declared',
      { verdict: 'fail', expected: 'fail', ok: false, property: 'refcount', preemptions: 0 },
      / FAIL .*another/s,
    ],
  ];

  test.each(lines)('that %s', (_what, rest, expected) => {
    const line = checkLine(result({ check: 'a/b', ...rest }), PLAIN);
    expect(line).toMatch(expected);
    expect(longest(line)).toBeLessThanOrEqual(WIDTH);
  });

  test('has its time as fstests prints it, unless times are left out', () => {
    expect(checkLine(result(), { color: false, times: true })).toContain(' 3s ...');
    expect(checkLine(result(), PLAIN)).not.toContain('...');
  });

  test('is one line for the longest ids', () => {
    const id = 'pair/uring-nowait-read-vs-truncate-down.partial';
    expect(checkLine(result({ check: id, seconds: 12 }), { color: false, times: true })).not.toContain('\n');
  });
});

describe('a run', () => {
  test('prints the same bytes whatever the times', () => {
    const slow = failing();
    expect(printed([{ ...slow, result: { ...slow.result, seconds: 99 } }])).toBe(printed([slow]));
  });

  test('prints an undeclared failure in full at its place, within the width', () => {
    const text = printed([failing({ ok: false, expected: null }), { result: result(), failure: null }], 1);
    const race = text.indexOf('bio_endio(disk[1])');
    expect(race).toBeGreaterThan(text.indexOf(' FAIL '));
    expect(race).toBeLessThan(text.indexOf(' pass '));
    expect(/fsport replay toy '([^']+)'/.exec(text)?.[1]).toBe(FAILURE.token);
    expect(longest(text)).toBeLessThanOrEqual(WIDTH);
  });

  test('prints the first declared failure in full at the end, and a command for each', () => {
    const second = failing({ check: 'pair/pread-vs-punch-hole.page' });
    const text = printed([failing(), second]);
    expect(text.match(/bio_endio/g)).toHaveLength(1);
    expect(text.indexOf('bio_endio')).toBeGreaterThan(text.lastIndexOf(' xfail '));
    // One below each line, one below the race.
    expect(text.match(/fsport replay/g)).toHaveLength(3);
  });

  test('prints a table only for filesystems whose pairs were judged', () => {
    const pair = { check: 'pair/pread-vs-punch-hole.page' };
    const none = result({ ...pair, fs: 'other', verdict: 'notrun', reason: 'no' });
    const text = printed([
      failing(pair),
      { result: result(pair), failure: null },
      { result: none, failure: null },
    ]);
    expect(text).toMatch(/^toy: who fills/m);
    expect(text).toMatch(/^pread +race +safe$/m);
    expect(text).not.toMatch(/^other: /m);
    expect(printed([{ result: none, failure: null }])).not.toContain('ownership of blocks');
  });

  test('heads the checks of each filesystem if there are several', () => {
    const other = result({ fs: 'other' });
    expect(
      printed([
        { result: result(), failure: null },
        { result: other, failure: null },
      ]),
    ).toMatch(/^toy\n.*\n\nother\n/m);
    expect(printed([{ result: result(), failure: null }])).not.toMatch(/^toy$/m);
  });

  test('says what runs on what', () => {
    expect(
      printed([{ result: result(), failure: null }])
        .split('\n')
        .slice(0, 3),
    ).toEqual([
      'FSTYP      -- fs-toy 0.1.0 as v5.14, v5.15',
      'PLATFORM   -- core 0.1.0, node v24.0.0',
      'BOUNDS     -- 1M executions per check',
    ]);
  });
});

describe('the summary', () => {
  const results = [
    result(),
    result({ verdict: 'fail', ok: false, check: 'a/b' }),
    result({ verdict: 'unknown', ok: false, check: 'c/d', profile: 'v5.14' }),
    result({ verdict: 'notrun' }),
  ];
  const excluded = [{ check: 'e/f', reason: 'too slow here' }];
  const text = summaryText({ results, excluded, interrupted: false, status: 1 }, 5, PLAIN);

  test('counts', () => {
    expect(text).toMatch(/^Ran: 3 of 5 {3}Not run: 1 {3}Excluded: 1$/m);
    expect(text).toContain('e/f  too slow here');
  });

  test('counts what was not run by its reason, most first', () => {
    const left = ['mmap', 'write', 'write'].map((claim) =>
      result({ verdict: 'notrun', reason: `supports.${claim} is not claimed` }),
    );
    const lines = summaryText({ results: left, excluded: [], interrupted: false, status: 0 }, 3, PLAIN);
    expect(lines.split('\n').slice(1, 3)).toEqual([
      '      2 of toy: supports.write is not claimed',
      '      1 of toy: supports.mmap is not claimed',
    ]);
  });

  test('has a command for everything that failed or was not finished', () => {
    expect(text).toContain('fsport run toy a/b -s v5.15\n');
    expect(text).toContain('fsport run toy c/d -s v5.14 --time');
  });

  test.each([
    [0, 'every verdict is as declared'],
    [1, 'not as declared'],
    [2, 'not everything was explored'],
    [4, 'fsport itself'],
    [130, 'interrupted'],
  ])('says what exit status %i means', (status, words) => {
    const tail = { results: [], excluded: [], interrupted: false, status };
    expect(summaryText(tail, 0, PLAIN)).toMatch(new RegExp(`^Exit status ${status}: .*${words}`, 'm'));
  });
});
