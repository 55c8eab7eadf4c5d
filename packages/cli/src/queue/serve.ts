/**
 * A worker: takes jobs of the runs that are offered on a Redis server and runs them in threads of this process, one run
 * after the other, the oldest first.
 *
 * The lock of a job is short and renewed all the time; if that stops, because the worker or its machine died, the other
 * workers put the job back in the queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CHECKS, type Check } from '@fsport/conformance';
import { type Job as BullJob, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Plugins } from '../discovery.js';
import { identityOf, versions } from '../identity.js';
import { installedDifference, pluginDifference } from '../plan.js';
import { startThreads, type Thread } from '../thread.js';
import { type Work, type WorkEnd, workKey } from '../work.js';
import { KeptSearches } from './kept-searches.js';
import {
  isOffered,
  type Offer,
  offers,
  processName,
  type QueuedEnd,
  type QueuedJob,
  refuse,
} from './offer.js';
import type { Connection } from './redis.js';
import { queueOf, queueOptions, type RunQueue, withdraw } from './run-queue.js';

const POLL_MS = 500;
/** Polls without anything to do before a worker looks for another run. */
const PATIENCE = 6;
const LOCKS = {
  lockDuration: 5_000,
  lockRenewTime: 1_000,
  stalledInterval: 2_000,
  /** How many workers a job may take down before it is reported as the cause. */
  maxStalledCount: 10,
} as const;

/** How a worker works. */
export interface ServeOptions {
  /** Number of threads. */
  readonly threads: number;
  /** Ends it; what it was doing goes back to the queue. */
  readonly stop: AbortSignal;
  /** Told what it does. */
  readonly note: (text: string) => void;
}

/**
 * Work until stopped.
 *
 * @param connection - Where runs are offered.
 * @param plugins - The filesystems there are.
 * @param options - How.
 * @throws UsageError `NO_REDIS` if the connection is lost.
 */
export async function serve(connection: Connection, plugins: Plugins, options: ServeOptions): Promise<void> {
  const { redis, ended } = connection;
  const stop = AbortSignal.any([options.stop, ended]);
  const declined = new Set<string>();
  options.note(`worker ${processName()} waits for runs`);
  try {
    while (!stop.aborted) {
      const run = await nextRun(redis, declined);
      if (run === null) {
        await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
        continue;
      }
      const why = misfit(run, plugins);
      if (why === null) {
        options.note(`works on run ${run.run}`);
        await attend(redis, run, plugins, { ...options, stop });
      } else {
        declined.add(run.run);
        await refuse(redis, run.run, why);
        options.note(`cannot take part in run ${run.run}: ${why}`);
      }
    }
  } catch (error) {
    throw connection.explained(error);
  }
  if (ended.aborted) throw connection.lost();
}

/** The oldest run that has something to do, `null` if none has. */
async function nextRun(redis: Redis, declined: ReadonlySet<string>): Promise<Offer | null> {
  for (const [run, one] of await offers(redis)) {
    if (one === null) await withdraw(redis, run); // nobody will ever ask for its results
    if (one === null || declined.has(run)) continue;
    const queue = queueOf(redis, run);
    const open = await openJobs(queue);
    await queue.close();
    if (open > 0) return one;
  }
  return null;
}

function openJobs(queue: RunQueue): Promise<number> {
  return queue.getJobCountByTypes('wait', 'active');
}

/** Why this process cannot run the jobs of a run, `null` if it can. */
function misfit({ format, versions: theirs, plugins: wanted }: Offer, plugins: Plugins): string | null {
  if (format !== 1) return `this fsport is ${versions().fsport}, which does not know format ${format}`;
  const ours = Object.fromEntries(plugins.all().map((plugin) => [plugin.fs.name, identityOf(plugin)]));
  return installedDifference(theirs, versions()) ?? pluginDifference(wanted, ours);
}

/** Work on a run until it has nothing to do any more. */
async function attend(
  redis: Redis,
  { run, budgets }: Offer,
  plugins: Plugins,
  { threads: count, stop, note }: ServeOptions,
): Promise<void> {
  const over = new AbortController();
  const kept = new KeptSearches(redis, run);
  const threads = startThreads(count, budgets, (work) => kept.pathOf(workKey(work)));
  const idle = [...threads];
  const handle = async (job: BullJob<QueuedJob, QueuedEnd>, token?: string): Promise<QueuedEnd> => {
    const { fs, profile, check: id, name, step } = job.data;
    const check = CHECKS.find((one) => one.id === id) as Check;
    const tell = (executions: number, seconds: number): void => {
      job.updateProgress({ executions, seconds }).catch(() => undefined);
      kept.send(job.name).catch(() => undefined);
    };
    await kept.fetch(job.name);
    const work: Work = { job: { plugin: plugins.get(fs), profile, check }, name, step };
    const thread = idle.pop() as Thread;
    const ended = await thread.run(work, tell, [over.signal]);
    idle.push(thread);
    if (ended !== null) {
      await kept.forget(job.name);
      return queued(ended);
    }
    await kept.send(job.name);
    // Given back, so that nobody has to wait for the lock to run out.
    await job.moveToWait(token);
    throw new WaitingError();
  };
  const worker = new Worker<QueuedJob, QueuedEnd>(run, handle, {
    ...queueOptions(redis),
    name: processName(),
    concurrency: count,
    ...LOCKS,
  });
  const noted = new Set<string>();
  worker.on('error', ({ message }) => {
    if (!noted.has(message)) note(message);
    noted.add(message);
  });
  const queue = queueOf(redis, run);
  try {
    // What comes next may depend on what has just been found out.
    for (let idle = 0; idle < PATIENCE && !stop.aborted && (await isOffered(redis, run)); ) {
      idle = (await openJobs(queue)) > 0 ? 0 : idle + 1;
      await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    over.abort();
    // A connection that is lost would be waited for.
    await worker.close(redis.status === 'end');
    // A worker that looks for stalled jobs writes to a queue that may have been removed meanwhile.
    if (redis.status === 'ready' && !(await isOffered(redis, run))) await queue.obliterate({ force: true });
    await queue.close();
    await Promise.all(threads.map((thread) => thread.close()));
    kept.close();
  }
}

function queued(ended: WorkEnd): QueuedEnd {
  if ('end' in ended) return ended;
  const { broken } = ended;
  const error = broken === null ? null : { message: broken.message, stack: broken.stack ?? broken.message };
  return { ...ended, broken: error };
}
