// Installs the workspace's dependencies, and only when something that decides them has changed.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifest, pnpm, root } from './pnpm.mjs';

const stamp = join(root, 'node_modules', '.bootstrap');

/** A hash of every file that decides what gets installed. */
function fingerprint() {
  const packages = readdirSync(join(root, 'packages')).sort();
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].concat(
    packages.map((name) => `packages/${name}/package.json`),
  );
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function requireNode() {
  const wanted = manifest.engines.node.replace('>=', '').split('.').map(Number);
  const actual = process.versions.node.split('.').map(Number);
  if (actual[0] > wanted[0] || (actual[0] === wanted[0] && actual[1] >= wanted[1])) return;
  console.error(
    `fsport needs Node ${manifest.engines.node}; this is ${process.version}. Install a newer Node.`,
  );
  process.exit(1);
}

requireNode();
const wanted = fingerprint();
const current = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
if (current !== wanted) {
  // The lockfile pins every package by hash, so the minimum age adds nothing to a frozen install but a
  // round trip per package.
  const args = ['install', '--frozen-lockfile', '--prefer-offline', '--config.minimumReleaseAge=0'];
  const result = pnpm(args, { stdio: 'inherit', env: { ...process.env, CI: '1' } });
  if (result.status !== 0) {
    console.error(
      `The install failed. If a package.json changed on purpose, update the lockfile with ` +
        `"npx pnpm@${manifest.config.pnpm} install" and commit it.`,
    );
    process.exit(result.status ?? 1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}
