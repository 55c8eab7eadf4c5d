// Shows that dax behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import dax from '@fsport/fs-dax';
import { test } from '@jest/globals';

testConformance(dax, { test, expected: new URL('../expected.json', import.meta.url) });
