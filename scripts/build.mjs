// Compiles every package with `tsc -b`. The list of projects is read from the tree, so a new package is compiled
// without a line in a shared file. What compiled files have no source any more is deleted first.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './prune.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const configs = ['tsconfig.json', 'tsconfig.test.json', 'tsconfig.bench.json'];
const projects = readdirSync(join(root, 'packages'))
  .flatMap((name) => configs.map((config) => join('packages', name, config)))
  .filter((project) => existsSync(join(root, project)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-b', ...projects, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
