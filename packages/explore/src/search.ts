/**
 * The search driver: runs the legs of a search one after the other, and says what they found out. What it reports has
 * been simplified and replayed.
 */
import { mostExecutions } from './budget.js';
import { conclude } from './conclude.js';
import { Division } from './division.js';
import { exploreLeg } from './leg.js';
import type { Scenario } from './scenario.js';
import type { SearchOptions, SearchResult } from './search-result.js';

/**
 * Explore a scenario.
 *
 * @param scenario - The program and its judgement.
 * @param options - Strategy and budgets.
 * @returns What was found out.
 * @throws UsageError `BAD_OPTION` or `UNKNOWN_STRATEGY` if an option has a value it cannot have.
 */
export function search(scenario: Scenario, options: SearchOptions = {}): SearchResult {
  const division = new Division(mostExecutions(options));
  for (let task = division.next(); task !== null; task = division.next()) {
    division.ended(task.name, exploreLeg(scenario, options, task.leg));
  }
  return conclude(scenario, options, division.outcome as NonNullable<Division['outcome']>);
}
