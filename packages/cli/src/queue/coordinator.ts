/**
 * The engine that puts jobs on a queue and collects what workers make of them. It runs no job itself.
 *
 * A job stays in the queue, whatever happens to its worker, until what it found is in the journal. So it may run twice,
 * with the same result, and is told once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job as BullJob } from 'bullmq';
import type { Redis } from 'ioredis';
import { Agenda, type KeptLegs } from '../agenda.js';
import type { Engine } from '../engine.js';
import type { Plan } from '../plan.js';
import { unfinished } from '../thread.js';
import { FIRST, type Work, type WorkEnd, workKey } from '../work.js';
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
 * @param kept - Where legs are kept.
 */
export function queueEngine(connection: Connection, plan: Plan, kept: KeptLegs): Engine {
  return async (jobs, order, listener, stop) => {
    const agenda = new Agenda(jobs, order, plan.budgets.maxExecutions, kept, listener);
    const coordinator = new Coordinator(connection, plan, agenda);
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
  readonly #agenda: Agenda;
  /** Steps of which nothing is known yet, by name, in the order in which they are started. */
  readonly #open = new Map<string, Work>();
  readonly #refused = new Set<string>();
  #looksAlone = 0;

  constructor({ redis, where }: Connection, plan: Plan, agenda: Agenda) {
    this.#redis = redis;
    this.#plan = plan;
    this.#where = where;
    this.#queue = queueOf(redis, plan.run);
    this.#agenda = agenda;
  }

  async run(ended: AbortSignal): Promise<void> {
    // What a worker broke in an earlier call is tried again.
    await Promise.all((await this.#queue.getFailed()).map((job) => job.remove()));
    await this.#fill(this.#more());
    await offer(this.#redis, this.#plan);
    for (let poll = 0; this.#open.size > 0 && !ended.aborted; poll++) {
      const taken = await this.#collect();
      if (poll % LOOK_EVERY === LOOK_EVERY - 1) await this.#look();
      if (taken === 0) await sleep(POLL_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  }

  /** Everything more that can be done now. */
  #more(): Map<string, Work> {
    const more = new Map<string, Work>();
    for (let work = this.#agenda.next(); work !== null; work = this.#agenda.next()) {
      more.set(workKey(work), work);
      this.#open.set(workKey(work), work);
    }
    return more;
  }

  /** Put steps on the queue; those that are there already stay as they are. What has begun is gone on with first. */
  async #fill(works: ReadonlyMap<string, Work>): Promise<void> {
    await this.#queue.addBulk(
      [...works].map(([key, { job, name, step }]) => {
        const { plugin, profile, check } = job;
        const data = { fs: plugin.fs.name, profile, check: check.id, name, step };
        return { name: key, data, opts: { jobId: `${this.#plan.run} ${key}`, lifo: name !== FIRST } };
      }),
    );
  }

  /** Take results from the queue. */
  async #collect(): Promise<number> {
    const done = await this.#queue.getJobs(['completed', 'failed'], 0, BATCH - 1, true);
    for (const job of done) this.#take(job);
    await Promise.all(done.map((job) => job.remove()));
    if (done.length > 0) await this.#fill(this.#more());
    return done.length;
  }

  #take(job: QueueJob): void {
    const work = this.#open.get(job.name);
    if (work === undefined) return; // known from the journal
    this.#open.delete(job.name);
    this.#agenda.ended(work, endOf(work, job));
  }

  /** See that the run is still offered, that no job was lost, and who works on it. */
  async #look(): Promise<void> {
    const counts = await this.#queue.getJobCounts();
    const there = Object.values(counts).reduce((sum, count) => sum + count, 0);
    // A server that lost its memory: jobs only ever leave the queue through here.
    if (there < this.#open.size) await this.#fill(this.#open);
    await offer(this.#redis, this.#plan);
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
    const work = this.#open.get(name);
    const { executions, seconds } = progress as { executions?: number; seconds?: number };
    if (work === undefined || executions === undefined || seconds === undefined) return;
    this.#agenda.running(work, executions, seconds);
  }
}

function endOf({ job }: Work, { name, returnvalue, failedReason }: QueueJob): WorkEnd {
  if (failedReason !== undefined && failedReason !== '') {
    const report = unfinished(job, `internal error: ${failedReason}`);
    return { report, trace: null, seconds: null, broken: new Error(`${name}: ${failedReason}`) };
  }
  if ('end' in returnvalue) return returnvalue;
  const { broken, ...ended } = returnvalue;
  const error = broken === null ? null : Object.assign(new Error(broken.message), { stack: broken.stack });
  return { ...ended, broken: error };
}
