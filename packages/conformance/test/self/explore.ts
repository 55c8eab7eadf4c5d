// Runs a check to the end under one strategy and collects every violation. On the way it tests what the search relies
// on: executions of one Mazurkiewicz trace are judged alike.

import { type Check, CheckScenario } from '@fsport/conformance';
import type { Ending, Execution, FileSystemType } from '@fsport/core';
import { type Scenario, type StrategyName, search, traceFingerprint, type Violation } from '@fsport/explore';

/** What was seen. */
export interface Seen {
  readonly exhaustive: boolean;
  readonly executions: number;
  /** Executions that ended well. */
  readonly clean: number;
  /** Traces of which some executions were judged differently. */
  readonly ambiguous: readonly string[];
  /** Every distinct violation, as `property rule: message`. */
  readonly violations: readonly string[];
}

function text({ property, rule = '', message }: Violation): string {
  return `${property} ${rule}: ${message}`;
}

/** Judges like the scenario and compares with earlier judgements of the same trace. */
class Watched implements Scenario {
  readonly name: string;
  readonly letters: readonly string[];
  readonly ambiguous: string[] = [];
  clean = 0;
  readonly #inner: Scenario;
  readonly #alwaysProbed: boolean;
  readonly #known = new Map<number, string>();

  constructor(inner: Scenario, alwaysProbed: boolean) {
    this.#inner = inner;
    this.#alwaysProbed = alwaysProbed;
    this.name = inner.name;
    this.letters = inner.letters;
  }

  start(execution: Execution, only?: ReadonlySet<string>): void {
    this.#inner.start(execution, only);
  }

  judge(execution: Execution, ending: Ending): readonly Violation[] {
    const trace = traceFingerprint(execution);
    // A fault from outside, and be it none at all, may hide something: nothing is known from earlier executions.
    if (this.#alwaysProbed) execution.instead = () => null;
    const found = this.#inner.judge(execution, ending);
    const judgement = found.map(text).sort().join('\n');
    const known = this.#known.get(trace) ?? judgement;
    if (known !== judgement) this.ambiguous.push(`${known}\nor\n${judgement}`);
    this.#known.set(trace, judgement);
    if (ending.kind === 'done' && found.length === 0) this.clean++;
    return found;
  }

  judgeSearch(): readonly Violation[] {
    return this.#inner.judgeSearch?.() ?? [];
  }
}

/** Explore a check under a profile; every final state may be probed, also those that are known to be sound. */
export function explore(
  fs: FileSystemType,
  profile: string,
  check: Check,
  strategy: StrategyName,
  { alwaysProbed = false } = {},
): Seen {
  const scenario = new Watched(new CheckScenario(fs, profile, check), alwaysProbed);
  const found = search(scenario, { strategy, stopAtFirst: false });
  return {
    exhaustive: found.exhaustive,
    executions: found.executions,
    clean: scenario.clean,
    ambiguous: scenario.ambiguous,
    violations: found.violations.map(text).sort(),
  };
}
