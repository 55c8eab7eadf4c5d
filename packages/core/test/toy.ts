// A machine with one file on a filesystem that does nothing by itself, and ways to run tasks on it: one after
// another, or in an order written down step by step.

import {
  type AddressSpaceOperations,
  addToPageCacheLru,
  BlockDevice,
  boot,
  type Ending,
  Execution,
  type Faults,
  File,
  type FileOperations,
  FMODE_NOWAIT,
  fillCells,
  Identity,
  Inode,
  type InodeOperations,
  type KernelRelease,
  Page,
  pgoff,
  putPage,
  type Scheduler,
  type Step,
  SuperBlock,
  type Task,
  type TraceBus,
  unlockPage,
} from '@fsport/core';

/** What a test may choose; everything else is small and fixed: pages of 8 bytes, by default 4 of them in a file. */
export interface ToyOptions {
  readonly release?: KernelRelease;
  readonly blockSize?: number;
  readonly nrPages?: number;
  readonly raPages?: number;
  readonly faultAroundPages?: number;
  readonly faults?: Faults;
  readonly aOps?: Partial<AddressSpaceOperations>;
  readonly iOp?: InodeOperations;
  readonly iFop?: Partial<FileOperations>;
  readonly exempt?: Readonly<Record<string, string>>;
}

/** Nothing to do, as a task. */
export function* nothing(): Task<void> {}

/** A result, as a task. */
// biome-ignore lint/correctness/useYield: it is a task without steps.
export function* result<T>(value: T): Task<T> {
  return value;
}

/** One machine, one file as large as it can be. */
export class Toy {
  readonly execution = new Execution({ identity: new Identity(), maxSteps: 10_000 });
  readonly trace: TraceBus;
  readonly sb: SuperBlock;
  readonly inode: Inode;
  readonly file: File;
  /** Steps performed since the last {@link watch}. */
  steps: string[] = [];

  constructor(options: ToyOptions = {}) {
    const { release = 'v5.15', blockSize = 8, nrPages = 4, faults = {} } = options;
    const { raPages = 0, faultAroundPages = 1 } = options;
    const machine = boot({
      release,
      pageSize: 8,
      blockSize,
      nrBlocks: 8,
      maxBytes: nrPages * 8,
      raPages,
      faultAroundPages,
      hostileReuse: true,
      faults,
    });
    this.trace = machine.trace;
    this.sb = new SuperBlock('toy', release, new BlockDevice(8), null, { exempt: options.exempt ?? {} });
    const aOps: AddressSpaceOperations = { readpage: () => result(0), ...options.aOps };
    const iFop: FileOperations = { readIter: () => result(0), ...options.iFop };
    const iOp = options.iOp ?? { setattr: () => result(0) };
    this.inode = new Inode(this.sb, 12, { aOps, iOp, iFop }, null);
    this.inode.iSize.init(nrPages * 8);
    this.file = new File(this.inode, FMODE_NOWAIT);
  }

  get mapping(): Inode['iMapping'] {
    return this.inode.iMapping;
  }

  /** Run a task to its end, and note its steps as `verb(object)`. */
  drive<T>(body: Task<T>): T {
    this.watch();
    return this.execution.drive('toy', body);
  }

  /** Note steps from now on. */
  watch(): void {
    const steps: string[] = [];
    this.steps = steps;
    this.execution.recorder = {
      performed: (step: Step<unknown>) => {
        steps.push(`${step.verb}(${step.object?.name ?? ''})`);
      },
    };
  }

  /** Put an uptodate page of one letter into the cache. */
  cache(
    index: number,
    letter = 'A',
    state: { readonly dirty?: boolean; readonly buffers?: boolean } = {},
  ): Page {
    const page = new Page(pgoff(index), false);
    const { mapping } = this;
    this.drive(
      (function* (): Task<void> {
        yield* addToPageCacheLru(page, mapping, pgoff(index));
        page.uptodate.init(true);
        page.dirty.init(state.dirty === true);
        page.storeBytes(0, fillCells(8, letter.charCodeAt(0), 0));
        if (state.buffers === true) {
          page.refs.init(page.refs.peek() + 1);
          page.buffers.init([]);
        }
        yield* unlockPage(page);
        putPage(page);
      })(),
    );
    return page;
  }

