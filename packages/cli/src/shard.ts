/** Splits the jobs of a run over machines that know nothing of each other. */
import { InvalidArgumentError } from 'commander';
import { type Job, jobKey, longestFirst } from './jobs.js';

/** One of several parts of a run. */
export interface ShardOf {
  /** Which one, from 1. */
  readonly index: number;
  /** How many there are. */
  readonly count: number;
}

/** One of several parts of a run, and what is in it. */
export interface Shard extends ShardOf {
  /** Indices of its jobs. */
  readonly jobs: readonly number[];
}

/** A shard such as `2/3`. */
export function shardOption(text: string): ShardOf {
  const [, index, count] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index !== undefined && count !== undefined && index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError('It must be i/n with i from 1 to n, such as 2/3.');
}

/** Folder of the results of a shard, in the folder of results. */
export function shardFolder({ index, count }: ShardOf): string {
  return `shard-${index}-of-${count}`;
}

/**
 * What a shard runs: each job, the longest first, goes to the shard that has least to do.
 *
 * @param jobs - All jobs.
 * @param seconds - What each took last time, by {@link jobKey}; the others count as an average one.
 * @param shard - Which part.
 */
export function shardOf(jobs: readonly Job[], seconds: ReadonlyMap<string, number>, shard: ShardOf): Shard {
  const known = jobs.flatMap((job) => seconds.get(jobKey(job)) ?? []);
  const average = known.length === 0 ? 1 : known.reduce((sum, one) => sum + one) / known.length;
  const weights = new Map(jobs.map((job) => [jobKey(job), seconds.get(jobKey(job)) ?? average]));
  const loads = new Array<number>(shard.count).fill(0);
  const mine: number[] = [];
  for (const index of longestFirst(jobs, weights)) {
    const least = loads.indexOf(Math.min(...loads));
    // A job that takes no measurable time is still a job.
    loads[least] = (loads[least] as number) + (weights.get(jobKey(jobs[index] as Job)) as number) + 0.001;
    if (least === shard.index - 1) mine.push(index);
  }
  return { ...shard, jobs: mine.sort((a, b) => a - b) };
}
