/**
 * The search driver: runs executions of a scenario under a strategy until something fails, everything has
 * been seen, or a budget runs out.
 *
 * `auto` first runs one schedule twice, to see that nothing but the schedule matters; then enumerates traces
 * for a moment, which is enough for small scenarios; then samples, because enumeration is slow to its first
 * failure in large ones; then enumerates the rest. What it reports has been simplified and replayed.
 */
import { EventLog, Identity } from '@fsport/core';
import { Budget, positive } from './budget.js';
import { judgeOne, type Run, type RunOptions, runOne } from './run-one.js';
import type { Scenario, Violation } from './scenario.js';
import { type ScheduleStep, scheduleOf } from './schedule.js';
import type {
  Checkpoints,
  Phase,
  PhaseResult,
  SearchCheckpoint,
  SearchOptions,
  SearchResult,
  StopReason,
} from './search-result.js';
import { type Shrunk, shrink } from './shrink.js';
import { DeterminismStrategy } from './strategies/determinism.js';
import { DporStrategy } from './strategies/dpor.js';
import { STRATEGIES, type StrategyName, type StrategyOptions, strategyName } from './strategies/registry.js';
import type { Strategy } from './strategies/strategy.js';
import { TraceSet } from './trace-set.js';

/** Traces that `auto` enumerates before it samples. */
const GLANCE = 128;

/**
 * Explore a scenario.
 *
 * @param scenario - The program and its judgement.
 * @param options - Strategy and budgets.
 * @returns What was found out.
 * @throws UsageError `BAD_OPTION` or `UNKNOWN_STRATEGY` if an option has a value it cannot have.
 */
export function search(scenario: Scenario, options: SearchOptions = {}): SearchResult {
  return new Search(scenario, options).run();
}

/** The failing schedule was run again, and the failure did not show. */
const NOT_REPEATED: Violation = {
  property: 'nondeterminism',
  message: 'the failing schedule, run again, does not fail: the model depends on something else',
};

/** A failing execution as it was found. */
interface Failure {
  readonly schedule: readonly ScheduleStep[];
  readonly violations: readonly Violation[];
  readonly foundAt: number;
}

class Search {
  readonly #scenario: Scenario;
  readonly #options: SearchOptions;
  readonly #strategy: StrategyName;
  readonly #budget: Budget;
  readonly #maxSteps: number;
  readonly #stopAtFirst: boolean;
  /** Shared by all executions. */
  readonly #run: RunOptions;
  readonly #traces: TraceSet | null;
  readonly #checkpoints: Checkpoints | null;
  readonly #phases: PhaseResult[] = [];
  /** Distinct violations, by what they say. */
  readonly #violations = new Map<string, Violation>();
  #failure: Failure | null = null;
  #longest = 0;
  #exhaustive = false;

  constructor(scenario: Scenario, options: SearchOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#strategy = strategyName(options.strategy ?? 'auto');
    this.#maxSteps = positive('maxSteps', options.maxSteps ?? 5_000);
    const identity = new Identity(options.checkpoints?.from?.dpor.identity);
    this.#run = { identity, maxSteps: this.#maxSteps, events: new EventLog() };
    this.#budget = new Budget(options);
    this.#stopAtFirst = options.stopAtFirst ?? true;
    this.#traces = options.countTraces === true ? new TraceSet() : null;
    this.#checkpoints = this.#stopAtFirst && this.#traces === null ? (options.checkpoints ?? null) : null;
  }

  run(): SearchResult {
    const stopped = this.#explore();
    this.#judgeSearch();
    return this.#result(stopped, this.#simplify());
  }

  #explore(): StopReason {
    const from = this.#checkpoints?.from ?? null;
    if (from !== null) return this.#goOn(from);
    const { seed = 1, samples = 500, cutRetries = true } = this.#options;
    const preemptions = positive('preemptions', this.#options.preemptions ?? 2, 0);
    const depth = positive('depth', this.#options.depth ?? 3);
    const options = { seed, cutRetries, preemptions, depth };
    const name = this.#strategy;
    if (name === 'auto') return this.#auto(options, positive('samples', samples, 0));
    const strategy = STRATEGIES[name](options);
    if (strategy instanceof DeterminismStrategy) return this.#twice(strategy, Number.POSITIVE_INFINITY);
    return this.#phase(name, strategy);
  }

  #auto(options: StrategyOptions, samples: number): StopReason {
    let stopped = this.#twice(STRATEGIES.determinism(), 2);
    if (stopped !== 'samples') return stopped;
    const dpor = STRATEGIES.dpor(options);
    stopped = this.#phase('dpor', dpor, GLANCE);
    if (stopped !== 'samples') return stopped;
    stopped = this.#phase('pos', STRATEGIES.pos(options), samples);
    if (stopped !== 'samples') return stopped;
    return this.#phase('dpor', dpor);
  }

