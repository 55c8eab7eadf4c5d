/**
 * The suite that a filesystem model has to pass.
 *
 * @packageDocumentation
 */
export { CHECKS, checksOf, missingClaims, selectChecks } from './checks/registry.js';
export { type Expectation, Expected, parseExpected } from './expected.js';
export { GROUPS } from './groups.js';
export { type ConformanceOptions, testConformance } from './jest.js';
export * from './matrix.js';
export * from './mutants.js';
export * from './ops.js';
export { boundsOf, type ReplayedCheck, replayCheck, runCheck, type Unsearched, unsearched } from './run.js';
export { CheckScenario } from './scenario.js';
export { opText, opTitle } from './titles.js';
export * from './types.js';
