// Shows that ext2 behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import ext2 from '@fsport/fs-ext2';
import { test } from '@jest/globals';

testConformance(ext2, { test, expected: new URL('../expected.json', import.meta.url) });
