/** The queue of one run. */
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PREFIX, type QueuedEnd, type QueuedJob, unoffer } from './offer.js';

/** The queue of one run: the name of a job is its {@link QueuedJob} in words. */
export type RunQueue = Queue<QueuedJob, QueuedEnd, string>;

/** Options of everything that works on queues. */
export function queueOptions(redis: Redis) {
  return { connection: redis, prefix: PREFIX, skipVersionCheck: true } as const;
}

/** The queue of a run. Looking at it does not make it. */
export function queueOf(redis: Redis, run: string): RunQueue {
  const queue: RunQueue = new Queue(run, { ...queueOptions(redis), skipMetasUpdate: true });
  queue.on('error', () => undefined); // the connection reports what it cannot mend
  return queue;
}

/** Take a run back: nobody goes on with it, and nothing of it is left. */
export async function withdraw(redis: Redis, run: string): Promise<void> {
  await unoffer(redis, run);
  const queue = queueOf(redis, run);
  await queue.obliterate({ force: true });
  await queue.close();
}
