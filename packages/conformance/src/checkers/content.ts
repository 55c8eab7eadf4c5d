/**
 * What users see: bytes that calls returned, and bytes that probes find when everything is quiet, against
 * the file-level model.
 *
 * S-3: a read returns only what the file held at some moment of the call. Afterwards the file is read
 * through the cache, written back, dropped from the cache and read from disk, if there is one: LW-1, a completed write is
 * there; Z-1, what was punched, zeroed or extended reads as zeroes; Z-2, so does what a later extension
 * exposes.
 */
import {
  byteOf,
  type Cells,
  ContractError,
  type Execution,
  errnoName,
  File,
  type Inode,
  invalidateInodePages2Range,
  iSizeRead,
  isInMemory,
  ksysFsync,
  ksysFtruncate,
  ksysPread64,
  loff,
  machine,
  PAGE_SIZE,
  type Pgoff,
  pgoff,
  showByte,
  type Task,
  UsageError,
} from '@fsport/core';
import type { Violation } from '@fsport/explore';
import { type CompletedCall, type FileState, type Possible, possibleOutcomes } from '../file-model.js';
import { HappensBefore } from '../happens-before.js';
import type { Op } from '../ops.js';
import { opText, opTitle } from '../titles.js';
import type { CheckerName } from '../types.js';
import type { Call, World } from '../world.js';
import { becauseOfByte, becauseOfPlace, becauseOfProbed, becauseOfStore } from './because.js';
import { type FinalState, finding } from './finding.js';
import { cachedPages } from './page-cache.js';

/** Everything that users may see, by file. */
export interface Allowed {
  /** The check's calls on this file, in the order of {@link Possible.during}. */
  readonly calls: readonly Call[];
  /** What they leave open. */
  readonly possible: Possible;
}

/** Remembers outcomes by the order of the calls, for one check: executions are many, orders are few. */
export class Outcomes {
  readonly #start: readonly FileState[];
  readonly #known = new Map<string, Possible>();

  /** @param start - Each file before the tasks run. */
  constructor(start: readonly FileState[]) {
    this.#start = start;
  }

  /** What the calls on a file leave open in one execution. */
  allowed(execution: Execution, world: World, file: number): Allowed {
    const calls = world.calls.filter((call) => call.file === file);
    const order = this.#order(execution, calls);
    // A task keeps its name when others are left out, and not its index.
    const results = calls.map(({ task, result, data }) => `${execution.tasks[task]?.name} ${result} ${data}`);
    const key = `${file} ${results.join(' ')} ${order.join(' ')}`;
    let possible = this.#known.get(key);
    if (possible === undefined) {
      const start = this.#start[file] as FileState;
      possible = possibleOutcomes(
        start,
        calls.map((call) => this.#completed(call)),
        (i, j) => (order[i] as boolean[])[j] as boolean,
        world.machine.maxBytes,
      );
      this.#known.set(key, possible);
    }
    return { calls, possible };
  }

  #completed(call: Call): CompletedCall {
    const { op } = call;
    if (op.op !== 'clone' && op.op !== 'copy' && op.op !== 'swapext' && op.op !== 'move-range') return call;
    return { ...call, source: this.#start[op.source] as FileState };
  }

  #order(execution: Execution, calls: readonly Call[]): boolean[][] {
    const { events } = execution;
    let happensBefore: HappensBefore | null = null;
    const firstOf = (call: Call): number => {
      // Without a step of its own, it happened together with the step before it.
      if (call.last < call.after) return call.last;
      for (let event = call.after; event < events.count; event++)
        if (events.task[event] === call.task) return event;
      return -1;
    };
    return calls.map((a) =>
      calls.map((b) => {
        if (a === b) return false;
        if (a.task === b.task) return calls.indexOf(a) < calls.indexOf(b);
        const begins = firstOf(b);
        if (begins < 0 || a.last < 0 || a.last >= begins) return false;
        happensBefore ??= new HappensBefore(execution);
        return happensBefore.before(a.last, begins);
      }),
    );
  }
}

