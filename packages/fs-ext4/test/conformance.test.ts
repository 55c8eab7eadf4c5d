// Shows that ext4 behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import ext4 from '@fsport/fs-ext4';
import { test } from '@jest/globals';

testConformance(ext4, { test, expected: new URL('../expected.json', import.meta.url) });
