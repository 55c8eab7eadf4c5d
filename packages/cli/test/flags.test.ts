// Shows each command and each of its options on good and on bad use. The list of them is the program's own, so that one
// without an entry here fails.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { EXAMPLES } from '#src/examples.js';
import { createProgram } from '#src/program.js';
import { type Called, PATIENCE_MS, Project } from './command.js';
import { callHere } from './in-process.js';
import { Background } from './redis-server.js';
import { USES } from './uses.js';

const HERE = fileURLToPath(new URL('../test/', import.meta.url));
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));

/** A command, and what it is called below the program; the program itself is the empty text. */
type Named = readonly [string, Command];

function commandsOf(command: Command, path = ''): readonly Named[] {
  const below = command.commands.flatMap((one) => commandsOf(one, `${path} ${one.name()}`.trim()));
  return [[path, command], ...below];
}

/** Every command and option, as they are called here: `new fs --see`. */
function namesIn(program: Command): readonly string[] {
  return commandsOf(program).flatMap(([path, { options }]) => [
    ...(path === '' ? [] : [path]),
    ...options.map(({ long }) => `${path} ${long}`.trim()),
  ]);
}

const program = createProgram(() => undefined);

test('every command and option has an entry, and there is no other', () => {
  expect(Object.keys(USES).sort()).toEqual([...namesIn(program)].sort());
  const planted = new Command('x').addCommand(new Command('y').option('-p, --planted <n>'));
  expect(namesIn(planted)).toEqual(['y', 'y --planted']);
});

let project: Project;
let redis: Server;
beforeAll(async () => {
  // `b` is ext4 without an expected.json: what v5.14 does is declared nowhere.
  project = new Project({
    'fs-b': "export default { ...ext4, name: 'b' };",
    'fs-c': "export default { ...ext4, name: 'c', follows: ['v5.15'], supports: { zeroRange: true } };",
  });
  // In a clone of the repository there is room for checks and strategies.
  const manifest = JSON.parse(readFileSync(join(PACKAGES, '../package.json'), 'utf8'));
  const dependencies = { 'fs-b': '*', 'fs-c': '*' };
  project.write('package.json', JSON.stringify({ ...manifest, dependencies, devDependencies: {} }));
  project.write('plugins/fs-b/own.txt', 'E3 # in its own file\n');
  project.write('out.txt', 'E3 # in a file\n');
  project.write('bad.txt', '\nE7\n');
  project.write('e7.txt', 'E7 # in a list\n');
  project.write('packages/fs-taken/thesis.txt', 'years of work');
  project.write('packages/conformance/src/checks/race-taken.ts', 'years of work');
  project.write('packages/explore/src/strategies/taken.ts', 'years of work');
  project.write('.gitignore', '*');
  for (const args of [
    ['init', '-q'],
    ['commit', '-q', '--allow-empty', '-m', 'first'],
  ]) {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    spawnSync('git', [...identity, ...args], { cwd: project.folder });
  }
  const registries = ['conformance/src/checks/registry.ts', 'explore/src/strategies'];
  for (const path of ['../tsconfig.base.json', 'fs-minimal/package.json', ...registries]) {
    cpSync(join(PACKAGES, path), join(project.folder, 'packages', path), { recursive: true });
  }
  // Says what the command asks of a server, and knows nothing else.
  const info = 'redis_version:7.0.0\r\nrole:master\r\n';
  redis = createServer((socket) => {
    socket.on('data', (bytes) => {
      const commands = bytes.toString().match(/^\*\d+\r$/gm) ?? [];
      socket.write(`$${info.length}\r\n${info}\r\n`.repeat(commands.length));
    });
  }).listen(0, '127.0.0.1');
  await once(redis, 'listening');
});
afterAll(() => {
  redis.close();
  project.remove();
});

/** The arguments in a line as it is typed. */
function argsOf(line: string): readonly string[] {
  const { port } = redis.address() as AddressInfo;
  const words = line.replace('REDIS', `redis://127.0.0.1:${port}`).match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ''));
}

const called = new Map<string, Promise<Called>>();
/** Call what is typed. The same line is called once, whoever asks for it. */
function call(line: string): Promise<Called> {
  const again = called.get(line) ?? calledNow(argsOf(line));
  called.set(line, again);
  return again;
}

async function calledNow([command = '', ...args]: readonly string[]): Promise<Called> {
  // Ends when it is interrupted.
  if (command === 'watch' && !args.includes('--help')) {
    const watching = Background.fsport(project, command, ...args);
    await Promise.race([watching.wrote('stdout', /Waiting for a change/), watching.ended()]);
    watching.child.kill('SIGINT');
    return watching.ended();
  }
  // Calls the command itself, which prints to the streams of this process.
  if (command === 'bisect-run') return project.call(command, ...args);
  return callHere(project, [command, ...args]);
}

describe('good use of', () => {
  test.each(Object.entries(USES))(
    '%s',
    async (name, { good }) => {
      if ('elsewhere' in good) {
        const source = readFileSync(join(HERE, good.elsewhere), 'utf8');
        expect(source).toContain(`'${name.split(' ').at(-1)}'`);
        return;
      }
      const { before, line, status = 0, shows, file } = good;
      if (before !== undefined) await call(before);
      const { status: is, stdout, stderr } = await call(line);
      expect([line, is, is === status ? '' : stderr]).toEqual([line, status, '']);
      expect(file === undefined ? stdout + stderr : readFileSync(join(project.folder, file), 'utf8')).toMatch(
        shows,
      );
    },
    PATIENCE_MS,
  );
});

describe('bad use of', () => {
  test.each(Object.entries(USES))(
    '%s is one line that names it, and what to do',
    async (name, { bad }) => {
      const { line, says } = bad;
      const { status, stdout, stderr } = await call(line);
      expect({ line, status, stdout }).toEqual({
        line,
        status: line.startsWith('bisect-run') ? 128 : 3,
        stdout: '',
      });
      const [first = '', hint, ...more] = stderr.trimEnd().split('\n');
      expect(first).toMatch(/^fsport: /);
      expect(first).toContain(name.includes('--') ? name.split(' ').at(-1) : '');
      expect(stderr).toMatch(says);
      // Commander's errors end with where to look.
      if (hint !== undefined)
        expect([hint, ...more]).toEqual([expect.stringMatching(/^"fsport .*--help" prints/)]);
    },
    PATIENCE_MS,
  );
});

test('no value of an option may be empty', async () => {
  const accepted: string[] = [];
  for (const [path, { options }] of commandsOf(program)) {
    for (const { long, flags, required, optional } of options) {
      if (!required && !optional) continue;
      const { stderr } = await callHere(project, [...path.split(' '), `${long}=`]);
      if (!stderr.startsWith(`fsport: option '${flags}' argument '' is invalid.`))
        accepted.push(`${path} ${long}=`);
    }
  }
  expect(accepted).toEqual([]);
});

describe('the help of', () => {
  test.each(commandsOf(program))('"%s" shows a call and every option', async (path, command) => {
    const { status, stdout, stderr } = await callHere(
      project,
      [...path.split(' '), '--help'].filter(Boolean),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(path === '' ? 'Exit status: 0' : `\nExample: ${EXAMPLES[path]}\n`);
    for (const { flags } of command.options) expect(stdout).toContain(flags);
  });
});
