// Shows that the lock-order graph sees what lockdep sees: cycles by class and mode, forbidden orders and recursion; and
// that it is silent where nobody can wait: try-locks, orders that a common gate lock keeps apart, and siblings in order.

import {
  type AddressSpace,
  condResched,
  downgradeWrite,
  downRead,
  downReadTrylock,
  downWrite,
  downWriteTrylock,
  type ForbiddenOrder,
  filemapInvalidateLockTwo,
  filemapInvalidateUnlockTwo,
  heldMode,
  Inode,
  inodeLock,
  inodeUnlock,
  type LockGraph,
  lockPage,
  lockTwoNondirectories,
  Page,
  pgoff,
  Rwsem,
  syscall,
  type Task,
  unlockPage,
  unlockTwoNondirectories,
  upRead,
  upWrite,
} from '@fsport/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Toy, thrown } from '../toy.js';
import { freshLocking } from './locks.js';

let graph: LockGraph;
let toy: Toy;
beforeEach(() => {
  graph = freshLocking();
  toy = new Toy();
});
afterEach(() => {
  freshLocking();
});

type Mode = 'S' | 'X' | 'tryS' | 'tryX';
const TAKE = {
  S: downRead,
  X: downWrite,
  tryS: downReadTrylock,
  tryX: downWriteTrylock,
} satisfies Record<Mode, (sem: Rwsem) => Task<unknown>>;

/** One task takes some locks in order and releases them again, last first. */
function chain(...locks: readonly (readonly [Rwsem, Mode, number?])[]): void {
  const body = function* (): Task<void> {
    for (const [sem, mode, subclass = 0] of locks) {
      if (mode === 'X') yield* downWrite(sem, subclass);
      else if (mode === 'S') yield* downRead(sem, subclass);
      else yield* TAKE[mode](sem);
    }
    for (const [sem, mode] of [...locks].reverse()) yield* mode.endsWith('S') ? upRead(sem) : upWrite(sem);
  };
  toy.drive(body());
}

function secondFile(): Inode {
  const { iOp, iFop } = toy.inode;
  return new Inode(toy.sb, 13, { aOps: toy.mapping.aOps, iOp, iFop }, null);
}

/** One file locked on top of another, without the helper. */
function* onTop(one: Inode, other: Inode): Task<void> {
  yield* inodeLock(one);
  yield* inodeLock(other);
  yield* inodeUnlock(other);
  yield* inodeUnlock(one);
}

function kinds(forbidden: readonly ForbiddenOrder[] = []): string[] {
  return graph.report(forbidden).map(({ kind, classes }) => `${kind} ${classes.join(' ')}`);
}

describe('edges', () => {
  test('every lock held is an edge to the next, by class and mode', () => {
    const [a, b, c] = [new Rwsem('a'), new Rwsem('b'), new Rwsem('c')];
    chain([a, 'X'], [b, 'S'], [c, 'X']);
    expect(graph.edges()).toEqual(['a:X -> b:S', 'a:X -> c:X', 'b:S -> c:X']);
  });

  test('a lock released below the top is not held any more by who comes next', () => {
    const [a, b, c] = [new Rwsem('a'), new Rwsem('b'), new Rwsem('c')];
    const body = function* (): Task<void> {
      yield* downWrite(a);
      yield* downWrite(b);
      yield* upWrite(a);
      yield* downWrite(c);
    };
    toy.drive(body());
    expect(graph.edges()).toEqual(['a:X -> b:X', 'b:X -> c:X']);
  });

  test('locks of one label are one class for each filesystem type', () => {
    const [ext4, xfs] = ['ext4', 'xfs'].map((type) => new Rwsem('mapping.invalidate_lock', 1, type));
    const [a, b] = [ext4 as Rwsem, xfs as Rwsem];
    chain([a, 'X'], [b, 'X']);
    expect(graph.edges()).toEqual(['ext4 mapping.invalidate_lock:X -> xfs mapping.invalidate_lock:X']);
  });

  test('a downgraded lock is held shared', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    const body = function* (): Task<void> {
      yield* downWrite(a);
      yield* downgradeWrite(a);
      yield* downRead(b);
    };
    toy.drive(body());
    expect(graph.edges()).toEqual(['a:S -> b:S']);
  });
});

