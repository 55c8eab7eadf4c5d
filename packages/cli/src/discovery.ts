/**
 * Finds filesystem packages and loads them: those with the keyword `fsport-filesystem` among the packages of the
 * workspace in which the command is called, their dependencies, and the command's own dependencies.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Expected, readExpected } from '@fsport/conformance';
import {
  container,
  FileSystems,
  type FileSystemType,
  type KernelPort,
  registerFileSystem,
  releaseOf,
  UsageError,
} from '@fsport/core';
import { DEFAULT_TOOLS, findRoot, NoPkgJsonFound } from '@manypkg/find-root';
import { resolve } from 'import-meta-resolve';
import semver from 'semver';
import { Imports, NeverEnds } from './importing.js';
import { coreVersion } from './versions.js';

const KEYWORD = 'fsport-filesystem';
const CORE = '@fsport/core';
const OUR_CORE = coreOf(fileURLToPath(new URL('..', import.meta.url)));

/** A filesystem and the package it comes from. */
export interface Plugin {
  /** The model. */
  readonly fs: FileSystemType;
  /** Name of the package. */
  readonly packageName: string;
  /** Its version. */
  readonly version: string;
  /** Its folder. */
  readonly folder: string;
  /** The module whose default export is the model. */
  readonly module: string;
  /** What it declares about its verdicts, `null` if nothing. */
  readonly expected: Expected | null;
  /** Where it declares it, `null` if nowhere. */
  readonly expectedPath: string | null;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly keywords?: readonly string[];
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** All filesystems that a run can use. */
export class Plugins {
  readonly #registry: FileSystems;
  readonly #plugins: ReadonlyMap<FileSystemType, Plugin>;

  /**
   * @param plugins - What was found.
   * @throws UsageError `DUPLICATE_FS` if two have one name.
   */
  constructor(plugins: readonly Plugin[]) {
    const names = new Map<string, Plugin>();
    for (const plugin of plugins) {
      const other = names.get(plugin.fs.name);
      if (other !== undefined) throw duplicate(plugin, other);
      names.set(plugin.fs.name, plugin);
    }
    const run = container.createChildContainer();
    for (const { fs } of plugins) registerFileSystem(run, fs);
    this.#registry = run.resolve(FileSystems);
    this.#plugins = new Map(plugins.map((plugin) => [plugin.fs, plugin]));
  }

  /** All of them, by name. */
  all(): readonly Plugin[] {
    return this.#registry.all().map((fs) => this.#plugins.get(fs) as Plugin);
  }

  /**
   * @param name - Filesystem type; a leading `fs-` is ignored.
   * @throws UsageError `UNKNOWN_FS`.
   */
  get(name: string): Plugin {
    return this.#plugins.get(this.#registry.get(name)) as Plugin;
  }

