// Merged steps, split: what the kernel does in several moments, and the model in one, is done in several here. The model
// is the same; the steps are replaced from outside. Each split does what the kernel does in between, where that matters:
// a look-up that finds the page gone tries again, a flush of the TLB waits for accesses in progress.
//
// Sections are split by running them more than once, with what has been done before answered and not done again.

import {
  choose,
  current,
  type DiskBlock,
  ExclusiveLock,
  type FileSystemType,
  getPage,
  isPage,
  LOCAL,
  putPage,
  SharedArray,
  SharedCounter,
  type SharedObject,
  SharedVar,
  type Slot,
  Step,
  type Task,
} from '@fsport/core';

/** What runs in place of a step. `step` runs the step itself. */
type Instead = (step: Task<unknown>, object: SharedObject, verb: string) => Task<unknown>;

/** Steps by name, such as `load(pte)`, and what runs in their place. Made anew for each execution. */
export type Split = () => Readonly<Record<string, Instead>>;

/** Something that is done in one step, whatever it touches. */
class Doing<T> extends Step<T> {
  readonly #body: () => T;
  constructor(verb: string, body: () => T) {
    super(null, LOCAL, verb);
    this.#body = body;
  }
  protected perform(): T {
    return this.#body();
  }
}

/**
 * A filesystem some of whose steps are split.
 *
 * @param fs - The filesystem, which knows nothing of it.
 * @param split - What is split.
 * @param met - Called whenever a step is.
 */
export function withSplit(fs: FileSystemType, split: Split, met: () => void): FileSystemType {
  return {
    ...fs,
    mount(bdev, options) {
      const steps = split();
      current.instead = (step) => {
        const { object, verb } = step;
        const instead = object === null ? undefined : steps[`${verb}(${object.label.replace(/\[.*/, '')})`];
        if (instead === undefined) return null;
        met();
        // Another way to start the step: not by its own iterator, which would lead here again.
        return instead({ [Symbol.iterator]: () => step }, object as SharedObject, verb);
      };
      return fs.mount(bdev, options);
    },
  };
}

/** Perform a step as a part of the step in progress. */
function performed(step: Task<unknown>): unknown {
  return (step[Symbol.iterator]() as unknown as { perform(): unknown }).perform();
}

/** Decides what an access of a section that is being split does: performs it, or answers it. */
type OnAccess = (object: SharedObject, method: string, perform: () => unknown) => unknown;

/** Thrown to stop a section before an access. */
const STOP = Symbol('stop');
let onAccess: OnAccess | null = null;

function watch(of: object, ...names: readonly string[]): void {
  const methods = of as Record<string, (this: SharedObject, ...args: unknown[]) => unknown>;
  for (const name of names) {
    const original = methods[name] as (this: SharedObject, ...args: unknown[]) => unknown;
    methods[name] = function (...args) {
      const perform = (): unknown => original.apply(this, args);
      return onAccess === null ? perform() : onAccess(this, name, perform);
    };
  }
}

watch(SharedVar.prototype, 'load', 'store');
watch(SharedCounter.prototype, 'load', 'add');
watch(ExclusiveLock.prototype, 'take', 'drop');

/** Run a section as a part of the step in progress. @returns What it returned, or STOP. */
function run(section: Task<unknown>, decide: OnAccess): unknown {
  onAccess = decide;
  try {
    return performed(section);
  } catch (thrown) {
    if (thrown !== STOP) throw thrown;
    return STOP;
  } finally {
    onAccess = null;
  }
}

/**
 * A section as one step for each object that it touches, in its order: it is run again and again, each time up to one
 * more object, and accesses of earlier runs are answered as they were.
 */
function* inPieces(step: Task<unknown>): Task<unknown> {
  const log: unknown[] = [];
  for (;;) {
    const result = yield* new Doing('piece', () => {
      let at = 0;
      let own: SharedObject | null = null;
      return run(step, (object, _, perform) => {
        if (at === log.length) {
          if (own !== null && own !== object) throw STOP;
          own = object;
          log.push(perform());
        }
        return log[at++];
      });
    });
    if (result !== STOP) return result;
  }
}

/** A section that only looks at some objects and changes others: it looks first, and changes later. */
function* inTwo(step: Task<unknown>): Task<unknown> {
  const seen = new Map<SharedObject, unknown>();
  const looked = yield* new Doing('look', () => {
    return run(step, (object, method, perform) => {
      if (method === 'load') seen.set(object, perform());
      else {
        seen.delete(object);
        throw STOP;
      }
      return seen.get(object);
    });
  });
  if (looked !== STOP) return looked;
  return yield* new Doing('change', () => {
    return run(step, (object, _, perform) => (seen.has(object) ? seen.get(object) : perform()));
  });
}

/** Steps that are split into pieces. */
export function pieces(...steps: readonly string[]): Split {
  return () => Object.fromEntries(steps.map((step) => [step, inPieces]));
}

