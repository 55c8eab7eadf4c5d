/**
 * Error codes and what they mean. Three kinds are never mixed: a modelled operation that fails returns a
 * negative errno; a broken kernel contract throws {@link ContractError} and ends the execution; misuse of
 * the tool throws {@link UsageError} and ends the run with status 3.
 */

/** What can be thrown, by code. Tests assert codes, never messages. */
export const ERRORS = {
  LOCK_NOT_HELD: 'A lock was released, or needed, by a task that does not hold it.',
  LOCK_MODE: 'A lock was released in another mode than it was taken in.',
  LOCK_LEAK: 'A task ended a system call still holding a lock.',
  NOWAIT_SLEEPS: 'A call that must not wait (IOCB_NOWAIT) reached a step that can sleep.',
  ATOMIC_SLEEPS: 'A task that holds a spinlock reached a step that can sleep.',
  COPY_UNDER_LOCK: 'User memory was accessed while holding a lock that a page fault needs.',
  PAGE_NOT_LOCKED: 'An operation that needs the page lock was called without it.',
  CONTRACT: 'An operation was called in a state that the locking table forbids.',
  PAGE_REFCOUNT: 'A page reference was dropped that nobody held, or a mapped or cached page was freed.',
  USE_AFTER_RETURN: 'Something on the stack of a task was used when it was gone, or is used when it goes.',
  DAX_ENTRY_GONE: 'A DAX entry was to be removed that somebody else had removed: two invalidations at once.',
  BLOCK_STATE: 'A block was freed or used in a state that the block layer forbids.',
  UNKNOWN_FS: 'No filesystem of that name is registered.',
  DUPLICATE_FS: 'Two filesystems have the same name.',
  BAD_PLUGIN: 'A filesystem package cannot be imported, does not export what one exports, or cannot be run.',
  UNKNOWN_CHECK: 'No check has that name.',
  NOT_CLAIMED: 'A filesystem does not claim what a check needs.',
  SAME_SIDES: 'A filesystem is compared with itself.',
  UNKNOWN_GROUP: 'No group has that name.',
  UNKNOWN_PROFILE: 'The filesystem has no such profile.',
  UNKNOWN_STRATEGY: 'No strategy has that name.',
  UNKNOWN_REPORTER: 'No reporter has that name.',
  BAD_OPTION: 'An option has a value it cannot have.',
  BAD_TOKEN: 'A replay token cannot be read.',
  OLD_TOKEN: 'A replay token has a format that this version does not read.',
  STALE_TOKEN: 'A replay token does not fit what is installed: some event differs.',
  NOTHING_SELECTED: 'The selection leaves nothing to run.',
  BAD_EXPECTED: 'An expected.json cannot be read.',
  BAD_LIST: 'A file that lists checks cannot be used.',
  BAD_EXCLUDE: 'A list of excluded checks cannot be used.',
  NO_RUN: 'There are no results of a run to read.',
  NOT_RESUMABLE: 'A run cannot go on, because something else would run.',
  BAD_MERGE: 'Results of shards do not belong together.',
  BAD_NAME: 'Something new has a name that it cannot have.',
  BAD_CONFIG: 'A configuration file cannot be used.',
  EXISTS: 'What is to be made is there already.',
  NOT_IN_REPOSITORY: 'What is to be made can only live in the repository of fsport.',
  NO_REDIS: 'A Redis server cannot be used.',
} as const;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERRORS;

/** Values that explain an error, for messages and tests. */
export type ErrorData = Readonly<Record<string, string | number | boolean | null | undefined>>;

function message(code: ErrorCode, data: ErrorData, text: string | undefined): string {
  if (text !== undefined) return text;
  const details = Object.entries(data).map(([key, value]) => `${key}=${value}`);
  return `${ERRORS[code]} (${details.join(', ')})`;
}

/** The model did something the kernel forbids. Ends the execution; reported with its schedule. */
export class ContractError extends Error {
  /** Stable code. */
  readonly code: ErrorCode;
  /** Values that explain it. */
  readonly data: ErrorData;

  /**
   * @param code - Stable code.
   * @param data - Values that explain it.
   * @param text - Full message; by default the code's documentation and the data.
   */
  constructor(code: ErrorCode, data: ErrorData, text?: string) {
    super(message(code, data, text));
    this.name = 'ContractError';
    this.code = code;
    this.data = data;
  }
}

/** The tool was used wrongly. Ends the run with exit status 3. */
export class UsageError extends Error {
  /** Stable code. */
  readonly code: ErrorCode;
  /** Values that explain it. */
  readonly data: ErrorData;

  /**
   * @param code - Stable code.
   * @param data - Values that explain it.
   * @param text - What happened and what to do next.
   */
  constructor(code: ErrorCode, data: ErrorData, text: string) {
    super(text);
    this.name = 'UsageError';
    this.code = code;
    this.data = data;
  }
}
