// What a stranger does with the packages as they are published, to a registry on loopback: nothing here sees the
// repository, nor what this machine has cached or configured. A filesystem is made by `npm create` in an empty folder,
// tested, linted, run by the command, and documented. Then it learns the hole punch of docs/guide/02 without its lock:
// the command and Jest must fail with the same tokens, and each token must replay. The rest of that chapter ports it: the
// race is left in v5.14, again with the same token, and once it is declared everything is green.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAll, packAll } from './pack.mjs';
import { root } from './pnpm.mjs';
import { startRegistry } from './registry.mjs';

/** What everybody who writes a filesystem gets. */
const PUBLISHED = ['cli', 'conformance', 'core', 'create-fs', 'eslint-plugin', 'explore', 'report'];
const CHECK = 'race/e1-read-vs-punch';
const JEST = ['node', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--ci'];

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-packed-')));
const fs = join(folder, 'fs-toy');
const env = { ...process.env, NO_COLOR: '1' };

/** Calls a command, which must end with a status; what it printed. */
function call(cwd, [program, ...args], expected = 0, input = '') {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    input,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env,
  });
  const line = [program, ...args].join(' ').replaceAll(folder, '~');
  console.log(`${((Date.now() - started) / 1000).toFixed(1)} s  ${line.slice(0, 90)}  status ${status}`);
  if (status !== expected) throw new Error(`status ${status}, not ${expected}: ${line}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** The blocks of the chapter that follow a marker, in their order. */
function blocks(language) {
  const chapter = readFileSync(join(root, 'docs/guide/02-port-a-toy-filesystem.md'), 'utf8');
  const block = new RegExp(`\`\`\`${language}\\n((?:(?!\`\`\`).*\\n)*)\`\`\``, 'gu');
  return [...chapter.matchAll(block)].map(([, body]) => body);
}

function build() {
  call(fs, ['npm', 'run', 'build']);
}

function run(expected) {
  return call(fs, ['npx', 'fsport', 'run', 'toy', CHECK, '--no-times'], expected);
}

/** The check fails: the commands that replay it, which the command and Jest must print alike. */
function failures() {
  const replays = (output) => [...new Set(output.match(/fsport replay toy '\S+' -s v[\d.]+/g))].sort();
  const outputs = [run(1), call(fs, [...JEST, 'conformance', '-t', CHECK], 1)];
  const [command, jest] = outputs.map(replays);
  if (command.length === 0 || command.join() !== jest.join())
    throw new Error(`the command and Jest found different schedules, or none:\n${outputs.join('\n')}`);
  return command;
}

/** From here on npm knows this registry for `@fsport`, where everything else comes from, and nothing more. */
function configure(address) {
  // Warnings follow it.
  const [from] = call(folder, ['npm', 'config', 'get', 'registry']).split('\n');
  const token = `${address.replace('http:', '')}:_authToken=anybody`;
  const lines = ['access=public', `registry=${from}`, `@fsport:registry=${address}`, token, ''];
  writeFileSync(join(folder, 'npmrc'), lines.join('\n'));
  for (const name of Object.keys(env)) if (/^npm_config_/iu.test(name)) delete env[name];
  env.npm_config_userconfig = join(folder, 'npmrc');
  env.npm_config_cache = join(folder, 'cache');
}

async function main() {
  const tarballs = packAll(join(folder, 'tarballs'));
  if ((await checkAll(tarballs)) > 0) return 1;
  for (const name of PUBLISHED) call(folder, ['npm', 'publish', tarballs.get(`@fsport/${name}`)]);

  call(folder, ['npm', 'create', '@fsport/fs', 'toy']);
  call(fs, ['npm', 'test']);
  call(fs, ['npm', 'run', 'lint']);
  call(fs, ['npx', 'fsport', 'run']);
  call(fs, ['npm', 'run', 'docs']);

  const [unlocked, ...locked] = blocks('diff');
  call(fs, ['git', 'apply', '-'], 0, unlocked);
  build();
  for (const replay of failures()) call(fs, ['npx', ...replay.replaceAll("'", '').split(' ')], 1);

  for (const patch of locked) call(fs, ['git', 'apply', '-'], 0, patch);
  build();
  const left = failures();
  if (!left.every((replay) => replay.endsWith(' -s v5.14')))
    throw new Error(`the race is left in v5.15:\n${left.join('\n')}`);
  writeFileSync(join(fs, 'expected.json'), blocks('json').at(-1));
  run(0);
  return 0;
}

const registry = await startRegistry();
try {
  configure(registry.address);
  process.exitCode = await main();
} finally {
  await registry.stop();
  rmSync(folder, { recursive: true });
}
