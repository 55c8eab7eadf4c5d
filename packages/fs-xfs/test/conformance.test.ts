// Shows that xfs behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import xfs from '@fsport/fs-xfs';
import { test } from '@jest/globals';

testConformance(xfs, { test, expected: new URL('../expected.json', import.meta.url) });
