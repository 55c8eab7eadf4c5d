// Shows that bdev behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import bdev from '@fsport/fs-bdev';
import { test } from '@jest/globals';

testConformance(bdev, { test, expected: new URL('../expected.json', import.meta.url) });
