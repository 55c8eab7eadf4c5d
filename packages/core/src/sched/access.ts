/**
 * What a step does to a shared object, and which two of those things do not commute.
 *
 * This is the whole dependence relation of the search: `dependent()` is a pure function of two access
 * kinds on one object. Accesses to different objects always commute.
 */

/** Reads a value. Also the outcome of a compare-and-set that failed. */
export const READ = 0;
/** Writes a value, or reads and writes it in one go. */
export const WRITE = 1;
/** Waits until a condition on the object holds; changes nothing. */
export const AWAIT = 2;
/** Adds to a counter whose additions commute (reference counts). */
export const ADD = 3;
/** Takes a mutual-exclusion lock: mutex, spinlock, page lock. */
export const LOCK = 4;
/** Releases a mutual-exclusion lock. */
export const UNLOCK = 5;
/** A try-lock that failed: it only looked. */
export const TRY_FAIL = 6;
/** Takes an rwsem shared. */
export const DOWN_READ = 7;
/** Releases an rwsem held shared. */
export const UP_READ = 8;
/** Takes an rwsem exclusive. */
export const DOWN_WRITE = 9;
/** Releases an rwsem held exclusive. */
export const UP_WRITE = 10;
/** A writer joins the queue of a fair rwsem; from here on new readers wait. */
export const QUEUE_WRITE = 11;
/** Turns an exclusive hold of an rwsem into a shared one. */
export const DOWNGRADE = 12;
/** Touches no shared object: a choice or a `cond_resched()`. */
export const LOCAL = 13;

/** One of the access kinds above. */
export type Access = number;

const KINDS = 14;

/** The kernel-like spelling of each access kind, for messages. */
export const ACCESS_NAMES: readonly string[] = [
  'read',
  'write',
  'wait',
  'add',
  'lock',
  'unlock',
  'trylock failed',
  'down_read',
  'up_read',
  'down_write',
  'up_write',
  'queue',
  'downgrade_write',
  'local',
];

/** Does an access take a lock, in whatever mode? */
export function takesLock(access: Access): boolean {
  return access === LOCK || access === DOWN_READ || access === DOWN_WRITE;
}

const COMMUTING: readonly (readonly Access[])[] = [
  // Nobody who only looks disturbs anybody else who only looks.
  [READ, AWAIT, TRY_FAIL],
  [ADD],
  // Shared holders of one rwsem do not see each other.
  [DOWN_READ, UP_READ],
];

const DEPENDENT = new Uint8Array(KINDS * KINDS).fill(1);
for (const group of COMMUTING) {
  for (const a of group) for (const b of group) DEPENDENT[a * KINDS + b] = 0;
}
for (let kind = 0; kind < KINDS; kind++) {
  DEPENDENT[LOCAL * KINDS + kind] = 0;
  DEPENDENT[kind * KINDS + LOCAL] = 0;
}

/**
 * Do two accesses to the same object fail to commute?
 *
 * @param a - One access.
 * @param b - The other access; the relation is symmetric.
 * @returns `true` if their order can matter.
 */
export function dependent(a: Access, b: Access): boolean {
  return DEPENDENT[a * KINDS + b] === 1;
}
