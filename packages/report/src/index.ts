/**
 * Reports of a conformance run.
 *
 * @packageDocumentation
 */
export { checkLine } from './check-line.js';
export * from './events.js';
export { explainText, raceText, replayCommand, type Where } from './failure-text.js';
export { type TextOptions, WIDTH } from './layout.js';
export { progressLine, showProgress } from './progress.js';
export { columnsText, type Mark } from './race.js';
export { runJson } from './run-json.js';
export { headText, summaryText } from './summary.js';
export { matrixText, pairTablesText } from './tables.js';
export { reportText, type TextReportOptions } from './text-reporter.js';
