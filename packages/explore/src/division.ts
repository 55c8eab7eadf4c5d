/**
 * A search in legs. The exhaustive phase of a search that has not ended after {@link LEG} executions is divided, and so
 * is each part of it, and what its parts have left. When and where is decided by what was run, and by nothing else; so
 * the legs and their order are those of the check, and anybody may run them, as soon as those are known on which they
 * depend. What counts is decided in order: legs up to the first one that fails, and executions up to the budget.
 */
import type { IdentitySnapshot } from '@fsport/core';
import type { DporCheckpoint, DporReport } from './dpor/checkpoint.js';
import type { Violation } from './scenario.js';
import type { ScheduleStep } from './schedule.js';
import type { PhaseResult, StopReason } from './search-result.js';

/** Executions after which a leg ends. */
export const LEG = 4_096;
/** Number of planned steps that are given away at the end of a leg, about. */
export const PARTS = 16;

/** What a leg begins with, as plain data. */
export interface Leg {
  /** What is left to explore, `null` for the whole search. */
  readonly dpor: DporCheckpoint | null;
  /** What parts of it have found out since. */
  readonly joins: readonly DporReport[];
  /** Executions before it that count, as far as is known when it begins. */
  readonly spent: number;
}

/** A failing execution as it was found. */
export interface Failure {
  /** Its schedule. */
  readonly schedule: readonly ScheduleStep[];
  /** What is wrong with it. */
  readonly violations: readonly Violation[];
  /** Its ordinal in its leg, from 1. */
  readonly foundAt: number;
}

/** What a scenario remembers of a leg. */
export interface Memory {
  /** Identities of the leg. */
  readonly identity: IdentitySnapshot;
  /** The rest: what the scenario gave. */
  readonly content: unknown;
}

/** What a leg found out, as plain data. */
export interface LegEnd {
  /** Executions before it that count, as far as was known when it began. */
  readonly before: number;
  /** Why it ended; `null` if there is more to do: {@link parts}, and then {@link rest}. */
  readonly stopped: StopReason | 'crashed' | null;
  /** What each phase did. */
  readonly phases: readonly PhaseResult[];
  /** Number of steps of its longest execution. */
  readonly longest: number;
  /** Its first failure, `null` if there is none that has a schedule. */
  readonly failure: Failure | null;
  /** Distinct violations. */
  readonly violations: readonly Violation[];
  /** Distinct traces, if they were counted. */
  readonly traces: number | null;
  /** What the scenario remembers, `null` if nothing. */
  readonly memory: Memory | null;
  /** To be explored by others. */
  readonly parts: readonly DporCheckpoint[];
  /** What is left when they have reported. */
  readonly rest: DporCheckpoint | null;
  /** What to tell whom the leg is a part of, if there is nothing more to do. */
  readonly report: DporReport | null;
}

/** What all legs that count found out, as plain data. */
export interface Outcome {
  /** Why the last of them ended. */
  readonly stopped: StopReason | 'crashed';
  /** Its name. */
  readonly last: string;
  /** Executions of all. */
  readonly spent: number;
  /** What each phase did. */
  readonly phases: readonly PhaseResult[];
  /** Number of steps of the longest execution. */
  readonly longest: number;
  /** The first failure, with its ordinal in the search. */
  readonly failure: Failure | null;
  /** Distinct violations. */
  readonly violations: readonly Violation[];
  /** Distinct traces, if they were counted. */
  readonly traces: number | null;
  /** What the scenario remembers, in order. */
  readonly memories: readonly Memory[];
}

/** A leg that can be run. */
export interface Task {
  /** What it is called in its search. */
  readonly name: string;
  /** What it begins with. */
  readonly leg: Leg;
  /** Has it ended before, and did not count as it was? */
  readonly again: boolean;
}

/**
 * The end of a leg that was not told by itself.
 *
 * @param before - Executions before it, as far as was known when it began.
 */
export function crashed(before: number): LegEnd {
  return {
    ...{ before, stopped: 'crashed', phases: [], longest: 0, failure: null, violations: [], traces: null },
    ...{ memory: null, parts: [], rest: null, report: null },
  };
}

/** A leg and who waits for it. */
interface Entry {
  readonly name: string;
  readonly dpor: DporCheckpoint | null;
  /** Reports of the parts that it waits for, by their place. */
  readonly joins: (DporReport | null)[];
  /** The leg that waits for the report, and the place of this part there; `null` if nobody does. */
  readonly waiter: { readonly entry: Entry; readonly place: number } | null;
  begun: boolean;
  again: boolean;
  end: LegEnd | null;
}

