// Shows what the lock audit makes of locks that are needed and of locks that are not, of every kind: two tasks enter a
// section, and the model throws if both are in it. What is expected follows from that.

import {
  auditLock,
  type Check,
  type LockAudit,
  type LockSurvey,
  planAudit,
  surveyLocks,
} from '@fsport/conformance';
import {
  downgradeWrite,
  downRead,
  downReadKillable,
  downReadTrylock,
  downWrite,
  downWriteKillable,
  downWriteTrylock,
  heldMode,
  type Lock,
  Mutex,
  mutexLock,
  mutexTrylock,
  mutexUnlock,
  Rwsem,
  SharedVar,
  Spinlock,
  spinLock,
  spinTrylock,
  spinUnlock,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { ALLOCATE, checkOf, fixture, type Parts } from '#src/selftest/fixture.js';

/** A way to take a lock and to release it. */
interface Kind {
  readonly make: () => Lock;
  /** @returns Whether it was taken. */
  readonly take: (lock: never) => Task<boolean>;
  readonly release: (lock: never) => Task<void>;
}

function* taken<T>(task: Task<T>, fails: T): Task<boolean> {
  return (yield* task) !== fails;
}

const sem = (): Lock => new Rwsem('test.sem');
const KINDS: Readonly<Record<string, Kind>> = {
  mutex_lock: {
    make: () => new Mutex('test.lock'),
    take: (it) => taken<unknown>(mutexLock(it), 0),
    release: mutexUnlock,
  },
  mutex_trylock: { make: () => new Mutex('test.lock'), take: mutexTrylock, release: mutexUnlock },
  spin_lock: {
    make: () => new Spinlock('test.lock'),
    take: (it) => taken<unknown>(spinLock(it), 0),
    release: spinUnlock,
  },
  spin_trylock: { make: () => new Spinlock('test.lock'), take: spinTrylock, release: spinUnlock },
  down_write: { make: sem, take: (it) => taken<unknown>(downWrite(it), 0), release: upWrite },
  down_write_trylock: { make: sem, take: downWriteTrylock, release: upWrite },
  down_write_killable: { make: sem, take: (it) => taken(downWriteKillable(it), -4), release: upWrite },
  down_read: { make: sem, take: (it) => taken<unknown>(downRead(it), 0), release: upRead },
  down_read_trylock: { make: sem, take: downReadTrylock, release: upRead },
  down_read_killable: { make: sem, take: (it) => taken(downReadKillable(it), -4), release: upRead },
  downgrade_write: {
    make: sem,
    take: (it) => taken<unknown>(downWrite(it), 0),
    *release(it) {
      yield* downgradeWrite(it);
      yield* upRead(it);
    },
  },
};
const EXCLUSIVE = Object.keys(KINDS).filter((name) => !name.startsWith('down_read'));

/** A filesystem whose fallocate() enters the section under each of some locks, the first one outermost. */
function entering(...kinds: readonly Kind[]): Parts {
  let locks: readonly Lock[] = [];
  let busy: SharedVar<boolean>;
  function* section(): Task<void> {
    if (yield* busy.read('enter')) throw new Error('two are in it');
    yield* busy.write(true, 'in');
    yield* busy.write(false, 'out');
  }
  function* under(depth: number): Task<void> {
    const kind = kinds[depth];
    if (kind === undefined) return yield* section();
    const lock = locks[depth] as never;
    if (!(yield* kind.take(lock))) return;
    if (heldMode(lock) === null) throw new Error('it does not seem to be held');
    yield* under(depth + 1);
    yield* kind.release(lock);
    if (heldMode(lock) !== null) throw new Error('it still seems to be held');
    if ((lock as Lock) instanceof Rwsem && (lock as Rwsem).isContended)
      throw new Error('it seems to be waited for');
  }
  return {
    mounted: () => {
      locks = kinds.map(({ make }) => make());
      busy = new SharedVar('busy', false);
    },
    fallocate: function* allocate() {
      yield* under(0);
      return 0;
    },
  };
}

const TWO = checkOf([[ALLOCATE], [ALLOCATE]]);
/** Where a writer joins the queue before it waits. */
const ONE = checkOf([[ALLOCATE]], { id: 'self/one', fair: true });

function audited(parts: Parts, checks: readonly Check[]): readonly LockAudit[] {
  const fs = fixture(parts);
  const plan = planAudit(checks.map((check) => surveyLocks(fs, 'v5.15', check)));
  return plan.map((lock) => auditLock(fs, 'v5.15', lock, checks));
}

describe('a lock that keeps others out of a section', () => {
  test.each(EXCLUSIVE)('%s is needed, and one preemption shows it', (name) => {
    expect(audited(entering(KINDS[name] as Kind), [TWO])).toEqual([
      {
        lock: expect.stringMatching(/^test\.(lock|sem)$/),
        within: 'under',
        noticed: { check: 'self/check', property: 'threw', preemptions: 1 },
        asked: 1,
        unfinished: 0,
      },
    ]);
  });
});

describe('a lock that nobody needs', () => {
  test.each(Object.keys(KINDS))('%s is not noticed by any check, and no assertion misses it', (name) => {
    const [found] = audited(entering(KINDS[name] as Kind), [ONE]);
    expect(found).toMatchObject({ within: 'under', noticed: null, asked: 1, unfinished: 0 });
  });

  test('because another one is held around it', () => {
    const outer: Kind = { ...(KINDS['mutex_lock'] as Kind), make: () => new Mutex('outer') };
    const inner: Kind = { ...(KINDS['mutex_lock'] as Kind), make: () => new Mutex('inner') };
    // Either of them would do.
    expect(audited(entering(outer, inner), [TWO]).map(({ lock, noticed }) => [lock, noticed])).toEqual([
      ['inner', null],
      ['outer', null],
    ]);
  });
});

test('a search that is not finished is told from one that finds nothing', () => {
  const fs = fixture(entering(KINDS['down_read'] as Kind));
  const survey = {
    check: TWO.id,
    verdict: 'pass',
    executions: 9,
    places: [{ lock: 'test.sem', within: 'under' }],
  } as const;
  const [lock] = planAudit([survey]);
  const slow = checkOf([[ALLOCATE], [ALLOCATE], [ALLOCATE]]);
  const found = auditLock(fs, 'v5.15', lock as never, [{ ...slow, id: TWO.id }], { maxExecutions: 1 });
  expect(found.noticed).toBeNull();
  expect(found.unfinished).toBe(1);
});

describe('the plan', () => {
  const survey = (check: string, executions: number, ...places: readonly string[]): LockSurvey => ({
    check,
    verdict: 'pass',
    executions,
    places: places.map((place) => {
      const [lock, within] = place.split(' ') as [string, string];
      return { lock, within };
    }),
  });

  test('asks those checks that take a lock there, the cheapest first', () => {
    const plan = planAudit([
      survey('a', 9, 'l f'),
      survey('b', 2, 'l f', 'l g'),
      survey('c', 2, 'l g', 'k f'),
    ]);
    expect(plan).toEqual([
      { lock: 'k', within: 'f', holders: ['f'], checks: ['c'] },
      { lock: 'l', within: 'f', holders: ['f', 'g'], checks: ['b', 'a'] },
      { lock: 'l', within: 'g', holders: ['f', 'g'], checks: ['b', 'c'] },
    ]);
  });

  test.each(['fail', 'unknown', 'notrun'] as const)('asks no check whose verdict is %s anyway', (verdict) => {
    expect(planAudit([{ ...survey('a', 1, 'l f'), verdict }])).toEqual([]);
  });
});
