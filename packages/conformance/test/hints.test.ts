// Shows that a failure is told which commits it may be missing, and not those that its profile has: a commit that is there
// is no remedy.

import { CHECKS, type Check, hintsOf, selectChecks } from '@fsport/conformance';
import { expect, test } from '@jest/globals';

const [base] = selectChecks(CHECKS, 'race/e1-read-vs-punch') as readonly [Check];
const fix = (since: string): Check['fixedBy'][number] => ({ kernel: since, since, title: since });
const check: Check = { ...base, fixedBy: ['v3.16', 'v4.0', 'v5.9', 'v5.15', 'v5.16', 'v6.2'].map(fix) };

test.each([
  ['v3.15', ['v3.16', 'v4.0', 'v5.9', 'v5.15', 'v5.16', 'v6.2']],
  ['v3.19', ['v4.0', 'v5.9', 'v5.15', 'v5.16', 'v6.2']],
  ['v5.14', ['v5.15', 'v5.16', 'v6.2']],
  ['v5.15', ['v5.16', 'v6.2']],
  ['v5.15+shmem-invalidate-lock', ['v5.16', 'v6.2']],
])('a failure as of %s may miss %j', (profile, releases) => {
  expect(hintsOf(check, profile).map(({ kernel }) => kernel)).toEqual(releases);
});
