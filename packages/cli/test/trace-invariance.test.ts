// Shows on real filesystems that the reduced search misses no violation: E1 to E8, cut to two tasks, and what has to do with
// mappings of storage are sampled at random, and whatever a sample finds the search has found, too. The shortest of them has 33 steps of two tasks, which
// is too much for plain enumeration; packages/conformance/test/trace-invariance.test.ts has that for each rule.

import { CHECKS, CheckScenario, selectChecks } from '@fsport/conformance';
import { type SearchOptions, search } from '@fsport/explore';
import dax from '@fsport/fs-dax';
import ext4 from '@fsport/fs-ext4';
import { expect, test } from '@jest/globals';

const CUTS = selectChecks(CHECKS, 'race/e*').flatMap((check) =>
  ext4.follows.map((profile) => ({
    profile,
    id: check.id,
    fs: ext4,
    check: { ...check, tasks: check.tasks.slice(0, 2) },
  })),
);

/** P-1, P-2, W-4 and S-3 of files without a page cache. */
const STORAGE = [
  ['v3.19', '{race/t2-dax-*,pair/pread-vs-truncate-down.page}'],
  ['v4.0', 'race/dax-hole-store-vs-load'],
].flatMap(([profile = '', pattern = '']) =>
  selectChecks(CHECKS, pattern).map((check) => ({ profile, id: check.id, fs: dax, check })),
);

test.each([...CUTS, ...STORAGE])(
  '$profile $id',
  ({ fs, profile, check }) => {
    function explore(options: SearchOptions) {
      // Before v5.15 a read and a punch can go on for ever, the one filling what the other empties: what is longer is
      // cut off, and that is no finding.
      const limits = { stopAtFirst: false, maxSteps: 90 };
      const { exhaustive, violations } = search(new CheckScenario(fs, profile, check), {
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
