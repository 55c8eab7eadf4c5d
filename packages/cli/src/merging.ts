/** Puts the results of shards together. */
import { join } from 'node:path';
import { CHECKS } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import type { Plugins } from './discovery.js';
import type { Job } from './jobs.js';
import { type Finished, type Journaled, readJournal } from './journal.js';
import { differenceOf, type Plan, planOf } from './plan.js';
import { JOURNAL } from './results.js';
import type { Shard } from './shard.js';

/** A run put together. */
export interface Merged {
  /** The plan of the whole run. */
  readonly plan: Plan;
  /** Its jobs. */
  readonly jobs: readonly Job[];
  /** Those that have come to their end. */
  readonly finished: readonly Finished[];
  /** Why a job has not. */
  readonly missing: (job: Job) => string;
}

interface Part extends Journaled {
  readonly folder: string;
  readonly shard: Shard;
}

/**
 * Put shards together.
 *
 * @param folders - Their folders.
 * @param plugins - The filesystems there are.
 * @throws UsageError `NO_RUN` if one has no results, `BAD_MERGE` if they do not belong together.
 */
export function mergeShards(folders: readonly string[], plugins: Plugins): Merged {
  const parts = folders.map(read) as [Part, ...Part[]];
  const [first] = parts;
  for (const part of parts) mustFit(part, first);
  mustNotOverlap(parts);
  const jobs = first.plan.jobs.map((key) => jobOf(key, plugins, first));
  const { budgets, bail, excluded } = first.plan;
  const plan = planOf(jobs, first.plan.run, { budgets, bail, excluded, shard: null });
  const difference = differenceOf(first.plan, plan);
  if (difference !== null) {
    throw bad(`${first.folder} was not made with what is installed here: ${difference}`, 'Use the same');
  }
  const missing = (job: Job): string => {
    const index = jobs.indexOf(job);
    const part = parts.find(({ shard }) => shard.jobs.includes(index));
    if (part !== undefined) return `shard ${part.shard.index} of ${part.shard.count} did not finish it`;
    return `no result of it: ${absent(parts)} missing`;
  };
  return { plan, jobs, finished: parts.flatMap(({ finished }) => finished), missing };
}

function read(folder: string): Part {
  const journal = readJournal(join(folder, JOURNAL));
  if (journal === null) {
    throw new UsageError(
      'NO_RUN',
      { path: folder },
      `${folder} holds no results. "fsport run --shard" writes them.`,
    );
  }
  const { shard } = journal.plan;
  if (shard === null)
    throw bad(`${folder} holds a whole run`, 'Name folders that "fsport run --shard" wrote');
  return { ...journal, folder, shard };
}

function mustFit({ folder, plan, shard }: Part, first: Part): void {
  const difference =
    shard.count === first.shard.count
      ? differenceOf(first.plan, plan)
      : `there were ${first.shard.count} shards and are ${shard.count}`;
  if (difference === null) return;
  throw bad(
    `${first.folder} and ${folder} are not of one run: ${difference}`,
    'Run the shards again, all alike',
  );
}

function mustNotOverlap(parts: readonly Part[]): void {
  const owners = new Map<number, Part>();
  const indices = new Map<number, Part>();
  for (const part of parts) {
    const same = indices.get(part.shard.index);
    if (same !== undefined)
      throw bad(`${same.folder} and ${part.folder} are the same shard`, 'Name each shard once');
    indices.set(part.shard.index, part);
    for (const index of part.shard.jobs) {
      const owner = owners.get(index);
      if (owner !== undefined) throw overlap(owner, part);
      owners.set(index, part);
    }
  }
}

function overlap({ folder }: Part, other: Part): UsageError {
  const what = `${folder} and ${other.folder} overlap: they were split by different times`;
  return bad(what, 'Give all shards the same results/latest/check.time, or none');
}

/** Which shards are missing, with a verb. */
function absent(parts: readonly Part[]): string {
  const [{ shard }] = parts as [Part, ...Part[]];
  const there = new Set(parts.map((part) => part.shard.index));
  const gone = Array.from({ length: shard.count }, (_, i) => i + 1).filter((index) => !there.has(index));
  if (gone.length === 0) return 'the shards were split by different times, and it is';
  return gone.length === 1
    ? `shard ${gone[0]} of ${shard.count} is`
    : `shards ${gone.join(', ')} of ${shard.count} are`;
}

function jobOf(key: string, plugins: Plugins, { folder }: Part): Job {
  const [fs = '', profile = '', id] = key.split(' ');
  const check = CHECKS.find((one) => one.id === id);
  if (check === undefined || !plugins.has(fs)) {
    const what = check === undefined ? `a check "${id}"` : `a filesystem "${fs}"`;
    throw bad(`${folder} has results of ${what}, which is not here`, 'Merge where the shards can be run');
  }
  return { plugin: plugins.get(fs), profile, check };
}

function bad(what: string, advice: string): UsageError {
  return new UsageError('BAD_MERGE', {}, `${what}. ${advice}.`);
}
