// Shows that an rwsem behaves as the kernel's, in every order of a few tasks: many readers or one writer, try-locks
// that fail for anybody queued, a downgrade without a gap, a writer that holds new readers back, and killable waits.

import {
  condResched,
  downgradeWrite,
  downRead,
  downReadKillable,
  downReadTrylock,
  downWrite,
  downWriteKillable,
  downWriteTrylock,
  EAGAIN,
  EINTR,
  type Ending,
  heldMode,
  iocbReadLock,
  Rwsem,
  SharedVar,
  type Task,
  upRead,
  upWrite,
} from '@fsport/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { everyInterleaving, Toy, thrown } from '../toy.js';
import { auditEnabled, freshLocking, spawnKillable } from './locks.js';

afterEach(() => {
  freshLocking();
});

/** How many hold it, judged by who is between taking and releasing it. */
class Inside {
  readers = 0;
  writers = 0;
  maxReaders = 0;

  *read(sem: Rwsem): Task<void> {
    yield* downRead(sem);
    this.readers++;
    this.judge();
    yield* condResched();
    this.readers--;
    yield* upRead(sem);
  }

  *write(sem: Rwsem): Task<void> {
    yield* downWrite(sem);
    this.writers++;
    this.judge();
    yield* condResched();
    this.writers--;
    yield* upWrite(sem);
  }

  judge(): void {
    this.maxReaders = Math.max(this.maxReaders, this.readers);
    if (this.writers > 1 || (this.writers === 1 && this.readers > 0)) {
      throw new Error(`${this.readers} readers and ${this.writers} writers`);
    }
  }
}

function sem(fair: boolean): { toy: Toy; sem: Rwsem } {
  freshLocking(fair);
  return { toy: new Toy(), sem: new Rwsem('sem') };
}

