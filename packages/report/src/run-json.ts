/** The results of a run for programs: `results/latest/run.json`. */
import type { CheckResult } from '@fsport/conformance';
import type { PlannedCheck } from './events.js';

/**
 * The content of run.json.
 *
 * @param results - Results so far: the file is written again after each check, so that a crash leaves a report.
 * @param unfinished - What has none yet; left out if there is nothing.
 */
export function runJson(results: readonly CheckResult[], unfinished: readonly PlannedCheck[] = []): string {
  const rest = unfinished.length === 0 ? {} : { unfinished };
  return `${JSON.stringify({ format: 1, results, ...rest }, null, 2)}\n`;
}
