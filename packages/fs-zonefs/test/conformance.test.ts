// Shows that zonefs behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import zonefs from '@fsport/fs-zonefs';
import { test } from '@jest/globals';

testConformance(zonefs, { test, expected: new URL('../expected.json', import.meta.url) });
