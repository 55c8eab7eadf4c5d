// Shows that the filesystem behaves as it declares: the suite, check by check. What it does not claim is not run. And
// that the suite can fail: each deliberate fault is caught by the check that it names.

import { testConformance } from '@fsport/conformance';
import minimal from '@fsport/fs-minimal';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(minimal, {
  test,
  expected: new URL('../expected.json', import.meta.url),
  mutants: MUTANTS,
});
