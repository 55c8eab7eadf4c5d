/** How much a search may still do, and the heartbeat that says how far it is. */
import { UsageError } from '@fsport/core';
import type { Phase, SearchOptions, StopReason } from './search-result.js';

/** Counts executions against the budgets of a search. */
export class Budget {
  /** Executions so far, without those of the shrinker. */
  spent = 0;
  /** Executions of the shrinker. */
  shrinking = 0;
  readonly #options: SearchOptions;
  readonly #maxExecutions: number;
  readonly #mask: number;
  readonly #began: number;

  readonly #before: number;

  /**
   * @param options - The options of the search.
   * @param before - Executions that somebody else has spent.
   */
  constructor(options: SearchOptions, before = 0) {
    const every = positive('progressEvery', options.progressEvery ?? 1024);
    if ((every & (every - 1)) !== 0) throw badOption('progressEvery', every, 'a power of two');
    if (options.deadline !== undefined && options.now === undefined) {
      throw badOption('deadline', options.deadline, 'given together with a clock, now');
    }
    this.#options = options;
    this.#maxExecutions = mostExecutions(options);
    this.#before = before;
    this.#mask = every - 1;
    this.#began = options.onProgress === undefined ? 0 : (options.now?.() ?? 0);
  }

  /** Why no further execution may be started, `null` if one may. */
  exceeded(): StopReason | null {
    if (this.#before + this.spent >= this.#maxExecutions) return 'executions';
    return this.late() ? 'time' : null;
  }

  /** Has the deadline passed? */
  late(): boolean {
    const { now, deadline } = this.#options;
    return now !== undefined && deadline !== undefined && now() >= deadline;
  }

  /**
   * An execution has ended.
   *
   * @param phase - What it was for.
   * @param share - Estimates the share of the space that has been seen.
   */
  spend(phase: Phase, share: () => number | null = () => null): void {
    if (phase === 'shrink') this.shrinking++;
    else this.spent++;
    const own = this.spent + this.shrinking;
    const executions = this.#before + own;
    if ((executions & this.#mask) !== 0 || this.#options.onProgress === undefined) return;
    const { now, onProgress } = this.#options;
    const seconds = now === undefined ? 0 : (now() - this.#began) / 1000;
    const executionsPerSecond = seconds > 0 ? own / seconds : null;
    onProgress({
      ...{ executions, phase, executionsPerSecond },
      // An estimate goes through the whole path: only whoever wants it pays for it.
      get share() {
        return share();
      },
    });
  }
}

/** The budget of executions of a search. */
export function mostExecutions({ maxExecutions = 1_000_000 }: SearchOptions): number {
  return positive('maxExecutions', maxExecutions);
}

/**
 * Check that an option is a whole number.
 *
 * @param name - The option.
 * @param value - Its value.
 * @param least - The smallest value allowed.
 * @returns The value.
 * @throws UsageError `BAD_OPTION` if it is not.
 */
export function positive(name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badOption(name, value, `a whole number, at least ${least}`);
}

function badOption(option: string, value: number, expected: string): UsageError {
  return new UsageError('BAD_OPTION', { option, value }, `${option} is ${value}; it must be ${expected}.`);
}
