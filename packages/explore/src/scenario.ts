/**
 * What a search explores: a world that can be built afresh any number of times, the tasks that run in it,
 * and a judgement of each way they can end.
 *
 * A search calls `start()` once per execution, inside a new {@link Execution}, runs the tasks to the end
 * under a strategy, and calls `judge()`. Nothing may survive from one execution to the next except what
 * `judgeSearch()` is about.
 */
import type { Ending, Execution } from '@fsport/core';

/** Something that must not happen, and did. */
export interface Violation {
  /** What was violated, as a stable name of the bad thing: `stale-data`, `deadlock`, a contract's code. */
  readonly property: string;
  /** The rule that was broken, where the property has several, such as `S-1`. */
  readonly rule?: string;
  /** What happened, in one or more lines. */
  readonly message: string;
  /** Why it happened: facts from the execution, in order. */
  readonly because?: readonly string[];
  /** Index of the event at which it showed, if there is one. */
  readonly at?: number;
}

/** A program whose interleavings are explored. */
export interface Scenario {
  /** Check id, for tokens. */
  readonly name: string;
  /** Letters of its root tasks, in order. */
  readonly letters: readonly string[];
  /** Is a deadlock the business of another scenario? Then an execution that ends in one is nothing that is wrong. */
  readonly deadlockElsewhere?: boolean;
  /** Names of what can be left out, apart from tasks: what a failure may not need, the most first. */
  readonly cuts?: readonly string[];
  /**
   * The scenario without some of what can be left out; the rest keeps its name.
   *
   * @param cuts - Names of what is left out of the whole scenario.
   */
  without?(cuts: readonly string[]): Scenario;
  /**
   * Build a fresh world in the current execution and spawn the root tasks.
   *
   * @param execution - The execution being set up; it is the current one.
   * @param only - Letters of the root tasks to spawn; all of them if undefined.
   */
  start(execution: Execution, only?: ReadonlySet<string>): void;
  /**
   * Judge a finished execution. Never called for one that was abandoned.
   *
   * It must give the same answer for all executions of one Mazurkiewicz trace: the search runs one of them.
   *
   * @param execution - The execution, with its events; still the current one.
   * @param ending - How it ended.
   * @returns What is wrong; empty if nothing is.
   */
  judge(execution: Execution, ending: Ending): readonly Violation[];
  /**
   * Judge what the whole search saw (the lock-order graph and the like). Called once, when it is over.
   *
   * @returns What is wrong; empty if nothing is.
   */
  judgeSearch?(): readonly Violation[];
  /** What `judgeSearch()` is about so far, as plain data. */
  memory?(): unknown;
  /**
   * Forget what `judgeSearch()` is about, and go on with what others of the same program have seen.
   *
   * @param memories - That, in order.
   */
  recall?(memories: readonly Remembered[]): void;
}

/** What a scenario has seen in an execution engine of its own. */
export interface Remembered {
  /** What its `memory()` gave. */
  readonly content: unknown;
  /** The id of an object, here. */
  readonly objectId: (id: number) => number;
}
