/**
 * The engine that puts jobs on a queue and collects what workers make of them. It runs no job itself.
 *
 * A job stays in the queue, whatever happens to its worker, until what it found is in the journal. So it may run twice,
 * with the same result, and is told once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job as BullJob } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Ended, Engine, Listener } from '../engine.js';
import { type Job, jobKey } from '../jobs.js';
import type { Plan } from '../plan.js';
import { unfinished } from '../pool.js';
import { offer, type QueuedEnd, type QueuedJob, refusals } from './offer.js';
import type { Connection } from './redis.js';
import { queueOf, type RunQueue, withdraw } from './run-queue.js';

const POLL_MS = 100;
/** Polls between two looks at the workers. */
const LOOK_EVERY = 10;
/** Looks without a worker before the user is told. */
const PATIENCE = 3;
/** Results that are taken at once. */
const BATCH = 50;

/**
 * The engine that runs jobs on a queue.
 *
 * @param connection - Where the queue is.
 * @param plan - The plan of the run.
 */
export function queueEngine(connection: Connection, plan: Plan): Engine {
  return async (jobs, order, listener, stop) => {
    const coordinator = new Coordinator(connection, plan, jobs, order, listener);
    const ended = AbortSignal.any([stop, connection.ended]);
    try {
      await coordinator.run(ended);
      if (!connection.ended.aborted) await withdraw(connection.redis, plan.run);
    } catch (error) {
      throw connection.explained(error);
    }
    if (connection.ended.aborted) throw connection.lost();
  };
}

type QueueJob = BullJob<QueuedJob, QueuedEnd, string>;

class Coordinator {
  readonly #redis: Redis;
  readonly #plan: Plan;
  readonly #where: string;
  readonly #queue: RunQueue;
  readonly #jobs: readonly Job[];
  readonly #listener: Listener;
  /** Indices of jobs of which nothing is known yet, by name, in the order in which they are started. */
  readonly #open: Map<string, number>;
  readonly #refused = new Set<string>();
  #looksAlone = 0;

  constructor(
    { redis, where }: Connection,
    plan: Plan,
    jobs: readonly Job[],
    order: readonly number[],
    listener: Listener,
  ) {
    this.#redis = redis;
    this.#plan = plan;
    this.#where = where;
    this.#queue = queueOf(redis, plan.run);
    this.#jobs = jobs;
    this.#listener = listener;
    this.#open = new Map(order.map((index) => [jobKey(jobs[index] as Job), index]));
  }

  async run(ended: AbortSignal): Promise<void> {
    // What a worker broke in an earlier call is tried again.
    await Promise.all((await this.#queue.getFailed()).map((job) => job.remove()));
    await this.#fill();
    for (let poll = 0; this.#open.size > 0 && !ended.aborted; poll++) {
      const taken = await this.#collect();
      if (poll % LOOK_EVERY === LOOK_EVERY - 1) await this.#look();
      if (taken === 0) await sleep(POLL_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  }

  /** Put all open jobs on the queue; those that are there already stay as they are. */
  async #fill(): Promise<void> {
    await this.#queue.addBulk(
      [...this.#open].map(([name, index]) => {
        const { plugin, profile, check } = this.#jobs[index] as Job;
        const data = { fs: plugin.fs.name, profile, check: check.id };
        return { name, data, opts: { jobId: `${this.#plan.run} ${name}` } };
      }),
    );
    await offer(this.#redis, this.#plan);
  }

  /** Take results from the queue. */
  async #collect(): Promise<number> {
    const done = await this.#queue.getJobs(['completed', 'failed'], 0, BATCH - 1, true);
    for (const job of done) this.#take(job);
    await Promise.all(done.map((job) => job.remove()));
    return done.length;
  }

  #take(job: QueueJob): void {
    const index = this.#open.get(job.name);
    if (index === undefined) return; // known from the journal
    this.#open.delete(job.name);
    this.#listener.ended(index, this.#endOf(index, job));
  }

  #endOf(index: number, { name, returnvalue, failedReason }: QueueJob): Ended {
    if (failedReason !== undefined && failedReason !== '') {
      const report = unfinished(this.#jobs[index] as Job, `internal error: ${failedReason}`);
      return { report, seconds: null, broken: new Error(`${name}: ${failedReason}`) };
    }
    const { report, seconds, broken } = returnvalue;
    const error = broken === null ? null : Object.assign(new Error(broken.message), { stack: broken.stack });
    return { report, seconds, broken: error };
  }

  /** See that the run is still offered, that no job was lost, and who works on it. */
  async #look(): Promise<void> {
    const counts = await this.#queue.getJobCounts();
    const there = Object.values(counts).reduce((sum, count) => sum + count, 0);
    // A server that lost its memory: jobs only ever leave the queue through here.
    if (there < this.#open.size) await this.#fill();
    else await offer(this.#redis, this.#plan);
    for (const [worker, why] of Object.entries(await refusals(this.#redis, this.#plan.run))) {
      if (this.#refused.has(worker)) continue;
      this.#refused.add(worker);
      process.stderr.write(`fsport: worker ${worker} does not take part: ${why}\n`);
    }
    for (const { name, progress } of await this.#queue.getActive()) this.#progress(name, progress);
    this.#looksAlone = (await this.#queue.getWorkersCount()) === 0 ? this.#looksAlone + 1 : 0;
    if (this.#looksAlone !== PATIENCE) return;
    process.stderr.write(
      `fsport: no worker is connected; start one with: fsport worker --redis ${this.#where}\n`,
    );
  }

  #progress(name: string, progress: unknown): void {
    const index = this.#open.get(name);
    const { executions, seconds } = progress as { executions?: number; seconds?: number };
    if (index === undefined || executions === undefined || seconds === undefined) return;
    this.#listener.running(index, executions, seconds);
  }
}
