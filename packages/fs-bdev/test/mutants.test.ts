// Shows that the suite can fail, and for the right reason: each deliberate fault makes the check that it names fail with the
// property that it names, and without the fault that check passes.

import { CHECKS, type Check, runCheck, runMutant, selectChecks } from '@fsport/conformance';
import bdev from '@fsport/fs-bdev';
import { expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

test.each(MUTANTS)('$name ($profile): $caughtBy, $property', (mutant) => {
  const { result, applied } = runMutant(bdev, mutant, { shrink: false });
  const { verdict, property } = result;
  expect({ verdict, property, applied }).toEqual({
    verdict: 'fail',
    property: mutant.property,
    applied: true,
  });
});

test.each(MUTANTS)('without $name, $caughtBy passes', ({ profile, caughtBy }) => {
  const [check] = selectChecks(CHECKS, caughtBy) as readonly [Check];
  expect(runCheck(bdev, profile, check, null).result.verdict).toBe('pass');
});