/** Look a slot up, take a reference if the page still has one, look again: otherwise start over. */
function* speculative(_: Task<unknown>, object: SharedObject, verb: string): Task<unknown> {
  const slot = object as SharedVar<Slot>;
  for (;;) {
    const found = yield* slot.read('xas_load');
    if (!isPage(found)) return /_entries$/.test(verb) ? found : null;
    const { refs } = found;
    const got = yield* new Doing('page_cache_get_speculative', () => refs.load() > 0 && refs.add(1) > 0);
    if (got && (yield* slot.read('xas_reload')) === found) return found;
    if (got) putPage(found);
  }
}

const LOOK_UPS = ['find_get_page', 'filemap_get_read_batch', 'pagecache_get_page', 'isolate_lru_page'];

/** Look-ups of one slot. */
export const speculativeGet: Split = () => {
  const names = [...LOOK_UPS, 'find_get_entries', 'find_lock_entries'].map((verb) => `${verb}(i_pages)`);
  return Object.fromEntries(names.map((name) => [name, speculative]));
};

/** A wrong one: what was found may be gone when its reference is taken. */
export const getWithoutLook: Split = () => ({
  *'filemap_get_read_batch(i_pages)'(_, object) {
    const found = yield* (object as SharedVar<Slot>).read('xas_load');
    if (!isPage(found)) return null;
    yield* new Doing('get_page', () => getPage(found));
    return found;
  },
});

/** Readahead looks whether there is a page before it inserts one. */
export const lookUpThenInsert: Split = () => ({
  *'add_to_page_cache_lru(i_pages)'(step, object) {
    yield* (object as SharedVar<Slot>).read('xa_load');
    return yield* step;
  },
});

/**
 * A program's access walks the page table, and goes to the page later. Whoever changes an entry flushes the TLB after
 * it, and that waits for accesses in progress.
 */
export const walkThenAccess: Split = () => {
  const users = new SharedArray<number>('tlb', () => 0);
  function* used(step: Task<unknown>, pte: SharedObject): Task<unknown> {
    const count = users.at(pte.id);
    yield* count.section('walk', () => count.store(count.load() + 1));
    const result = yield* inPieces(step);
    yield* count.section('walked', () => count.store(count.load() - 1));
    return result;
  }
  function* flushed(step: Task<unknown>, pte: SharedObject): Task<unknown> {
    const result = yield* step;
    yield* users.at(pte.id).waitUntil((count) => count === 0, 'flush_tlb_page');
    return result;
  }
  const accesses = ['load', 'store', 'copy_to_user'].map((verb) => [`${verb}(pte)`, used] as const);
  const changes = ['zap_pte_range', 'page_mkclean_one', 'try_to_unmap_one', 'finish_mkwrite_fault'];
  return Object.fromEntries([...accesses, ...changes.map((verb) => [`${verb}(pte)`, flushed] as const)]);
};

/** A wrong one: nobody waits for accesses in progress. */
export const walkWithoutFlush: Split = () => {
  return Object.fromEntries(
    Object.entries(walkThenAccess()).filter(([name]) => /^(?:load|store)/.test(name)),
  );
};

/** The stranger who gets a freed block writes to it some time later, as a task of his own. */
export const strangerWritesLater: Split = () => ({
  *'ext4_free_blocks(disk)'(step, object) {
    const block = object as SharedVar<DiskBlock>;
    const stolen = yield* block.section('free', () => {
      const { cells } = block.load();
      performed(step);
      const after = block.load();
      block.store({ ...after, cells });
      return after;
    });
    current.spawn('stranger', written(block, stolen));
  },
});

function* written(block: SharedVar<DiskBlock>, stolen: DiskBlock): Task<void> {
  yield* block.section('stranger', () => {
    const now = block.load();
    if (now.gen === stolen.gen) block.store({ ...now, cells: stolen.cells });
  });
}

/** What a transfer brings is fetched first and arrives later. */
export const fetchThenArrive: Split = () => ({ 'bio_endio(disk)': inTwo });

/** What each task has put off. */
type PutOff = Map<unknown, Task<unknown>>;

/** The blocks of one request may arrive in another order, as those of several requests may. */
export const blocksInAnyOrder: Split = () => {
  const later: PutOff = new Map();
  function* last(step: Task<unknown>): Task<unknown> {
    const put = later.get(current.task);
    if (put !== undefined) yield* put;
    later.delete(current.task);
    return yield* step;
  }
  return {
    *'bio_endio(disk)'(step) {
      if (!later.has(current.task) && (yield* choose('put off', 2)) === 1) {
        later.set(current.task, step);
        return;
      }
      yield* step;
      const put = later.get(current.task);
      if (put === undefined) return;
      yield* put;
      later.delete(current.task);
    },
    ...Object.fromEntries(ENDS.map((name) => [name, last])),
  };
};

/** What comes after the last block of a request. */
const ENDS = [
  'end_buffer_async_read(PG_uptodate)',
  'mpage_end_io(PG_uptodate)',
  'end_buffer_read_sync(BH_Lock)',
  'end_page_writeback(PG_writeback)',
  'iomap_dio_bio_end_io(dio.ref)',
];
