/**
 * What there is to do of the jobs of a run, by whatever engine: whole checks first, then the legs of those that are
 * divided, and at last what these come to.
 */
import { executionsOf } from '@fsport/conformance';
import { crashed, Division, type Leg } from '@fsport/explore';
import type { Plugin } from './discovery.js';
import type { Ended, Listener } from './engine.js';
import type { Job } from './jobs.js';
import type { Thread } from './thread.js';
import type { LegEnded, Work, WorkEnd } from './work.js';

/** Where legs that have ended are kept until their check has. */
export interface KeptLegs {
  /** Keep one. */
  keep(work: Work, ended: LegEnded): void;
  /** Get one back, `null` if it is not there. */
  read(work: Work): LegEnded | null;
}

/** A job that has begun. */
interface Begun {
  readonly division: Division;
  /** Ends of the job that a leg is, if it counts: it was given up, or the filesystem threw. */
  readonly crashes: Map<string, Ended>;
  /** Executions of the legs that are running, by name. */
  readonly running: Map<string, number>;
  /** Aborted when no leg counts any more. */
  readonly over: AbortController;
  /** Executions and seconds of the legs that have ended. */
  executions: number;
  seconds: number;
}

/** Work of a run. */
export class Agenda {
  readonly #jobs: readonly Job[];
  /** Indices of the jobs that have not begun, the longest first. */
  readonly #longestFirst: number[];
  /** The same, in the order of the suite. */
  readonly #inOrder: number[];
  readonly #maxExecutions: number;
  readonly #kept: KeptLegs;
  readonly #listener: Listener;
  /** Jobs that have begun and not ended, in the order in which they did. */
  readonly #begun = new Map<Job, Begun>();
  /** The filesystems that threads are at. */
  readonly #at = new Map<Thread, Plugin>();

  /**
   * @param jobs - All jobs.
   * @param order - Indices of those to run, the longest first.
   * @param maxExecutions - Budget of each; less where its package declares a bound.
   * @param kept - Where legs are kept.
   * @param listener - Told how far the jobs are.
   */
  constructor(
    jobs: readonly Job[],
    order: readonly number[],
    maxExecutions: number,
    kept: KeptLegs,
    listener: Listener,
  ) {
    this.#jobs = jobs;
    this.#longestFirst = [...order];
    this.#inOrder = [...order].sort((a, b) => a - b);
    this.#maxExecutions = maxExecutions;
    this.#kept = kept;
    this.#listener = listener;
  }

  /**
   * Hand out something that can be done now, what has begun first; `null` if there is nothing.
   *
   * @param thread - Who asks for it. A thread stays with a filesystem as long as there is something to do of it, and goes on
   * with one that no other thread is at: V8 compiles a model for each thread anew, and best for objects of few kinds.
   * It takes what is there in the order of the suite, and not the longest first: what is compiled for one long search has
   * to be compiled again for the next one. Who helps another thread takes the longest.
   */
  next(thread?: Thread): Work | null {
    const longest = (): Work | null => this.#nextOf(this.#longestFirst, () => true);
    if (thread === undefined) return longest();
    const own = this.#at.get(thread);
    const taken = new Set(this.#at.values());
    const work =
      this.#nextOf(this.#inOrder, ({ plugin }) => plugin === own) ??
      this.#nextOf(this.#inOrder, ({ plugin }) => !taken.has(plugin)) ??
      longest();
    if (work !== null) this.#at.set(thread, work.job.plugin);
    return work;
  }

  #nextOf(waiting: readonly number[], fits: (job: Job) => boolean): Work | null {
    for (const [job, begun] of this.#begun) {
      const work = fits(job) ? this.#stepOf(job, begun) : null;
      if (work !== null) return work;
    }
    const index = waiting.find((one) => fits(this.#jobs[one] as Job));
    if (index === undefined) return null;
    for (const list of [this.#longestFirst, this.#inOrder]) list.splice(list.indexOf(index), 1);
    this.#begin(this.#jobs[index] as Job);
    return this.#nextOf(waiting, fits);
  }

  #begin(job: Job): void {
    const { plugin, profile, check } = job;
    this.#begun.set(job, {
      division: new Division(
        executionsOf({ profile, check, expected: plugin.expected }, this.#maxExecutions),
      ),
      crashes: new Map(),
      running: new Map(),
      over: new AbortController(),
      executions: 0,
      seconds: 0,
    });
  }

  /** Aborted when what a step finds out is of no use any more. */
  uselessness({ job, name }: Work): AbortSignal {
    const { over } = name === END ? { over: new AbortController() } : (this.#begun.get(job) as Begun);
    return over.signal;
  }

  /** A step is under way. */
  running({ job, name }: Work, executions: number, seconds: number): void {
    const begun = this.#begun.get(job);
    if (begun === undefined) return;
    begun.running.set(name, executions);
    const sum = [...begun.running.values()].reduce((total, one) => total + one, begun.executions);
    this.#listener.running(this.#jobs.indexOf(job), sum, begun.seconds + seconds);
  }

  /** A step has ended. */
  ended(work: Work, how: WorkEnd): void {
    if ('end' in how && this.#begun.has(work.job)) this.#kept.keep(work, how);
    this.#take(work, how);
  }

  #stepOf(job: Job, begun: Begun): Work | null {
    const { division, seconds } = begun;
    for (let task = division.next(); task !== null; task = division.next()) {
      const work: Work = { job, name: task.name, step: { what: task.leg, seconds } };
      const known = task.again ? null : this.#kept.read(work);
      if (known === null) {
        begun.running.set(task.name, 0);
        return work;
      }
      this.#take(work, known);
    }
    const { outcome } = division;
    if (outcome === null || begun.running.has(END)) return null;
    const crash = begun.crashes.get(outcome.last);
    if (crash !== undefined) {
      this.#end(job, crash);
      return null;
    }
    begun.running.set(END, 0);
    return { job, name: END, step: { what: outcome, seconds } };
  }

  #take({ job, name, step }: Work, how: WorkEnd): void {
    const begun = this.#begun.get(job);
    if (begun === undefined) return;
    begun.running.delete(name);
    const leg = step.what as Leg;
    // The first leg ends its check if nothing is left.
    if ('report' in how && (name === END || leg.dpor === null)) {
      this.#end(job, how);
      return;
    }
    if ('report' in how) begun.crashes.set(name, how);
    else {
      begun.seconds += how.seconds;
      for (const phase of how.end.phases) begun.executions += phase.executions + phase.blockedExecutions;
    }
    begun.division.ended(name, 'report' in how ? crashed(leg.spent) : how.end);
    if (begun.division.outcome !== null) begun.over.abort();
  }

  #end(job: Job, ended: Ended): void {
    this.#begun.delete(job);
    this.#listener.ended(this.#jobs.indexOf(job), ended);
  }
}

/** Name of the last step of a check that was divided. */
const END = 'end';
