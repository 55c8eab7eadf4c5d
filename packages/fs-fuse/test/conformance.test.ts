// Shows that fuse behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import fuse from '@fsport/fs-fuse';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(fuse, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