  /** Is there a page in this slot? */
  cached(index: number): 'page' | 'shadow' | 'none' {
    const slot = this.mapping.iPages.at(index).peek();
    if (slot === null) return 'none';
    return 'shadow' in slot ? 'shadow' : 'page';
  }

  /**
   * Run tasks in a written order.
   *
   * @param tasks - By letter.
   * @param order - `['A', 'lock_page']`: A runs up to and including its next step of that name. Then the rest, in
   *   creation order.
   * @param choice - What every choice picks.
   */
  race(
    tasks: Readonly<Record<string, Task<unknown>>>,
    order: readonly [string, string][],
    choice = 0,
  ): Ending {
    this.watch();
    for (const [letter, body] of Object.entries(tasks)) this.execution.spawn(letter, body, letter);
    return this.execution.run(new Script(order, choice));
  }
}

/** Follows a list of (task, step) pairs. */
class Script implements Scheduler {
  readonly #order: [string, string][];
  readonly #choice: number;
  constructor(order: readonly [string, string][], choice: number) {
    this.#order = [...order];
    this.#choice = choice;
  }
  newExecution(): boolean {
    return true;
  }
  nextTask(execution: Execution): number {
    const [next] = this.#order;
    const [first] = execution.runnable;
    if (next === undefined) return first as number;
    const [letter, verb] = next;
    const task = execution.tasks.find(({ name }) => name === letter);
    if (task === undefined || !execution.runnable.includes(task.index)) {
      throw new Error(`${letter} cannot run up to ${verb}`);
    }
    if (task.pending?.verb === verb) this.#order.shift();
    return task.index;
  }
  nextChoice(): number {
    return this.#choice;
  }
}

/**
 * Run every interleaving of some tasks, and judge each.
 *
 * @param setUp - Makes a machine and the tasks to run on it.
 * @param judge - Throws if an execution went wrong.
 * @returns How many interleavings there are.
 */
export function everyInterleaving<
  T extends { readonly toy: Toy; readonly tasks: Readonly<Record<string, Task<unknown>>> },
>(setUp: () => T, judge: (world: T, ending: Ending) => void): number {
  let path: { picked: number; readonly count: number }[] = [];
  for (let executions = 1; ; executions++) {
    const world = setUp();
    const taken: typeof path = [];
    const pick = (count: number): number => {
      const picked = path[taken.length]?.picked ?? 0;
      taken.push({ picked, count });
      return picked;
    };
    const { execution } = world.toy;
    for (const [letter, body] of Object.entries(world.tasks)) execution.spawn(letter, body, letter);
    const ending = execution.run({
      newExecution: () => true,
      nextTask: ({ runnable }) => runnable[pick(runnable.length)] as number,
      nextChoice: (_, count) => pick(count),
    });
    judge(world, ending);
    // The last decision that has an alternative takes the next one; what came after it starts afresh.
    const last = taken.findLastIndex(({ picked, count }) => picked + 1 < count);
    if (last < 0) return executions;
    path = taken.slice(0, last + 1);
    (path[last] as { picked: number }).picked++;
  }
}

/** The letters of a page. */
export function text(page: Page): string {
  return page
    .peekBytes()
    .map((cell) => ((cell & 0xff) === 0 ? '.' : String.fromCharCode(cell & 0xff)))
    .join('');
}

/** The data of the error that something throws, with its code. */
export function thrown(body: () => unknown): Record<string, unknown> {
  try {
    body();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'data' in error) {
      return { code: error.code, ...(error.data as object) };
    }
    throw error;
  }
  return {};
}
