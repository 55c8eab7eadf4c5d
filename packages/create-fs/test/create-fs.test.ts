// Shows that a new filesystem package is green at once, outside the repository and inside, with the commands that its
// author is told; and that what cannot be made is refused before anything is written.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BIN = join(ROOT, 'packages/create-fs/bin/create-fs.js');
const FSPORT = join(ROOT, 'packages/cli/bin/fsport.js');
const PATIENCE_MS = 240_000;

type Called = Pick<SpawnSyncReturns<string>, 'status' | 'stdout' | 'stderr'>;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function temporary(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-create-')));
  folders.push(folder);
  return folder;
}

function node(cwd: string, ...args: string[]): Called {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function create(cwd: string, ...args: string[]): Called {
  return node(cwd, BIN, ...args, '--no-run');
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(from, to, 'junction');
}

function json<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T;
}

/** What `npm install` does, with what is here. */
function install(folder: string): void {
  const { dependencies, devDependencies } = json<Record<string, object>>(folder, 'package.json');
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const own = join(ROOT, 'packages', name.replace('@fsport/', ''));
    link(
      name.startsWith('@fsport/') ? own : realpathSync(join(ROOT, 'node_modules', name)),
      join(folder, 'node_modules', name),
    );
  }
  for (const [name, to] of Object.entries({
    tsc: 'typescript/bin/tsc',
    eslint: 'eslint/bin/eslint.js',
    typedoc: 'typedoc/bin/typedoc',
    fsport: '@fsport/cli/bin/fsport.js',
  })) {
    if (existsSync(join(folder, 'node_modules', to)))
      link(join(folder, 'node_modules', to), join(folder, 'node_modules/.bin', name));
  }
}

/** A script of the package, as `npm run` runs it. */
function script(folder: string, name: string): Called {
  const { scripts } = json<{ scripts: Record<string, string> }>(folder, 'package.json');
  const { status, stdout, stderr } = spawnSync('npm', ['run', name], { cwd: folder, encoding: 'utf8' });
  expect(Object.keys(scripts)).toContain(name);
  return { status, stdout, stderr };
}

describe('outside the repository', () => {
  test(
    'a new package builds, passes its tests and its lint, is documented, and is found by the command',
    () => {
      const folder = temporary();
      const { status, stdout, stderr } = create(folder, 'toyfs', '--see', 'fs/toyfs/inode.c');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const lines = stdout.trimEnd().split('\n');
      expect(lines.slice(0, 2)).toEqual(['fs-toyfs:', '  fs-toyfs/README.md']);
      expect(lines.at(-1)).toMatch(
        /^Next: claim "truncate" in fs-toyfs\/src\/index\.ts.*cd fs-toyfs && npm install/,
      );
      const made = join(folder, 'fs-toyfs');
      install(made);
      const tests = script(made, 'test');
      expect(tests).toMatchObject({ status: 0, stderr: expect.stringMatching(/Tests: +\d{3,} passed/) });
      expect(tests.stderr).not.toMatch(/Warning/);
      expect(script(made, 'lint')).toMatchObject({ status: 0 });
      const source = join(made, 'src/index.ts');
      writeFileSync(source, readFileSync(source, 'utf8').replace('@see', '@departs In much.\n * @see'));
      expect(script(made, 'docs')).toMatchObject({ status: 0 });
      expect(readFileSync(join(made, 'docs-site/modules.html'), 'utf8')).toMatch(/In much\./);
      const run = script(made, 'conformance');
      expect(run.stdout).toMatch(/fs-toyfs 0\.1\.0 as v5\.14, v5\.15/);
      expect(run.stdout).toMatch(/supports\.truncate is not claimed/);
      expect(run.status).toBe(0);
    },
    PATIENCE_MS,
  );

  test('nothing of the template is left in it', () => {
    const folder = temporary();
    create(folder, 'toyfs', '--follows', 'v5.15');
    const made = join(folder, 'fs-toyfs');
    for (const path of readdirSync(made, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )) {
      expect(readFileSync(join(path.parentPath, path.name), 'utf8')).not.toMatch(/minimal|workspace:/i);
    }
    expect(readFileSync(join(made, 'src/index.ts'), 'utf8')).toMatch(/follows: \['v5\.15'\]/);
  });

  test('a packed template is the same', () => {
    const packed = join(ROOT, 'packages/create-fs/template.json');
    const pack = join(ROOT, 'packages/create-fs/scripts/pack-template.mjs');
    const [first, second] = [temporary(), temporary()];
    create(first, 'toyfs');
    try {
      expect(node(ROOT, pack).status).toBe(0);
      expect(existsSync(packed)).toBe(true);
      create(second, 'toyfs');
    } finally {
      expect(node(ROOT, pack, '--remove').status).toBe(0);
    }
    expect(existsSync(packed)).toBe(false);
    expect(textsIn(second)).toEqual(textsIn(first));
  });
});

