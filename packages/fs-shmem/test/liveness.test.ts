// Shows that a hole punch of v3.15 need never end, that either of the two things that were done about it is enough, and
// what each way to keep faults out costs the faults elsewhere (kernel-facts 3.9, 5.6 L-1).

import { CHECKS, type Check, runCheck, selectChecks } from '@fsport/conformance';
import { type FileSystemType, machine } from '@fsport/core';
import shmem from '@fsport/fs-shmem';
import { describe, expect, test } from '@jest/globals';
import type { ShmemProfile } from '#src/shmem.js';
import { Race } from './race.js';

function check(id: string): Check {
  return selectChecks(CHECKS, id)[0] as Check;
}

describe('either protection is enough', () => {
  /** tmpfs as it never was. */
  function variant(changes: Partial<ShmemProfile>): FileSystemType {
    return {
      ...shmem,
      mount(bdev, options) {
        const sb = shmem.mount(bdev, options);
        return Object.assign(sb, { sFsInfo: { ...(sb.sFsInfo as ShmemProfile), ...changes } });
      },
    };
  }

  test.each([
    [{ faultGuard: 'none', punchRestarts: true }, 'fail', 'livelock'],
    [{ faultGuard: 'none', punchRestarts: false }, 'pass', null],
    [{ faultGuard: 'waitq', punchRestarts: true }, 'pass', null],
    [{ faultGuard: 'invalidate_lock', punchRestarts: true }, 'pass', null],
  ] as const)('%j: %s', (changes, verdict, property) => {
    const { result } = runCheck(variant(changes), 'v5.15', check('liveness/loads-vs-punch'), null);
    expect(result).toMatchObject({ verdict, property });
  });
});

test.each([
  ['v3.15', 'fail', 'livelock'],
  ['v5.15', 'pass', null],
  ['v5.15+shmem-invalidate-lock', 'pass', null],
])('%s: without a bound on sweeps, one load and one punch undo what the other did for ever: %s', (...row) => {
  const [profile, verdict, property] = row;
  const unbounded: FileSystemType = {
    ...shmem,
    mount(bdev, options) {
      Object.assign(machine, { mostRestarts: Number.POSITIVE_INFINITY });
      return shmem.mount(bdev, options);
    },
  };
  const options = { maxSteps: 300, shrink: false };
  const { result } = runCheck(unbounded, profile, check('pair/read-fault-vs-punch-hole.page'), null, options);
  expect(result).toMatchObject({ verdict, property });
});

/** Whenever the punch is about to look whether anything is left, one more load goes first. */
function loadBeforeEachSweep(profile: string, loads: number): { restarts: number; states: Set<string> } {
  const race = new Race(profile, 'ABC', [1, 1], new Array(loads).fill(1));
  const states = new Set<string>();
  let restarts = 0;
  machine.observer = {
    startsOver: () => {
      restarts++;
      states.add(`${race.world.slots()} ${race.mm.ptes.at(1).peek()} ${race.mm.mmapLock.isLocked}`);
    },
  };
  let before = 0;
  race.run(() => {
    if (race.task('p').pending?.verb !== 'find_get_entries') before = race.loads;
    return race.loads === before && race.task('p').pending?.verb === 'find_get_entries' ? 'f' : 'p';
  });
  expect(race.loads).toBe(loads);
  return { restarts, states };
}

describe('a fair scheduler lets one load go before each sweep', () => {
  test.each([1, 2, 3, 7])(
    'v3.15: %i loads, as many sweeps in vain, and every time all is as before',
    (loads) => {
      const { restarts, states } = loadBeforeEachSweep('v3.15', loads);
      expect(restarts).toBe(loads);
      expect(states.size).toBe(1);
    },
  );

  test.each(['v5.15', 'v5.15+shmem-invalidate-lock'])('%s: the punch never starts over', (profile) => {
    expect(loadBeforeEachSweep(profile, 3).restarts).toBe(0);
  });
});

/** Of the six pages of a file, those whose fault waits while pages 2 and 3 are being punched. */
function waiting(profile: string): number[] {
  return [0, 1, 2, 3, 4, 5].filter((index) => {
    const race = new Race(profile, 'ABCDEF', [2, 2], [index]);
    let waited = false;
    race.run((execution) => {
      if (race.task('p').pending?.verb !== 'find_lock_entries') return 'p';
      const runnable = execution.runnable.includes(race.task('f').index);
      if (!runnable && race.loads === 0) waited = true;
      return runnable ? 'f' : 'p';
    });
    return waited;
  });
}

test.each([
  ['v3.15', []],
  ['v5.15', [2, 3]],
  ['v5.15+shmem-invalidate-lock', [0, 1, 2, 3, 4, 5]],
])('%s: the faults that wait for a punch of pages 2 and 3 are those of %j', (profile, pages) => {
  expect(waiting(profile)).toEqual(pages);
});

describe('the queue on the stack', () => {
  const base = check('liveness/loads-vs-punch');
  const punch = { op: 'fallocate', mode: 'punch', pos: 8, len: 8 } as const;
  const load = { op: 'load', pos: 8 } as const;

  test('every fault that waits is woken, and none touches the queue when it is gone', () => {
    const two: Check = {
      ...base,
      tasks: [
        { letter: 'p', ops: [punch] },
        { letter: 'f', ops: [load] },
        { letter: 'g', ops: [load] },
      ],
    };
    expect(runCheck(shmem, 'v5.15', two, null).result).toMatchObject({ verdict: 'pass', exhaustive: true });
  });

  test('a fault that waited for one punch meets the next, with mmap_lock held, and still ends', () => {
    const twice: Check = {
      ...base,
      fair: true,
      tasks: [
        { letter: 'p', ops: [punch, punch] },
        { letter: 'f', ops: [load] },
      ],
    };
    expect(runCheck(shmem, 'v5.15', twice, null).result).toMatchObject({ verdict: 'pass', exhaustive: true });
  });
});