describe.each([
  ['an rwsem', false],
  ['a fair rwsem', true],
])('%s', (_, fair) => {
  test('holds readers and a writer apart, and lets readers in together', () => {
    let together = 0;
    everyInterleaving(
      () => {
        const world = { ...sem(fair), inside: new Inside() };
        const { inside } = world;
        return {
          ...world,
          tasks: { A: inside.read(world.sem), B: inside.read(world.sem), C: inside.write(world.sem) },
        };
      },
      ({ inside, sem: lock }, ending) => {
        expect(ending.kind).toBe('done');
        expect([lock.isLocked, lock.isContended]).toEqual([false, false]);
        together = Math.max(together, inside.maxReaders);
      },
    );
    expect(together).toBe(2);
  });

  test('tells the search who could have run', () => {
    const total = { free: 0, blocked: 0 };
    everyInterleaving(
      () => {
        const world = sem(fair);
        const lock = world.sem;
        const downgrader = function* (): Task<void> {
          yield* downWrite(lock);
          yield* downgradeWrite(lock);
          yield* upRead(lock);
        };
        const reader = function* (): Task<void> {
          yield* downRead(lock);
          yield* upRead(lock);
        };
        const writer = function* (): Task<void> {
          yield* downWrite(lock);
          yield* upWrite(lock);
        };
        const found = auditEnabled(world.toy, lock);
        return { ...world, found, tasks: { A: downgrader(), B: reader(), C: writer() } };
      },
      ({ found }, ending) => {
        expect(ending).toEqual({ kind: 'done' });
        total.free += found.free;
        total.blocked += found.blocked;
      },
    );
    expect(Math.min(total.free, total.blocked)).toBeGreaterThan(0);
  });

  test('holds writers apart', () => {
    everyInterleaving(
      () => {
        const world = { ...sem(fair), inside: new Inside() };
        return { ...world, tasks: { A: world.inside.write(world.sem), B: world.inside.write(world.sem) } };
      },
      (_world, ending) => expect(ending.kind).toBe('done'),
    );
  });

  test('try-locks take what is free and refuse what is not', () => {
    const { toy, sem: lock } = sem(fair);
    const seen: boolean[] = [];
    const owner = function* (): Task<void> {
      seen.push(yield* downWriteTrylock(lock));
      seen.push(yield* downReadTrylock(lock), yield* downWriteTrylock(lock));
      yield* upWrite(lock);
      seen.push(yield* downReadTrylock(lock), yield* downReadTrylock(lock), yield* downWriteTrylock(lock));
      yield* upRead(lock);
      yield* upRead(lock);
    };
    toy.drive(owner());
    expect(seen).toEqual([true, false, false, true, true, false]);
    expect(lock.isLocked).toBe(false);
  });

  test('a downgrade lets readers in and no writer between', () => {
    const orders = new Set<string>();
    everyInterleaving(
      () => {
        const world = sem(fair);
        const log: string[] = [];
        const lock = world.sem;
        const downgrader = function* (): Task<void> {
          yield* downWrite(lock);
          log.push('X');
          yield* downgradeWrite(lock);
          log.push('S');
          yield* condResched();
          log.push('released');
          yield* upRead(lock);
        };
        const other = function* (name: string, take: Task<void>, drop: Task<void>): Task<void> {
          yield* take;
          log.push(name);
          yield* drop;
        };
        const tasks = {
          A: downgrader(),
          R: other('reader', downRead(lock), upRead(lock)),
          W: other('writer', downWrite(lock), upWrite(lock)),
        };
        return { ...world, log, tasks };
      },
      ({ log }, ending) => {
        expect(ending.kind).toBe('done');
        const [exclusive, released] = [log.indexOf('X'), log.indexOf('released')];
        expect(log[exclusive + 1]).toBe('S');
        expect(log.slice(exclusive, released)).not.toContain('writer');
        orders.add(log.slice(exclusive, released).join(' '));
      },
    );
    expect([...orders].sort()).toEqual(['X S', 'X S reader']);
  });

  test('a downgrade is a shared hold: only that can be released', () => {
    const { toy, sem: lock } = sem(fair);
    const body = function* (): Task<string> {
      yield* downWrite(lock);
      const before = heldMode(lock);
      yield* downgradeWrite(lock);
      const after = heldMode(lock);
      yield* upRead(lock);
      return `${before} ${after} ${heldMode(lock)}`;
    };
    expect(toy.drive(body())).toBe('X S null');
    const wrong = function* (): Task<void> {
      yield* downWrite(lock);
      yield* downgradeWrite(lock);
      yield* upWrite(lock);
    };
    expect(thrown(() => toy.drive(wrong()))).toMatchObject({
      code: 'LOCK_MODE',
      held: 'S',
      verb: 'up_write',
    });
  });

  test.each([
    ['up_read', 'LOCK_NOT_HELD', [upRead]],
    ['up_write', 'LOCK_NOT_HELD', [upWrite]],
    ['downgrade_write', 'LOCK_NOT_HELD', [downgradeWrite]],
    ['up_write', 'LOCK_MODE', [downRead, upWrite]],
    ['up_read', 'LOCK_MODE', [downWrite, upRead]],
    ['downgrade_write', 'LOCK_MODE', [downRead, downgradeWrite]],
  ] as const)('%s: %s', (verb, code, steps) => {
    const { toy, sem: lock } = sem(fair);
    const body = function* (): Task<void> {
      for (const step of steps) yield* step(lock);
    };
    expect(thrown(() => toy.drive(body()))).toMatchObject({ code, verb, lock: 'sem' });
  });

  test('one task cannot release what another holds', () => {
    const { toy, sem: lock } = sem(fair);
    const ending = toy.race({ A: downRead(lock), B: upRead(lock) }, [
      ['A', 'down_read'],
      ['B', 'up_read'],
    ]);
    expect(ending).toMatchObject({ kind: 'threw', error: { code: 'LOCK_NOT_HELD' } });
  });

  test('isLocked is true whoever holds it, in whatever mode', () => {
    const { toy, sem: lock } = sem(fair);
    const seen: boolean[] = [];
    const body = function* (): Task<void> {
      seen.push(lock.isLocked);
      yield* downRead(lock);
      seen.push(lock.isLocked);
      yield* upRead(lock);
      yield* downWrite(lock);
      seen.push(lock.isLocked);
      yield* upWrite(lock);
    };
    toy.drive(body());
    expect(seen).toEqual([false, true, true]);
  });

  test('not recursive: taking it exclusive twice never ends', () => {
    const { toy, sem: lock } = sem(fair);
    const twice = function* (): Task<void> {
      yield* downWrite(lock);
      yield* downWrite(lock);
    };
    expect(toy.race({ A: twice() }, []).kind).toBe('deadlock');
  });
});