function textsIn(folder: string): readonly (readonly [string, string])[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return names.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length), readFileSync(path, 'utf8')] as const;
  });
}

/** A copy of the repository in which some packages can be written to. */
function repository(...own: string[]): string {
  const folder = temporary();
  for (const name of ['package.json', 'tsconfig.base.json', 'pnpm-workspace.yaml']) {
    // A configuration that looks newer than what was built has tsc build the linked packages again, in their places.
    cpSync(join(ROOT, name), join(folder, name), { preserveTimestamps: true });
  }
  link(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const from = join(ROOT, 'packages', name);
    const to = join(folder, 'packages', name);
    if (!own.includes(name)) {
      link(from, to);
      continue;
    }
    const copied = (path: string): boolean => !/[\\/](?:dist|dist-test|dist-bench|node_modules)$/.test(path);
    cpSync(from, to, { recursive: true, filter: copied });
    link(join(from, 'node_modules'), join(to, 'node_modules'));
  }
  return folder;
}

const tsc = (cwd: string, ...projects: string[]): Called =>
  node(cwd, join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', ...projects);

describe('in the repository', () => {
  test(
    'a new package builds, passes its tests, and is found by the command',
    () => {
      const root = repository();
      mkdirSync(join(root, 'docs'));
      const called = node(join(root, 'docs'), FSPORT, 'new', 'fs', 'toyfs', '--no-run');
      expect(called).toMatchObject({ status: 0, stderr: '' });
      expect(called.stdout).toMatch(/^@fsport\/fs-toyfs:\n/);
      expect(called.stdout).toMatch(
        /Next: claim "truncate" in .*install && node scripts\/build\.mjs && .* run toyfs\n$/,
      );
      const made = join(root, 'packages/fs-toyfs');
      const manifest = json<Record<string, unknown>>(made, 'package.json');
      expect(manifest).toMatchObject({
        name: '@fsport/fs-toyfs',
        dependencies: { '@fsport/core': 'workspace:^' },
      });
      expect(existsSync(join(made, 'jest.config.mjs'))).toBe(false);
      install(made);
      expect(tsc(root, 'packages/fs-toyfs', 'packages/fs-toyfs/tsconfig.test.json')).toMatchObject({
        status: 0,
        stdout: '',
      });
      const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
      const args = [
        '--experimental-vm-modules',
        jest,
        '--rootDir',
        made,
        '--testMatch',
        '**/dist-test/**/*.test.js',
      ];
      const tests = node(made, ...args, '--transform', '{}');
      expect(tests).toMatchObject({ status: 0, stderr: expect.stringMatching(/Tests: +\d{3,} passed/) });
      expect(node(root, FSPORT, 'run', 'toyfs', 'E1')).toMatchObject({ status: 0, stderr: '' });
    },
    PATIENCE_MS,
  );

  test(
    'a new check is compiled, listed and passes',
    () => {
      const root = repository('conformance');
      const called = node(root, FSPORT, 'new', 'check', 'race/read-vs-read', '--group', 'quick,auto');
      expect(called).toMatchObject({
        status: 0,
        stderr: '',
        stdout: expect.stringMatching(/\nNext: .*run race\/read-vs-read\n$/),
      });
      expect(tsc(root, 'packages/conformance')).toMatchObject({ status: 0, stdout: '' });
      const source = `import { CHECKS, runCheck } from ${JSON.stringify(join(root, 'packages/conformance/dist/index.js'))};
        import minimal from ${JSON.stringify(join(ROOT, 'packages/fs-minimal/dist/index.js'))};
        const check = CHECKS.find(({ id }) => id === 'race/read-vs-read');
        const { verdict, exhaustive } = runCheck(minimal, 'v5.15', check, null).result;
        console.log(JSON.stringify([check.groups, verdict, exhaustive]));`;
      expect(node(root, '--input-type=module', '--eval', source).stdout).toBe(
        '[["quick","auto"],"pass",true]\n',
      );
      const again = node(root, FSPORT, 'new', 'check', 'race/read-vs-read');
      expect(again).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(/read-vs-read\.ts exists.*--overwrite/),
      });
      expect(biome(root, 'packages/conformance/src/checks')).toMatchObject({ status: 0 });
    },
    PATIENCE_MS,
  );

  test(
    'a new strategy is compiled, registered and explores',
    () => {
      const root = repository('explore');
      const called = node(root, FSPORT, 'new', 'strategy', 'greedy');
      expect(called).toMatchObject({
        status: 0,
        stderr: '',
        stdout: expect.stringMatching(/\nNext: .*--strategy greedy/),
      });
      expect(tsc(root, 'packages/explore')).toMatchObject({ status: 0, stdout: '' });
      const source = `import { STRATEGIES, strategyName } from ${JSON.stringify(join(root, 'packages/explore/dist/index.js'))};
        console.log(strategyName('greedy'), STRATEGIES.greedy({ seed: 1 }).constructor.name);`;
      expect(node(root, '--input-type=module', '--eval', source).stdout).toBe('greedy GreedyStrategy\n');
      expect(biome(root, 'packages/explore/src/strategies')).toMatchObject({ status: 0 });
    },
    PATIENCE_MS,
  );
});

