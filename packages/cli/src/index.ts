/**
 * The command `fsport`.
 *
 * @packageDocumentation
 */
export { type Config, defineConfig } from './config.js';
export { main } from './main.js';