  #goOn({ dpor, phases, phase, spent, longest, memory }: SearchCheckpoint): StopReason {
    this.#phases.push(...phases);
    this.#budget.spent = spent;
    this.#longest = longest;
    this.#scenario.recall?.(memory);
    return this.#phase(phase.phase, DporStrategy.restore(dpor), Number.POSITIVE_INFINITY, phase);
  }

  #save(strategy: Strategy, phase: PhaseResult): void {
    if (!(strategy instanceof DporStrategy) || this.#checkpoints?.due() !== true) return;
    this.#checkpoints.save({
      dpor: strategy.checkpoint(this.#run.identity),
      phases: this.#phases,
      phase,
      spent: this.#budget.spent,
      longest: this.#longest,
      memory: this.#scenario.memory?.(),
    });
  }

  #twice(strategy: DeterminismStrategy, limit: number): StopReason {
    const stopped = this.#phase('determinism', strategy, limit);
    if (strategy.difference === null) return stopped;
    const { event, first, second } = strategy.difference;
    const violation: Violation = {
      property: 'nondeterminism',
      message: `the same schedule, run twice, differs at step ${event + 1}: the model depends on something else`,
      because: [`first:  ${first}`, `second: ${second}`],
      at: event,
    };
    this.#violations.clear();
    this.#violations.set('nondeterminism', violation);
    this.#failure = null;
    this.#exhaustive = false;
    return 'violation';
  }

  /** Run executions of a strategy until it or a budget ends, something fails, or there were enough. */
  #phase(
    phase: Phase,
    strategy: Strategy,
    limit = Number.POSITIVE_INFINITY,
    before: Omit<PhaseResult, 'phase'> = { executions: 0, blockedExecutions: 0 },
  ): StopReason {
    let { executions, blockedExecutions } = before;
    let stopped: StopReason | null = null;
    const share = (): number | null => strategy.share ?? null;
    while (stopped === null) {
      if (executions + blockedExecutions >= limit) stopped = 'samples';
      else if (!strategy.newExecution()) {
        this.#exhaustive = strategy.exhaustive;
        stopped = strategy.exhaustive ? 'exhausted' : strategy.bounded === true ? 'bound' : 'unfair';
      } else {
        stopped = this.#budget.exceeded();
        if (stopped !== null) break;
        const run = this.#one(strategy);
        if (run.ending.kind === 'abandoned') blockedExecutions++;
        else {
          executions++;
          if (this.#judge(run) && this.#stopAtFirst) stopped = 'violation';
        }
        this.#budget.spend(phase, share);
        if (stopped === null && limit === Number.POSITIVE_INFINITY) {
          this.#save(strategy, { phase, executions, blockedExecutions });
        }
      }
    }
    this.#phases.push({ phase, executions, blockedExecutions });
    return stopped;
  }

  #one(strategy: Strategy): Run {
    const run = runOne(this.#scenario, strategy, this.#run);
    strategy.executed(run.execution, run.ending);
    return run;
  }

  /** Judge an execution. Returns whether anything is wrong with it. */
  #judge(run: Run): boolean {
    const { execution } = run;
    const steps = execution.events.count;
    if (steps > this.#longest) this.#longest = steps;
    this.#traces?.add(execution);
    const violations = judgeOne(this.#scenario, run);
    if (violations.length === 0) return false;
    for (const violation of violations) this.#collect(violation);
    this.#failure ??= { schedule: scheduleOf(execution), violations, foundAt: this.#budget.spent + 1 };
    return true;
  }

  #simplify(): Shrunk | null {
    const failure = this.#failure;
    if (failure === null) return null;
    const property = (failure.violations[0] as Violation).property;
    const plain = this.#stopAtFirst ? this.#options.shrink === false : true;
    return shrink(this.#scenario, failure.schedule, property, {
      maxSteps: this.#maxSteps,
      budget: this.#budget,
      plain,
    });
  }

  /** What the search as a whole shows; a failure that has a schedule says more. */
  #judgeSearch(): void {
    if (this.#stopAtFirst && this.#violations.size > 0) return;
    for (const violation of this.#scenario.judgeSearch?.() ?? []) this.#collect(violation);
  }

  #collect(violation: Violation): void {
    const key = `${violation.property}\n${violation.message}`;
    if (!this.#violations.has(key)) this.#violations.set(key, violation);
  }

  #result(stopped: StopReason, shrunk: Shrunk | null): SearchResult {
    if (this.#failure !== null && shrunk === null) this.#collect(NOT_REPEATED);
    const violations =
      this.#stopAtFirst && shrunk !== null ? shrunk.violations : [...this.#violations.values()];
    const failed = violations.length > 0;
    const sum = (count: (phase: PhaseResult) => number): number =>
      this.#phases.reduce((total, phase) => total + count(phase), 0);
    return {
      verdict: failed ? 'fail' : this.#exhaustive ? 'pass' : 'unknown',
      exhaustive: this.#exhaustive,
      stopped,
      executions: sum((phase) => phase.executions),
      blockedExecutions: sum((phase) => phase.blockedExecutions),
      shrinkExecutions: this.#budget.shrinking,
      phases: this.#phases,
      ...(this.#traces === null ? {} : { traces: this.#traces.size }),
      violations,
      foundAt: this.#failure?.foundAt ?? 0,
      preemptions: shrunk?.preemptions ?? -1,
      token: shrunk?.token ?? null,
      tasks: shrunk?.tasks ?? this.#scenario.letters,
      longest: this.#longest,
    };
  }
}
