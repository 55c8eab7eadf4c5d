/**
 * One leg of a search: runs executions of a scenario under a strategy until something fails, everything has been seen,
 * a budget runs out, or it is time to divide what is left.
 *
 * `auto` first runs one schedule twice, to see that nothing but the schedule matters; then enumerates traces
 * for a moment, which is enough for small scenarios; then samples, because enumeration is slow to its first
 * failure in large ones; then enumerates the rest.
 */
import { EventLog, Identity, type Scheduler } from '@fsport/core';
import { Budget, positive } from './budget.js';
import { type Failure, LEG, type Leg, type LegEnd, PARTS } from './division.js';
import { judgeOne, type Run, type RunOptions, runOne } from './run-one.js';
import type { Scenario, Violation } from './scenario.js';
import { scheduleOf } from './schedule.js';
import type {
  Checkpoints,
  Phase,
  PhaseResult,
  SearchCheckpoint,
  SearchOptions,
  StopReason,
} from './search-result.js';
import { DeterminismStrategy } from './strategies/determinism.js';
import { DporStrategy } from './strategies/dpor.js';
import { STRATEGIES, type StrategyName, type StrategyOptions, strategyName } from './strategies/registry.js';
import type { Strategy } from './strategies/strategy.js';
import { TraceSet } from './trace-set.js';

/** Traces that `auto` enumerates before it samples. */
const GLANCE = 1024;

const NOTHING = { executions: 0, blockedExecutions: 0 };

/**
 * Explore a leg.
 *
 * @param scenario - The program and its judgement.
 * @param options - Strategy and budgets.
 * @param leg - What it begins with.
 * @param checkpoints - How it is kept, `null` if it is not.
 * @returns What was found out.
 * @throws UsageError `BAD_OPTION` or `UNKNOWN_STRATEGY` if an option has a value it cannot have.
 */
export function exploreLeg(
  scenario: Scenario,
  options: SearchOptions,
  leg: Leg,
  checkpoints: Checkpoints | null = null,
): LegEnd {
  return new Explorer(scenario, options, leg, checkpoints).run();
}

/** What makes a violation a distinct one. */
export function keyOf({ property, message }: Violation): string {
  return `${property}\n${message}`;
}

class Explorer {
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
  readonly #leg: Leg;
  /** Executions of a reduced search in one leg. */
  readonly #most: number;
  #dpor: DporStrategy | null = null;
  #failure: Failure | null = null;
  #longest = 0;

  constructor(scenario: Scenario, options: SearchOptions, leg: Leg, checkpoints: Checkpoints | null) {
    this.#scenario = scenario;
    this.#options = options;
    this.#leg = leg;
    this.#strategy = strategyName(options.strategy ?? 'auto');
    this.#maxSteps = positive('maxSteps', options.maxSteps ?? 5_000);
    this.#budget = new Budget(options, leg.spent);
    this.#stopAtFirst = options.stopAtFirst ?? true;
    this.#traces = options.countTraces === true ? new TraceSet() : null;
    const divides = this.#stopAtFirst && this.#traces === null;
    this.#checkpoints = divides ? checkpoints : null;
    const most = positive('leg', options.leg ?? LEG);
    this.#most = divides ? most : Number.POSITIVE_INFINITY;
    const from = this.#checkpoints?.from?.dpor ?? leg.dpor;
    const identity = new Identity(from?.identity);
    this.#run = { identity, maxSteps: this.#maxSteps, events: new EventLog() };
  }

