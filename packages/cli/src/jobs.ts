/** What a run consists of: one check on one filesystem as one profile each. */
import type { Check } from '@fsport/conformance';
import { Prng } from '@fsport/explore';
import type { Plugin } from './discovery.js';
import type { Selection } from './selection.js';

/** One check on one filesystem as one profile. */
export interface Job {
  /** The filesystem. */
  readonly plugin: Plugin;
  /** Its profile. */
  readonly profile: string;
  /** The check. */
  readonly check: Check;
}

/** The jobs of a selection in the order of the suite: by filesystem, profile, check. */
export function jobsOf({ filesystems }: Selection): readonly Job[] {
  return filesystems.flatMap(({ plugin, profiles, checks }) =>
    profiles.flatMap((profile) => checks.map((check) => ({ plugin, profile, check }))),
  );
}

/** The jobs in a random order that the seed decides. */
export function shuffled(jobs: readonly Job[], seed: number): readonly Job[] {
  const random = new Prng(seed);
  const left = [...jobs];
  for (let last = left.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [left[last], left[other]] = [left[other] as Job, left[last] as Job];
  }
  return left;
}

/** What a job is called where times are kept. */
export function jobKey({ plugin, profile, check }: Job): string {
  return `${plugin.fs.name} ${profile} ${check.id}`;
}

/**
 * In which order jobs are best started: the longest first, so that no worker is left with a long one at the end.
 *
 * @param jobs - The jobs.
 * @param seconds - What each took last time, by {@link jobKey}; jobs that are not there come first.
 * @returns Indices of the jobs.
 */
export function longestFirst(jobs: readonly Job[], seconds: ReadonlyMap<string, number>): readonly number[] {
  const took = jobs.map((job) => seconds.get(jobKey(job)) ?? Number.MAX_VALUE);
  return [...jobs.keys()].sort((a, b) => (took[b] as number) - (took[a] as number));
}
