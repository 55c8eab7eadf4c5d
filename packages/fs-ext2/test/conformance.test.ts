// Shows that ext2 behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import ext2 from '@fsport/fs-ext2';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(ext2, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