/** An access to mapped memory that does not succeed ends in a signal. */
function isAccess({ op }: Op): boolean {
  return op === 'load' || op === 'store';
}

/** The calls on a file, as strace shows them, with the steps in which each ran. */
function becauseOfCalls({ execution: { events } }: FinalState, calls: readonly Call[]): string {
  const shown = calls.map(({ op, task, after, last, result }) => {
    const first = events.task.indexOf(task, after);
    const steps = last < after ? '' : ` in steps ${first + 1} to ${last + 1}`;
    return `${opText(op)} = ${isAccess(op) && result < 0 ? 'signal' : errnoName(result)}${steps}`;
  });
  return `the calls: ${shown.join(', ')}`;
}

/** `"A" or "B"`, in an order that says nothing about the execution: equivalent ones must say the same. */
function oneOf(values: ReadonlySet<number>): string {
  return ascending(values)
    .map((value) => `"${showByte(value)}"`)
    .join(' or ');
}

/** S-3 for the calls of an execution. */
export function readResults(state: FinalState, inode: Inode, allowed: Allowed): Violation[] {
  const found: Violation[] = [];
  for (const [i, call] of allowed.calls.entries()) {
    const { op, cells } = call;
    if (cells.length === 0) continue;
    if (op.op !== 'pread' && op.op !== 'load' && op.op !== 'device-load') continue;
    const during = allowed.possible.during[i] as readonly ReadonlySet<number>[];
    const wrong = cells.findIndex((cell, at) => !(during[op.pos + at]?.has(byteOf(cell)) ?? false));
    if (wrong < 0) continue;
    const cell = cells[wrong] as number;
    const at = op.pos + wrong;
    const message = `${opTitle(op)} returned "${showByte(cell)}" for byte ${at}, which the file never held during the call`;
    const because = [
      becauseOfByte(cell),
      `the calls leave ${oneOf(during[at] ?? new Set([0]))} there`,
      becauseOfCalls(state, allowed.calls),
      ...becauseOfPlace(state, inode, Math.floor(at / machine.blockSize)),
    ];
    found.push(finding('stale-data', 'S-3', message, because));
  }
  return found;
}

/** In an order that says nothing about the execution: equivalent ones must say the same. */
function ascending(values: ReadonlySet<number>): number[] {
  return [...values].sort((a, b) => a - b);
}

function* readAll(file: File): Task<Cells> {
  const size = yield* iSizeRead(file.fInode);
  const { cells } = yield* ksysPread64(file, loff(0), Math.max(size, 1));
  return cells;
}

function* dropCache(inode: Inode): Task<number> {
  return yield* invalidateInodePages2Range(inode.iMapping, pgoff(0), inode.iMapping.capacity as Pgoff);
}

const FROM_DISK = 'written back and read from disk';

interface Probe {
  readonly after: string;
  readonly cells: Cells;
  readonly size: number;
}

/**
 * Read a file through the cache, then from disk, then beyond its end after extending it. What is in memory alone has no
 * disk to be written to and read from.
 */
function* probes(inode: Inode, mayExtend: boolean): Task<Probe[]> {
  const file = new File(inode);
  const size = inode.iSize.peek();
  const seen: Probe[] = [{ after: 'read through the cache', cells: yield* readAll(file), size }];
  if (!isInMemory(inode.iMapping)) {
    const synced = inode.iFop.fsync === undefined ? 0 : yield* ksysFsync(file);
    if (synced < 0 || (yield* dropCache(inode)) < 0) return seen;
    seen.push({ after: FROM_DISK, cells: yield* readAll(file), size });
  }
  if (!mayExtend) return seen;
  const grown = (Math.floor(size / PAGE_SIZE) + 1) * PAGE_SIZE;
  yield* ksysFtruncate(file, loff(grown));
  seen.push({ after: 'extended', cells: yield* readAll(file), size: grown });
  return seen;
}

