/** What a search may do, and what it found out. The driver is in `search.ts`. */
import type { DporCheckpoint } from './dpor/checkpoint.js';
import type { Violation } from './scenario.js';
import type { StrategyName } from './strategies/registry.js';

/** What is known after a search. `pass` is earned by finishing; a budget that runs out is `unknown`. */
export type Verdict = 'pass' | 'fail' | 'unknown';

/** What a search is doing, for progress reports. */
export type Phase = Exclude<StrategyName, 'auto'> | 'shrink';

/** Where a search is. */
export interface Progress {
  /** Executions so far, including those given up as repetitions and those of the shrinker. */
  readonly executions: number;
  /** What it is doing. */
  readonly phase: Phase;
  /**
   * Estimate of the share of the space that this phase has seen, from 0 to 1; `null` if it explores no bounded space.
   * It assumes that what is planned now is all there is, so it is too high at first, and it can go back.
   */
  readonly share: number | null;
  /** Executions per second of {@link SearchOptions.now}; `null` without that clock. */
  readonly executionsPerSecond: number | null;
}

/** Why a search ended. */
export type StopReason =
  /** A violation was found and the search was to stop at the first. */
  | 'violation'
  /** There was nothing left to explore. */
  | 'exhausted'
  /** The strategy's own number of samples was reached. */
  | 'samples'
  /** The budget of executions was used up. */
  | 'executions'
  /** The deadline passed. */
  | 'time'
  /** Everything within the bound on preemptions was seen. */
  | 'bound'
  /** Everything was seen, but for executions in which a task that polls keeps others from running. */
  | 'unfair';

/** A leg of a search as plain data, between two executions. */
export interface SearchCheckpoint {
  /** What is left to explore. */
  readonly dpor: DporCheckpoint;
  /** The phases that have ended. */
  readonly phases: readonly PhaseResult[];
  /** The phase that has not. */
  readonly phase: PhaseResult;
  /** Executions so far. */
  readonly spent: number;
  /** Number of steps of the longest one. */
  readonly longest: number;
  /** What the scenario remembers. */
  readonly memory: unknown;
}

/**
 * How the exhaustive phase of a leg is kept, so that it can go on in another process; nothing else takes long. It goes
 * on with the same options, on the same code, to the same result.
 */
export interface Checkpoints {
  /** Where to go on, `null` to begin. */
  readonly from: SearchCheckpoint | null;
  /** Asked after each execution whether it is time. */
  readonly due: () => boolean;
  /** Keeps one. */
  readonly save: (checkpoint: SearchCheckpoint) => void;
}

/** What a search may do, and how it reports. */
export interface SearchOptions {
  /** Default `auto`. */
  readonly strategy?: StrategyName;
  /** Budget of executions, counting those given up as repetitions. Exact. Default 1,000,000. */
  readonly maxExecutions?: number;
  /** Steps after which one execution counts as a livelock. Default 5,000. */
  readonly maxSteps?: number;
  /** Number of executions that `auto` samples before it enumerates. Default 500. */
  readonly samples?: number;
  /** Seed of the sampling strategies. Default 1. */
  readonly seed?: number;
  /** Most preemptions in one execution, for `bounded`. Default 2. */
  readonly preemptions?: number;
  /** Number of ordered steps that a bug may need, for `pct`. Default 3. */
  readonly depth?: number;
  /**
   * Leave out executions in which a task makes an attempt that comes to nothing and leaves no mark, see `retry()`:
   * they end like others. Default `true`.
   */
  readonly cutRetries?: boolean;
  /** Executions of an exhaustive phase after which what is left of it is divided. Default 4,096. */
  readonly leg?: number;
  /** Clock in milliseconds, for {@link deadline} and for speed; without it there is neither. */
  readonly now?: () => number;
  /** Value of {@link now} at which to stop. */
  readonly deadline?: number;
  /** Stop at the first violation (default), or collect every distinct one over the whole space. */
  readonly stopAtFirst?: boolean;
  /** Simplify the first failure. Default `true`; only with {@link stopAtFirst}. */
  readonly shrink?: boolean;
  /** Count distinct Mazurkiewicz traces of complete executions. Default `false`: it costs time. */
  readonly countTraces?: boolean;
  /** Called every {@link progressEvery} executions. */
  readonly onProgress?: (progress: Progress) => void;
  /** Executions between two calls of {@link onProgress}: a power of two. Default 1,024. */
  readonly progressEvery?: number;
}

/** What one phase of a search did. */
export interface PhaseResult {
  /** The phase. */
  readonly phase: Phase;
  /** Complete executions. */
  readonly executions: number;
  /** Executions given up because they would have repeated known ones. */
  readonly blockedExecutions: number;
}

/** What a search found out. */
export interface SearchResult {
  /** `pass` only if the whole space was explored without a violation. */
  readonly verdict: Verdict;
  /** Was every Mazurkiewicz trace explored? */
  readonly exhaustive: boolean;
  /** Why it ended. */
  readonly stopped: StopReason;
  /** Complete executions of all phases but the shrinker. */
  readonly executions: number;
  /** Executions given up because they would have repeated known ones. */
  readonly blockedExecutions: number;
  /** Executions that the shrinker needed on top. */
  readonly shrinkExecutions: number;
  /** What each phase did, in order. */
  readonly phases: readonly PhaseResult[];
  /** Distinct traces among the complete executions, if they were counted. */
  readonly traces?: number;
  /** The first failure after shrinking, or all distinct ones; empty unless the verdict is `fail`. */
  readonly violations: readonly Violation[];
  /** Ordinal of the execution that failed first, from 1; `0` if none did. */
  readonly foundAt: number;
  /** Switches away from a task that could have gone on, in the reported schedule; `-1` without one. */
  readonly preemptions: number;
  /** The reported schedule, or `null` without one. */
  readonly token: string | null;
  /** Letters of the root tasks of the reported schedule; all of them without one. */
  readonly tasks: readonly string[];
  /** Names of what is left out of the scenario of the reported schedule. */
  readonly cuts: readonly string[];
  /** Number of steps of the longest execution. */
  readonly longest: number;
}
