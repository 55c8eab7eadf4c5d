/** What checkers share: how a finding looks, and what they may look at. */
import type { Execution, FileSystemType } from '@fsport/core';
import type { Violation } from '@fsport/explore';
import type { CheckerName } from '../types.js';
import type { World } from '../world.js';

/** What an explanation is made from. */
export interface Scene {
  /** The execution. */
  readonly execution: Execution;
  /** The calls that its tasks made. */
  readonly world: Pick<World, 'calls'>;
}

/** What a checker of the final state looks at. */
export interface FinalState extends Scene {
  /** The execution; every task has ended. */
  readonly execution: Execution;
  /** The world it left behind. */
  readonly world: World;
  /** The filesystem, for its block map and fsck. */
  readonly fs: FileSystemType;
}

/** A checker of the final state: a pure function of it. */
export type StateChecker = (state: FinalState) => Violation[];

/**
 * A violation of a checker's property.
 *
 * @param property - The checker.
 * @param rule - The rule broken.
 * @param message - One sentence.
 * @param because - Why, if more is known.
 */
export function finding(
  property: CheckerName,
  rule: string,
  message: string,
  because: readonly string[] = [],
): Violation {
  return { property, rule, message, because };
}
