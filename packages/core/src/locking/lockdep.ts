/**
 * Lock order, as lockdep sees it: which lock classes were taken while holding which, in which modes.
 *
 * Every acquisition extends the *context* of the task, the sequence of locks it holds. Distinct contexts
 * are few, so recording one costs a single look-up; {@link LockGraph.report} works out edges, cycles and
 * forbidden orders from them once, when the search is over.
 *
 * @see kernel/locking/lockdep.c (v5.15)
 */
import { ContractError } from '../errors.js';
import { current } from '../sched/current.js';
import { SharedObject } from '../sched/shared-object.js';
import type { HeldLock, TaskStruct } from '../sched/task.js';

/** A lock that the order graph knows: it has a class, shared by all locks of its kind and filesystem type. */
export abstract class Lock extends SharedObject {
  /** Class name: the label, prefixed by the filesystem type where each type has a key of its own. */
  declare readonly lockClass: string;

  /**
   * @param label - Kernel spelling, such as `mapping.invalidate_lock`.
   * @param key - Distinguishes it from its siblings.
   * @param fsType - Filesystem type, for locks with one lockdep key per type.
   */
  constructor(label: string, key: string | number = '', fsType = '') {
    super(label, key);
    this.lockClass = fsType === '' ? label : `${fsType} ${label}`;
  }

  /**
   * Is there an order in which everybody takes locks of this class, and does this one come after another in it?
   * Then it may be waited for without a subclass. Most classes have no such order.
   *
   * @param _held - A lock of the same class that the task holds.
   */
  follows(_held: Lock): boolean {
    return false;
  }
}

/** How a lock was asked for. */
export interface Acquisition {
  /** Exclusive or shared. */
  readonly mode: 'S' | 'X';
  /** A try-lock never waits, so it is held but adds no waits-for edge. */
  readonly trylock: boolean;
  /** Nesting subclass: the second of two locks of one class taken in a documented order. */
  readonly subclass: number;
}

/** What the order graph knows of a lock: the same in every execution. */
type LockKey = Pick<Lock, 'id' | 'lockClass'>;

/** A sequence of held locks, as a node of a tree. */
class Context {
  readonly parent: Context | null;
  readonly lock: LockKey | null;
  readonly how: Acquisition;
  readonly title: string;
  /** Does the order of its class allow this lock on top of all others of the class? */
  readonly ordered: boolean;
  readonly children = new Map<number, Context>();
  constructor(
    parent: Context | null,
    lock: LockKey | null,
    how: Acquisition,
    title: string,
    ordered: boolean,
  ) {
    this.parent = parent;
    this.lock = lock;
    this.how = how;
    this.title = title;
    this.ordered = ordered;
  }
  get className(): string {
    const name = (this.lock as LockKey).lockClass;
    return this.how.subclass === 0 ? name : `${name}/${this.how.subclass}`;
  }
}

/** An order that must never be seen. Class names are matched without the filesystem type. */
export interface ForbiddenOrder {
  /** Held lock. */
  readonly held: string;
  /** Lock acquired on top of it. */
  readonly acquired: string;
  /** Why it is forbidden. */
  readonly why: string;
}

/** One finding of the order graph. */
export interface LockOrderFinding {
  /** What is wrong. */
  readonly kind: 'cycle' | 'forbidden' | 'recursion';
  /** The classes involved, in order. */
  readonly classes: readonly string[];
  /** One line per edge: who took what while holding what. */
  readonly lines: readonly string[];
}

interface Edge {
  readonly held: Context;
  readonly acquired: Context;
  /** Locks held around both, as `object id -> mode`. */
  readonly gates: ReadonlyMap<number, 'S' | 'X'>;
}

