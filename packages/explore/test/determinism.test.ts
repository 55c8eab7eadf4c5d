// Shows that a model that depends on something besides its schedule is found out, with both versions of the
// first event that differs, and that a model that does not is left in peace.

import { search } from '@fsport/explore';
import { expect, test } from '@jest/globals';
import { lockedUpdate, moody } from './fixtures/small.js';

test.each(['auto', 'determinism'] as const)('%s notices that two runs of one schedule differ', (strategy) => {
  const result = search(moody(), { strategy });
  expect(result).toMatchObject({ verdict: 'fail', exhaustive: false, executions: 2, token: null });
  expect(result.violations).toMatchObject([
    {
      property: 'nondeterminism',
      because: [expect.stringContaining('flag'), expect.stringContaining('flag')],
      at: 1,
    },
  ]);
  expect(result.violations[0]?.because?.[0]).not.toEqual(result.violations[0]?.because?.[1]);
});

test('every schedule is run twice', () => {
  const once = search(lockedUpdate, { strategy: 'dpor' });
  const twice = search(lockedUpdate, { strategy: 'determinism' });
  expect(twice).toMatchObject({ verdict: 'pass', exhaustive: true, executions: 2 * once.executions });
});