describe('a waiting writer', () => {
  /** A holds it shared, B asks for it exclusive, then A does something. */
  function withWaitingWriter<T>(fair: boolean, then: (lock: Rwsem) => Task<T>): { ending: Ending; got: T[] } {
    const { toy, sem: lock } = sem(fair);
    const got: T[] = [];
    const reader = function* (): Task<void> {
      yield* downRead(lock);
      yield* condResched();
      got.push(yield* then(lock));
      yield* upRead(lock);
    };
    const writer = function* (): Task<void> {
      yield* downWrite(lock);
      yield* upWrite(lock);
    };
    const queued: [string, string][] = fair ? [['B', 'rwsem_queue_writer']] : [];
    return { ending: toy.race({ A: reader(), B: writer() }, [['A', 'down_read'], ...queued]), got };
  }

  test.each([
    ['holds a reader back that holds it already, for ever, if fair', true, 'deadlock'],
    ['does not if not fair', false, 'done'],
  ] as const)('%s', (_, fair, kind) => {
    const again = function* (lock: Rwsem): Task<void> {
      yield* downRead(lock);
      yield* upRead(lock);
    };
    expect(withWaitingWriter(fair, again).ending.kind).toBe(kind);
  });

  test.each([
    ['down_read_trylock', downReadTrylock],
    ['down_write_trylock', downWriteTrylock],
  ])('makes %s fail, though only readers hold it', (_, tryLock) => {
    expect(withWaitingWriter(true, tryLock)).toMatchObject({ ending: { kind: 'done' }, got: [false] });
  });

  test('can be seen', () => {
    const contended = function* (lock: Rwsem): Task<boolean> {
      yield* condResched();
      return lock.isContended;
    };
    expect(withWaitingWriter(true, contended).got).toEqual([true]);
    expect(withWaitingWriter(false, contended).got).toEqual([false]);
  });

  test('makes NOWAIT readers give up', () => {
    expect(withWaitingWriter(true, (lock) => iocbReadLock(lock, true)).got).toEqual([-EAGAIN]);
  });

  test('makes a try-lock fail on a lock that nobody holds yet', () => {
    const { toy, sem: lock } = sem(true);
    let got: boolean | null = null;
    const trier = function* (): Task<void> {
      got = yield* downReadTrylock(lock);
    };
    const writer = function* (): Task<void> {
      yield* downWrite(lock);
      yield* upWrite(lock);
    };
    toy.race({ A: writer(), B: trier() }, [
      ['A', 'rwsem_queue_writer'],
      ['B', 'down_read_trylock'],
    ]);
    expect(got).toBe(false);
  });

  test('takes its turn: writers get in as they came', () => {
    everyInterleaving(
      () => {
        const world = sem(true);
        const log: string[] = [];
        const lock = world.sem;
        const writer = function* (name: string): Task<void> {
          yield* downWrite(lock);
          log.push(name);
          yield* upWrite(lock);
        };
        world.toy.watch();
        return { ...world, log, tasks: { A: writer('A'), B: writer('B') } };
      },
      ({ toy, log }, ending) => {
        expect(ending.kind).toBe('done');
        const { events, tasks } = toy.execution;
        const queued: string[] = [];
        for (let i = 0; i < events.count; i++) {
          if (events.step[i]?.verb !== 'rwsem_queue_writer') continue;
          queued.push(tasks[events.task[i] as number]?.name as string);
        }
        expect(log).toEqual(queued);
      },
    );
  });
});

