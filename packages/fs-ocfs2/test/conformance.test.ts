// Shows that ocfs2 behaves as it declares, check by check, and that each deliberate fault is caught by the check that it
// names.

import { testConformance } from '@fsport/conformance';
import ocfs2 from '@fsport/fs-ocfs2';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(ocfs2, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
