/**
 * The suite as tests of any runner that has Jest's `test`: one test for each check and profile.
 *
 * The suite is handed the runner's function, so it depends on no runner. Test files cannot switch checks off: what runs
 * is decided by what the filesystem claims.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FileSystemType } from '@fsport/core';
import { checksOf } from './checks/registry.js';
import { parseExpected } from './expected.js';
import { runCheck } from './run.js';
import type { CheckReport, CheckResult } from './types.js';

/** What {@link testConformance} needs. */
export interface ConformanceOptions {
  /** The runner's `test`. */
  readonly test: (name: string, body: () => void) => void;
  /** The package's expected.json. */
  readonly expected: URL;
}

function explain({ result, failure }: CheckReport): string {
  const expected = result.expected ?? 'pass';
  const lines = [`${result.fs} ${result.profile} ${result.check}: ${result.verdict}, expected ${expected}`];
  if (failure !== null)
    lines.push(`${failure.property} ${failure.rule}: ${failure.message}`, ...failure.because, failure.token);
  if (result.reason !== null) lines.push(result.reason);
  return lines.join('\n');
}

/**
 * Turn the suite into tests.
 *
 * @param fs - The filesystem.
 * @param options - The runner and the declared verdicts.
 * @returns The results, filled in as the tests run: for tests that come after them.
 */
export function testConformance(fs: FileSystemType, options: ConformanceOptions): readonly CheckResult[] {
  const path = fileURLToPath(options.expected);
  const expected = parseExpected(JSON.parse(readFileSync(path, 'utf8')), path);
  const results: CheckResult[] = [];
  for (const profile of fs.follows) {
    for (const check of checksOf(fs)) {
      options.test(`${fs.name} ${profile} ${check.id}`, () => {
        const report = runCheck(fs, profile, check, expected);
        results.push(report.result);
        if (!report.result.ok) throw new Error(explain(report));
      });
    }
  }
  return results;
}
