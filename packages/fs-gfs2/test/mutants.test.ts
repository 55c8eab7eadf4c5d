// Shows that the suite can fail, and for the right reason: each deliberate fault makes the check that it names fail with
// the property that it names, and without the fault these checks pass.

import { CHECKS, type Check, runCheck, runMutant, selectChecks } from '@fsport/conformance';
import gfs2 from '@fsport/fs-gfs2';
import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

describe('a mutant is caught', () => {
  test.each(MUTANTS)('$name ($profile): $caughtBy, $property', (mutant) => {
    const { result, applied } = runMutant(gfs2, mutant, { shrink: false });
    const { verdict, property } = result;
    expect({ verdict, property, applied }).toEqual({
      verdict: 'fail',
      property: mutant.property,
      applied: true,
    });
  });
});

describe('without a fault', () => {
  test.each([...new Set(MUTANTS.map(({ caughtBy }) => caughtBy))])('%s passes', (id) => {
    const [check] = selectChecks(CHECKS, id) as readonly [Check];
    expect(runCheck(gfs2, 'v5.15', check, null).result.verdict).toBe('pass');
  });
});
