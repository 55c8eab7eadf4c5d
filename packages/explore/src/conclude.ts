/** The end of a search: judges what all executions show together, and simplifies the first failure. */
import { Identity, type IdentitySnapshot } from '@fsport/core';
import { Budget, positive } from './budget.js';
import type { Outcome } from './division.js';
import { keyOf } from './leg.js';
import type { Scenario, Violation } from './scenario.js';
import type { PhaseResult, SearchOptions, SearchResult, StopReason } from './search-result.js';
import { type Shrunk, shrink } from './shrink.js';

/** The failing schedule was run again, and the failure did not show. */
const NOT_REPEATED: Violation = {
  property: 'nondeterminism',
  message: 'the failing schedule, run again, does not fail: the model depends on something else',
};

/**
 * End a search.
 *
 * @param scenario - The program and its judgement.
 * @param options - Strategy and budgets.
 * @param outcome - What its legs found out; none of them crashed.
 * @returns What was found out.
 */
export function conclude(scenario: Scenario, options: SearchOptions, outcome: Outcome): SearchResult {
  const { stopped, phases, failure, longest, traces } = outcome;
  const stopAtFirst = options.stopAtFirst ?? true;
  const found = new Map(outcome.violations.map((violation) => [keyOf(violation), violation]));
  if (!stopAtFirst || found.size === 0) {
    for (const violation of judged(scenario, outcome)) found.set(keyOf(violation), violation);
  }
  const budget = new Budget(options, outcome.spent);
  const shrunk = simplified(scenario, options, outcome, budget);
  if (failure !== null && shrunk === null) found.set(keyOf(NOT_REPEATED), NOT_REPEATED);
  const violations = stopAtFirst && shrunk !== null ? shrunk.violations : [...found.values()];
  const exhaustive = stopped === 'exhausted';
  const sum = (count: (phase: PhaseResult) => number): number =>
    phases.reduce((total, phase) => total + count(phase), 0);
  return {
    verdict: violations.length > 0 ? 'fail' : exhaustive ? 'pass' : 'unknown',
    exhaustive,
    stopped: stopped as StopReason,
    executions: sum((phase) => phase.executions),
    blockedExecutions: sum((phase) => phase.blockedExecutions),
    shrinkExecutions: budget.shrinking,
    phases,
    ...(traces === null ? {} : { traces }),
    violations,
    foundAt: failure?.foundAt ?? 0,
    preemptions: shrunk?.preemptions ?? -1,
    token: shrunk?.token ?? null,
    tasks: shrunk?.tasks ?? scenario.letters,
    cuts: shrunk?.cuts ?? [],
    longest,
  };
}

/** What all executions show together. */
function judged(scenario: Scenario, { memories }: Outcome): readonly Violation[] {
  const identity = new Identity();
  scenario.recall?.(
    memories.map((memory) => {
      const ids = objectIds(memory.identity, identity);
      return { content: memory.content, objectId: (id) => ids[id] as number };
    }),
  );
  return scenario.judgeSearch?.() ?? [];
}

/** The objects that one search has numbered, by their numbers in another one. */
function objectIds({ tasks, objects }: IdentitySnapshot, into: Identity): readonly number[] {
  // A creator is one more than a task, 0 is the set-up.
  const keys: number[] = [-1];
  for (const [parent, nth] of tasks) keys.push(into.taskKey(keys[parent] as number, nth));
  const ids: number[] = [];
  for (const [a, b, member] of objects) {
    ids.push(member === 1 ? into.memberId(ids[a] as number, b) : into.objectId(keys[a] as number, b));
  }
  return ids;
}

function simplified(
  scenario: Scenario,
  options: SearchOptions,
  { failure }: Outcome,
  budget: Budget,
): Shrunk | null {
  if (failure === null) return null;
  const property = (failure.violations[0] as Violation).property;
  const maxSteps = positive('maxSteps', options.maxSteps ?? 5_000);
  const plain = options.stopAtFirst === false || options.shrink === false;
  return shrink(scenario, failure.schedule, property, { maxSteps, budget, plain });
}
