// Shows that the suite can fail, and for the right reason: each deliberate fault makes the check that it names fail with
// the property that it names, and without the fault these checks pass.

import {
  answered,
  CHECKS,
  type Check,
  type Mutant,
  runCheck,
  runMutant,
  type StepFault,
  selectChecks,
  without,
} from '@fsport/conformance';
import { current, type FileSystemType, type Step } from '@fsport/core';
import ext4 from '@fsport/fs-ext4';
import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

describe('a mutant is caught', () => {
  test.each(MUTANTS)('$name ($profile): $caughtBy, $property', (mutant) => {
    const { result, applied } = runMutant(ext4, mutant, { shrink: false });
    const { verdict, property } = result;
    expect({ verdict, property, applied }).toEqual({
      verdict: 'fail',
      property: mutant.property,
      applied: true,
    });
  });
});

describe('without a fault', () => {
  const cases = new Set(MUTANTS.map(({ profile, caughtBy }) => `${profile} ${caughtBy}`));
  test.each([...cases])('%s passes', (of) => {
    const [profile, id] = of.split(' ') as [string, string];
    const [check] = selectChecks(CHECKS, id) as readonly [Check];
    const { result } = runCheck(ext4, profile, check, null);
    expect(result.verdict).toBe('pass');
  });
});

describe('the tester', () => {
  const [mutant] = MUTANTS as readonly [Mutant];

  test('says so if a fault names a function that is not there', () => {
    const fault = (): StepFault => without('mapping.invalidate_lock', 'pageCacheRaBounded');
    const { result, applied } = runMutant(ext4, { ...mutant, fault });
    expect({ verdict: result.verdict, applied }).toEqual({ verdict: 'pass', applied: false });
  });

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
