// Shows that cifs behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import cifs from '@fsport/fs-cifs';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(cifs, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
