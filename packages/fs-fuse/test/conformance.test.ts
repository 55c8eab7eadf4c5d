// Shows that fuse behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import fuse from '@fsport/fs-fuse';
import { test } from '@jest/globals';

testConformance(fuse, { test, expected: new URL('../expected.json', import.meta.url) });
