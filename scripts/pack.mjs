// Packs every public package into a folder, as `npm publish` would, and checks each tarball: publint and "are the types
// wrong?" as an ESM-only package, and that licence and README are in it. Build first.
//
//   node scripts/pack.mjs FOLDER

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argv } from 'node:process';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pnpm, root } from './pnpm.mjs';

/** How an ESM-only package is found: by `import` in Node, and by bundlers. */
const RESOLUTIONS = ['node16-esm', 'bundler'];

/** Every public package, as its package.json. */
function publicPackages() {
  const paths = readdirSync(join(root, 'packages')).map((name) =>
    join(root, 'packages', name, 'package.json'),
  );
  const manifests = paths
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')));
  return manifests.filter((manifest) => manifest.private !== true);
}

/**
 * Packs every public package.
 *
 * @param folder - Where the tarballs go.
 * @returns Name of the package -> path of its tarball.
 */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  const args = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder];
  const { status, stdout, stderr } = pnpm(args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`pnpm pack: status ${status}\n${stdout}${stderr}`);
  const tarballs = publicPackages().map(({ name, version }) => {
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
    return [name, join(folder, file)];
  });
  return new Map(tarballs);
}

/** What is wrong with a tarball, one line each. */
async function findings(tarball) {
  const bytes = readFileSync(tarball);
  // The buffer of a small file is shared with others.
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
  const contents = createPackageFromTarballData(bytes);
  const analysis = await checkPackage(contents);
  const here = analysis.problems.filter((problem) => {
    return RESOLUTIONS.some((kind) => problemAffectsResolutionKind(problem, kind, analysis));
  });
  const needed = ['README.md', 'LICENSE'];
  const missing = needed.filter((file) => !contents.fileExists(`/node_modules/${pkg.name}/${file}`));
  return [
    ...messages.map((one) => formatMessage(one, pkg, { color: false })),
    ...here.map((problem) => JSON.stringify(problem)),
    ...missing.map((file) => `${file} is missing`),
  ];
}

/**
 * Checks tarballs.
 *
 * @returns How many have something wrong; what it is, is printed.
 */
export async function checkAll(tarballs) {
  let wrong = 0;
  for (const [name, tarball] of tarballs) {
    const found = await findings(tarball);
    if (found.length > 0) wrong++;
    for (const line of found) console.error(`${name}: ${line}`);
  }
  console.log(`${tarballs.size} packages packed, ${wrong} with something wrong`);
  return wrong;
}

if (import.meta.main ?? argv[1] === import.meta.filename) {
  if (argv[2] === undefined) throw new Error('usage: node scripts/pack.mjs FOLDER');
  process.exitCode = (await checkAll(packAll(resolve(argv[2])))) > 0 ? 1 : 0;
}
