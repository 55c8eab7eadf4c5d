// Nobody has to install pnpm first: a pnpm on PATH is used when its major version is one that was tried with this
// lockfile, and `npx` fetches the pinned version otherwise.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the workspace. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Its package.json. */
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const triedMajors = new Set(['10', '12']);

/** Runs a command in the root; on Windows npm's commands are scripts and need a shell. */
function run(command, args, options) {
  return spawnSync(command, args, { cwd: root, shell: process.platform === 'win32', ...options });
}

/** Runs pnpm in the root. */
export function pnpm(args, options) {
  const found = run('pnpm', ['--version'], { encoding: 'utf8' });
  const major = found.status === 0 ? found.stdout.trim().split('.')[0] : undefined;
  if (triedMajors.has(major)) return run('pnpm', args, options);
  return run('npx', ['--yes', `pnpm@${manifest.config.pnpm}`, ...args], options);
}
