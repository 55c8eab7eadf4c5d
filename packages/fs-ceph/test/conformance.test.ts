// Shows that ceph behaves as it declares, check by check, and that each deliberate fault is caught by the check that
// it names.

import { testConformance } from '@fsport/conformance';
import ceph from '@fsport/fs-ceph';
import { test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(ceph, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });
