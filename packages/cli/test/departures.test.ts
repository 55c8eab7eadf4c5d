// Shows that docs/departures.md is what the sources say, by collecting the @departs tags again; and on a tree of
// three files, that a tag at the head of a file, on a function and in a class is found, and a page that is out of
// date is refused.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SCRIPT = join(ROOT, 'scripts', 'departures.mjs');

function departures(cwd: string, ...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [SCRIPT, ...args], { cwd, encoding: 'utf8' });
}

test('docs/departures.md is current', () => {
  expect(departures(ROOT, '--check')).toMatchObject({ status: 0, stderr: '' });
});

test('tags are found wherever they are, and a page that is out of date is refused', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-departures-')));
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  try {
    write('docs/decisions/x.md', '');
    write(
      'packages/core/src/mm/a.ts',
      "/**\n * A.\n *\n * @departs The whole\n *   file.\n */\nimport './b.js';\n",
    );
    write('packages/core/src/mm/b.ts', '/** B. @departs As {@link g}. */\nexport function f(): void {}\n');
    write('packages/fs-x/src/c.ts', 'export class C {\n  /** @departs In a class. */\n  m(): void {}\n}\n');
    expect(departures(root, '--check').status).toBe(1);
    expect(departures(root).status).toBe(0);
    expect(departures(root, '--check').status).toBe(0);
    const items = readFileSync(join(root, 'docs/departures.md'), 'utf8').match(/^- .*/gm);
    expect(items).toEqual(['- The whole file.', '- `f`: As `g`.', '- `C.m`: In a class.']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
