/**
 * Anything two tasks can meet on. Its identity is (creating task, how many objects that task had created
 * before), so it is the same object in every execution of a search, whatever the order of creation.
 */
import { current } from './current.js';
import type { Step } from './task.js';

/** The state of an object that does not tell. */
export const UNKNOWN_STATE: unique symbol = Symbol('unknown state');

/** Base of everything shared: variables, locks, wait queues. */
export abstract class SharedObject {
  /** Stable identity, dense within one search. */
  declare readonly id: number;
  /** Kernel spelling of what it is, such as `mapping.invalidate_lock`. */
  declare readonly label: string;
  /** Distinguishes siblings: a page index, a block number, an inode number. */
  declare readonly key: string | number;

  /**
   * @param label - Kernel spelling of what it is.
   * @param key - Distinguishes it from its siblings; empty if there are none.
   * @param id - Its identity, if that is not "the next one this task creates".
   */
  constructor(label: string, key: string | number = '', id: number = current.newObjectId()) {
    this.id = id;
    this.label = label;
    this.key = key;
  }

  /** Kernel-like name for people, such as `i_pages[0]`. */
  get name(): string {
    return this.key === '' ? this.label : `${this.label}[${this.key}]`;
  }

  /**
   * All of it that can change and that its public fields do not show, unseen: final states are compared by it. By
   * default it says that nobody can tell.
   *
   * @returns Any value, made of values, plain objects and shared objects.
   */
  peekState(): unknown {
    return UNKNOWN_STATE;
  }

  /**
   * Could a blocking step have run right before an access that it lost a race to?
   *
   * The search asks this to tell races that can be reversed from orders that the object enforces (an
   * unlock always precedes the lock it allows). Objects without blocking accesses need not answer.
   *
   * @param _step - The blocking step in question.
   * @param _history - Accesses to this object that would come before it, oldest first.
   * @param _replaced - What the access it lost to replaced, for objects that hold a value.
   * @returns `true` if the step would be enabled there.
   */
  enabledAfter(_step: Step<unknown>, _history: readonly HistoryEntry[], _replaced: unknown): boolean {
    return true;
  }
}

/** One access to an object in a prefix of an execution. */
export interface HistoryEntry {
  /** What was done, one of the kinds in `access.ts`. */
  readonly access: number;
  /** Index of the task that did it. */
  readonly task: number;
}
