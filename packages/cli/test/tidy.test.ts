// Shows that the source tree keeps its own rules, by reading it: layers, package basics, file length,
// banned text. Every rule is also run on something that breaks it, so a rule that sees nothing fails here.
//
// A finding is one line: path, rule, what to do instead.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[\\/]$/, '');
const LINES_MAX = 700;
const LAYERS_TIMEOUT_MS = 60_000;

const isSource = (path: string): boolean => /^packages\/[^/]+\/src\//.test(path);
const isTypeScript = (path: string): boolean => path.endsWith('.ts');
const isAny = (): boolean => true;

function finding(path: string, rule: string, instead: string): string {
  return `${path}  ${rule}: ${instead}`;
}

// ---------------------------------------------------------------------------------------------------
// Text

interface TextRule {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  readonly pattern: RegExp;
  readonly instead: string;
  /** Lines that must be found. Spelled in pieces, so that this file keeps the rules it tests. */
  readonly breaks: readonly string[];
  /** Similar lines that must not be found. */
  readonly keeps: readonly string[];
}

const TEXT_RULES: readonly TextRule[] = [
  {
    name: 'left-open',
    applies: isSource,
    pattern: /\b(?:TODO|FIXME|XXX)\b/,
    instead: 'finish it, or say with @departs what is not modelled and why that does not matter',
    breaks: [`// ${'TO'}DO: later`, `// ${'FIX'}ME`, `// ${'XX'}X`],
    keeps: ['const TODOS = 1;'],
  },
  {
    name: 'skipped-or-exclusive-test',
    applies: isTypeScript,
    pattern: /\b(?:it|test|describe)\.(?:skip|only)\b|\.only\s*\(|\bx(?:it|test|describe)\s*\(/,
    instead: 'mend or delete the test; a limit of the model is a test.todo with its reason',
    breaks: [`it${'.skip'}('x')`, `describe${'.skip'}.each([])`, `test${'.only'}('x')`, `${'x'}it('x')`],
    keeps: ["test.todo('no weak memory: the model is sequentially consistent')", 'exit(1)', 'options.only'],
  },
  {
    name: 'registry-host',
    applies: isAny,
    pattern: registryHosts(),
    instead: 'name the package and its version; where it comes from is a setting of each machine',
    breaks: [`http${'s://'}registry.example.org/x`, `registry${'.npmjs'}.org`],
    keeps: ['the registry of checks: registry.test.ts'],
  },
  {
    name: 'tarball-url',
    applies: isAny,
    pattern: /[a-z+]+:\/\/\S+\.(?:tgz|tar\.\w+)\b|^\s*tarball:/,
    instead: 'depend on a version; the lockfile pins its hash',
    breaks: [`http${'s://'}example.org/x-1.0.${'tgz'}`, `    ${'tar'}ball: x`],
    keeps: ['a tarball of the kernel'],
  },
  {
    name: 'path-of-a-machine',
    applies: isAny,
    pattern: machinePaths(),
    instead: 'use a path relative to the repository, or import.meta.url',
    breaks: [`${ROOT}/x`, `/${'home'}/someone/x`, `/${'Users'}/someone/x`, `C:\\${'Users'}\\someone`],
    keeps: ['packages/core/src/home/x.ts', 'https://example.org/home/', '/dev/fuse', '/sys/kernel/tracing'],
  },
  {
    name: 'url-in-lockfile',
    applies: (path) => path === 'pnpm-lock.yaml',
    pattern: /:\/\//,
    instead: 'remove the URL; the lockfile names versions and hashes only',
    breaks: [`  resolution: http${'s:/'}/example.org`],
    keeps: ['lockfileVersion: 9.0'],
  },
];

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The public registries, and the one this machine uses if it says so. */
function registryHosts(): RegExp {
  const configured = process.env['npm_config_registry'];
  const own = configured === undefined ? [] : [escapeRegExp(new URL(configured).host)];
  return new RegExp(['://registry\\.', 'registry\\.(?:npmjs|yarnpkg|npmmirror)\\.', ...own].join('|'));
}

/** Home folders, this checkout and the folder it is in, unless that is one that every machine has. */
function machinePaths(): RegExp {
  const common = new Set(['/', '/tmp', '/home', '/mnt', '/opt', '/srv', '/usr', '/var', '/builds']);
  const own = [ROOT, dirname(ROOT), homedir()].filter((path) => !common.has(path)).map(escapeRegExp);
  const homes = ['/home/[\\w.-]+', '/Users/[\\w.-]+', '[A-Z]:\\\\Users'];
  return new RegExp(`(?<![\\w.})$/-])(?:${[...own, ...homes].join('|')})(?=[/\\\\])`);
}

function textFindings(path: string, text: string): string[] {
  const rules = TEXT_RULES.filter((rule) => rule.applies(path));
  return text.split('\n').flatMap((line, index) => {
    const broken = rules.filter((rule) => rule.pattern.test(line));
    return broken.map((rule) => finding(`${path}:${index + 1}`, rule.name, rule.instead));
  });
}

function lengthFindings(path: string, text: string): string[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (!isSource(path) || lines <= LINES_MAX) return [];
  const instead = `${lines} lines, at most ${LINES_MAX}; move one of the things it does to a file of its own`;
  return [finding(path, 'long-file', instead)];
}

/** The text files that git tracks, as `[path, text]`. */
function trackedTexts(): [string, string][] {
  // In a container the checkout often belongs to another user; reading its list of files is harmless.
  const git = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  if (git.status !== 0) throw new Error(`git ls-files failed: ${git.error?.message ?? git.stderr}`);
  const paths = git.stdout.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
  const texts = paths.map((path): [string, string] => [path, readFileSync(join(ROOT, path), 'utf8')]);
  return texts.filter(([, text]) => !text.includes('\0'));
}

describe('text', () => {
  const texts = trackedTexts();

  test('git tracks something to look at', () => {
    expect(texts.map(([path]) => path)).toContain('package.json');
  });

  test('no tracked file breaks a rule about its text', () => {
    expect(texts.flatMap(([path, text]) => textFindings(path, text))).toEqual([]);
  });

  test(`no source file is longer than ${LINES_MAX} lines`, () => {
    expect(texts.flatMap(([path, text]) => lengthFindings(path, text))).toEqual([]);
  });

  test.each(TEXT_RULES)('$name is found where it is, and only there', (rule) => {
    const path = ['pnpm-lock.yaml', 'packages/core/src/x.ts'].find(rule.applies) ?? '';
    const found = (line: string): boolean =>
      textFindings(path, line).some((text) => text.includes(` ${rule.name}: `));
    expect(rule.breaks.filter((line) => !found(line))).toEqual([]);
    expect(rule.keeps.filter(found)).toEqual([]);
  });

  test('a source file one line too long is found', () => {
    expect(lengthFindings('packages/core/src/x.ts', 'x;\n'.repeat(LINES_MAX))).toEqual([]);
    expect(lengthFindings('packages/core/src/x.ts', 'x;\n'.repeat(LINES_MAX + 1))).toHaveLength(1);
  });
});

// ---------------------------------------------------------------------------------------------------
// Packages

interface PackageFiles {
  readonly folder: string;
  readonly manifest: { readonly license?: string };
  readonly hasReadme: boolean;
}

function packageFindings({ folder, manifest, hasReadme }: PackageFiles): string[] {
  const findings: string[] = [];
  if (!hasReadme) {
    findings.push(
      finding(`${folder}/README.md`, 'package-readme', 'write one: what it is, what is left out'),
    );
  }
  if (manifest.license !== 'MIT') {
    findings.push(finding(`${folder}/package.json`, 'package-license', 'add "license": "MIT"'));
  }
  return findings;
}

describe('packages', () => {
  test('every package has a README and the licence', () => {
    const manifests = trackedTexts().filter(([path]) => /^packages\/[^/]+\/package\.json$/.test(path));
    expect(manifests).not.toHaveLength(0);
    const findings = manifests.flatMap(([path, text]) => {
      const folder = dirname(path);
      const hasReadme = existsSync(join(ROOT, folder, 'README.md'));
      return packageFindings({ folder, manifest: JSON.parse(text), hasReadme });
    });
    expect(findings).toEqual([]);
  });

  test('a package without them is found', () => {
    const found = packageFindings({ folder: 'packages/x', manifest: {}, hasReadme: false });
    expect(found.join('\n')).toMatch(/package-readme.*\n.*package-license/);
  });
});

// ---------------------------------------------------------------------------------------------------
// Layers

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: string;
  readonly instead: string;
}

/** The part of dependency-cruiser's JSON that is used here. */
interface CruiseResult {
  readonly modules: readonly unknown[];
  readonly summary: {
    readonly violations: readonly { from: string; to: string; rule: { name: string } }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { name: string; comment: string }[] };
  };
}