describe('cycles', () => {
  test('two orders of two locks, though nothing ever blocked', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'X'], [b, 'X']);
    expect(kinds()).toEqual([]);
    chain([b, 'X'], [a, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
    expect(graph.report([])[0]?.lines).toEqual([
      'toy takes b (X) while holding a (X)',
      'toy takes a (X) while holding b (X)',
    ]);
  });

  test('through a third', () => {
    const [a, b, c] = [new Rwsem('a'), new Rwsem('b'), new Rwsem('c')];
    chain([a, 'X'], [b, 'X']);
    chain([b, 'X'], [c, 'X']);
    expect(kinds()).toEqual([]);
    chain([c, 'X'], [a, 'X']);
    expect(kinds()).toEqual(['cycle a b c']);
  });

  test('of classes, not of single locks', () => {
    const [a1, a2] = [new Rwsem('a', 'one'), new Rwsem('a', 'two')];
    const b = new Rwsem('b');
    chain([a1, 'X'], [b, 'X']);
    chain([b, 'X'], [a2, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
  });

  test('shared holders only wait for each other if a writer can queue between them', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'S'], [b, 'S']);
    chain([b, 'S'], [a, 'S']);
    expect(kinds()).toEqual([]);
    chain([a, 'X']);
    expect(kinds()).toEqual([]); // nobody writes b
    chain([b, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
  });

  test('a writer that only tries does not queue', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'S'], [b, 'S']);
    chain([b, 'S'], [a, 'S']);
    chain([a, 'tryX']);
    chain([b, 'tryX']);
    expect(kinds()).toEqual([]);
  });

  test.each<[Mode, string[]]>([
    ['X', ['cycle a b']],
    ['S', ['cycle a b']],
    ['tryX', []],
    ['tryS', []],
  ])('taking the second with %s', (mode, found) => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'X'], [b, 'X']);
    chain([b, 'X'], [a, mode]);
    expect(kinds()).toEqual(found);
  });

  test('a lock that was got by trying is still held: others wait for it', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'tryX'], [b, 'X']);
    chain([b, 'X'], [a, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
  });

  test('the second with a subclass of its own is told apart; the reverse nesting is not', () => {
    const [a1, a2] = [new Rwsem('a', 'one'), new Rwsem('a', 'two')];
    chain([a1, 'X'], [a2, 'X', 1]);
    expect([graph.edges(), kinds()]).toEqual([['a:X -> a/1:X'], []]);
    chain([a2, 'X', 1], [a1, 'X']);
    expect(kinds()).toEqual(['cycle a a/1']);
  });
});

