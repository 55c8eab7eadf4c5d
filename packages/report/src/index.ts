/**
 * Reports and trace exports of a run.
 *
 * @packageDocumentation
 */

/** The name of this package. */
export const PACKAGE_NAME = '@fsport/report';
