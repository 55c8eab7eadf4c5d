// Shows that a check whose search is divided is the same check, to the byte, whoever explores its legs: one thread, two,
// or three workers on a queue of which some are killed; in one go, or after the run was killed; and if the budget ends in
// the middle of a leg.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '@fsport/explore';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { BIN, type Called, PATIENCE_MS, Project } from './command.js';
import { Background, HAS_REDIS, RedisServer } from './redis-server.js';

/** More executions than fit into one leg. */
const SELECTION = ['ext4', 'triple/store-flush-punch', '-s', 'v5.15', '--no-times'];
const RUN = 'results/latest/run.json';
const KEPT = `results/latest/checkpoints/${encodeURIComponent('ext4 v5.15 triple/store-flush-punch')}`;

let project: Project;
let expected: readonly [Called, string];
const running: Background[] = [];

beforeAll(() => {
  project = new Project();
  expected = whole('-j', '1');
}, PATIENCE_MS);
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.kill()));
});
afterAll(() => project.remove());

const read = (): string => readFileSync(join(project.folder, RUN), 'utf8');
/** Files of the legs that have ended, each with the time at which it was written. */
const ended = (): Map<string, number> => {
  const folder = join(project.folder, KEPT);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.end')) : [];
  return new Map(names.map((name) => [name, statSync(join(folder, name)).mtimeMs]));
};

function whole(...args: string[]): readonly [Called, string] {
  rmSync(join(project.folder, 'results'), { recursive: true, force: true });
  return [project.call('run', ...SELECTION, ...args), read()];
}

function start(...args: string[]): Background {
  const started = new Background(process.execPath, [BIN, ...args], project.folder);
  running.push(started);
  return started;
}

test(
  'two threads find what one finds, and leave nothing behind',
  () => {
    expect(expected[0].status).toBe(0);
    const [result] = JSON.parse(expected[1]).results;
    expect(result.verdict).toBe('pass');
    // More than one leg has.
    expect(result.executions).toBeGreaterThan(4_096);
    expect(whole('-j', '2')).toEqual(expected);
    expect(existsSync(join(project.folder, 'results/latest/checkpoints'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'a declared bound is used up exactly, on any number of threads',
  () => {
    const bounded = new Project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
    const declared = { '**': { 'v5.15': { verdict: 'unknown', executions: 5_000 } } };
    bounded.write('node_modules/fs-b/expected.json', JSON.stringify(declared));
    const [one, two] = ['1', '2'].map((threads): readonly [Called, string] => [
      bounded.call('run', 'b', ...SELECTION.slice(1), '-j', threads),
      readFileSync(join(bounded.folder, RUN), 'utf8'),
    ]) as [readonly [Called, string], readonly [Called, string]];
    bounded.remove();
    expect(one[0].status).toBe(0);
    const [{ executions, blockedExecutions, reason, verdict }] = JSON.parse(one[1]).results;
    expect({ verdict, spent: executions + blockedExecutions, reason }).toEqual({
      verdict: 'unknown',
      spent: 5_000,
      reason: 'stopped by the declared bound of 5,000 executions, no failure',
    });
    expect(two).toEqual(one);
  },
  PATIENCE_MS,
);

test(
  'a budget that ends in the middle of a leg is used up exactly, on any number of threads',
  () => {
    const few = ['--max-executions', '5000'];
    const one = whole('-j', '1', ...few);
    const [{ executions, blockedExecutions, verdict }] = JSON.parse(one[1]).results;
    expect({ verdict, spent: executions + blockedExecutions }).toEqual({ verdict: 'unknown', spent: 5_000 });
    expect(whole('-j', '2', ...few)).toEqual(one);
  },
  PATIENCE_MS,
);

test(
  'a run that is killed at any moment goes on, and no leg that had ended is run again',
  async () => {
    const random = new Prng(1);
    let known = 0;
    for (let time = 0; time < 3; time++) {
      rmSync(join(project.folder, 'results'), { recursive: true, force: true });
      const child = spawn(process.execPath, [BIN, 'run', ...SELECTION, '-j', '2'], { cwd: project.folder });
      const exit = once(child, 'exit');
      while (ended().size === 0) await sleep(5);
      await sleep(random.below(1_000));
      child.kill('SIGKILL');
      await exit;
      const before = ended();
      known += before.size;
      const resumed = start('run', ...SELECTION, '--resume', '-j', '1');
      const seen = new Map<string, number>();
      while (resumed.child.exitCode === null) {
        for (const [name, at] of ended()) seen.set(name, at);
        await sleep(20);
      }
      for (const [name, at] of before) if (seen.has(name)) expect([name, seen.get(name)]).toEqual([name, at]);
      expect([await resumed.ended(), read()]).toEqual(expected);
    }
    expect(known).toBeGreaterThan(2);
  },
  2 * PATIENCE_MS,
);

test(
  'a run that is interrupted does not know',
  async () => {
    rmSync(join(project.folder, 'results'), { recursive: true, force: true });
    const run = start('run', ...SELECTION, '-j', '2');
    while (ended().size === 0) await sleep(5);
    run.child.kill('SIGINT');
    expect((await run.ended()).status).toBe(130);
    expect(JSON.parse(read()).results).toMatchObject([{ verdict: 'unknown', reason: 'interrupted' }]);
  },
  PATIENCE_MS,
);

if (!HAS_REDIS) test.todo('on a queue: redis-server is not installed (apt-get install redis-server)');
else describe('on a queue', onQueue);

function onQueue(): void {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  test(
    'three workers find what one thread finds, though one of them is killed now and then',
    async () => {
      rmSync(join(project.folder, 'results'), { recursive: true, force: true });
      const redis = ['--redis', server.url];
      const run = start('run', ...SELECTION, '--engine', 'bullmq', ...redis);
      const hire = (): Background => start('worker', '--workers', '1', ...redis);
      const workers = [hire(), hire(), hire()];
      for (let killed = 0; killed < 2; killed++) {
        const before = ended().size;
        while (ended().size === before && run.child.exitCode === null) await sleep(5);
        await (workers.shift() as Background).kill();
        workers.push(hire());
      }
      const { status, stdout } = await run.ended();
      expect([{ status, stdout }, read()]).toEqual([{ status: 0, stdout: expected[0].stdout }, expected[1]]);
    },
    2 * PATIENCE_MS,
  );
}
