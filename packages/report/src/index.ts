/**
 * Reports of a conformance run.
 *
 * @packageDocumentation
 */
export { AuditText, auditHead } from './audit-text.js';
export { checkLine } from './check-line.js';
export { diffText, partingOf, type Side } from './diff-text.js';
export { type Difference, differenceText } from './difference.js';
export * from './document.js';
export * from './events.js';
export { explainText, raceText, replayCommand, type Where } from './failure-text.js';
export { annotation, jobSummary, type SourceLine } from './github.js';
export { junitXml } from './junit.js';
export { ktap } from './ktap.js';
export { hanging, PLAIN_TEXT, type TextOptions, WIDTH } from './layout.js';
export { reportMinimal } from './minimal.js';
export { progressLine, showProgress } from './progress.js';
export { columnsText, type Mark } from './race.js';
export { runJson } from './run-json.js';
export { headText, summaryText } from './summary.js';
export { matrixMarkdown, matrixText, pairTablesText } from './tables.js';
export { reportText, type TextReportOptions } from './text-reporter.js';
export { TRACE_FORMATS } from './trace/formats.js';
export { traceJson } from './trace/trace-json.js';
