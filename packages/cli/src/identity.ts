/**
 * What is installed: versions and a hash of the code that a verdict depends on. Two machines, or two calls, may share
 * the results of a run only if these agree.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolve } from 'import-meta-resolve';
import type { Plugin } from './discovery.js';
import { coreVersion, ownVersion } from './versions.js';

/** What runs the models. */
export interface Versions {
  /** Version of the command. */
  readonly fsport: string;
  /** Version of the kernel model. */
  readonly core: string;
  /** `process.version`. */
  readonly node: string;
  /** Hash of the code of fsport itself. */
  readonly code: string;
}

/** A filesystem package as it is installed. */
export interface PluginIdentity {
  /** Name of the package. */
  readonly package: string;
  /** Its version. */
  readonly version: string;
  /** Hash of its code and of its expected.json. */
  readonly hash: string;
}

const OURS = ['@fsport/core', '@fsport/explore', '@fsport/conformance', '@fsport/report'];

/** Versions of what is installed here. */
export function versions(): Versions {
  const folders = OURS.map((name) => dirname(fileURLToPath(resolve(name, import.meta.url))));
  const own = fileURLToPath(new URL('.', import.meta.url));
  const code = hashOf(
    [...folders, own].flatMap((folder) => codeIn(folder).map((file) => read(folder, file))),
  );
  return { fsport: ownVersion(), core: coreVersion(), node: process.version, code };
}

/**
 * The identity of a filesystem package, read from disk each time: a model may be edited while a worker waits.
 * Its dependencies are not looked at, except fsport's own.
 */
export function identityOf({ packageName, version, module, expectedPath }: Plugin): PluginIdentity {
  const folder = dirname(fileURLToPath(module));
  const declared =
    expectedPath === null ? [] : [['expected.json', readFileSync(expectedPath, 'utf8')] as const];
  const hash = hashOf([...codeIn(folder).map((file) => read(folder, file)), ...declared]);
  return { package: packageName, version, hash };
}

type NamedText = readonly [name: string, text: string];

function read(folder: string, file: string): NamedText {
  return [relative(folder, file).split(sep).join('/'), readFileSync(file, 'utf8')];
}

/** The modules in a folder and below, in an order that every machine has. */
function codeIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : codeIn(path);
    }
    return /\.[cm]?js$/.test(entry.name) ? [path] : [];
  });
}

function hashOf(texts: readonly NamedText[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}
