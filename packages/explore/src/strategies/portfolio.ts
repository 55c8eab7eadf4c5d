/**
 * Several strategies taking turns, execution by execution: the enumeration that ends with a proof, next to samplers
 * that each find another kind of bug early.
 */
import { ABANDON, type Ending, type Execution } from '@fsport/core';
import type { Strategy } from './strategy.js';

/** Runs strategies in turn, until one that explores everything has ended. */
export class PortfolioStrategy implements Strategy {
  readonly #members: readonly Strategy[];
  #turn = -1;

  /** @param members - The strategies, at least one. */
  constructor(members: readonly Strategy[]) {
    this.#members = members;
  }

  /** Does the one that ended prove anything? */
  get exhaustive(): boolean {
    return this.#running.exhaustive;
  }

  /** As for the one that ended. */
  get bounded(): boolean {
    return this.#running.bounded === true;
  }

  /** As for the enumeration among them. */
  get share(): number | undefined {
    return this.#members.find((member) => member.share !== undefined)?.share;
  }

  /** Steps that the one whose turn it is knows in advance. */
  get prefix(): readonly number[] {
    return this.#running.prefix ?? NOTHING_KNOWN;
  }

  /** It is the next one's turn. */
  newExecution(): boolean {
    this.#turn = (this.#turn + 1) % this.#members.length;
    return this.#running.newExecution();
  }

  /** As the one whose turn it is says. */
  nextTask(execution: Execution): number {
    return this.#running.nextTask(execution);
  }

  /** As the one whose turn it is says. */
  nextChoice(execution: Execution, count: number): number {
    return this.#running.nextChoice(execution, count);
  }

  /** As the one whose turn it is says. */
  retries(execution: Execution): boolean {
    return this.#running.retries?.(execution) ?? true;
  }

  /** It is for the one whose turn it was. */
  executed(execution: Execution, ending: Ending): void {
    this.#running.executed(execution, ending);
  }

  get #running(): Strategy {
    return this.#members[Math.max(this.#turn, 0)] as Strategy;
  }
}

const NOTHING_KNOWN: readonly number[] = [ABANDON];