  run(): LegEnd {
    this.#scenario.recall?.([]);
    const stopped = this.#explore();
    const { identity } = this.#run;
    const dpor = this.#dpor;
    const divided = stopped === 'samples' && dpor !== null;
    const run = (scheduler: Scheduler): Run => runOne(this.#scenario, scheduler, this.#run);
    const memory = { identity: identity.snapshot(), content: this.#scenario.memory?.() };
    const parts = divided ? dpor.split(PARTS, identity, run) : [];
    return {
      before: this.#leg.spent,
      stopped: divided ? null : stopped,
      phases: this.#phases,
      longest: this.#longest,
      failure: this.#failure,
      violations: [...this.#violations.values()],
      traces: this.#traces?.size ?? null,
      memory,
      parts,
      rest: divided ? dpor.checkpoint(identity) : null,
      report: divided ? null : (dpor?.report() ?? null),
    };
  }

  #explore(): StopReason {
    const from = this.#checkpoints?.from ?? null;
    if (from !== null) return this.#goOn(from);
    const { dpor, joins } = this.#leg;
    if (dpor !== null) {
      const strategy = DporStrategy.restore(dpor);
      for (const report of joins) strategy.join(report);
      return this.#exhaust(this.#strategy === 'auto' ? 'dpor' : this.#strategy, strategy);
    }
    const { seed = 1, samples = 500, cutRetries = true } = this.#options;
    const preemptions = positive('preemptions', this.#options.preemptions ?? 2, 0);
    const depth = positive('depth', this.#options.depth ?? 3);
    const options = { seed, cutRetries, preemptions, depth };
    const name = this.#strategy;
    if (name === 'auto') return this.#auto(options, positive('samples', samples, 0));
    const strategy = STRATEGIES[name](options);
    if (strategy instanceof DeterminismStrategy) return this.#twice(strategy, Number.POSITIVE_INFINITY);
    return this.#exhaust(name, strategy);
  }

  #auto(options: StrategyOptions, samples: number): StopReason {
    let stopped = this.#twice(STRATEGIES.determinism(), 2);
    if (stopped !== 'samples') return stopped;
    const dpor = STRATEGIES.dpor(options);
    stopped = this.#phase('dpor', dpor, GLANCE);
    if (stopped !== 'samples') return stopped;
    stopped = this.#phase('pos', STRATEGIES.pos(options), samples);
    if (stopped !== 'samples') return stopped;
    return this.#exhaust('dpor', dpor);
  }

  #goOn({ dpor, phases, phase, spent, longest, memory }: SearchCheckpoint): StopReason {
    this.#phases.push(...phases);
    this.#budget.spent = spent;
    this.#longest = longest;
    this.#scenario.recall?.([{ content: memory, objectId: (id) => id }]);
    return this.#exhaust(phase.phase, DporStrategy.restore(dpor), phase);
  }

  /** Run executions of a strategy to its end; a reduced search is kept now and then, and divided after a while. */
  #exhaust(phase: Phase, strategy: Strategy, before?: PhaseResult): StopReason {
    if (!(strategy instanceof DporStrategy)) return this.#phase(phase, strategy, Number.POSITIVE_INFINITY);
    this.#dpor = strategy;
    return this.#phase(phase, strategy, this.#most, before);
  }

  #save(dpor: DporStrategy, phase: PhaseResult): void {
    if (this.#checkpoints?.due() !== true) return;
    this.#checkpoints.save({
      dpor: dpor.checkpoint(this.#run.identity),
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
    return 'violation';
  }

  /** Run executions of a strategy until it or a budget ends, something fails, or there were enough. */
  #phase(
    phase: Phase,
    strategy: Strategy,
    limit: number,
    before: Omit<PhaseResult, 'phase'> = NOTHING,
  ): StopReason {
    let { executions, blockedExecutions } = before;
    const dpor = this.#dpor;
    let stopped: StopReason | null = null;
    const share = (): number | null => strategy.share ?? null;
    while (stopped === null) {
      if (executions + blockedExecutions >= limit) stopped = 'samples';
      else if (!strategy.newExecution()) {
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
        if (stopped === null && dpor !== null) this.#save(dpor, { phase, executions, blockedExecutions });
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

  #collect(violation: Violation): void {
    const key = keyOf(violation);
    if (!this.#violations.has(key)) this.#violations.set(key, violation);
  }
}
