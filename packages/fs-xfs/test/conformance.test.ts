// Shows that xfs behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import xfs from '@fsport/fs-xfs';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(xfs, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
