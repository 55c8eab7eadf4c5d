/**
 * Search strategies, the search driver, the shrinker and the execution engines.
 *
 * @packageDocumentation
 */

export { mostExecutions } from './budget.js';
export { conclude } from './conclude.js';
export {
  crashed,
  Division,
  type Failure,
  type Leg,
  type LegEnd,
  type Memory,
  type Outcome,
  type Task,
} from './division.js';
export type { DporCheckpoint, DporReport } from './dpor/checkpoint.js';
export type { DporFaults } from './dpor/faults.js';
export type { FrameState, Sleeper } from './dpor/frame.js';
export type { HistoryState } from './dpor/history.js';
export type { Label } from './dpor/label.js';
export type { Plan, Rival, Wakeup } from './dpor/wakeup.js';
export { exploreLeg } from './leg.js';
export { type Frame, framesOf, placeOf } from './place.js';
export { PreemptionCounter } from './preemptions.js';
export { type Recording, type RecordOptions, record } from './record.js';
export { type Replay, replay, rootsOfToken, scheduleOfToken, withoutCuts } from './replay.js';
export type { Run } from './run-one.js';
export type { Remembered, Scenario, Violation } from './scenario.js';
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
