/**
 * The command `fsport`.
 *
 * @packageDocumentation
 */

/** The name of this package. */
export const PACKAGE_NAME = '@fsport/cli';
