// Shows that cifs behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import cifs from '@fsport/fs-cifs';
import { test } from '@jest/globals';

testConformance(cifs, { test, expected: new URL('../expected.json', import.meta.url) });
