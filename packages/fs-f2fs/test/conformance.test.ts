// Shows that f2fs behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import f2fs from '@fsport/fs-f2fs';
import { test } from '@jest/globals';

testConformance(f2fs, { test, expected: new URL('../expected.json', import.meta.url) });
