/**
 * The lock audit: which check needs which lock? Each place at which the tasks of checks take a lock is made hollow in turn:
 * the lock keeps nobody out there, while every assertion finds it held. A lock that no check needs is a hole in the suite,
 * or redundant.
 *
 * Use: {@link surveyLocks} for each check, {@link planAudit} on all of that, {@link auditLock} for each lock of the plan.
 * All three depend on nothing but their arguments, so they may run anywhere and in any order.
 *
 * A place is a lock by its label, and the function that takes and releases it: the innermost one that is in progress at
 * both. Page locks are left out: they are handed to the I/O, which releases them.
 */
import {
  current,
  type FileSystemType,
  type Lock,
  lockAcquired,
  lockReleased,
  Mutex,
  Rwsem,
  Spinlock,
  type Step,
  type Task,
  type TaskStruct,
} from '@fsport/core';
import type { SearchOptions } from '@fsport/explore';
import { answered } from './mutants.js';
import { callers, inACheck, labelOf } from './place.js';
import { runCheck } from './run.js';
import type { Check, Verdict } from './types.js';

/** A place at which a lock is taken. */
export interface LockPlace {
  /** Label of the lock: `mapping.invalidate_lock`. */
  readonly lock: string;
  /** The function that takes and releases it. */
  readonly within: string;
}

/** What a check is like without a fault. */
export interface LockSurvey {
  /** Id of the check. */
  readonly check: string;
  /** Its verdict: only one that passes can notice anything. */
  readonly verdict: Verdict;
  /** Executions that it took. */
  readonly executions: number;
  /** Places at which its tasks take locks. */
  readonly places: readonly LockPlace[];
}

/** A lock to be audited. */
export interface AuditedLock extends LockPlace {
  /** All functions that take and release locks of that label. */
  readonly holders: readonly string[];
  /** Ids of the checks that may notice, the one with the fewest executions first. */
  readonly checks: readonly string[];
}

/** What the audit found out about a lock. */
export interface LockAudit extends LockPlace {
  /** The first check that notices, `null` if none does. */
  readonly noticed: {
    /** Its id. */
    readonly check: string;
    /** The property that fails. */
    readonly property: string;
    /** Preemptions of the simplest schedule that shows it, `-1` if it takes all of them together. */
    readonly preemptions: number;
  } | null;
  /** Checks that take it there. */
  readonly asked: number;
  /** Those among them whose search was not finished, and that noticed nothing. */
  readonly unfinished: number;
}

type Mode = 'S' | 'X';

/** How locks are taken: in which mode, and what who takes one is told. */
const TAKEN: Readonly<Record<string, readonly [Mode, unknown]>> = {
  down_read: ['S', undefined],
  down_read_killable: ['S', 0],
  down_read_trylock: ['S', true],
  down_write: ['X', undefined],
  down_write_killable: ['X', 0],
  down_write_trylock: ['X', true],
  mutex_lock: ['X', undefined],
  mutex_trylock: ['X', true],
  spin_lock: ['X', undefined],
  spin_trylock: ['X', true],
};

const RELEASED = new Set(['up_read', 'up_write', 'mutex_unlock', 'spin_unlock']);
const QUEUED = 'rwsem_queue_writer';
const DOWNGRADED = 'downgrade_write';

/** A lock that a task holds, or seems to. */
interface Hold {
  readonly task: TaskStruct;
  readonly lock: Lock;
  readonly mode: Mode;
  /** The functions that it was taken in. */
  readonly takers: readonly string[];
}

/** The lock that a step of a check is about, `null` if there is none that the audit is about. */
function lockOf({ object }: Step<unknown>): Lock | null {
  const audited = object instanceof Rwsem || object instanceof Mutex || object instanceof Spinlock;
  return audited && inACheck() ? object : null;
}

/** The last hold of a lock by the task in progress, which is over now. */
function ended(holds: Hold[], lock: Lock): Hold | null {
  const at = holds.findLastIndex((hold) => hold.task === current.task && hold.lock === lock);
  return at < 0 ? null : (holds.splice(at, 1)[0] as Hold);
}

/** Each of so many first executions is looked at, and then one in so many: to ask who is in progress is slow. */
const LOOKED_AT = 256;
const ONE_IN = 16;

/**
 * Run a check as it is, and see which locks its tasks take, in the first executions and then now and then.
 *
 * @param fs - The filesystem.
 * @param profile - One of those it follows.
 * @param check - The check.
 * @param options - Strategy and budgets.
 * @throws Whatever the filesystem's mkfs, mount or iget throw.
 */
