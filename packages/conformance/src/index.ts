/**
 * The suite that a filesystem model has to pass.
 *
 * @packageDocumentation
 */
export * from './audit.js';
export { CHECKS, checksOf, missingClaims, selectChecks } from './checks/registry.js';
export { type Expectation, Expected, parseExpected } from './expected.js';
export { type Followed, followToken } from './follow.js';
export { GROUPS } from './groups.js';
export { hintsOf } from './hints.js';
export { type ConformanceOptions, testConformance } from './jest.js';
export * from './matrix.js';
export * from './mutants.js';
export * from './ops.js';
export { readExpected } from './read-expected.js';
export { type ReplayedCheck, replayCheck } from './replay.js';
export {
  boundsOf,
  type CheckRun,
  concludeCheck,
  executionsOf,
  refusal,
  runCheck,
  runLeg,
  type Unsearched,
  unsearched,
} from './run.js';
export { CheckScenario } from './scenario.js';
export { opText, opTitle } from './titles.js';
export * from './trace.js';
export * from './types.js';
