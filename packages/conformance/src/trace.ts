/**
 * A replayed token with all that an exporter needs: what each step touched, its place in happens-before, the kernel
 * tracepoints that it passed, and where in the source it was performed.
 */
import { type Ending, type Execution, type FileSystemType, machine, type Step } from '@fsport/core';
import { parseToken, replay, type Violation } from '@fsport/explore';
import type { Expected } from './expected.js';
import { HappensBefore } from './happens-before.js';
import { checkOfToken, type ReplayedCheck, replayedCheck } from './replay.js';
import { CheckScenario } from './scenario.js';
import type { Check, ShownStep } from './types.js';

/** Frames that a stack needs to reach from a primitive to the system call. */
const STACK = 60;

/** A kernel tracepoint that was passed. */
export interface Tracepoint {
  /** Its name: `mm_filemap_add_to_page_cache`. */
  readonly event: string;
  /** Its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A lock that a task holds. */
export interface ShownLock {
  /** The lock. */
  readonly lock: string;
  /** Held exclusive (`X`) or shared (`S`). */
  readonly mode: 'S' | 'X';
}

/** A step with all that is known about it. */
export interface TracedStep extends ShownStep {
  /** Kernel spelling of the operation. */
  readonly verb: string;
  /** The object touched, `null` for a local step. */
  readonly object: string | null;
  /** What it turned out to do to the object: a name from `ACCESS_NAMES`. */
  readonly access: string;
  /** The alternative picked, `-1` if there was none to pick. */
  readonly choice: number;
  /** Vector clock: of each task, by name, how many of its steps come before this one in every equivalent execution. */
  readonly clock: Readonly<Record<string, number>>;
  /** Tracepoints passed by this step, and after it up to the next one of its task. */
  readonly tracepoints: readonly Tracepoint[];
  /** Locks that its task holds after it, oldest first; a page lock until the I/O of the page takes it over. */
  readonly held: readonly ShownLock[];
  /** Made where the step was performed; its stack says by whom. */
  readonly origin: Error;
}

/** A task of a replayed execution. */
export interface TracedTask {
  /** Name in the token. */
  readonly name: string;
  /** What it does. */
  readonly title: string;
  /** Index of the step in which another task spawned it, `-1` if it was there from the start. */
  readonly spawnedAt: number;
}

/** A replayed token with all that is known about it. */
export interface CheckTrace extends ReplayedCheck {
  /** The tasks, in the order of their creation. */
  readonly tasks: readonly TracedTask[];
  /** What happened, step by step. */
  readonly steps: readonly TracedStep[];
  /** Pages that are in the page cache when the tasks start. */
  readonly cached: readonly { readonly ino: number; readonly index: number }[];
}

/** What is heard while the tasks run. */
class Heard {
  readonly tracepoints: Tracepoint[][] = [];
  readonly origins: Error[] = [];
  readonly held: (readonly ShownLock[])[] = [];
  cached: CheckTrace['cached'] = [];
  running: Execution | null = null;

  /** A step is being performed. */
  performed(_step: Step<unknown>): void {
    if (this.running === null) return;
    const { events, task } = this.running;
    const step = events.count - 1;
    this.held[step] = task?.held.map(({ lock, mode }) => ({ lock: lock.name, mode })) ?? [];
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK;
    this.origins[step] = new Error('performed here');
    Error.stackTraceLimit = limit;
  }
}

/** Listens while the tasks run, and not to the set-up before or the probes after them. */
class Listening extends CheckScenario {
  readonly #of: readonly [FileSystemType, string, Check];
  readonly heard: Heard;

  constructor(fs: FileSystemType, profile: string, check: Check, cuts: readonly string[], heard: Heard) {
    super(fs, profile, check, cuts);
    this.#of = [fs, profile, check];
    this.heard = heard;
  }

  override without(cuts: readonly string[]): Listening {
    return new Listening(...this.#of, cuts, this.heard);
  }

  override start(execution: Execution, only?: ReadonlySet<string>): void {
    super.start(execution, only);
    const { heard } = this;
    heard.cached = machine.pages.flatMap(({ mapping, index }) => {
      const ino = mapping.peek()?.host.iIno;
      return ino === undefined ? [] : [{ ino, index }];
    });
    machine.trace.onAll((event, fields) => {
      if (heard.running === null) return;
      const step = execution.events.count - 1;
      heard.tracepoints[step] = [...(heard.tracepoints[step] ?? []), { event, fields }];
    });
    heard.running = execution;
  }

  override judge(execution: Execution, ending: Ending): readonly Violation[] {
    this.heard.running = null;
    return super.judge(execution, ending);
  }
}

/**
 * Replay a token and write down all that can be known about it.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param token - The token.
 * @param expected - What the package declares, `null` if nothing.
 * @throws UsageError `BAD_TOKEN`, `OLD_TOKEN`, `STALE_TOKEN` or `UNKNOWN_CHECK`.
 */
export function traceCheck(
  fs: FileSystemType,
  profile: string,
  token: string,
  expected: Expected | null,
): CheckTrace {
  const parsed = parseToken(token);
  const check = checkOfToken(fs, parsed);
  const heard = new Heard();
  const replayed = replay(new Listening(fs, profile, check, [], heard), parsed, heard);
  const { tasks } = replayed.execution;
  const order = new HappensBefore(replayed.execution);
  const shown = replayedCheck({ fs, profile, check, expected }, token, replayed);
  return {
    ...shown,
    cached: heard.cached,
    tasks: tasks.map(({ name, title, spawnEvent }) => ({ name, title, spawnedAt: spawnEvent })),
    steps: replayed.steps.map(({ verb, object, access, choice }, step) => ({
      ...(shown.steps[step] as ShownStep),
      verb,
      object,
      access,
      choice,
      clock: Object.fromEntries(
        order.clock(step).flatMap((count, task) => (count === 0 ? [] : [[tasks[task]?.name, count]])),
      ),
      tracepoints: heard.tracepoints[step] ?? [],
      held: heard.held[step] ?? [],
      origin: heard.origins[step] as Error,
    })),
  };
}