export function surveyLocks(
  fs: FileSystemType,
  profile: string,
  check: Check,
  options: SearchOptions = {},
): LockSurvey {
  const places = new Map<string, LockPlace>();
  let executions = 0;
  const watched: FileSystemType = {
    ...fs,
    mount(bdev, mountOptions) {
      const nth = executions++;
      if (nth >= LOOKED_AT && nth % ONE_IN > 0) return fs.mount(bdev, mountOptions);
      const holds: Hold[] = [];
      current.instead = (step) => {
        const lock = lockOf(step);
        if (lock === null) return null;
        const { task } = current as { readonly task: TaskStruct };
        if (TAKEN[step.verb] !== undefined) holds.push({ task, lock, mode: 'X', takers: callers() });
        if (!RELEASED.has(step.verb)) return null;
        const takers = new Set(ended(holds, lock)?.takers);
        const within = callers().find((name) => takers.has(name));
        if (within === undefined) return null;
        const place = { lock: labelOf(lock), within };
        places.set(`${place.lock} ${within}`, place);
        return null;
      };
      return fs.mount(bdev, mountOptions);
    },
  };
  const { result } = runCheck(watched, profile, check, null, { ...options, shrink: false });
  return {
    check: check.id,
    verdict: result.verdict,
    executions: result.executions,
    places: [...places.values()],
  };
}

/**
 * What there is to audit.
 *
 * @param surveys - The checks.
 * @returns The locks that checks which pass take, by label and function.
 */
export function planAudit(surveys: readonly LockSurvey[]): readonly AuditedLock[] {
  const asked = surveys
    .filter(({ verdict }) => verdict === 'pass')
    .sort((a, b) => a.executions - b.executions);
  const places = new Map(
    asked.flatMap((one) => one.places).map((place) => [`${place.lock} ${place.within}`, place]),
  );
  const all = [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place);
  return all.map(({ lock, within }) => {
    const takes = (one: LockPlace): boolean => one.lock === lock && one.within === within;
    const holders = all.filter((other) => other.lock === lock).map((other) => other.within);
    const checks = asked.filter((survey) => survey.places.some(takes)).map(({ check }) => check);
    return { lock, within, holders, checks };
  });
}

/** The model with a lock that keeps nobody out at one place. */
function hollowed(fs: FileSystemType, { lock: label, within, holders }: AuditedLock): FileSystemType {
  const known = new Set(holders);
  const isPlace = (lock: Lock): boolean =>
    labelOf(lock) === label && callers().find((name) => known.has(name)) === within;
  // Nobody waits for it here.
  const seem = (lock: Lock, mode: Mode): void =>
    void lockAcquired(lock, { mode, trylock: true, subclass: 0 });
  return {
    ...fs,
    mount(bdev, mountOptions) {
      const holds: Hold[] = [];
      const instead = (verb: string, lock: Lock): Task<unknown> | null => {
        const { task } = current as { readonly task: TaskStruct };
        const taken = TAKEN[verb];
        if (verb === QUEUED) return isPlace(lock) ? answered(undefined) : null;
        if (taken !== undefined) {
          if (!isPlace(lock)) return null;
          const [mode, result] = taken;
          seem(lock, mode);
          holds.push({ task, lock, mode, takers: [] });
          return answered(result);
        }
        if (!RELEASED.has(verb) && verb !== DOWNGRADED) return null;
        const hold = ended(holds, lock);
        if (hold === null) return null;
        lockReleased(task, lock, hold.mode, verb);
        if (verb === DOWNGRADED) {
          seem(lock, 'S');
          holds.push({ ...hold, mode: 'S' });
        }
        return answered(undefined);
      };
      current.instead = (step) => {
        const lock = lockOf(step);
        return lock === null ? null : instead(step.verb, lock);
      };
      return fs.mount(bdev, mountOptions);
    },
  };
}

/**
 * Look for the first check that notices that a lock keeps nobody out.
 *
 * @param fs - The filesystem, which knows nothing of it.
 * @param profile - One of those it follows.
 * @param audited - The lock.
 * @param checks - The suite.
 * @param options - Strategy and budgets of each check.
 */
export function auditLock(
  fs: FileSystemType,
  profile: string,
  audited: AuditedLock,
  checks: readonly Check[],
  options: SearchOptions = {},
): LockAudit {
  const { lock, within } = audited;
  const broken = hollowed(fs, audited);
  const asked = audited.checks.map((id) => checks.find((check) => check.id === id) as Check);
  let unfinished = 0;
  for (const check of asked) {
    const { result } = runCheck(broken, profile, check, null, options);
    if (result.verdict === 'unknown') unfinished++;
    if (result.verdict !== 'fail') continue;
    const property = result.property as string;
    const noticed = { check: check.id, property, preemptions: result.preemptions as number };
    return { lock, within, noticed, asked: asked.length, unfinished };
  }
  return { lock, within, noticed: null, asked: asked.length, unfinished };
}