  /** Is there a filesystem of that name? */
  has(name: string): boolean {
    return this.all().some(({ fs }) => fs.name === name.replace(/^fs-/, ''));
  }
}

function duplicate({ fs, packageName }: Plugin, other: Plugin): UsageError {
  return new UsageError(
    'DUPLICATE_FS',
    { fs: fs.name, first: other.packageName, second: packageName },
    `The packages ${other.packageName} and ${packageName} both define a filesystem "${fs.name}". Rename or remove one.`,
  );
}

/**
 * Find and load every filesystem package.
 *
 * @param cwd - Where the command is called.
 * @throws UsageError `BAD_PLUGIN`, `DUPLICATE_FS` or `BAD_EXPECTED`.
 */
export async function discover(cwd: string): Promise<Plugins> {
  return new Plugins(await inTurn(await candidates(cwd), load));
}

/** Do something that imports each package, one after another. */
function inTurn<T>(
  packages: readonly Package[],
  what: (one: Package, imports: Imports) => Promise<T>,
): Promise<readonly T[]> {
  return Imports.during(async (imports) => {
    const all: T[] = [];
    for (const one of packages) all.push(await what(one, imports));
    return all;
  });
}

/** A filesystem package, and what became of loading it. */
export interface Inspected {
  /** Name of the package. */
  readonly packageName: string;
  /** Its folder. */
  readonly folder: string;
  /** What was loaded, or why it cannot be used. */
  readonly outcome: Plugin | UsageError;
}

/**
 * Find every filesystem package, and say of each whether it can be used.
 *
 * @param cwd - Where the command is called.
 * @throws UsageError `BAD_PLUGIN` if the packages cannot be listed.
 */
export async function inspect(cwd: string): Promise<readonly Inspected[]> {
  return inTurn(await candidates(cwd), async (one, imports) => {
    const outcome = await load(one, imports).catch((error: unknown) => {
      if (error instanceof UsageError) return error;
      throw error;
    });
    return { packageName: one.manifest.name as string, folder: one.folder, outcome };
  });
}

/** The filesystem packages that can be seen from a folder, each once. */
async function candidates(cwd: string): Promise<readonly Package[]> {
  const own = fileURLToPath(new URL('..', import.meta.url));
  const roots = [...(await workspaceOf(cwd)), { folder: own, manifest: readManifest(own) }];
  const found = new Map<string, Package>();
  for (const root of [...roots, ...roots.flatMap(dependenciesOf)]) {
    const { name, keywords } = root.manifest;
    if (name !== undefined && keywords?.includes(KEYWORD) && !found.has(name)) found.set(name, root);
  }
  return [...found.values()];
}

/** The packages of the workspace around a folder, or the one package around it. */
async function workspaceOf(cwd: string): Promise<readonly Package[]> {
  try {
    const { tool, rootDir } = await findRoot(cwd);
    const kind = DEFAULT_TOOLS.find(({ type }) => type === tool) as (typeof DEFAULT_TOOLS)[number];
    const { packages, rootPackage } = await kind.getPackages(rootDir);
    const all = rootPackage === undefined ? packages : [rootPackage, ...packages];
    return all.map(({ dir, packageJson }) => ({ folder: dir, manifest: packageJson as Manifest }));
  } catch (error) {
    if (error instanceof NoPkgJsonFound) return [];
    throw new UsageError(
      'BAD_PLUGIN',
      { folder: cwd },
      `The packages around ${cwd} cannot be listed: ${textOf(error)}. Mend their package.json.`,
    );
  }
}

/**
 * The packages of the workspace around a folder.
 *
 * @param cwd - The folder.
 * @returns Folder -> folders of the packages that it depends on.
 */
export async function workspacePackages(cwd: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const packages = await workspaceOf(cwd);
  return new Map(
    packages.map((one) => [realpathSync(one.folder), dependenciesOf(one).map(({ folder }) => folder)]),
  );
}

/** Folders of the packages that verdicts depend on whatever the filesystem. */
export function enginePackages(): readonly string[] {
  const own = fileURLToPath(new URL('..', import.meta.url));
  return [own, ...dependenciesOf({ folder: own, manifest: readManifest(own) }).flatMap(ofEngine)];
}

function ofEngine({ folder, manifest }: Package): readonly string[] {
  return manifest.keywords?.includes(KEYWORD) !== true && manifest.name?.startsWith('@fsport/')
    ? [folder]
    : [];
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The installed dependencies of a package. */
function dependenciesOf({ folder, manifest }: Package): Package[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  const names = { ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies };
  const require = createRequire(join(folder, 'package.json'));
  return Object.keys(names).flatMap((name) => {
    const folders = (require.resolve.paths(name) ?? []).map((modules) => join(modules, name));
    const installed = folders.find((one) => existsSync(join(one, 'package.json')));
    if (installed === undefined) return [];
    // Packages are often links; the stack of an error names the real folder.
    const real = realpathSync(installed);
    return [{ folder: real, manifest: readManifest(real) }];
  });
}

async function load({ folder, manifest }: Package, imports: Imports): Promise<Plugin> {
  const packageName = manifest.name as string;
  mustShareCore(folder, packageName, manifest);
  const module = moduleOf(folder, packageName, manifest);
  const fs = await importFileSystem(module, packageName, imports);
  return {
    fs,
    packageName,
    version: manifest.version ?? '0.0.0',
    folder,
    module,
    ...declaredIn(folder),
  };
}

/**
 * Refuse a package that is written for another core, or that would run on a copy of its own: the running execution is
 * known to one copy only.
 */
function mustShareCore(folder: string, name: string, { dependencies, peerDependencies }: Manifest): void {
  const wanted = { ...dependencies, ...peerDependencies }[CORE];
  const ours = coreVersion();
  if (wanted !== undefined && semver.validRange(wanted) !== null && !semver.satisfies(ours, wanted)) {
    throw badPlugin(
      name,
      `it needs ${CORE} ${wanted}, and this is ${ours}. Install a version of it that fits`,
    );
  }
  const copy = coreOf(folder);
  if (copy === null || copy === OUR_CORE) return;
  const { version } = readManifest(copy);
  const what = version === ours ? `a copy of ${CORE} of its own` : `${CORE} ${version}, and this is ${ours}`;
  throw badPlugin(
    name,
    `it uses ${what} (${copy}). Install one version of ${CORE} for all: "npm dedupe" may do`,
  );
}

/** Folder of the core that a package imports, `null` if there is none. */
function coreOf(folder: string): string | null {
  try {
    const manifest = resolve(`${CORE}/package.json`, pathToFileURL(join(folder, 'package.json')).href);
    return dirname(realpathSync(fileURLToPath(manifest)));
  } catch {
    return null; // importing it will tell
  }
}

/** URL of what importing the package imports. */
function moduleOf(folder: string, name: string, { exports }: Manifest): string {
  const self = join(folder, 'package.json');
  try {
    if (exports !== undefined) return resolve(name, pathToFileURL(self).href);
    return pathToFileURL(createRequire(self).resolve(dirname(self))).href;
  } catch (error) {
    throw badPlugin(name, `it has no module to import: ${textOf(error)}. Build it, or mend "exports"`);
  }
}

async function importFileSystem(module: string, name: string, imports: Imports): Promise<FileSystemType> {
  let exported: { readonly default?: unknown };
  try {
    exported = await imports.import(module);
  } catch (error) {
    const what = error instanceof NeverEnds ? error.message : `importing it throws: ${textOf(error)}`;
    throw badPlugin(name, `${what}. Mend ${fileURLToPath(module)}`);
  }
  const what = whatIsWrong(exported.default);
  if (what === null) return exported.default as FileSystemType;
  throw badPlugin(
    name,
    `${what}. Write "export default defineFileSystem({...})" in ${fileURLToPath(module)}`,
  );
}

const NAME = /^[a-z0-9][\w.-]*$/i;
const PROFILE = /^v[\d.]+(?:\+[\w.-]+)?$/;

/** Why a default export is no filesystem, `null` if it is one. */
function whatIsWrong(exported: unknown): string | null {
  if (exported === undefined) return 'it has no default export';
  if (typeof exported !== 'object' || exported === null) return 'its default export is no filesystem';
  const fs = exported as Partial<Record<keyof FileSystemType, unknown>>;
  const functions = (['mkfs', 'mount', 'iget', 'bmap', 'fsck'] as const).filter(
    (key) => typeof fs[key] !== 'function',
  );
  const objects = (['supports', 'aOps', 'iOps', 'fOps'] as const).filter(
    (key) => typeof fs[key] !== 'object',
  );
  const missing = [...functions, ...objects].join(', ');
  if (missing !== '') return `its default export has no ${missing}`;
  if (typeof fs.name !== 'string' || !NAME.test(fs.name)) return `its name is ${JSON.stringify(fs.name)}`;
  if (!Array.isArray(fs.follows) || fs.follows.length === 0) return 'it follows no profile';
  return badProfile(fs.follows) ?? badPort(fs.ports);
}

function badProfile(profiles: readonly unknown[]): string | null {
  try {
    for (const profile of profiles) {
      if (typeof profile !== 'string' || !PROFILE.test(profile)) {
        return `it follows ${JSON.stringify(profile)}, which is no profile such as v5.15 or v5.15+series`;
      }
      releaseOf(profile);
    }
    return null;
  } catch (error) {
    return textOf(error).replace(/\.$/, '');
  }
}

const COMMIT = /^[0-9a-f]{12}$/;

function badPort(ports: unknown): string | null {
  if (ports === undefined) return null;
  if (!Array.isArray(ports)) return 'its ports are no list of commits';
  const bad: unknown = ports.find((port: Partial<Record<keyof KernelPort, unknown>> | null) => {
    const { of, kernel, since, title } = port ?? {};
    return ![of, kernel].every((one) => COMMIT.test(String(one))) || !PROFILE.test(String(since)) || !title;
  });
  if (bad === undefined) return null;
  return `its ports have ${JSON.stringify(bad)}, which is not { of, kernel, since, title } with commits of 12 digits`;
}

function declaredIn(folder: string): Pick<Plugin, 'expected' | 'expectedPath'> {
  const path = join(folder, 'expected.json');
  if (!existsSync(path)) return { expected: null, expectedPath: null };
  return { expected: readExpected(path), expectedPath: path };
}

function badPlugin(name: string, what: string): UsageError {
  return new UsageError('BAD_PLUGIN', { plugin: name }, `The filesystem package ${name}: ${what}.`);
}

/** The first line of what an error says. */
function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
