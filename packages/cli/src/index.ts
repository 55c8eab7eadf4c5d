/**
 * The command `fsport`.
 *
 * @packageDocumentation
 */
export { main } from './main.js';
