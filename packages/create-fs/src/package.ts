/** The files of a new filesystem package: those of the template, renamed, and outside the repository what it lacks there. */
import { UsageError } from '@fsport/core';
import type { Home } from './home.js';
import type { Template } from './template.js';

/** What is asked for. */
export interface Wanted {
  /** Name of the filesystem, as in /proc/filesystems. */
  readonly name: string;
  /** Profiles it follows. */
  readonly follows: readonly string[];
  /** Where the kernel's source is: `fs/ext2/inode.c`. */
  readonly see: string;
}

/** Modules of the engine are still called experimental, each time they are used. */
const JEST =
  'node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Config {
  readonly compilerOptions: object;
  readonly include: readonly string[];
  readonly references: readonly { readonly path: string }[];
}

/**
 * The files of the package.
 *
 * @param template - What it is made from.
 * @param wanted - What is asked for.
 * @param home - Where it goes.
 * @returns Path below its folder -> text.
 */
export function packageFiles(template: Template, wanted: Wanted, home: Home): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [path, text] of Object.entries(template.files))
    files.set(path, renamed(text, wanted.name, home));
  edit(files, 'src/index.ts', (text) => {
    return replaced(
      text,
      /follows: \[[^\]]*\]/,
      `follows: [${wanted.follows.map((one) => `'${one}'`).join(', ')}]`,
    ).replace(/@see fs\/[^\n]*/, () => `@see ${wanted.see}`);
  });
  files.set('README.md', readme(wanted, home));
  edit(files, 'package.json', (text) => manifest(text, wanted, home, template));
  if (home.repository === null) addSurroundings(files, template);
  return files;
}

function edit(files: Map<string, string>, path: string, change: (text: string) => string): void {
  files.set(path, change(files.get(path) ?? ''));
}

function replaced(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`the template has no ${pattern.source}`);
  return text.replace(pattern, () => by);
}

function renamed(text: string, name: string, { packageName }: Home): string {
  const capital = name.charAt(0).toUpperCase() + name.slice(1);
  return text
    .replaceAll('@fsport/fs-minimal', packageName)
    .replaceAll('minimal', name)
    .replaceAll('Minimal', capital);
}

function manifest(text: string, { name }: Wanted, { repository }: Home, { versions }: Template): string {
  const { dependencies, devDependencies, ...rest } = JSON.parse(text) as Manifest;
  const inside = {
    ...rest,
    description: `A model of the locking of ${name}.`,
    dependencies,
    devDependencies,
  };
  if (repository !== null) return json(inside);
  const known = (names: readonly string[]): Readonly<Record<string, string>> => {
    return Object.fromEntries([...new Set(names)].sort().map((one) => [one, versions[one] as string]));
  };
  const scripts = {
    build: 'tsc -b tsconfig.json tsconfig.test.json',
    test: `npm run build && ${JEST}`,
    lint: 'npm run build && eslint src test',
    conformance: `npm run build && fsport run ${name}`,
    docs: 'typedoc',
  };
  const own = Object.keys(dependencies);
  const tools = Object.keys(versions).filter((one) => !own.includes(one));
  return json({ ...inside, scripts, dependencies: known(own), devDependencies: known(tools) });
}

/** What packages in the repository get from its root. */
function addSurroundings(files: Map<string, string>, { compilerOptions }: Template): void {
  for (const path of ['tsconfig.json', 'tsconfig.test.json']) {
    edit(files, path, (text) => {
      const own = JSON.parse(text) as Config;
      const references = own.references.filter((one) => one.path.startsWith('./'));
      return json({
        compilerOptions: { ...compilerOptions, ...own.compilerOptions },
        include: own.include,
        ...(references.length === 0 ? {} : { references }),
      });
    });
  }
  files.set('.gitignore', 'node_modules/\ndist/\ndist-test/\ndocs-site/\nresults/\n');
  files.set(
    'jest.config.mjs',
    `/** Runs what tsc compiled: no second compiler, and the tests see what ships. */
export default { testMatch: ['<rootDir>/dist-test/**/*.test.js'], transform: {} };
`,
  );
  files.set(
    'eslint.config.mjs',
    `import fsport from '@fsport/eslint-plugin';

export default [{ ignores: ['dist/', 'dist-test/', 'docs-site/'] }, ...fsport.configs.recommended];
`,
  );
  files.set(
    'typedoc.config.mjs',
    `import { OptionDefaults } from 'typedoc';

/** The two tags are those of fsport: what a function expects of its caller, and where the model differs from the kernel. */
export default {
  entryPoints: ['src/index.ts'],
  out: 'docs-site',
  blockTags: [...OptionDefaults.blockTags, '@context', '@departs'],
  // A repository without a remote has nowhere to link to, and TypeDoc warns of that.
  disableSources: true,
  treatWarningsAsErrors: true,
};
`,
  );
}

function readme({ name, follows, see }: Wanted, { packageName }: Home): string {
  return `# ${packageName}

A model of the locking of ${name}, as ${follows.join(' and ')}, for fsport.

**Modelled**: files can be read. Nothing is claimed in \`supports\` yet.

**Left out**: everything else.

**Read**: ${see}
`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Refuse where a kernel source is said to be, if that cannot stand in a comment.
 *
 * @throws UsageError `BAD_OPTION`.
 */
export function mustBePlace(see: string): void {
  if (/^[\w./, ()>*-]+$/.test(see) && !see.includes('*/')) return;
  const text = `"${see}" names no kernel source. Write it as in --see "fs/ext2/inode.c, fs/ext2/file.c".`;
  throw new UsageError('BAD_OPTION', { option: 'see' }, text);
}
