// Shows that ceph behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import ceph from '@fsport/fs-ceph';
import { test } from '@jest/globals';

testConformance(ceph, { test, expected: new URL('../expected.json', import.meta.url) });
