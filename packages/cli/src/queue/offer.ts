/**
 * What a run and its workers say to each other beside the queue: a run is offered to whoever looks, and a worker that
 * cannot take part says why.
 */
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { Ended } from '../engine.js';
import type { Plan } from '../plan.js';
import type { LegEnded, Work } from '../work.js';

/** Namespace of all keys. The queue of a run has its id as name. */
export const PREFIX = 'fsport';
const RUNS = `${PREFIX}-runs`;
/** How long the offer of a run outlives the process that made it. */
export const LIFETIME_SECONDS = 7 * 24 * 3600;

const offerKey = (run: string): string => `${PREFIX}-offer-${run}`;
/** Where searches of a run are kept that are under way. */
export const keptKey = (run: string): string => `${PREFIX}-kept-${run}`;
const refusalsKey = (run: string): string => `${PREFIX}-refusals-${run}`;

/** What a worker must know before it takes jobs of a run. */
export type Offer = Pick<Plan, 'format' | 'run' | 'versions' | 'plugins' | 'budgets'>;

/** A step of a job as it stands in the queue. */
export interface QueuedJob extends Pick<Work, 'name' | 'step'> {
  /** Name of the filesystem. */
  readonly fs: string;
  /** Profile. */
  readonly profile: string;
  /** Check id. */
  readonly check: string;
}

/** How a step ended, as it stands in the queue. */
export type QueuedEnd = LegEnded | QueuedReport;

/** How a job ended, as it stands in the queue. */
interface QueuedReport extends Omit<Ended, 'broken'> {
  /** Why its worker failed, `null` if it did not. */
  readonly broken: { readonly message: string; readonly stack: string } | null;
}

/** What this process is called. */
export function processName(): string {
  return `${hostname()}:${process.pid}`;
}

/** Offer a run, or say that it is still there. */
export async function offer(redis: Redis, { format, run, versions, plugins, budgets }: Offer): Promise<void> {
  const text = JSON.stringify({ format, run, versions, plugins, budgets });
  await redis.set(offerKey(run), text, 'EX', LIFETIME_SECONDS);
  await redis.zadd(RUNS, 'NX', Date.now(), run);
}

/** All runs that were offered, the oldest first, each with its offer or `null` if that has run out. */
export async function offers(redis: Redis): Promise<ReadonlyMap<string, Offer | null>> {
  const runs = await redis.zrange(RUNS, 0, '-1');
  const texts = await Promise.all(runs.map((run) => redis.get(offerKey(run))));
  const parsed = texts.map((text) => (text === null ? null : (JSON.parse(text) as Offer)));
  return new Map(runs.map((run, index) => [run, parsed[index] ?? null]));
}

/** Is the run still offered? */
export async function isOffered(redis: Redis, run: string): Promise<boolean> {
  return (await redis.exists(offerKey(run))) === 1;
}

/** The run is over: no worker goes on with it. */
export async function unoffer(redis: Redis, run: string): Promise<void> {
  await redis.zrem(RUNS, run);
  await redis.del(offerKey(run), refusalsKey(run), keptKey(run));
}

/** This process does not take part in a run. */
export async function refuse(redis: Redis, run: string, why: string): Promise<void> {
  await redis.hset(refusalsKey(run), processName(), why);
  await redis.expire(refusalsKey(run), LIFETIME_SECONDS);
}

/** Who does not take part in a run, and why. */
export async function refusals(redis: Redis, run: string): Promise<Readonly<Record<string, string>>> {
  return redis.hgetall(refusalsKey(run));
}
