// Shows how a lock audit is written: each lock once, a line for each function that takes it, and what no check needs.

import type { AuditedLock, LockAudit, LockSurvey } from '@fsport/conformance';
import { AuditText, auditHead, WIDTH } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { longest, PLAIN } from './fixtures/results.js';

const LOCK = 'mapping.invalidate_lock';
const noticed = { check: 'pair/pread-vs-punch-hole.page', property: 'stale-data', preemptions: 1 };

function found(within: string, rest: Partial<LockAudit> = {}): LockAudit {
  return { lock: LOCK, within, noticed, asked: 3, unfinished: 0, ...rest };
}

function written(all: readonly LockAudit[]): string {
  const audited = all.map(({ lock, within }): AuditedLock => ({ lock, within, holders: [], checks: [] }));
  const text = new AuditText(audited, PLAIN);
  return [...all.map((one) => text.line(one)), text.summary()].join('\n');
}

test('a lock is named once, and functions as in the kernel', () => {
  expect(
    written([
      found('filemapFault'),
      found('__pageCacheRaUnbounded', { noticed: { ...noticed, preemptions: 2 } }),
      found('ext4PunchHole', { lock: 'inode.i_rwsem', noticed: null }),
    ]).split('\n'),
  ).toEqual([
    '',
    'mapping.invalidate_lock',
    '  filemap_fault              pair/pread-vs-punch-hole.page: stale-data, 1 preemption',
    '  __page_cache_ra_unbounded  pair/pread-vs-punch-hole.page: stale-data, 2 preemptions',
    '',
    'inode.i_rwsem',
    '  ext4_punch_hole            no check needs it (3 take it): a hole in the suite or a redundant lock',
    'Needed: 2 of 3',
  ]);
});

test('what is not known is not called redundant', () => {
  const text = written([found('f', { noticed: null, unfinished: 2 })]);
  expect(text).toMatch(/^ {2}f {2}unknown: .*2 of 3 checks.*--max-executions$/m);
  expect(text).not.toContain('redundant');
});

test('what only all executions together show has no preemptions', () => {
  const text = written([found('f', { noticed: { ...noticed, property: 'lock-order', preemptions: -1 } })]);
  expect(text).toMatch(/: lock-order, over all executions$/m);
});

test('long names are wrapped', () => {
  const check = 'pair/uring-nowait-read-vs-truncate-down.partial';
  expect(longest(written([found('x'.repeat(40), { noticed: { ...noticed, check } })]))).toBeLessThanOrEqual(
    WIDTH,
  );
});

describe('the head', () => {
  const survey = (verdict: LockSurvey['verdict']): LockSurvey => ({
    check: 'a/b',
    verdict,
    executions: 1,
    places: [],
  });

  test('says how many checks are asked, and why the others are not', () => {
    const surveys = (['pass', 'notrun', 'fail', 'pass', 'unknown', 'fail'] as const).map(survey);
    expect(auditHead({ fs: 'toy', profile: 'v5.15' }, surveys, []).split('\n')).toEqual([
      'LOCKS      -- toy v5.15: taken at 0 places, each in turn keeps nobody out',
      'CHECKS     -- asked 2, which pass; 1 not run; 2 fail anyway; 1 not finished',
    ]);
  });
});
