/**
 * The template of a new filesystem: `packages/fs-minimal` itself, read from the repository or, in an installed package,
 * from the copy that was made when it was packed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a filesystem package is made from. */
export interface Template {
  /** Its files, path -> text. */
  readonly files: Readonly<Record<string, string>>;
  /** Compiler options that all packages of the repository have. */
  readonly compilerOptions: object;
  /** Packages that the repository, or fsport itself, provides -> version range. */
  readonly versions: Readonly<Record<string, string>>;
}

const OWN = fileURLToPath(new URL('../', import.meta.url));
const REPOSITORY = join(OWN, '../..');
const SOURCE = join(REPOSITORY, 'packages/fs-minimal');

/** Where the template is in a packed package. */
export const PACKED = join(OWN, 'template.json');

/** What a package outside the repository needs and the repository has at its root. */
const TOOLS = ['@jest/globals', '@types/node', 'eslint', 'jest', 'typedoc', 'typescript'];

/** What of fsport it uses. */
const PACKAGES = ['cli', 'conformance', 'core', 'eslint-plugin'];

/** The template. */
export function readTemplate(): Template {
  return existsSync(PACKED) ? (readJson(PACKED) as Template) : templateOfRepository();
}

/** The template as it is in the repository now. */
export function templateOfRepository(): Template {
  const root = readJson(join(REPOSITORY, 'package.json')) as { devDependencies: Record<string, string> };
  const base = readJson(join(REPOSITORY, 'tsconfig.base.json')) as { compilerOptions: object };
  const tools = TOOLS.map((name) => [name, root.devDependencies[name] as string] as const);
  const packages = PACKAGES.map((folder) => {
    const { name, version } = readJson(join(REPOSITORY, 'packages', folder, 'package.json')) as {
      readonly name: string;
      readonly version: string;
    };
    return [name, `^${version}`] as const;
  });
  return {
    files: filesOf(SOURCE),
    compilerOptions: base.compilerOptions,
    versions: Object.fromEntries([...tools, ...packages]),
  };
}

/** Everything but what is built, installed or written by a run. */
function filesOf(folder: string): Readonly<Record<string, string>> {
  const made = /^(?:dist|dist-test|node_modules|results)$/;
  const kept = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !made.test(name));
  const paths = kept.flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    const inside = readdirSync(join(folder, entry.name), { recursive: true, withFileTypes: true });
    return inside
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name).slice(folder.length + 1));
  });
  const names = paths.map((path) => path.replaceAll('\\', '/')).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
