// Shows that the filesystem behaves as it declares: the suite, check by check. What it does not claim is not run.

import { testConformance } from '@fsport/conformance';
import minimal from '@fsport/fs-minimal';
import { test } from '@jest/globals';

testConformance(minimal, { test, expected: new URL('../expected.json', import.meta.url) });
