/**
 * Scaffold of filesystem packages, checks and strategies.
 *
 * @packageDocumentation
 */

export { createFsCommand } from './command.js';
export { type CheckOptions, createCheck } from './create-check.js';
export { createStrategy } from './create-strategy.js';
export { main } from './main.js';