describe('gate locks', () => {
  // Facts 2.2: zonefs takes i_truncate_mutex and page locks in both orders, and invalidate_lock keeps them apart.
  test.each<[Mode | null, Mode | null, string[]]>([
    ['S', 'X', []],
    ['X', 'X', []],
    ['X', 'S', []],
    ['S', 'S', ['cycle a b']],
    [null, 'X', ['cycle a b']],
    [null, null, ['cycle a b']],
  ])('held %p around one order and %p around the other', (one, other, found) => {
    const [gate, a, b] = [new Rwsem('gate'), new Rwsem('a'), new Rwsem('b')];
    const under = (mode: Mode | null): [Rwsem, Mode][] => (mode === null ? [] : [[gate, mode]]);
    chain(...under(one), [a, 'X'], [b, 'X']);
    chain(...under(other), [b, 'X'], [a, 'X']);
    expect(kinds()).toEqual(found);
  });

  test('another lock of the same class is no gate', () => {
    const [one, two] = [new Rwsem('gate', 'one'), new Rwsem('gate', 'two')];
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([one, 'X'], [a, 'X'], [b, 'X']);
    chain([two, 'X'], [b, 'X'], [a, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
  });

  test('one order without the gate is enough', () => {
    const [gate, a, b] = [new Rwsem('gate'), new Rwsem('a'), new Rwsem('b')];
    chain([gate, 'X'], [a, 'X'], [b, 'X']);
    chain([gate, 'X'], [b, 'X'], [a, 'X']);
    expect(kinds()).toEqual([]);
    chain([b, 'X'], [a, 'X']);
    expect(kinds()).toEqual(['cycle a b']);
  });

  test('a gate that was released before does not count', () => {
    const [gate, a, b] = [new Rwsem('gate'), new Rwsem('a'), new Rwsem('b')];
    chain([gate, 'X'], [a, 'X'], [b, 'X']);
    const early = function* (): Task<void> {
      yield* downWrite(gate);
      yield* downWrite(b);
      yield* upWrite(gate);
      yield* downWrite(a);
      yield* upWrite(a);
      yield* upWrite(b);
    };
    toy.drive(early());
    expect(kinds()).toEqual(['cycle a b']);
  });
});

describe('recursion', () => {
  test('a second shared hold of one lock is a deadlock as soon as a writer waits', () => {
    const a = new Rwsem('a');
    chain([a, 'S'], [a, 'S']);
    expect(kinds()).toContain('recursion a');
  });

  test('also with other locks in between, and whatever the subclass', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b')];
    chain([a, 'S'], [b, 'X'], [a, 'S', 1]);
    expect(kinds()).toContain('recursion a/1');
  });

  test('not if it only tries: that never waits', () => {
    const [a, other] = [new Rwsem('a'), new Rwsem('a')];
    chain([a, 'S'], [a, 'tryS'], [other, 'tryX']);
    expect(kinds()).toEqual([]);
  });

  // As lockdep does: it knows no inode numbers, and neither do two tasks that hold one and want the other.
  test.each<[string, Mode, string | number, string | number]>([
    ['in ascending order of their numbers', 'X', 12, 13],
    ['in descending order', 'X', 13, 12],
    ['that have names', 'X', 'one', 'two'],
    ['shared', 'S', 12, 13],
  ])('two locks of one class %s', (_, mode, one, other) => {
    chain([new Rwsem('a', one), mode], [new Rwsem('a', other), mode]);
    expect(kinds()).toEqual(['recursion a']);
    expect(graph.report([])[0]?.lines).toEqual([`toy takes a (${mode}) while holding another a (${mode})`]);
  });

  test('also two of one subclass, and although a gate keeps the orders apart', () => {
    const gate = new Rwsem('gate');
    chain([gate, 'X'], [new Rwsem('a'), 'X', 1], [new Rwsem('a'), 'X', 1]);
    expect(kinds()).toEqual(['recursion a/1']);
  });

  test('not two of one label that belong to filesystems of two types', () => {
    chain([new Rwsem('a', 1, 'ext4'), 'X'], [new Rwsem('a', 1, 'xfs'), 'X']);
    expect(kinds()).toEqual([]);
  });

  test('not two files or mappings locked by the helpers for two', () => {
    const [inode, other] = [toy.inode, secondFile()];
    const both = function* (one: Inode, another: Inode): Task<void> {
      yield* lockTwoNondirectories(one, another);
      yield* filemapInvalidateLockTwo(one.iMapping, another.iMapping);
      yield* filemapInvalidateUnlockTwo(one.iMapping, another.iMapping);
      yield* unlockTwoNondirectories(one, another);
    };
    toy.drive(both(inode, other));
    toy.drive(both(other, inode));
    expect(graph.edges()).toContain('toy inode.i_rwsem:X -> toy inode.i_rwsem/4:X');
    expect(kinds()).toEqual([]);
    toy.drive(onTop(inode, other));
    expect(kinds()).toEqual(['recursion toy inode.i_rwsem']);
  });

  describe('page locks', () => {
    const page = (index: number, mapping: AddressSpace | null): Page => {
      const one = new Page(pgoff(index), false);
      one.mapping.init(mapping);
      return one;
    };
    const both = function* (one: Page, other: Page): Task<void> {
      yield* lockPage(one);
      yield* lockPage(other);
      yield* unlockPage(other);
      yield* unlockPage(one);
    };

    test('of one cache are in order by ascending index, also of a page that has left it', () => {
      const { mapping } = toy;
      toy.drive(both(page(1, mapping), page(2, mapping)));
      toy.drive(both(page(1, mapping), page(2, null)));
      expect(kinds()).toEqual([]);
      toy.drive(both(page(2, mapping), page(1, mapping)));
      expect(kinds()).toEqual(['recursion PG_locked']);
    });

    test.each<[string, Mode, string[]]>([
      ['exclusive', 'X', []],
      ['shared', 'S', ['recursion PG_locked']],
    ])('of one cache are in order by descending index if i_rwsem is held %s', (_, mode, found) => {
      const { mapping } = toy;
      const { iRwsem } = mapping.host;
      const held = function* (): Task<void> {
        yield* mode === 'X' ? downWrite(iRwsem) : downRead(iRwsem);
        yield* both(page(2, mapping), page(1, mapping));
        yield* mode === 'X' ? upWrite(iRwsem) : upRead(iRwsem);
      };
      toy.drive(held());
      expect(kinds()).toEqual(found);
    });

    test.each<[string, Mode, Mode, string[]]>([
      ['both exclusive', 'X', 'X', []],
      ['one shared', 'X', 'S', ['recursion PG_locked']],
    ])('of two caches are in order if i_rwsem of both is held: %s', (_, mode, other, found) => {
      const { mapping } = toy;
      const second = secondFile();
      const held = function* (): Task<void> {
        yield* mode === 'X' ? downWrite(mapping.host.iRwsem) : downRead(mapping.host.iRwsem);
        yield* other === 'X' ? downWrite(second.iRwsem, 4) : downRead(second.iRwsem, 4);
        yield* both(page(2, mapping), page(2, second.iMapping));
        yield* other === 'X' ? upWrite(second.iRwsem) : upRead(second.iRwsem);
        yield* mode === 'X' ? upWrite(mapping.host.iRwsem) : upRead(mapping.host.iRwsem);
      };
      toy.drive(held());
      expect(kinds()).toEqual(found);
    });

    test('of two caches have no order', () => {
      toy.drive(both(page(1, toy.mapping), page(2, secondFile().iMapping)));
      expect(kinds()).toEqual(['recursion PG_locked']);
    });
  });

  test('not one after the other', () => {
    const a = new Rwsem('a');
    chain([a, 'S']);
    chain([a, 'S']);
    expect(kinds()).toEqual([]);
  });
});

describe('forbidden orders', () => {
  // Facts 2.2: "Forbidden edges to check".
  const FORBIDDEN: readonly [string, string][] = [
    ['mapping.invalidate_lock', 'mm.mmap_lock'],
    ['PG_locked', 'mapping.invalidate_lock'],
    ['mapping.invalidate_lock', 'inode.i_rwsem'],
    ['mapping.i_mmap_rwsem', 'mapping.invalidate_lock'],
    ['PG_locked', 'mm.mmap_lock'],
  ];
  const rules = FORBIDDEN.map(([held, acquired]) => ({ held, acquired, why: 'the rank order' }));

  test.each(FORBIDDEN)('%s -> %s, with a filesystem type or not', (held, acquired) => {
    chain([new Rwsem(held, 1, 'ext4'), 'S'], [new Rwsem(acquired, 1, 'ext4'), 'S']);
    expect(kinds(rules)).toEqual([`forbidden ext4 ${held} ext4 ${acquired}`]);
    expect(graph.report(rules)[0]?.lines[0]).toBe(
      `toy takes ext4 ${acquired} (S) while holding ext4 ${held} (S): the rank order`,
    );
  });

  test.each(FORBIDDEN)('the other way round, %s under %s, is fine', (held, acquired) => {
    chain([new Rwsem(acquired), 'S'], [new Rwsem(held), 'S']);
    expect(kinds(rules)).toEqual([]);
  });

  test('also with locks in between, not by a try-lock', () => {
    const [page, other, inv] = ['PG_locked', 'other', 'mapping.invalidate_lock'].map(
      (label) => new Rwsem(label),
    );
    const locks = [page as Rwsem, other as Rwsem, inv as Rwsem] as const;
    chain([locks[0], 'X'], [locks[1], 'X'], [locks[2], 'tryS']);
    expect(kinds(rules)).toEqual([]);
    chain([locks[0], 'X'], [locks[1], 'X'], [locks[2], 'S']);
    expect(kinds(rules)).toEqual(['forbidden PG_locked mapping.invalidate_lock']);
  });

  test('locks of two tasks are not an order', () => {
    const [page, inv] = [new Rwsem('PG_locked'), new Rwsem('mapping.invalidate_lock')];
    const one = function* (sem: Rwsem): Task<void> {
      yield* downRead(sem);
      yield* condResched();
      yield* upRead(sem);
    };
    toy.race({ A: one(page), B: one(inv) }, [
      ['A', 'down_read'],
      ['B', 'down_read'],
    ]);
    expect([graph.edges(), kinds(rules)]).toEqual([[], []]);
  });
});

describe('what a task holds', () => {
  test('is known in its mode, the stronger one if both', () => {
    const a = new Rwsem('a');
    const body = function* (): Task<unknown[]> {
      const seen: unknown[] = [heldMode(a)];
      yield* downRead(a);
      seen.push(heldMode(a));
      yield* upRead(a);
      yield* downWrite(a);
      seen.push(heldMode(a));
      yield* upWrite(a);
      return [...seen, heldMode(a)];
    };
    expect(toy.drive(body())).toEqual([null, 'S', 'X', null]);
  });

  test('must be nothing when a system call ends', () => {
    const [a, b] = [new Rwsem('a'), new Rwsem('b', 7)];
    const leak = function* (): Task<void> {
      yield* downWrite(a);
      yield* downRead(b);
    };
    expect(thrown(() => toy.drive(syscall('ftruncate', leak())))).toMatchObject({
      code: 'LOCK_LEAK',
      call: 'ftruncate',
      locks: 'a:X, b[7]:S',
    });
  });

  test('a call that releases all it took may end', () => {
    const a = new Rwsem('a');
    const clean = function* (): Task<string> {
      yield* downWrite(a);
      yield* upWrite(a);
      return 'result';
    };
    expect(toy.drive(syscall('ftruncate', clean()))).toBe('result');
  });

  test('one lock taken twice and released once is still held', () => {
    const a = new Rwsem('a');
    const body = function* (): Task<void> {
      yield* downRead(a);
      yield* downRead(a);
      yield* upRead(a);
    };
    expect(thrown(() => toy.drive(syscall('read', body())))).toMatchObject({
      code: 'LOCK_LEAK',
      locks: 'a:S',
    });
  });

  test('a call that must not sleep cannot reach a lock that waits', () => {
    const a = new Rwsem('a');
    const body = function* (): Task<void> {
      yield* downReadTrylock(a);
      yield* upRead(a);
      yield* downRead(a);
    };
    expect(thrown(() => toy.drive(syscall('pread', body(), true)))).toMatchObject({
      code: 'NOWAIT_SLEEPS',
      step: 'down_read(a)',
    });
  });
});
