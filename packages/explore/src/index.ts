/**
 * Search strategies, the search driver, the shrinker and the execution engines.
 *
 * @packageDocumentation
 */

export type { DporFaults } from './dpor/faults.js';
export { placeOf } from './place.js';
export { PreemptionCounter } from './preemptions.js';
export { type Replay, replay } from './replay.js';
export type { Scenario, Violation } from './scenario.js';
export { ScheduleRunner, type ScheduleStep, scheduleOf } from './schedule.js';
export { search } from './search.js';
export * from './search-result.js';
export { DeterminismStrategy, type Difference } from './strategies/determinism.js';
export { DfsStrategy } from './strategies/dfs.js';
export { DporStrategy } from './strategies/dpor.js';
export { PosStrategy } from './strategies/pos.js';
export { Prng } from './strategies/prng.js';
export { RandomStrategy } from './strategies/random.js';
export {
  STRATEGIES,
  type StrategyFactory,
  type StrategyName,
  strategyName,
} from './strategies/registry.js';
export type { Strategy } from './strategies/strategy.js';
export * from './token.js';
export { eventsConflict, TraceSet, traceFingerprint } from './trace-set.js';
