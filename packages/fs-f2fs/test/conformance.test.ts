// Shows that f2fs behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import f2fs from '@fsport/fs-f2fs';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(f2fs, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
