// Shows that a run on a queue is the run on one thread, to the byte, whatever is killed: workers, the run itself, the
// server. Everything runs in processes of its own, on a real Redis server.

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { KeptSearches } from '#src/queue/kept-searches.js';
import { Connection } from '#src/queue/redis.js';
import { queueOf, withdraw } from '#src/queue/run-queue.js';
import { type Called, PATIENCE_MS, Project } from './command.js';
import { Background, freePort, HAS_REDIS, RedisServer } from './redis-server.js';

const SELECTION = ['ext4', 'E3', 'E6', 'E7', '--no-times'];
const RUN = 'results/latest/run.json';

const projects: Project[] = [];
function project(plugins: Readonly<Record<string, string>> = {}): Project {
  const made = new Project(plugins);
  projects.push(made);
  return made;
}
afterAll(() => {
  for (const made of projects) made.remove();
});

const readIn = (where: Project, path: string): string => readFileSync(join(where.folder, path), 'utf8');

describe('bad usage', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** A server that answers every command in the same way. */
  async function answering(answer: string): Promise<string> {
    const port = await freePort();
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        const commands = bytes.toString().match(/^\*\d+\r$/gm) ?? [];
        socket.write(answer.repeat(commands.length));
      });
    });
    servers.push(server.listen(port, '127.0.0.1'));
    return `redis://127.0.0.1:${port}`;
  }

  const refused = async (where: Project, args: readonly string[], message: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await Background.fsport(where, ...args).ended();
    expect({ args, status, stdout }).toEqual({ args, status: 3, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  };

  test(
    'of the server is one sentence, and loses nothing',
    async () => {
      const info = 'redis_version:4.0.0\r\nrole:master\r\n';
      const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
      const urls: readonly (readonly [string, RegExp])[] = [
        ['127.0.0.1', /--redis.*redis:\/\/host:6379/],
        ['http://127.0.0.1:80', /--redis.*redis:\/\/host:6379/],
        ['redis://:secret@127.0.0.1:1', /^fsport: No Redis.*redis:\/\/:\*\*\*@127.*ECONNREFUSED/],
        [
          await answering('HTTP/1.1 400 Bad Request\r\n\r\n'),
          /No Redis server can be used.*protocol of Redis/,
        ],
        [await answering(bulk('some text')), /is no Redis server/],
        [await answering(bulk(info)), /version 4\.0, which is too old/],
        [await answering('-NOAUTH Authentication required.\r\n'), /No Redis server.*NOAUTH/],
      ];
      const where = project();
      await Background.fsport(where, 'run', 'ext4', 'E7', '-s', 'v5.15').ended();
      const before = readIn(where, RUN);
      for (const [url, message] of urls) {
        await refused(where, ['run', 'ext4', 'E7', '--engine', 'bullmq', '--redis', url], message);
      }
      const [url, message] = urls[2] as (typeof urls)[number];
      await refused(where, ['worker', '--redis', url], message);
      expect(readIn(where, RUN)).toBe(before);
    },
    PATIENCE_MS,
  );

  test.each<[string, string[], RegExp]>([
    ['an engine that is none', ['run', '--engine', 'piscina'], /--engine.*threads, bullmq/],
    ['a server without its engine', ['run', 'ext4', '--redis', 'redis://a'], /--engine bullmq/],
    ['no threads', ['worker', '-j', '0'], /--workers/],
    ['an argument too many', ['worker', 'ext4'], /too many arguments/],
  ])('is %s', (_, args, message) => refused(project(), args, message));
});

if (!HAS_REDIS) test.todo('a run on a queue: redis-server is not installed (apt-get install redis-server)');
else describe('a run on a queue', onQueue);