/** A probe runs the model, which can break a contract there as anywhere. */
function driveProbes(execution: Execution, inode: Inode): Probe[] | Violation {
  try {
    return execution.drive('probe', probes(inode, inode.iOp.setattr !== undefined));
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { property: error.code, message: `afterwards, alone: ${error.message}` };
  }
}

/** Probe the final state of a file: S-3, LW-1, Z-1, Z-2. Changes the world; the last thing to be done with it. */
export function probeContent(
  state: FinalState,
  inode: Inode,
  { calls, possible }: Allowed,
  enabled: ReadonlySet<CheckerName>,
): Violation[] {
  const { execution } = state;
  const found: Violation[] = [];
  const oldSize = inode.iSize.peek();
  if (!possible.sizes.has(oldSize) && enabled.has('lost-write')) {
    const sizes = ascending(possible.sizes).join(' or ');
    const message = `inode ${inode.iIno} has size ${oldSize}, not ${sizes}`;
    const size = becauseOfStore(state, 'i_size', inode.iSize.id);
    found.push(finding('lost-write', 'LW-1', message, [size, becauseOfCalls(state, calls)]));
  }
  const cached = cachedPages(inode);
  const shown = driveProbes(execution, inode);
  if (!Array.isArray(shown)) return [...found, shown];
  for (const probe of shown) {
    for (let at = 0; at < probe.size; at++) {
      const cell = probe.cells[at] ?? 0;
      const byte = byteOf(cell);
      const values = possible.bytes[at] ?? new Set([0]);
      if (at < oldSize ? values.has(byte) : byte === 0) continue;
      const because = [...becauseOfProbed(state, inode, cached, at, cell), becauseOfCalls(state, calls)];
      if (probe.after === FROM_DISK && enabled.has('persisted-exposure'))
        found.push(...persisted(inode, at, cell, because));
      const violation = misread(inode, probe, at, cell, at >= oldSize, values, because);
      if (enabled.has(violation.property as CheckerName)) found.push(violation);
      break;
    }
  }
  return found;
}

/**
 * What it means that a probe did not end: with nothing in progress, using a file throws or waits for ever.
 *
 * @param error - What driving the probe threw.
 * @throws UsageError if that is what it threw: the tool is misused, which says nothing about the filesystem.
 */
export function unusable(error: unknown): Violation {
  if (error instanceof UsageError) throw error;
  const property = error instanceof ContractError ? error.code : 'threw';
  return { property, message: `with nothing in progress, using the file fails: ${error}` };
}

/** Foreign bytes that are the file's own content by now. */
function persisted(inode: Inode, at: number, cell: number, because: readonly string[]): Violation[] {
  const origin = machine.origins.of(cell);
  if (origin.kind !== 'secret') return [];
  const message = `byte ${at} of inode ${inode.iIno} on disk is "${showByte(cell)}", ${origin.text}`;
  return [finding('persisted-exposure', 'S-2', message, because)];
}

function misread(
  inode: Inode,
  probe: Probe,
  at: number,
  cell: number,
  exposed: boolean,
  values: ReadonlySet<number>,
  because: readonly string[],
): Violation {
  const shows = `${probe.after}, byte ${at} of inode ${inode.iIno} is "${showByte(cell)}"`;
  if (exposed)
    return finding(
      'lost-zeroing',
      'Z-2',
      `${shows}: it was beyond the end of the file and must be zero`,
      because,
    );
  if (machine.origins.of(cell).kind === 'secret')
    return finding('stale-data', 'S-3', `${shows}, which was never written to this file`, because);
  const zeroed = values.size === 1 && values.has(0);
  if (zeroed)
    return finding(
      'lost-zeroing',
      'Z-1',
      `${shows}, but it was zeroed and nothing was written since`,
      because,
    );
  return finding('lost-write', 'LW-1', `${shows}, not ${oneOf(values)}`, because);
}