/** What an order graph has seen, as plain data: each sequence of held locks after those that it extends. */
export type LockGraphSnapshot = readonly {
  /** Index of the sequence below the last lock, `-1` if there is none. */
  readonly parent: number;
  /** Id of the last lock. */
  readonly id: number;
  /** Its class. */
  readonly lockClass: string;
  /** How it was asked for. */
  readonly how: Acquisition;
  /** Who did. */
  readonly title: string;
  /** Does the order of its class allow it on top of the others of its class? */
  readonly ordered: boolean;
}[];

/** @see include/linux/lockdep_types.h `MAX_LOCKDEP_SUBCLASSES` (v5.15) */
const MAX_SUBCLASSES = 8;

const EXCLUSIVE: Acquisition = { mode: 'X', trylock: false, subclass: 0 };

/** The order graph of one search. */
export class LockGraph {
  readonly #root = new Context(null, null, EXCLUSIVE, '', true);
  readonly #contexts: Context[] = [];

  /** @param seen - What others have seen, in the same identities. */
  constructor(...seen: readonly LockGraphSnapshot[]) {
    for (const snapshot of seen) {
      const made: Context[] = [];
      for (const { parent, id, lockClass, how, title, ordered } of snapshot) {
        made.push(this.#extend(made[parent] ?? this.#root, { id, lockClass }, how, title, ordered));
      }
    }
  }

  /** What was seen so far. */
  snapshot(): LockGraphSnapshot {
    const indices = new Map(this.#contexts.map((context, index) => [context, index]));
    return this.#contexts.map(({ parent, lock, how, title, ordered }) => {
      const { id, lockClass } = lock as LockKey;
      return { parent: indices.get(parent as Context) ?? -1, id, lockClass, how, title, ordered };
    });
  }

  /** The locks a task holds grew by one. @internal */
  acquired(task: TaskStruct, lock: Lock, how: Acquisition): Context {
    const top = task.held.at(-1);
    const parent = top === undefined ? this.#root : (top.context as Context);
    return this.#extend(parent, lock, how, task.title, inOrder(task, lock));
  }

  /** A lock below the top was released: the ones above it are held on less now. @internal */
  released(task: TaskStruct, at: number): void {
    for (let i = at; i < task.held.length; i++) {
      const held = task.held[i] as HeldLock;
      const parent = i === 0 ? this.#root : ((task.held[i - 1] as HeldLock).context as Context);
      const { how, ordered } = held.context as Context;
      // Like a try-lock: held, but nobody waits for it here.
      const likeTry = { mode: how.mode, trylock: true, subclass: how.subclass };
      held.context = this.#extend(parent, held.lock as Lock, likeTry, task.title, ordered);
    }
  }

  #extend(parent: Context, lock: LockKey, how: Acquisition, title: string, ordered: boolean): Context {
    const { mode, trylock, subclass } = how;
    const bits = (mode === 'X' ? 4 : 0) + (trylock ? 2 : 0) + (ordered ? 1 : 0);
    const key = (lock.id * MAX_SUBCLASSES + subclass) * 8 + bits;
    let context = parent.children.get(key);
    if (context === undefined) {
      const { id, lockClass } = lock;
      context = new Context(parent, { id, lockClass }, how, title, ordered);
      parent.children.set(key, context);
      this.#contexts.push(context);
    }
    return context;
  }

  /** Every observed order "acquired while holding", by class, as `held -> acquired` lines in stable order. */
  edges(): readonly string[] {
    const lines = new Set<string>();
    for (const { held, acquired } of this.#edges()) {
      lines.add(`${held.className}:${held.how.mode} -> ${acquired.className}:${acquired.how.mode}`);
    }
    return [...lines].sort();
  }

  /**
   * Work out what is wrong with the orders that were seen.
   *
   * @param forbidden - Orders that are wrong in themselves.
   * @returns Findings, most serious first; empty if the order is sound.
   */
  report(forbidden: readonly ForbiddenOrder[]): readonly LockOrderFinding[] {
    const edges = [...this.#edges()];
    return [
      ...recursions(this.#contexts),
      ...violations(edges, forbidden),
      ...cycles(edges, this.#writers()),
    ];
  }

  *#edges(): Generator<Edge> {
    for (const acquired of this.#contexts) {
      const chain: Context[] = [];
      for (let c = acquired.parent; c !== null && c.lock !== null; c = c.parent) chain.push(c);
      for (const held of chain) {
        const gates = new Map<number, 'S' | 'X'>();
        for (const other of chain) if (other !== held) gates.set((other.lock as LockKey).id, other.how.mode);
        yield { held, acquired, gates };
      }
    }
  }

  /** Classes that somebody takes exclusive and waits for: there, readers can end up behind a writer. */
  #writers(): ReadonlySet<string> {
    const writers = this.#contexts.filter((c) => c.how.mode === 'X' && !c.how.trylock);
    return new Set(writers.map((c) => c.className));
  }
}

