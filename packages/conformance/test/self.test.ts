// Shows what the suite makes of filesystems that pass, fail, refuse, throw, block, never end or forget something: each
// gets its verdict and its property. One check of one page runs on each.

import { type Check, parseExpected, runCheck } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { CASES, RACE, READS, racy, runCase } from '#src/selftest/cases.js';
import { checkOf, fixture, PUNCH, READ } from '#src/selftest/fixture.js';

test.each(CASES.map((one) => [one.name, one] as const))('%s is seen for what it is', (_, one) => {
  expect(runCase(one)).toMatchObject(one.outcome);
});

test('a filesystem that works passes, within bounds, with every interleaving seen', () => {
  const { result, failure } = runCheck(fixture(), 'v5.15', READS, null);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ verdict: 'pass', ok: true, exhaustive: true, property: null, token: null });
  expect(result.bounds).toBe('page 8 B, block 8 B; a: pread(2) 0+8; b: pread(2) 0+8');
});

test('a race fails, with a rule, a reason, a schedule and a token', () => {
  const { result, failure } = runCheck(fixture(racy), 'v5.15', RACE, null);
  expect(result).toMatchObject({ verdict: 'fail', ok: false, property: 'stale-data', exhaustive: false });
  expect(failure).toMatchObject({ property: 'stale-data', token: result.token });
  expect(failure?.rule).toMatch(/^S-[12]$/);
  expect(failure?.because).not.toEqual([]);
  expect(failure?.steps.map(({ text }) => text)).toContain('ext4_free_blocks(disk[0])');
  expect(result.token).toMatch(/^self\/check@/);
});

test('what is not claimed is not run, and says why', () => {
  const check = checkOf([[PUNCH], [READ]], { requires: { punchHole: true, write: true } });
  const { result, failure } = runCheck(fixture(), 'v5.15', check, null);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ verdict: 'notrun', ok: true, executions: 0, exhaustive: false });
  expect(result.reason).toBe('supports.punchHole is not claimed');
});

test('a budget that runs out is unknown, never a pass', () => {
  const { result } = runCheck(fixture(), 'v5.15', READS, null, { maxExecutions: 3 });
  expect(result).toMatchObject({ verdict: 'unknown', ok: false, exhaustive: false });
  expect(result.executions + result.blockedExecutions).toBe(3);
  expect(result.reason).toMatch(/executions/);
});

describe('a verdict is right if it is the declared one', () => {
  test.each<[string, Check, object, boolean]>([
    ['a declared failure', RACE, { verdict: 'fail', property: 'stale-data' }, true],
    ['a declared failure of any property', RACE, { verdict: 'fail' }, true],
    ['another property than declared', RACE, { verdict: 'fail', property: 'lost-write' }, false],
    ['a failure instead of a pass', RACE, { verdict: 'pass' }, false],
    ['a pass instead of a declared failure', READS, { verdict: 'fail' }, false],
    ['a pass that is declared not to run', READS, { verdict: 'notrun' }, false],
    ['a declared pass', READS, { verdict: 'pass' }, true],
    ['not run, as declared', { ...READS, requires: { write: true } }, { verdict: 'notrun' }, true],
    ['not run, with a pass declared', { ...READS, requires: { write: true } }, { verdict: 'pass' }, true],
    ['not run, with a failure declared', { ...READS, requires: { write: true } }, { verdict: 'fail' }, false],
  ])('%s', (_, check, declared, ok) => {
    const expected = parseExpected({ 'self/*': { 'v5.15': declared } }, 'expected.json');
    expect(runCheck(fixture(racy), 'v5.15', check, expected).result.ok).toBe(ok);
  });
});
