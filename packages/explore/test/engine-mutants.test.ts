// Shows that the tests of the search can fail: with each deliberate fault in the reduction, either random
// programs lose traces, or the golden scenario needs another number of executions.

import { describe, expect, test } from '@jest/globals';
import { ENGINE_FAULTS, symptomOf } from '#src/selftest/engine-faults.js';

describe('a fault in the reduction is noticed', () => {
  test.each(ENGINE_FAULTS)('%s: %s', (fault, expected) => {
    expect(symptomOf({ [fault]: true })).toBe(expected);
  });

  test('and without a fault there is none', () => {
    expect(symptomOf({})).toBeNull();
  }, 60_000);
});
