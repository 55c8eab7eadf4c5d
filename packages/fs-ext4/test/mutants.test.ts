// Shows that a mutant which is not caught as it says is a failing test that says why. That all of ext4's are caught is a
// part of its conformance tests.

import {
  answered,
  CHECKS,
  type Check,
  type Mutant,
  runCheck,
  type StepFault,
  selectChecks,
  testConformance,
  without,
} from '@fsport/conformance';
import { current, type FileSystemType, type Step } from '@fsport/core';
import ext4 from '@fsport/fs-ext4';
import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

const [mutant] = MUTANTS as readonly [Mutant];

/** What the test of a mutant says: `null` if it passes. */
function outcome(rest: Partial<Mutant>): readonly [name: string, complaint: string | null] {
  const tests: [string, () => void][] = [];
  testConformance(ext4, {
    test: (name, body) => tests.push([name, body]),
    expected: new URL('../expected.json', import.meta.url),
    mutants: [{ ...mutant, ...rest }],
  });
  const [name, body] = tests.at(-1) as [string, () => void];
  try {
    body();
  } catch (error) {
    return [name, (error as Error).message];
  }
  return [name, null];
}

describe('the test of a mutant', () => {
  test('says which check catches it, and passes if it does', () => {
    const name = 'ext4 v5.15 mutant/readahead-without-lock caught by race/e3-fadvise-vs-punch';
    expect(outcome({})).toEqual([name, null]);
  });

  test.each<readonly [string, Partial<Mutant>, RegExp]>([
    [
      'a function that is not there',
      { fault: () => without('mapping.invalidate_lock', 'pageCacheRaBounded') },
      /: the fault never comes into play\. Does race\/e3-fadvise-vs-punch perform that step/,
    ],
    [
      'a fault that does no harm',
      { fault: () => harmless('pageCacheRaUnbounded') },
      / survives race\/e3-fadvise-vs-punch: pass, not fail contract\./,
    ],
    ['another property', { property: 'deadlock' }, / survives \S+: fail contract, not fail deadlock\./],
    [
      'a profile that the filesystem does not follow',
      { profile: 'v4.0' },
      /: ext4 follows v5\.14, v5\.15 only\./,
    ],
  ])('fails for %s, and says why', (_, rest, complaint) => {
    const [, said] = outcome(rest);
    expect(said).toMatch(/^mutant\/readahead-without-lock \(ext4 v\d\.\d+\)/);
    expect(said).toMatch(complaint);
  });

  test('fails if the check fails without the fault, too', () => {
    const [, said] = outcome({ profile: 'v5.14' });
    expect(said).toMatch(/is declared to fail without the fault, so it can catch nothing\. Name another\./);
  });

  test('cannot be made for a check that is not there', () => {
    expect(outcome({ caughtBy: 'race/e9-nothing' })[1]).toMatch(/There is no check "race\/e9-nothing"/);
  });
});

/** A lock that is taken as ever. */
function harmless(within: string): StepFault {
  return { within, steps: { 'down_read(mapping.invalidate_lock)': (step) => step } };
}

describe('the tester', () => {
  // The smallest failing schedule has no filler: the contract is broken by the reads that look at the result.
  test('reports a contract that is broken only when all tasks have ended', () => {
    const takes = (step: Step<unknown>): boolean => step.object?.label === 'mapping.invalidate_lock';
    const broken: FileSystemType = {
      ...ext4,
      mount(bdev, options) {
        current.instead = (step) => (takes(step) && /_read$/.test(step.verb) ? answered(undefined) : null);
        return ext4.mount(bdev, options);
      },
    };
    const [check] = selectChecks(CHECKS, mutant.caughtBy) as readonly [Check];
    const { result } = runCheck(broken, 'v5.15', check, null);
    expect({ verdict: result.verdict, property: result.property }).toEqual({
      verdict: 'fail',
      property: 'contract',
    });
  });
});