function describe(edge: Edge): string {
  const { held, acquired } = edge;
  return `${acquired.title} takes ${acquired.className} (${acquired.how.mode}) while holding ${held.className} (${held.how.mode})`;
}

/** Does a lock come after each lock of its class that the task holds, in the order of that class? */
function inOrder(task: TaskStruct, lock: Lock): boolean {
  return task.held.every(({ lock: held }) => {
    return (held as Lock).lockClass !== lock.lockClass || lock.follows(held as Lock);
  });
}

/**
 * A lock waited for while one of the same class and subclass is held. Two tasks that do so, each with the lock that
 * the other wants, are stuck; only a subclass says that the author has thought of it.
 *
 * @see kernel/locking/lockdep.c `check_deadlock()` (v5.15)
 */
function recursions(contexts: readonly Context[]): LockOrderFinding[] {
  const found = new Map<string, LockOrderFinding>();
  for (const context of contexts) {
    if (context.how.trylock) continue;
    for (let c = context.parent; c !== null && c.lock !== null; c = c.parent) {
      const same = c.lock.id === (context.lock as LockKey).id;
      if (!same && (c.className !== context.className || context.ordered)) continue;
      const { title, className, how } = context;
      const line = same
        ? `${title} takes ${className} (${how.mode}) twice`
        : `${title} takes ${className} (${how.mode}) while holding another ${className} (${c.how.mode})`;
      found.set(line, { kind: 'recursion', classes: [className], lines: [line] });
    }
  }
  return [...found.values()];
}

function baseName(className: string): string {
  return className.replace(/^\S+ /, '').replace(/\/\d+$/, '');
}

function violations(edges: readonly Edge[], forbidden: readonly ForbiddenOrder[]): LockOrderFinding[] {
  const found = new Map<string, LockOrderFinding>();
  for (const edge of edges) {
    const held = baseName(edge.held.className);
    const acquired = baseName(edge.acquired.className);
    const rule = forbidden.find((f) => f.held === held && f.acquired === acquired);
    if (rule === undefined || edge.acquired.how.trylock) continue;
    const line = `${describe(edge)}: ${rule.why}`;
    found.set(line, {
      kind: 'forbidden',
      classes: [edge.held.className, edge.acquired.className],
      lines: [line],
    });
  }
  return [...found.values()];
}

/** Do all instances of two opposite edges exclude each other by a lock held around both? */
function gated(one: Edge, other: Edge): boolean {
  for (const [id, mode] of one.gates) {
    const opposite = other.gates.get(id);
    if (opposite !== undefined && (mode === 'X' || opposite === 'X')) return true;
  }
  return false;
}

/** A cycle begins anywhere: let it not depend on which of its edges was seen first. */
function fromFirstName(cycle: readonly Edge[]): readonly Edge[] {
  const [first] = cycle.map((edge) => edge.held.className).sort();
  const at = cycle.findIndex((edge) => edge.held.className === first);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}

/**
 * Cycles of edges in which every hand-over conflicts: one end exclusive, or both shared and a writer of
 * that class can queue in between. A cycle counts only if its edges can be in progress together, that is,
 * if no two of them are kept apart by a common gate lock.
 */
