/**
 * The suite as tests of any runner that has Jest's `test`: one test for each check and profile, and one for each mutant.
 *
 * The suite is handed the runner's function, so it depends on no runner. Test files cannot switch checks off: what runs
 * is decided by what the filesystem claims.
 */
import { fileURLToPath } from 'node:url';
import type { FileSystemType } from '@fsport/core';
import { checksOf } from './checks/registry.js';
import { type Mutant, survivalOf } from './mutants.js';
import { readExpected } from './read-expected.js';
import { runCheck } from './run.js';
import type { CheckReport, CheckResult } from './types.js';

/** What {@link testConformance} needs. */
export interface ConformanceOptions {
  /** The runner's `test`. */
  readonly test: (name: string, body: () => void) => void;
  /** The package's expected.json. */
  readonly expected: URL;
  /** Faults that checks must catch: one that survives is a failing test. */
  readonly mutants?: readonly Mutant[];
}

function explain({ result, failure }: CheckReport): string {
  const expected = result.expected ?? 'pass';
  const lines = [`${result.fs} ${result.profile} ${result.check}: ${result.verdict}, expected ${expected}`];
  if (failure !== null) {
    const { property, rule, message, because, token } = failure;
    lines.push(`${[property, rule].filter((part) => part !== '').join(' ')}: ${message}`, ...because);
    if (token !== '') lines.push(`fsport replay ${result.fs} '${token}' -s ${result.profile}`);
  }
  if (result.reason !== null) lines.push(result.reason);
  return lines.join('\n');
}

/**
 * Turn the suite into tests.
 *
 * @param fs - The filesystem.
 * @param options - The runner, the declared verdicts and the mutants.
 * @returns The results, filled in as the tests run: for tests that come after them.
 * @throws UsageError `BAD_EXPECTED`.
 */
export function testConformance(fs: FileSystemType, options: ConformanceOptions): readonly CheckResult[] {
  const expected = readExpected(fileURLToPath(options.expected));
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
  for (const mutant of options.mutants ?? []) {
    const { name, profile, caughtBy } = mutant;
    options.test(`${fs.name} ${profile} mutant/${name} caught by ${caughtBy}`, () => {
      const survival = survivalOf(fs, mutant, expected);
      if (survival !== null) throw new Error(survival);
    });
  }
  return results;
}
