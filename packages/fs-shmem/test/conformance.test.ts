// Shows that shmem behaves as it declares, check by check.

import { testConformance } from '@fsport/conformance';
import shmem from '@fsport/fs-shmem';
import { test } from '@jest/globals';

testConformance(shmem, { test, expected: new URL('../expected.json', import.meta.url) });
