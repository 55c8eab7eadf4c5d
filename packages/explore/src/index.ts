/**
 * Search strategies, the search driver, the shrinker and the execution engines.
 *
 * @packageDocumentation
 */

export type { DporCheckpoint, DporReport } from './dpor/checkpoint.js';
export type { DporFaults } from './dpor/faults.js';
export type { FrameState, Sleeper } from './dpor/frame.js';
export type { HistoryState } from './dpor/history.js';
export type { Label } from './dpor/label.js';
export type { Wakeup } from './dpor/wakeup.js';
export { placeOf } from './place.js';
export { PreemptionCounter } from './preemptions.js';
export { type Replay, replay } from './replay.js';
export type { Run } from './run-one.js';
export type { Scenario, Violation } from './scenario.js';
export { ScheduleRunner, type ScheduleStep, scheduleOf } from './schedule.js';
export { search } from './search.js';
export * from './search-result.js';
export { DeterminismStrategy, type Difference } from './strategies/determinism.js';
export { DfsStrategy } from './strategies/dfs.js';
export { type DporOptions, DporStrategy } from './strategies/dpor.js';
export { PctStrategy } from './strategies/pct.js';
export { PortfolioStrategy } from './strategies/portfolio.js';
export { PosStrategy } from './strategies/pos.js';
export { Prng } from './strategies/prng.js';
export { RandomStrategy } from './strategies/random.js';
export {
  STRATEGIES,
  type StrategyFactory,
  type StrategyName,
  type StrategyOptions,
  strategyName,
} from './strategies/registry.js';
export type { Strategy } from './strategies/strategy.js';
export * from './token.js';
export { eventsConflict, TraceSet, traceFingerprint } from './trace-set.js';
