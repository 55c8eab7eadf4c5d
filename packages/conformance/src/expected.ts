/**
 * What a package declares about its verdicts: `expected.json`, written from the facts and reviewed like code.
 *
 * Keys are check ids or globs; the first key that matches a check decides. A failure that is declared and does not
 * show is as bad as one that shows and is not declared.
 */
import { UsageError } from '@fsport/core';
import picomatch from 'picomatch';
import type { Verdict } from './types.js';

/** What is declared for one check under one profile. */
export interface Expectation {
  /** The verdict. */
  readonly verdict: Verdict;
  /** The property that must fail. */
  readonly property?: string;
  /** The bound that leaves it unknown: executions that its search gets. */
  readonly executions?: number;
}

const VERDICTS: readonly Verdict[] = ['pass', 'fail', 'unknown', 'notrun'];

interface Rule {
  readonly pattern: string;
  readonly matches: (id: string) => boolean;
  readonly profiles: Readonly<Record<string, Expectation>>;
}

/** A parsed expected.json. */
export class Expected {
  readonly #rules: readonly Rule[];

  /** @param rules - Parsed rules in order. @internal */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /**
   * What is declared for a check under a profile.
   *
   * @returns `null` if nothing is; then only a pass will do.
   */
  of(check: string, profile: string): Expectation | null {
    return this.#rules.find((rule) => rule.matches(check))?.profiles[profile] ?? null;
  }

  /** Keys that match none of these checks. */
  unmatched(checks: readonly string[]): readonly string[] {
    return this.#rules
      .filter(({ matches }) => !checks.some((id) => matches(id)))
      .map(({ pattern }) => pattern);
  }
}

function bad(where: string, what: string): UsageError {
  return new UsageError(
    'BAD_EXPECTED',
    { where },
    `${where}: ${what}. Expected {"<check or glob>": {"<profile>": {"verdict": "fail", "property": "stale-data"}}}.`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expectation(value: unknown, where: string, place: string): Expectation {
  if (!isRecord(value)) throw bad(where, `${place} is not an object`);
  const { verdict, property, executions, ...others } = value;
  // A misspelt "property" would declare less than it seems to.
  for (const other of Object.keys(others)) throw bad(where, `${place} has "${other}", which means nothing`);
  if (!VERDICTS.includes(verdict as Verdict))
    throw bad(where, `${place} has no verdict out of ${VERDICTS.join(', ')}`);
  if (property !== undefined && (verdict !== 'fail' || typeof property !== 'string'))
    throw bad(where, `${place} has a property, which only a failure has`);
  if (executions !== undefined && verdict !== 'unknown')
    throw bad(where, `${place} has a bound on executions, which only an unknown verdict has`);
  if (executions !== undefined && !(Number.isSafeInteger(executions) && (executions as number) > 0))
    throw bad(where, `${place} has a bound on executions that is no positive whole number`);
  return value as unknown as Expectation;
}

/**
 * Read an expected.json.
 *
 * @param json - Its parsed content.
 * @param where - Its path, for messages.
 * @throws UsageError `BAD_EXPECTED` that names the place.
 */
export function parseExpected(json: unknown, where: string): Expected {
  if (!isRecord(json)) throw bad(where, 'not an object');
  const rules = Object.entries(json).map(([pattern, profiles]): Rule => {
    if (pattern === '') throw bad(where, 'a key is empty');
    if (!isRecord(profiles)) throw bad(where, `"${pattern}" is not an object`);
    const entries = Object.entries(profiles).map(([profile, value]) => [
      profile,
      expectation(value, where, `"${pattern}" ${profile}`),
    ]);
    return { pattern, matches: picomatch(pattern), profiles: Object.fromEntries(entries) };
  });
  return new Expected(rules);
}
