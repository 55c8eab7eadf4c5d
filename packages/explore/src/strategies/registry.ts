/** The strategies by name. `auto` is not among them: it combines them. */
import { UsageError } from '@fsport/core';
import { DeterminismStrategy } from './determinism.js';
import { DfsStrategy } from './dfs.js';
import { DporStrategy } from './dpor.js';
import { PctStrategy } from './pct.js';
import { PortfolioStrategy } from './portfolio.js';
import { PosStrategy } from './pos.js';
import { RandomStrategy } from './random.js';
import type { Strategy } from './strategy.js';

/** What strategies can be told; each takes what concerns it. */
export interface StrategyOptions {
  /** Seed of those that draw. */
  readonly seed: number;
  /** Leave out attempts that come to nothing and leave no mark. */
  readonly cutRetries: boolean;
  /** Most preemptions in one execution, for `bounded`. */
  readonly preemptions: number;
  /** Number of ordered steps that a bug may need, for `pct`. */
  readonly depth: number;
}

/** Makes a strategy for one search. */
export type StrategyFactory = (options: StrategyOptions) => Strategy;

/** What can be asked for by name, besides `auto`. */
export const STRATEGIES = {
  dfs: () => new DfsStrategy(),
  dpor: ({ cutRetries }) => new DporStrategy({ cutRetries }),
  bounded: ({ preemptions }) => new DporStrategy({ preemptions }),
  pos: ({ seed }) => new PosStrategy(seed),
  pct: ({ seed, depth }) => new PctStrategy(seed, depth),
  random: ({ seed }) => new RandomStrategy(seed),
  portfolio: ({ seed, depth, cutRetries }) =>
    new PortfolioStrategy([
      new DporStrategy({ cutRetries }),
      new PosStrategy(seed),
      new PctStrategy(seed, depth),
      new RandomStrategy(seed),
    ]),
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
