/** The one place that turns results and errors into an exit status. */
import type { CheckResult } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { CommanderError } from 'commander';

/** What the command can end with. */
export const EXIT = { ok: 0, unexpected: 1, unknown: 2, usage: 3, internal: 4, interrupted: 130 } as const;

/**
 * The exit status of a run: that of its worst check.
 *
 * @param results - What was found out.
 * @param broken - Did a worker fail for a reason of its own?
 * @returns 4 before 1 before 2 before 0.
 */
export function statusOf(results: readonly CheckResult[], broken: boolean): number {
  if (broken) return EXIT.internal;
  const unexpected = results.filter((result) => !result.ok);
  if (unexpected.some((result) => result.verdict !== 'unknown')) return EXIT.unexpected;
  return unexpected.length > 0 ? EXIT.unknown : EXIT.ok;
}

/** The exit status for something thrown. */
export function statusOfError(error: unknown): number {
  // Commander's own is 1; a command whose caller takes that for an answer has another one.
  if (error instanceof CommanderError) return error.exitCode === 1 ? EXIT.usage : error.exitCode;
  return error instanceof UsageError ? EXIT.usage : EXIT.internal;
}

/** What to print on the standard error output for something thrown. */
export function explain(error: unknown): string {
  if (error instanceof CommanderError) return ''; // it has printed itself
  if (error instanceof UsageError) return `fsport: ${error.message}\n`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `fsport: internal error, please report it: ${stack}\n`;
}
