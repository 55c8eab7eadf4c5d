/** Strategy and budgets of every check of a run. */
import type { StrategyName } from '@fsport/explore';

/** Strategy and budgets of every check of a run. */
export interface Budgets {
  /** Strategy. */
  readonly strategy: StrategyName;
  /** Seed of the strategies that draw. */
  readonly seed: number;
  /** Executions per check. */
  readonly maxExecutions: number;
  /** Steps per execution; one more is a livelock. */
  readonly maxSteps: number;
  /** Seconds per check, `null` for no limit. */
  readonly seconds: number | null;
}

/** Budgets in words, the same on every machine. */
export function budgetsText({ strategy, seed, maxExecutions, maxSteps, seconds }: Budgets): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const limits = [
    `at most ${number(maxExecutions)} executions`,
    ...(seconds === null ? [] : [`${number(seconds)} s`]),
  ];
  return `${strategy}, seed ${seed}: ${limits.join(' and ')} per check, ${number(maxSteps)} steps per execution`;
}
