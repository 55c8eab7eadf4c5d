// Shows that dax behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import dax from '@fsport/fs-dax';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(dax, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
