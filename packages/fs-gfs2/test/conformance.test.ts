// Shows that gfs2 behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import gfs2 from '@fsport/fs-gfs2';
import { test } from '@jest/globals';

testConformance(gfs2, { test, expected: new URL('../expected.json', import.meta.url) });
