// Shows on a real filesystem that the reduced search misses no violation: E1 to E8, cut to two tasks, are sampled at
// random, and whatever a sample finds the search has found, too. The shortest of them has 33 steps of two tasks, which
// is too much for plain enumeration; packages/conformance/test/trace-invariance.test.ts has that for each rule.

import { CHECKS, CheckScenario, selectChecks } from '@fsport/conformance';
import { type SearchOptions, search } from '@fsport/explore';
import ext4 from '@fsport/fs-ext4';
import { expect, test } from '@jest/globals';

const CUTS = selectChecks(CHECKS, 'race/e*').flatMap((check) =>
  ext4.follows.map((profile) => ({
    profile,
    id: check.id,
    check: { ...check, tasks: check.tasks.slice(0, 2) },
  })),
);

test.each(CUTS)(
  '$profile $id',
  ({ profile, check }) => {
    function explore(options: SearchOptions) {
      // Before v5.15 a read and a punch can go on for ever, the one filling what the other empties: what is longer is
      // cut off, and that is no finding.
      const limits = { stopAtFirst: false, maxSteps: 90 };
      const { exhaustive, violations } = search(new CheckScenario(ext4, profile, check), {
        ...limits,
        ...options,
      });
      const found = violations.filter(({ property }) => property !== 'livelock');
      return {
        exhaustive,
        found: found.map(({ property, rule, message }) => `${property} ${rule} ${message}`),
      };
    }
    const reduced = explore({ strategy: 'dpor' });
    const sampled = explore({ strategy: 'random', maxExecutions: 500 });
    expect(reduced.exhaustive).toBe(true);
    expect(reduced.found).toEqual(expect.arrayContaining(sampled.found));
  },
  60_000,
);