function onQueue(): void {
  let server: RedisServer;
  let redis: Redis;
  let expected: readonly [string, string];
  const running: Background[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url, { maxRetriesPerRequest: null });
    redis.on('error', () => undefined); // a test takes the server away
    expected = await bytesOf(project(), 'run', ...SELECTION, '-j', '1');
  }, PATIENCE_MS);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.kill()));
    await redis.flushall();
  }, PATIENCE_MS);
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  function start(where: Project, ...args: string[]): Background {
    const started = Background.fsport(where, ...args, '--redis', server.url);
    running.push(started);
    return started;
  }
  const startRun = (where: Project, ...args: string[]): Background =>
    start(where, 'run', ...SELECTION, '--engine', 'bullmq', ...args);
  async function bytesOf(where: Project, ...args: string[]): Promise<readonly [string, string]> {
    return bytes(where, await Background.fsport(where, ...args).ended());
  }
  function bytes(where: Project, { status, stdout }: Called): readonly [string, string] {
    expect(status).toBe(0);
    return [stdout, readIn(where, RUN)];
  }
  /** The run that is offered. */
  async function offered(): Promise<string> {
    for (;;) {
      const [run] = await redis.zrange('fsport-runs', 0, '-1');
      if (run !== undefined) return run;
      await sleep(10);
    }
  }
  const leftovers = async (): Promise<string[]> => {
    await sleep(1_000); // for workers that look at a run that is over
    return redis.keys('*');
  };

  test(
    'is the run on one thread, and leaves nothing on the server',
    async () => {
      const where = project();
      const run = startRun(where);
      start(where, 'worker', '-j', '2');
      expect(bytes(where, await run.ended())).toEqual(expected);
      expect(await leftovers()).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'without a worker says how to start one, and goes on when there is one; a worker that is stopped gives back its job',
    async () => {
      const where = project();
      const run = startRun(where);
      await run.wrote(
        'stderr',
        new RegExp(`no worker is connected; start one with: fsport worker --redis ${server.url}`),
      );
      const first = start(where, 'worker', '-j', '1');
      await first.wrote('stderr', /works on run/);
      await first.kill('SIGTERM');
      expect(first.child.exitCode).toBe(0);
      start(where, 'worker', '-j', '1');
      expect(bytes(where, await run.ended())).toEqual(expected);
      expect(run.stderr.split('\n').length).toBeLessThanOrEqual(3);
    },
    PATIENCE_MS,
  );

  test(
    'goes on when workers are killed in the middle of a job',
    async () => {
      const where = project();
      const run = startRun(where);
      const queue = queueOf(redis, await offered());
      const workers = new Map<number, Background>();
      const hire = (): void => {
        const worker = start(where, 'worker', '-j', '1');
        workers.set(worker.child.pid as number, worker);
      };
      for (let i = 0; i < 3; i++) hire();
      for (let killed = 0; killed < 3; ) {
        const [active] = await queue.getActive();
        const victim = Number(active?.processedBy?.split(':').at(-1));
        const worker = workers.get(victim);
        if (worker === undefined) {
          await sleep(10);
          continue;
        }
        workers.delete(victim);
        await worker.kill();
        killed++;
        hire();
      }
      expect(bytes(where, await run.ended())).toEqual(expected);
      await queue.close();
    },
    2 * PATIENCE_MS,
  );

  test(
    'that was killed goes on, also if workers have finished it meanwhile',
    async () => {
      const where = project();
      const run = startRun(where);
      const queue = queueOf(redis, await offered());
      await run.kill();
      start(where, 'worker', '-j', '2');
      const total = expected[1].split('"check":').length - 1;
      while ((await queue.getCompletedCount()) < total) await sleep(50);
      await queue.close();
      expect(bytes(where, await startRun(where, '--resume').ended())).toEqual(expected);
      expect(await leftovers()).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'that was given up is taken back by the next one',
    async () => {
      const where = project();
      const run = startRun(where);
      const before = await offered();
      await run.kill();
      const next = startRun(where);
      await next.wrote('stderr', /no worker/);
      expect(await redis.zrange('fsport-runs', 0, '-1')).not.toContain(before);
      await next.kill('SIGINT');
      expect([next.child.exitCode, await leftovers()]).toEqual([130, []]);
    },
    PATIENCE_MS,
  );

  test(
    'goes on when the server comes back without its memory',
    async () => {
      const where = project();
      const run = startRun(where);
      await offered();
      await server.stop();
      server = await RedisServer.start(server.port);
      start(where, 'worker', '-j', '2');
      expect(bytes(where, await run.ended())).toEqual(expected);
      expect(run.stderr).toMatch(/connection to Redis at \S+ was lost; trying again/);
    },
    PATIENCE_MS,
  );

  test(
    'does not go to a worker with another package, which says so, as does the run',
    async () => {
      const plugin = "export default { ...ext4, name: 'b' };";
      const where = project({ 'fs-b': plugin });
      const run = start(where, 'run', 'b', 'E7', '-s', 'v5.15', '--engine', 'bullmq');
      await offered();
      const missing = start(project(), 'worker', '-j', '1');
      await missing.wrote(
        'stderr',
        /cannot take part in run \S+: there is no filesystem "b" \(fs-b 1\.2\.3\)/,
      );
      const edited = start(project({ 'fs-b': `${plugin} // edited` }), 'worker', '-j', '1');
      await edited.wrote(
        'stderr',
        /cannot take part in run \S+: the code or the expected\.json of fs-b is another/,
      );
      await run.wrote('stderr', /worker \S+ does not take part: there is no filesystem "b"/);
      await run.wrote('stderr', /worker \S+ does not take part: the code/);
      start(where, 'worker', '-j', '1');
      expect((await run.ended()).status).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'does not go to a worker of another version',
    async () => {
      const where = project();
      const run = startRun(where);
      const id = await offered();
      const key = `fsport-offer-${id}`;
      const text = (await redis.get(key)) as string;
      await run.kill();
      await redis.set(key, text.replace(/"core":"[^"]+"/, '"core":"9.9.9"'));
      const worker = start(where, 'worker', '-j', '1');
      await worker.wrote('stderr', /cannot take part in run \S+: core is \S+ instead of 9\.9\.9/);
      expect(Object.values(await redis.hgetall(`fsport-refusals-${id}`))).toEqual([
        expect.stringMatching(/core is \S+ instead of 9\.9\.9/),
      ]);
    },
    PATIENCE_MS,
  );

  test(
    'reports a worker thread that dies, and nothing else is lost',
    async () => {
      const dies = "export default { ...ext4, name: 'dies', mount() { process.exit(0); } };";
      const where = project({ 'fs-dies': dies });
      const run = start(
        where,
        'run',
        'dies',
        'ext4',
        'E7',
        '-s',
        'v5.15',
        '--engine',
        'bullmq',
        '--no-times',
      );
      start(where, 'worker', '-j', '1');
      const { status, stdout, stderr } = await run.ended();
      expect(status).toBe(4);
      expect(stderr).toMatch(/internal error/);
      expect(stdout).toMatch(/ unknown /);
      expect(stdout).toMatch(/ pass /);
    },
    PATIENCE_MS,
  );

  test('gives up a server that does not come back, and says how to go on', async () => {
    const other = await RedisServer.start();
    const connection = await Connection.open(other.url, 2);
    await other.stop();
    await once(connection.ended, 'abort');
    expect(connection.lost()).toMatchObject({ code: 'NO_REDIS', message: expect.stringMatching(/--resume/) });
    expect(connection.explained(new Error('of a command'))).toMatchObject({ code: 'NO_REDIS' });
  });

  test('keeps long searches on the server, until the job or the run is over', async () => {
    const [first, second] = [new KeptSearches(redis, 'r'), new KeptSearches(redis, 'r')];
    for (const job of ['ext4 v5.15 a/b', 'ext4 v5.15 c']) {
      writeFileSync(first.pathOf(job), `{"of":"${job}"}`);
      await first.send(job);
      await second.fetch(job);
      expect(readFileSync(second.pathOf(job), 'utf8')).toBe(`{"of":"${job}"}`);
    }
    await first.forget('ext4 v5.15 c');
    expect([existsSync(first.pathOf('ext4 v5.15 c')), await redis.hkeys('fsport-kept-r')]).toEqual([
      false,
      ['ext4 v5.15 a/b'],
    ]);
    await second.send('nothing');
    first.close();
    second.close();
    expect(existsSync(second.pathOf('ext4 v5.15 a/b'))).toBe(false);
    await withdraw(redis, 'r');
    expect(await redis.keys('*')).toEqual([]);
  });
}
