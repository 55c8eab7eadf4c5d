// Shows that zonefs behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import zonefs from '@fsport/fs-zonefs';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(zonefs, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
