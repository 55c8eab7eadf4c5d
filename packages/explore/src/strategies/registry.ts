/** The strategies by name. `auto` is not among them: it combines them. */
import { UsageError } from '@fsport/core';
import { DeterminismStrategy } from './determinism.js';
import { DfsStrategy } from './dfs.js';
import { DporStrategy } from './dpor.js';
import { PosStrategy } from './pos.js';
import { RandomStrategy } from './random.js';
import type { Strategy } from './strategy.js';

/** Makes a strategy for one search; those that draw nothing ignore the seed. */
export type StrategyFactory = (seed: number) => Strategy;

/** What can be asked for by name, besides `auto`. */
export const STRATEGIES = {
  dfs: () => new DfsStrategy(),
  dpor: () => new DporStrategy(),
  pos: (seed: number) => new PosStrategy(seed),
  random: (seed: number) => new RandomStrategy(seed),
  determinism: () => new DeterminismStrategy(new DporStrategy()),
} satisfies Readonly<Record<string, StrategyFactory>>;

/** Name of a strategy. */
export type StrategyName = 'auto' | keyof typeof STRATEGIES;

/**
 * Look a strategy up.
 *
 * @param name - What was asked for.
 * @returns The name, known to be one; `auto` is one, too.
 * @throws UsageError `UNKNOWN_STRATEGY`.
 */
export function strategyName(name: string): StrategyName {
  if (name === 'auto' || Object.hasOwn(STRATEGIES, name)) return name as StrategyName;
  const names = ['auto', ...Object.keys(STRATEGIES)].join(', ');
  throw new UsageError('UNKNOWN_STRATEGY', { name }, `There is no strategy ${name}. There are ${names}.`);
}
