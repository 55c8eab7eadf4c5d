/**
 * Reports of a conformance run.
 *
 * @packageDocumentation
 */
export * from './events.js';
