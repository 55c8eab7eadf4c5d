/** The queue of a run. Imported only by a run that has one: it takes as long to load as all the rest of the command. */
import type { KeptLegs } from '../agenda.js';
import type { Engine } from '../engine.js';
import type { Plan } from '../plan.js';
import { queueEngine } from './coordinator.js';
import { Connection } from './redis.js';
import { withdraw } from './run-queue.js';

/** A queue that can be used. */
export interface Queue {
  /** The engine that puts jobs on it. */
  engine(plan: Plan, kept: KeptLegs): Engine;
  /** Nobody is to work on a run any more. */
  withdraw(run: string): Promise<void>;
  /** Nothing follows. */
  close(): void;
}

/**
 * Connect to a queue.
 *
 * @param url - Address of the server.
 * @throws UsageError `NO_REDIS`.
 */
export async function openQueue(url: string): Promise<Queue> {
  const connection = await Connection.open(url);
  return {
    engine: (plan, kept) => queueEngine(connection, plan, kept),
    withdraw: (run) => withdraw(connection.redis, run),
    close: () => connection.close(),
  };
}
