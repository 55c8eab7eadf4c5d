/** Runs what `tsc -b` compiled: no second compiler, and the tests see what ships. */
export default {
  roots: ['<rootDir>/packages'],
  testMatch: ['<rootDir>/packages/*/dist-test/**/*.test.js'],
  testEnvironment: '<rootDir>/scripts/jest-environment.cjs',
  snapshotResolver: '<rootDir>/scripts/jest-snapshots.cjs',
  transform: {},
  watchman: false,
  // On Node 20 the modules of a finished test file are never freed, so a worker is replaced when it grows.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '512MB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['packages/*/dist/**/*.js'],
};
