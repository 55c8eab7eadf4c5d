// Shows that the suite can fail, and for the right reason: each deliberate fault makes the check that it names fail with
// the property that it names, and without the fault these checks pass.

import { CHECKS, type Check, runCheck, runMutant, selectChecks } from '@fsport/conformance';
import shmem from '@fsport/fs-shmem';
import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

describe('a mutant is caught', () => {
  test.each(MUTANTS)('$name ($profile): $caughtBy, $property', (mutant) => {
    const { result, applied } = runMutant(shmem, mutant, { shrink: false });
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
    expect(runCheck(shmem, profile, check, null).result.verdict).toBe('pass');
  });
});
