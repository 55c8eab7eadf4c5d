/**
 * Long searches of the jobs that a worker runs, kept on the server too: a worker that takes a job over goes on where the
 * one before it had got to.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { keptKey, LIFETIME_SECONDS } from './offer.js';

/** The kept searches of a run, on this machine and on the server. */
export class KeptSearches {
  readonly #redis: Redis;
  readonly #run: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'fsport-'));
  /** When the file of a job that is on the server was written, by name of the job. */
  readonly #sent = new Map<string, number>();

  /**
   * @param redis - The server.
   * @param run - The run.
   */
  constructor(redis: Redis, run: string) {
    this.#redis = redis;
    this.#run = run;
  }

  /** Path of the file of a job. */
  pathOf(job: string): string {
    const name = createHash('sha256').update(job).digest('hex');
    return join(this.#folder, `${name}.json`);
  }

  /** Get what another worker has kept of a job, if one has. */
  async fetch(job: string): Promise<void> {
    const text = await this.#redis.hget(keptKey(this.#run), job);
    if (text !== null) writeFileSync(this.pathOf(job), text);
  }

  /** Send what this worker has kept of a job, if that is new. */
  async send(job: string): Promise<void> {
    const written = statSync(this.pathOf(job), { throwIfNoEntry: false })?.mtimeMs;
    if (written === undefined || written === this.#sent.get(job)) return;
    this.#sent.set(job, written);
    await this.#redis.hset(keptKey(this.#run), job, readFileSync(this.pathOf(job), 'utf8'));
    await this.#redis.expire(keptKey(this.#run), LIFETIME_SECONDS);
  }

  /** A job has come to its end. */
  async forget(job: string): Promise<void> {
    rmSync(this.pathOf(job), { force: true });
    if (this.#sent.delete(job)) await this.#redis.hdel(keptKey(this.#run), job);
  }

  /** Leave nothing on this machine. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