function cycles(edges: readonly Edge[], writers: ReadonlySet<string>): LockOrderFinding[] {
  // Within one class it is recursion, or in order.
  const waits = edges.filter((e) => !e.acquired.how.trylock && e.held.className !== e.acquired.className);
  const from = new Map<string, Edge[]>();
  for (const edge of waits) {
    const list = from.get(edge.held.className);
    if (list === undefined) from.set(edge.held.className, [edge]);
    else list.push(edge);
  }
  const found = new Map<string, LockOrderFinding>();
  const conflict = (into: Edge, out: Edge): boolean => {
    const name = into.acquired.className;
    return into.acquired.how.mode === 'X' || out.held.how.mode === 'X' || writers.has(name);
  };
  const visit = (path: Edge[]): void => {
    const last = path.at(-1) as Edge;
    for (const next of from.get(last.acquired.className) ?? []) {
      if (!conflict(last, next) || path.some((edge) => edge === next || gated(edge, next))) continue;
      const first = path[0] as Edge;
      if (next.acquired.className === first.held.className) {
        if (!conflict(next, first)) continue;
        const cycle = fromFirstName([...path, next]);
        const classes = cycle.map((edge) => edge.held.className);
        const key = [...classes].sort().join(' ');
        if (!found.has(key)) found.set(key, { kind: 'cycle', classes, lines: cycle.map(describe) });
      } else if (path.length < 4 && path.every((edge) => edge.held.className !== next.acquired.className)) {
        visit([...path, next]);
      }
    }
  };
  for (const edge of waits) visit([edge]);
  return [...found.values()];
}

/** Settings of the locking layer for the running search. */
export interface Locking {
  /** Where orders are recorded. */
  readonly graph: LockGraph;
  /** Is a waiting writer of this rwsem an event of its own, that holds new readers back? */
  readonly fair: (lockClass: string) => boolean;
}

/** The settings in force. */
// eslint-disable-next-line @fsport/no-hidden-nondeterminism -- set by each boot
export let locking: Locking = { graph: new LockGraph(), fair: () => false };

/**
 * Choose the settings for the search that begins.
 *
 * @param settings - Order graph and fairness.
 */
export function useLocking(settings: Locking): void {
  locking = settings;
}

/** Note that the task in progress now holds a lock. @internal */
export function lockAcquired(lock: Lock, how: Acquisition): TaskStruct | null {
  const task = current.task;
  if (task !== null) {
    const context = locking.graph.acquired(task, lock, how);
    task.held.push({ lock, mode: how.mode, context, at: current.events.count - 1 });
  }
  return task;
}

/**
 * Note that a task no longer holds a lock.
 *
 * @throws ContractError `LOCK_NOT_HELD` or `LOCK_MODE` if it does not hold it so.
 * @internal
 */
export function lockReleased(task: TaskStruct | null, lock: Lock, mode: 'S' | 'X', verb: string): void {
  if (task === null) return;
  let at = task.held.length - 1;
  while (at >= 0 && (task.held[at] as HeldLock).lock !== lock) at--;
  if (at < 0) throw new ContractError('LOCK_NOT_HELD', { task: task.title, verb, lock: lock.name });
  const held = task.held[at] as HeldLock;
  if (held.mode !== mode) {
    throw new ContractError('LOCK_MODE', { task: task.title, verb, lock: lock.name, held: held.mode });
  }
  if (at === task.held.length - 1) {
    task.held.pop();
    return;
  }
  task.held.splice(at, 1);
  locking.graph.released(task, at);
}

/**
 * In which mode does the task in progress hold a lock?
 *
 * @param lock - The lock.
 * @returns `X`, `S`, or `null` if it does not hold it.
 */
export function heldMode(lock: Lock): 'S' | 'X' | null {
  let mode: 'S' | 'X' | null = null;
  for (const held of current.task?.held ?? []) {
    if (held.lock === lock) mode = held.mode === 'X' ? 'X' : (mode ?? 'S');
  }
  return mode;
}