describe('killable waits', () => {
  interface Killed {
    readonly toy: Toy;
    readonly lock: Rwsem;
    readonly results: number[];
    readonly ending: Ending;
  }

  /** A holds the lock and kills B, who waits for it. With `release`, A releases before B goes on. */
  function kill(fair: boolean, take: (lock: Rwsem) => Task<number>, release = false): Killed {
    const { toy, sem: lock } = sem(fair);
    const signal = new SharedVar('signal', false);
    const results: number[] = [];
    const holder = function* (): Task<void> {
      yield* downWrite(lock);
      yield* signal.write(true, 'kill');
      if (release) yield* upWrite(lock);
    };
    toy.execution.spawn('A', holder(), 'A');
    spawnKillable(toy, 'B', signal, function* (): Task<void> {
      results.push(yield* take(lock));
    });
    let turn = 0;
    const ending = toy.execution.run({
      newExecution: () => true,
      nextTask: ({ runnable, tasks }) => {
        // B up to its wait, A to its end, then B.
        const waits = tasks[1]?.pending?.blocking === true;
        turn++;
        if (turn === 1 || (turn === 2 && fair)) return 0;
        if (!waits && runnable.includes(1)) return 1;
        return runnable.includes(0) ? 0 : 1;
      },
      nextChoice: () => 0,
    });
    return { toy, lock, results, ending };
  }

  test.each([
    ['down_read_killable', false, downReadKillable],
    ['down_read_killable', true, downReadKillable],
    ['down_write_killable', false, downWriteKillable],
    ['down_write_killable', true, downWriteKillable],
  ] as const)('%s ends with -EINTR and without the lock (fair: %p)', (_, fair, take) => {
    const { lock, results, ending } = kill(fair, take);
    expect([ending.kind, ...results]).toEqual(['done', -EINTR]);
    expect(lock.isContended).toBe(false);
  });

  test.each([downReadKillable, downWriteKillable])(
    '%p takes a lock that has become free, killed or not',
    (take) => {
      expect(kill(false, take, true).results).toEqual([0]);
    },
  );

  test('a writer that gives up lets readers in', () => {
    everyInterleaving(
      () => {
        const world = sem(true);
        const lock = world.sem;
        const signal = new SharedVar('signal', false);
        const reader = function* (): Task<void> {
          yield* downRead(lock);
          yield* signal.write(true, 'kill');
          yield* downRead(lock); // behind the writer, until it gives up
          yield* upRead(lock);
          yield* upRead(lock);
        };
        const results: number[] = [];
        spawnKillable(world.toy, 'W', signal, function* (): Task<void> {
          const result = yield* downWriteKillable(lock);
          results.push(result);
          if (result === 0) yield* upWrite(lock);
        });
        return { ...world, results, tasks: { R: reader() } };
      },
      ({ sem: lock }, ending) => {
        expect(ending.kind).toBe('done');
        expect([lock.isLocked, lock.isContended]).toEqual([false, false]);
      },
    );
  });

  test('a task that nobody can kill simply waits', () => {
    const { toy, sem: lock } = sem(false);
    const body = function* (): Task<number> {
      const shared = yield* downReadKillable(lock);
      yield* upRead(lock);
      const exclusive = yield* downWriteKillable(lock);
      yield* upWrite(lock);
      return shared + exclusive;
    };
    expect(toy.drive(body())).toBe(0);
  });
});

describe('a shared lock for a read', () => {
  test('IOCB_NOWAIT tries, and says -EAGAIN if it would have had to wait', () => {
    const { toy, sem: lock } = sem(false);
    const body = function* (): Task<number[]> {
      const free = yield* iocbReadLock(lock, true);
      yield* upRead(lock);
      yield* downWrite(lock);
      const busy = yield* iocbReadLock(lock, true);
      yield* upWrite(lock);
      return [free, busy];
    };
    expect(toy.drive(body())).toEqual([0, -EAGAIN]);
    expect(toy.steps.filter((step) => step.startsWith('down_read'))).toEqual([
      'down_read_trylock(sem)',
      'down_read_trylock(sem)',
    ]);
  });

  test('without it waits, killably', () => {
    const { toy, sem: lock } = sem(false);
    const body = function* (): Task<number> {
      const result = yield* iocbReadLock(lock, false);
      yield* upRead(lock);
      return result;
    };
    expect(toy.drive(body())).toBe(0);
    expect(toy.steps[0]).toBe('down_read_killable(sem)');
  });
});
