/** Connects to a Redis server, and says in one sentence why that cannot be done. */
import { UsageError } from '@fsport/core';
import { Redis } from 'ioredis';

/** The oldest server with all the commands that the queue uses. */
const OLDEST = [6, 2] as const;
/** How long a server may take to answer the first time. */
const FIRST_MS = 5_000;
/** Attempts to connect again after the connection was lost: about a minute. */
const ATTEMPTS = 40;

/** A connection to a server that can be used. */
export class Connection {
  /** Runs commands, also those of the queue. */
  readonly redis: Redis;
  /** Address of the server, without a password. */
  readonly where: string;
  readonly #lost = new AbortController();

  private constructor(redis: Redis, where: string) {
    this.redis = redis;
    this.where = where;
    redis.once('end', () => this.#lost.abort());
    let tells = true;
    redis.on('reconnecting', () => {
      if (tells) process.stderr.write(`fsport: the connection to Redis at ${where} was lost; trying again\n`);
      tells = false;
    });
    redis.on('ready', () => {
      tells = true;
    });
  }

  /**
   * Connect. A connection that is lost later is made again, several times.
   *
   * @param url - Address of the server.
   * @param attempts - How often a lost connection is made again.
   * @throws UsageError `NO_REDIS`.
   */
  static async open(url: string, attempts = ATTEMPTS): Promise<Connection> {
    const where = withoutPassword(url);
    let connected = false;
    const redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: FIRST_MS,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => (connected && times <= attempts ? Math.min(times * 100, 2_000) : null),
    });
    let reason = `it did not answer in ${FIRST_MS / 1000} s`;
    redis.on('error', (error: NodeJS.ErrnoException) => {
      reason = reasonOf(error);
    });
    const silent = setTimeout(() => redis.disconnect(), FIRST_MS);
    try {
      await redis.connect();
      mustBeUsable(await redis.info(), where);
      connected = true;
    } catch (error) {
      redis.disconnect();
      if (error instanceof UsageError) throw error;
      throw noRedis(`No Redis server can be used at ${where}: ${reason}`, 'Start one, or mend --redis');
    } finally {
      clearTimeout(silent);
    }
    return new Connection(redis, where);
  }

  /** Aborted when the connection is lost for good, or closed. */
  get ended(): AbortSignal {
    return this.#lost.signal;
  }

  /** The error of a connection that is lost for good. */
  lost(): UsageError {
    const what = `The connection to Redis at ${this.where} was lost and cannot be made again`;
    return noRedis(what, 'What has finished is kept; go on with --resume when the server is back');
  }

  /** What an error means: the connection was lost, the server refuses something, or it is ours. */
  explained(error: unknown): unknown {
    if (this.#lost.signal.aborted) return this.lost();
    if (!(error instanceof Error) || error.name !== 'ReplyError') return error;
    return noRedis(`The Redis server at ${this.where} refuses: ${error.message}`, 'Mend its configuration');
  }

  /** No command follows. */
  close(): void {
    this.redis.disconnect();
  }
}

function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  if (/RESP|Protocol error/.test(message)) return 'it does not speak the protocol of Redis';
  return message === '' ? (code ?? 'no answer') : message.replace(/\.$/, '');
}

function mustBeUsable(info: string, where: string): void {
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  if (version === null) throw noRedis(`${where} is no Redis server`, 'Mend --redis');
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    const what = `The Redis server at ${where} is version ${major}.${minor}, which is too old`;
    throw noRedis(what, `Use ${OLDEST.join('.')} or newer`);
  }
  if (/^role:slave/m.test(info))
    throw noRedis(`The Redis server at ${where} is a replica`, 'Name the primary');
}

function noRedis(what: string, advice: string): UsageError {
  return new UsageError('NO_REDIS', {}, `${what}. ${advice}.`);
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
}