/** What dependency-cruiser finds in the packages below `root`, with this repository's rules. */
function layerViolations(root: string): readonly Violation[] {
  const cruise = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json'];
  const folders = ['src', 'test', 'bench'].map((folder) => `packages/*/${folder}`);
  const run = spawnSync(process.execPath, [cruise, ...args, ...folders], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(`dependency-cruiser failed: ${run.stderr}`);
  const { modules, summary }: CruiseResult = JSON.parse(run.stdout);
  if (modules.length === 0) throw new Error('dependency-cruiser found no module');
  const comments = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
  return summary.violations.map(({ from, to, rule: { name } }) => {
    return { from, to, rule: name, instead: comments.get(name) ?? '' };
  });
}

describe('layers', () => {
  test(
    'no import breaks the layers',
    () => {
      const findings = layerViolations(ROOT).map(({ from, to, rule, instead }) =>
        finding(`${from} -> ${to}`, rule, instead),
      );
      expect(findings).toEqual([]);
    },
    LAYERS_TIMEOUT_MS,
  );

  test(
    'every forbidden arrow is found, and the allowed ones are not',
    () => {
      const root = plantPackages({
        'core/src/index.ts': "import './sched/task.js';",
        'core/src/sched/task.ts': "import '../mm/filemap.js';",
        'core/src/mm/filemap.ts': '',
        'core/src/clock.ts': "import 'node:fs';",
        'core/src/egg.ts': "import { hen } from './hen.js'; export const egg = (): unknown => hen;",
        'core/src/hen.ts': "import { egg } from './egg.js'; export const hen = (): unknown => egg;",
        'core/src/lost.ts': "import './gone.js';",
        'core/src/peek.ts': "import '../test/helper.js';",
        'core/test/helper.ts': '',
        'explore/src/index.ts': "import '@fsport/core';",
        'explore/src/up.ts': "import '@fsport/conformance';",
        'conformance/src/index.ts': "import '@fsport/explore';",
        'report/src/index.ts': "import '@fsport/conformance';",
        'report/src/door.ts': "import '../../core/src/clock.js';",
        'cli/src/index.ts': "import '@fsport/report'; import '@fsport/fs-a';",
        'fs-a/src/index.ts': "import '@fsport/core';",
        'fs-a/src/judge.ts': "import '@fsport/conformance';",
        'fs-a/src/sibling.ts': "import '@fsport/fs-b';",
        'fs-a/test/index.test.ts': "import '@fsport/conformance';",
        'fs-a/test/report.test.ts': "import '@fsport/report';",
        'fs-b/src/index.ts': '',
        'stranger/src/index.ts': "import '@fsport/core';",
      });
      try {
        const found = layerViolations(root).map(({ from, to, rule }) => `${rule}: ${from} -> ${to}`);
        expect(found.sort()).toEqual([
          'layer-explore-src-bench: packages/explore/src/up.ts -> packages/conformance/dist/index.js',
          'layer-fs-*-src-bench: packages/fs-a/src/judge.ts -> packages/conformance/dist/index.js',
          'layer-fs-*-src-bench: packages/fs-a/src/sibling.ts -> packages/fs-b/dist/index.js',
          'layer-fs-*-test: packages/fs-a/test/report.test.ts -> packages/report/dist/index.js',
          'models-touch-no-platform: packages/core/src/clock.ts -> fs',
          'no-circular: packages/core/src/egg.ts -> packages/core/src/hen.ts',
          'no-unresolved: packages/core/src/lost.ts -> ./gone.js',
          'package-without-a-layer: packages/stranger/src/index.ts -> packages/core/dist/index.js',
          'sched-knows-no-filesystem: packages/core/src/sched/task.ts -> packages/core/src/mm/filemap.ts',
          'src-imports-no-tests: packages/core/src/peek.ts -> packages/core/test/helper.ts',
          'through-the-front-door: packages/report/src/door.ts -> packages/core/src/clock.ts',
        ]);
      } finally {
        rmSync(root, { recursive: true });
      }
    },
    LAYERS_TIMEOUT_MS,
  );
});

/** Writes a workspace of built packages to a temporary folder; `files` maps paths below `packages` to text. */
function plantPackages(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-tidy-')));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(`packages/${path}`, `${text}\nexport {};\n`);
  mkdirSync(join(root, 'node_modules/@fsport'), { recursive: true });
  const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
  for (const name of new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))) {
    const manifest = { name: `@fsport/${name}`, type: 'module', exports };
    write(`packages/${name}/package.json`, JSON.stringify(manifest));
    write(`packages/${name}/dist/index.js`, 'export {};\n');
    write(`packages/${name}/dist/index.d.ts`, 'export {};\n');
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@fsport', name), 'junction');
  }
  return root;
}
