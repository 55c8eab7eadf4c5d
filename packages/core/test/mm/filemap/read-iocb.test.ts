// Shows what a read meets for every combination of "may it wait, may it start I/O" and state of the page, in both
// releases: the table of IOCB flags as data, each cell run on a machine.

import {
  filemapInvalidateLock,
  filemapInvalidateUnlock,
  IOCB_NOIO,
  IOCB_NOWAIT,
  IOCB_WAITQ,
  isPage,
  type KernelRelease,
  lockPage,
  type Task,
  unlockPage,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import type { Toy } from '../../toy.js';
import { letters, pread, stale } from '../letters.js';

const CALLERS = {
  plain: 0,
  NOWAIT: IOCB_NOWAIT,
  NOIO: IOCB_NOIO,
  'NOWAIT+NOIO': IOCB_NOWAIT | IOCB_NOIO,
  WAITQ: IOCB_WAITQ,
} as const;
type Caller = keyof typeof CALLERS;

/** What a caller gets, and whether the read waited for a lock that somebody held. */
type Outcome = string;

interface Situation {
  readonly name: string;
  readonly arrange: (toy: Toy) => void;
  /** Somebody who holds a lock until the read has gone as far as it can. */
  readonly holder?: (toy: Toy) => Task<void>;
  readonly outcomes: Readonly<Record<Caller, Outcome>>;
  /** Where v5.14, which has no invalidate_lock, differs. */
  readonly v5_14?: Readonly<Partial<Record<Caller, Outcome>>>;
}

/** Hold a lock over a step at which others can run. */
function* hold(toy: Toy, lock: Task<void>, unlock: () => Task<void>): Task<void> {
  yield* lock;
  yield* toy.inode.iSize.read('pause');
  yield* unlock();
}

function page0(toy: Toy) {
  const page = toy.mapping.iPages.at(0).peek();
  if (!isPage(page)) throw new Error('no page');
  return page;
}

const all = (outcome: Outcome): Record<Caller, Outcome> => ({
  plain: outcome,
  NOWAIT: outcome,
  NOIO: outcome,
  'NOWAIT+NOIO': outcome,
  WAITQ: outcome,
});

const SITUATIONS: readonly Situation[] = [
  { name: 'uptodate', arrange: (toy) => toy.cache(0, 'A'), outcomes: all('AAAA') },
  {
    name: 'nothing cached, readahead finds it',
    arrange: () => {},
    outcomes: {
      plain: 'AAAA',
      // Readahead was started; its page is locked by the I/O.
      NOWAIT: '-EAGAIN, read ahead',
      NOIO: '-EAGAIN',
      'NOWAIT+NOIO': '-EAGAIN',
      WAITQ: '-EIOCBQUEUED, read ahead',
    },
  },
  {
    name: 'nothing cached, readahead finds nothing',
    arrange: (toy) => toy.inode.iSize.init(0),
    outcomes: { ...all('-EAGAIN'), plain: '' },
  },
  {
    name: 'readahead marker',
    arrange: (toy) => toy.cache(0, 'A').readahead.init(true),
    outcomes: {
      plain: 'AAAA, read ahead',
      NOWAIT: 'AAAA, read ahead',
      NOIO: '-EAGAIN',
      'NOWAIT+NOIO': '-EAGAIN',
      WAITQ: 'AAAA, read ahead',
    },
  },
  {
    name: 'not uptodate, invalidate_lock held exclusive',
    arrange: (toy) => stale(toy, 0),
    holder: (toy) =>
      hold(toy, filemapInvalidateLock(toy.mapping), () => filemapInvalidateUnlock(toy.mapping)),
    outcomes: {
      plain: 'waited, AAAA',
      NOWAIT: '-EAGAIN',
      NOIO: 'waited, -EAGAIN',
      'NOWAIT+NOIO': '-EAGAIN',
      WAITQ: 'waited, -EAGAIN',
    },
    v5_14: { plain: 'AAAA', NOIO: '-EAGAIN', WAITQ: '-EAGAIN' },
  },
  {
    name: 'not uptodate, page lock held',
    arrange: (toy) => stale(toy, 0),
    holder: (toy) => hold(toy, lockPage(page0(toy)), () => unlockPage(page0(toy))),
    outcomes: {
      plain: 'waited, AAAA',
      NOWAIT: '-EAGAIN',
      NOIO: '-EAGAIN',
      'NOWAIT+NOIO': '-EAGAIN',
      WAITQ: '-EIOCBQUEUED',
    },
  },
  {
    name: 'not uptodate, page lock free',
    arrange: (toy) => stale(toy, 0),
    outcomes: { ...all('-EAGAIN'), plain: 'AAAA' },
  },
];

/** The read while somebody holds a lock: the holder lets go when the read has ended, or cannot go on. */
function race(toy: Toy, holder: Task<void>, read: Task<string>): Outcome {
  let outcome: string | null = null;
  let waited = false;
  function* reader(): Task<void> {
    outcome = yield* read;
  }
  const holding = toy.execution.spawn('holder', holder, 'H').index;
  const reading = toy.execution.spawn('reader', reader(), 'R').index;
  let begun = false;
  const ending = toy.execution.run({
    newExecution: () => true,
    nextChoice: () => 0,
    nextTask: ({ runnable }) => {
      if (!begun) {
        begun = true;
        return holding;
      }
      if (runnable.includes(reading)) return reading;
      const others = runnable.filter((task) => task !== holding); // the I/O of the read
      if (others.length === 0 && outcome === null) waited = true;
      return others[0] ?? holding;
    },
  });
  expect(ending.kind).toBe('done');
  return `${waited ? 'waited, ' : ''}${outcome}`;
}

function run(situation: Situation, release: KernelRelease, flags: number): Outcome {
  const marker = situation.name === 'readahead marker';
  const toy = letters({ release, raPages: marker ? 4 : 0 });
  situation.arrange(toy);
  const read = pread(toy, 0, 4, flags);
  if (situation.holder !== undefined) return race(toy, situation.holder(toy), read);
  const before = toy.mapping.nrpages.peek();
  const text = toy.drive(read);
  const ahead = toy.steps.some((step) => step.startsWith('submit_bio')) && text !== 'AAAA';
  const more = toy.mapping.nrpages.peek() > before && before > 0;
  return more || (ahead && flags !== 0) ? `${text}, read ahead` : text;
}

const RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];

describe.each(RELEASES)('%s', (release) => {
  describe.each(SITUATIONS.map((situation) => [situation.name, situation] as const))('%s', (_, situation) => {
    test.each(Object.keys(CALLERS) as Caller[])('%s', (caller) => {
      const expected =
        (release === 'v5.14' ? situation.v5_14?.[caller] : undefined) ?? situation.outcomes[caller];
      expect(run(situation, release, CALLERS[caller])).toBe(expected);
    });
  });

  test('an async read returns the pages before one that is locked, and does not queue', () => {
    const toy = letters({ release });
    toy.cache(0, 'A');
    const locked = stale(toy, 1);
    const holder = hold(toy, lockPage(locked), () => unlockPage(locked));
    expect(race(toy, holder, pread(toy, 0, 16, IOCB_WAITQ))).toBe('AAAAAAAA');
  });
});