/** What is written is formatted and sorted as the rest. */
function biome(root: string, path: string): Called {
  const bin = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  cpSync(join(ROOT, 'biome.json'), join(root, 'biome.json'));
  return node(root, bin, 'check', '--vcs-enabled=false', path);
}

describe('what cannot be made is refused, and nothing is written', () => {
  const BAD: readonly (readonly [string, string[], RegExp])[] = [
    ['no name', [], /missing required argument 'name'/],
    ['a capital letter', ['Ext2'], /"Ext2".*small letters and digits/],
    ['a path', ['../up'], /"\.\.\/up".*small letters/],
    ['a name that begins with a digit', ['9p'], /"9p".*after a letter/],
    ['the prefix of the package', ['fs-ext2'], /Leave out "fs-".*fs-ext2 anyway/],
    ['a word of the language', ['class'], /"class".*word of TypeScript/],
    ['a word of the template', ['machine'], /"machine".*uses that word/],
    ['an unknown release', ['toyfs', '--follows', 'v5.15,v9.9'], /"v9\.9".*v5\.14, v5\.15/],
    ['a source that would end the comment', ['toyfs', '--see', 'fs/*/x.c'], /--see "fs\/ext2/],
    ['an unknown option', ['toyfs', '--force'], /unknown option '--force'/],
    ['a folder that is taken', ['taken'], /fs-taken exists.*--overwrite/],
  ];
  const folder = temporary();
  mkdirSync(join(folder, 'fs-taken'));
  writeFileSync(join(folder, 'fs-taken/thesis.txt'), 'years of work');

  test.each(BAD)('%s', (_, args, message) => {
    const { status, stdout, stderr } = create(folder, ...args);
    expect({ status, stdout, stderr }).toEqual({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect(textsIn(folder)).toEqual([['/fs-taken/thesis.txt', 'years of work']]);
  });

  test('unless it is told to write over it: what has another name stays', () => {
    const own = temporary();
    mkdirSync(join(own, 'fs-taken'));
    writeFileSync(join(own, 'fs-taken/thesis.txt'), 'years of work');
    writeFileSync(join(own, 'fs-taken/README.md'), 'old');
    expect(create(own, 'taken', '--overwrite')).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(own, 'fs-taken/thesis.txt'), 'utf8')).toBe('years of work');
    expect(readFileSync(join(own, 'fs-taken/README.md'), 'utf8')).toMatch(/^# fs-taken/);
  });

  test.each([
    ['a check without an area', ['check', 'punch'], /<area>\/<workload>/],
    ['a check that is there', ['check', 'race/e1-read-vs-punch'], /There is a check/],
    ['a check in an unknown group', ['check', 'race/x', '-g', 'quik'], /"quik".*auto, quick/],
    ['a check outside the repository', ['check', 'race/x'], /clone of its repository/],
    ['a strategy with a path', ['strategy', '../x'], /"\.\.\/x" cannot be/],
    ['a strategy that is there', ['strategy', 'auto'], /There is a strategy/],
    ['a strategy outside the repository', ['strategy', 'greedy'], /clone of its repository/],
    ['something else', ['disk', 'x'], /disk/],
  ])('%s', (_, args, message) => {
    const { status, stdout, stderr } = node(folder, FSPORT, 'new', ...args);
    expect({ status, stdout, stderr }).toEqual({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
  });
});
