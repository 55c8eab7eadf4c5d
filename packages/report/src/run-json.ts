/** The results of a run for programs: `results/latest/run.json`. */
import type { CheckResult } from '@fsport/conformance';

/**
 * The content of run.json.
 *
 * @param results - Results so far: the file is written again after each check, so that a crash leaves a report.
 */
export function runJson(results: readonly CheckResult[]): string {
  return `${JSON.stringify({ format: 1, results }, null, 2)}\n`;
}
