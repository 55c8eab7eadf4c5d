/** What is handed to a thread or a worker: a leg of a check, or the end of one whose legs are known. */
import type { Leg, LegEnd, Outcome } from '@fsport/explore';
import type { Ended } from './engine.js';
import { type Job, jobKey } from './jobs.js';

/** One thing to do. */
export interface Step {
  /** The leg to explore, or what all of them found out. */
  readonly what: Leg | Outcome;
  /** Seconds that the check took before it. */
  readonly seconds: number;
}

/** A step of a job. */
export interface Work {
  /** The job. */
  readonly job: Job;
  /** What the step is called in the job, different for each. */
  readonly name: string;
  /** The step. */
  readonly step: Step;
}

/** A leg that has ended, while its check has not. */
export interface LegEnded {
  /** What it found out. */
  readonly end: LegEnd;
  /** Wall-clock time. */
  readonly seconds: number;
}

/** How a step ended: the check has, too, or there is more to do. */
export type WorkEnd = Ended | LegEnded;

/** Is it a leg? */
export function isLeg(what: Leg | Outcome): what is Leg {
  return 'joins' in what;
}

/** What a step is called among those of all jobs. */
export function workKey({ job, name }: Work): string {
  return name === FIRST ? jobKey(job) : `${jobKey(job)} ${name}`;
}

/** Name of the first leg of every check; most checks have no other. */
export const FIRST = '1';
