// Shows that the documentation is refused with what is wrong in it, by building a small one with this repository's own
// options. That of the repository itself is built by `npm run docs`.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PATIENCE_MS = 60_000;

const SOUND: Readonly<Record<string, string>> = {
  'README.md': '# Readme\n\nRead [the guide](docs/guide/01-one.md).\n',
  'docs/matrix.md': '# Matrix\n\nRead [the guide](guide/01-one.md).\n',
  'docs/porting.md': '# Porting\n',
  'docs/guide/01-one.md': '---\ntitle: One\n---\n\n# One\n\nGo on with [the other chapter](02-two.md).\n',
  'docs/guide/02-two.md': '# Two\n\nUse {@link pageIndex}.\n',
  'packages/toy/README.md': '# Toy\n',
  'packages/toy/package.json':
    '{ "name": "@fsport/toy", "version": "1.0.0", "type": "module", "exports": "./dist/index.js" }',
  'packages/toy/src/index.ts': `/**
 * A package.
 *
 * @packageDocumentation
 */

/** Shift of {@link pageIndex}. */
export const PAGE_SHIFT = 3;

/**
 * The page of a byte.
 *
 * @param pos - Byte.
 */
export function pageIndex(pos: number): number {
  return pos >> PAGE_SHIFT;
}
`,
};

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-docs-')));
  for (const path of [
    'typedoc.config.mjs',
    'scripts/typedoc-literals.mjs',
    'docs/site',
    'tsconfig.base.json',
  ]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  cpSync(join(ROOT, 'packages/core/tsconfig.json'), join(folder, 'packages/toy/tsconfig.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What `npm run docs` ends with and says if these files are what is documented. */
function documented(files: Readonly<Record<string, string>>): readonly [status: number | null, said: string] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const env = { ...process.env, NO_COLOR: '1' };
  const typedoc = join(ROOT, 'node_modules/typedoc/bin/typedoc');
  const options = { cwd: folder, env, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc], options);
  return [status, stdout + stderr];
}

test(
  'what is sound is built, without a warning',
  () => {
    const [status, said] = documented(SOUND);
    expect([status, said]).toEqual([0, expect.not.stringMatching(/warning|error/)]);
  },
  PATIENCE_MS,
);

const TOY = 'packages/toy/src/index.ts';

test.each([
  ['an undocumented export', TOY, 'export const planted = 1;', /planted .*does not have any documentation/],
  [
    'a type that is not exported',
    TOY,
    'interface Planted {\n  /** A seed. */\n  readonly seed: number;\n}\n/** Documented. */\nexport const seed: Planted = { seed: 1 };',
    /Planted.*not included in the documentation/,
  ],
  ['a link to no symbol', TOY, '/** See {@link planted}. */\nexport const seed = 1;', /link to "planted"/],
  ['a link to no chapter', 'docs/guide/02-two.md', 'See [planted](03-planted.md).', /03-planted\.md/],
])(
  '%s is refused by its name',
  (_, path, planted, named) => {
    const [status, said] = documented({ ...SOUND, [path]: `${SOUND[path]}\n${planted}\n` });
    expect(status).not.toBe(0);
    expect(said).toMatch(named);
    expect(said).toContain('warning');
  },
  PATIENCE_MS,
);
