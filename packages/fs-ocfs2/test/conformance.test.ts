// Shows that ocfs2 behaves as it declares, check by check, and that each deliberate fault is caught by the check that it
// names. With FSPORT_LARGE=1, a minute more for each release: that the read of E1, which is declared unknown with the bound
// of a default run, passes when it is explored to its end.

import { CHECKS, runCheck, selectChecks, testConformance } from '@fsport/conformance';
import ocfs2 from '@fsport/fs-ocfs2';
import { expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';

testConformance(ocfs2, { test, expected: new URL('../expected.json', import.meta.url), mutants: MUTANTS });

for (const profile of process.env['FSPORT_LARGE'] === '1' ? ocfs2.follows : []) {
  test(`${profile}: E1 to its end`, () => {
    const [check] = selectChecks(CHECKS, 'E1');
    const { result } = runCheck(ocfs2, profile, check as never, null);
    expect(result).toMatchObject({ verdict: 'pass', exhaustive: true });
  }, 1_200_000);
}
