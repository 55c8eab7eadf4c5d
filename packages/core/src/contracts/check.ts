/**
 * The checks behind the locking table: what the task in progress holds, against what a row demands. They add
 * no step and touch no shared object, so they cannot hide an interleaving.
 *
 * A fill under i_rwsem exclusive (inside write_begin or an invalidator) needs no invalidate_lock: whoever
 * invalidates holds i_rwsem exclusive too. Exempt from "exclusive" are the tear-down of an inode, which has no
 * other users, broken memory, where the kernel takes neither lock, and what a filesystem names
 * {@link withoutLock}.
 */
import { ContractError } from '../errors.js';
import type { AddressSpace, Inode } from '../include/fs.js';
import type { Page } from '../include/mm-types.js';
import type { Pgoff } from '../include/units.js';
import { heldMode } from '../locking/lockdep.js';
import { PageLock } from '../locking/page-lock.js';
import { current } from '../sched/current.js';
import type { Task, TaskStruct } from '../sched/task.js';
import { type ContractRow, GENERIC_FUNCTIONS, type GenericFunction } from './table.js';

/** Rules of the tables. Each is the `rule` of the errors thrown when it is broken. */
export type ContractRule =
  /** The task must hold the page lock. */
  | 'page-locked'
  /** The task must not hold the page lock, or not any more: it was released, or handed to I/O. */
  | 'page-unlocked'
  /** The page must be in the cache of the file, at its index. */
  | 'page-mapping'
  /** The page must not be under writeback. */
  | 'page-writeback'
  /** Nothing may be attached to the page any more. */
  | 'page-private'
  /** The task must hold i_rwsem. */
  | 'i_rwsem'
  /** The task must hold invalidate_lock. */
  | 'invalidate_lock'
  /** The task must hold mmap_lock, or have released it. */
  | 'mmap_lock'
  /** A result must make sense. */
  | 'result'
  /** The filesystem must have the operation. */
  | 'missing';

/** An operation in progress. */
export interface Call {
  /** Its name in the tables. */
  readonly op: string;
  /** The page cache it works on. */
  readonly mapping: AddressSpace;
  /** Index of its page, if it has one. */
  readonly index: Pgoff | null;
}

/** Report a broken rule. @throws ContractError `CONTRACT`. */
export function broken(call: Call, rule: ContractRule, happened: string): never {
  const { op, mapping, index } = call;
  const sb = mapping.host.iSb;
  const page = index === null ? '' : ` page ${index}`;
  throw new ContractError(
    'CONTRACT',
    { op, rule, fs: sb.type, release: sb.release, page: index, task: current.task?.title },
    `${sb.type}: ${op}(${page.trim()}) of inode ${mapping.host.iIno} in ${sb.release}: ${happened}. ` +
      `See docs/locking.md#${op}.`,
  );
}

/** Report a broken rule unless it is kept, or known not to be. @throws ContractError `CONTRACT`. */
export function demand(ok: boolean, call: Call, rule: ContractRule, happened: string): void {
  if (ok || call.mapping.host.iSb.sOp.exempt?.[call.op] === rule) return;
  broken(call, rule, happened);
}

/** Does the task in progress hold the lock of a page? */
export function holds(page: Page): boolean {
  return heldMode(page.lock) !== null;
}

/** An operation that must be there. @throws ContractError `CONTRACT` if it is not. */
export function present<T>(operation: T | undefined, call: Call): T {
  if (operation === undefined) broken(call, 'missing', 'called, but there is no such operation');
  return operation;
}

/** Page locks held by the task in progress. */
export function pageLocksHeld(): number {
  let count = 0;
  for (const { lock } of current.task?.held ?? []) if (lock instanceof PageLock) count++;
  return count;
}

/** Check the locks of a row as the operation is called. @throws ContractError `CONTRACT`. */
export function enter(demands: ContractRow, call: Call, page: Page | null): void {
  const { mapping } = call;
  if (demands.pageLocked === 'no') {
    demand(pageLocksHeld() === 0, call, 'page-unlocked', 'called with a page lock held; it takes page locks');
  }
  if (page !== null && (demands.pageLocked === 'yes' || demands.pageLocked === 'yes, unlocks')) {
    demand(holds(page), call, 'page-locked', 'called without the page lock, which it needs');
  }
  const rwsem = heldMode(mapping.host.iRwsem);
  if (demands.iRwsem === 'exclusive' && !isExempt('i_rwsem')) {
    demand(rwsem === 'X', call, 'i_rwsem', `called with ${mode('i_rwsem', rwsem)}; it must be exclusive`);
  }
  if (demands.invalidateLock === '-') return;
  const held = heldMode(mapping.invalidateLock);
  const enough =
    demands.invalidateLock === 'shared'
      ? held !== null || rwsem === 'X'
      : held === 'X' || exempt(mapping, page);
  demand(
    enough,
    call,
    'invalidate_lock',
    `called with ${mode('invalidate_lock', held)}; it must be ${demands.invalidateLock}`,
  );
}

/** Tasks in a part of a call that {@link withoutLock} names, and the rule they need not keep. */
const exemptions = new WeakMap<TaskStruct, ContractRule>();

/**
 * Run a part of a call in which the kernel does not hold a lock that the table demands. The table is not held against it;
 * the oracles are.
 *
 * @param rule - The lock.
 * @param body - That part.
 * @returns What it returns.
 * @context Sleeps.
 */
export function* withoutLock<T>(rule: 'i_rwsem' | 'invalidate_lock', body: Task<T>): Task<T> {
  const task = current.task as TaskStruct;
  exemptions.set(task, rule);
  const result = yield* body;
  exemptions.delete(task);
  return result;
}

/** Does the task in progress run a part of a call that need not keep this rule? */
function isExempt(rule: ContractRule): boolean {
  return current.task !== null && exemptions.get(current.task) === rule;
}

/** Invalidations that run without the lock in the kernel. */
function exempt(mapping: AddressSpace, page: Page | null): boolean {
  return isExempt('invalidate_lock') || mapping.exiting.peek() || page?.hwpoison.peek() === true;
}

function mode(lock: string, held: 'S' | 'X' | null): string {
  return `${lock} ${held === null ? 'not held' : held === 'S' ? 'held shared' : 'held exclusive'}`;
}

/**
 * Demand what a generic function demands of its caller.
 *
 * @throws ContractError `CONTRACT`.
 * @departs A filesystem without setattr is exempt from "exclusive": the kernel's own simple_setattr(), which it
 *   gets instead, takes no invalidate_lock.
 */
export function demandLocks(op: GenericFunction, mapping: AddressSpace): void {
  const demands = GENERIC_FUNCTIONS[mapping.host.iSb.release][op];
  if (demands.invalidateLock === 'exclusive' && mapping.host.iOp.setattr === undefined) return;
  enter(demands, { op, mapping, index: null }, null);
}

/**
 * Demand that the task in progress holds i_rwsem exclusive.
 *
 * @throws ContractError `CONTRACT`.
 */
export function demandIRwsem(op: string, inode: Inode): void {
  const held = heldMode(inode.iRwsem);
  const call: Call = { op, mapping: inode.iMapping, index: null };
  demand(held === 'X', call, 'i_rwsem', `called with ${mode('i_rwsem', held)}; it must be exclusive`);
}