const FRESH = { begun: false, again: false, end: null };

/** Knows what there is to run of a search, and what came of it. */
export class Division {
  readonly #maxExecutions: number;
  /** Legs from the first one that has not ended, in order. */
  readonly #entries: Entry[];
  readonly #phases: PhaseResult[] = [];
  readonly #memories: Memory[] = [];
  #spent = 0;
  #longest = 0;
  #outcome: Outcome | null = null;

  /** @param maxExecutions - Budget of executions. */
  constructor(maxExecutions: number) {
    this.#maxExecutions = maxExecutions;
    this.#entries = [{ name: '1', dpor: null, joins: [], waiter: null, ...FRESH }];
  }

  /** What was found out, `null` while something is missing. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Hand out the first leg that can be run and is not; `null` if there is none now. */
  next(): Task | null {
    if (this.#outcome !== null) return null;
    const entry = this.#entries.find(({ begun, joins }) => !begun && !joins.includes(null));
    if (entry === undefined) return null;
    entry.begun = true;
    const { name, dpor, again } = entry;
    return { name, leg: { dpor, joins: entry.joins as DporReport[], spent: this.#spent }, again };
  }

  /**
   * A leg has ended.
   *
   * @param name - Its name.
   * @param end - What it found out.
   */
  ended(name: string, end: LegEnd): void {
    const at = this.#entries.findIndex((entry) => entry.name === name);
    const entry = this.#entries[at];
    if (entry === undefined) return; // it does not count any more
    entry.end = end;
    if (end.report !== null && entry.waiter !== null)
      entry.waiter.entry.joins[entry.waiter.place] = end.report;
    if (end.rest !== null) this.#entries.splice(at + 1, 0, ...followers(entry, end.rest, end.parts));
    while (this.#outcome === null && this.#count()) this.#entries.shift();
  }

  /** Count the first leg, if it has ended. Returns whether it counts. */
  #count(): boolean {
    const [entry] = this.#entries as [Entry, ...Entry[]];
    const { end } = entry;
    if (end === null) return false;
    const executions = total(end.phases);
    const tooMany = end.stopped === 'executions' || this.#spent + executions > this.#maxExecutions;
    if ((tooMany || end.stopped === 'crashed') && end.before !== this.#spent) {
      // More was spent before it than was known when it began, and here it matters.
      Object.assign(entry, FRESH, { again: true });
      return false;
    }
    for (const phase of end.phases) add(this.#phases, phase, entry.dpor !== null);
    if (end.memory !== null) this.#memories.push(end.memory);
    this.#longest = Math.max(this.#longest, end.longest);
    const { failure, stopped } = end;
    const found = failure === null ? null : { ...failure, foundAt: this.#spent + failure.foundAt };
    this.#spent += executions;
    if (stopped === null || (entry.waiter !== null && !isFinal(stopped))) return true;
    this.#outcome = {
      stopped,
      last: entry.name,
      spent: this.#spent,
      phases: this.#phases,
      longest: this.#longest,
      failure: found,
      violations: end.violations,
      traces: end.traces,
      memories: this.#memories,
    };
    return true;
  }
}

/** Does nothing count that comes after a leg that ended for this reason? */
function isFinal(stopped: Outcome['stopped']): boolean {
  return ['violation', 'executions', 'time', 'crashed'].includes(stopped);
}

/** The parts of a leg, and then what is left of it. */
function followers({ name, waiter }: Entry, dpor: DporCheckpoint, parts: readonly DporCheckpoint[]): Entry[] {
  const [, path, round] = /^(.*?)(\d+)$/.exec(name) as unknown as [string, string, string];
  const joins = parts.map(() => null);
  const rest: Entry = { name: `${path}${Number(round) + 1}`, dpor, joins, waiter, ...FRESH };
  const own = parts.map((part, place): Entry => {
    const of = { name: `${name}.${place}-1`, dpor: part, joins: [] };
    return { ...of, waiter: { entry: rest, place }, ...FRESH };
  });
  return [...own, rest];
}

/** Executions of all phases. */
function total(phases: readonly PhaseResult[]): number {
  return phases.reduce((sum, phase) => sum + phase.executions + phase.blockedExecutions, 0);
}

/** Add what a phase did, to the last one if it goes on with that. */
function add(phases: PhaseResult[], phase: PhaseResult, goesOn: boolean): void {
  const last = goesOn ? phases.pop() : undefined;
  phases.push({
    phase: phase.phase,
    executions: (last?.executions ?? 0) + phase.executions,
    blockedExecutions: (last?.blockedExecutions ?? 0) + phase.blockedExecutions,
  });
}
