/** Makes a check in the repository: one file, with a line in the registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@fsport/core';
import { mustBeInRepository } from './home.js';
import { inserted, withImport } from './insert.js';
import { addFiles, listOf } from './writing.js';

/** How to make a check. */
export interface CheckOptions {
  /** Groups it belongs to. */
  readonly groups: readonly string[];
  /** Write over a check that is there? */
  readonly overwrite: boolean;
}

const ID = /^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/;
const FOLDER = 'packages/conformance/src/checks';

/**
 * Make a check.
 *
 * @param id - Its id, `<area>/<workload>`.
 * @param options - How.
 * @param known - Ids of the checks there are.
 * @param cwd - Where the command is called.
 * @throws UsageError `BAD_NAME`, `EXISTS` or `NOT_IN_REPOSITORY`; then nothing was written.
 */
export function createCheck(
  id: string,
  { groups, overwrite }: CheckOptions,
  known: ReadonlySet<string>,
  cwd: string,
): void {
  if (!ID.test(id)) {
    const advice = 'Write <area>/<workload> in small letters, digits and dashes, such as race/write-vs-punch';
    throw new UsageError('BAD_NAME', { name: id }, `"${id}" cannot be the id of a check. ${advice}.`);
  }
  if (known.has(id) && !overwrite) {
    throw new UsageError('EXISTS', { check: id }, `There is a check "${id}". Choose another id.`);
  }
  const root = mustBeInRepository(cwd, 'a check');
  const module = id.replace('/', '-');
  const constant = module.replaceAll('-', '_').toUpperCase();
  const registry = readFileSync(join(root, FOLDER, 'registry.ts'), 'utf8');
  const files = new Map([
    [`${FOLDER}/${module}.ts`, check(id, constant, groups)],
    [`${FOLDER}/registry.ts`, registered(registry, module, constant)],
  ]);
  addFiles(root, files, overwrite, [`${FOLDER}/registry.ts`]);
  process.stdout.write(listOf(root, files));
  process.stdout.write(
    `\nNext: say in ${FOLDER}/${module}.ts who runs and what must hold, and name a mutant that fails it: ` +
      `npm run build && npx fsport run ${id}\n`,
  );
}

function registered(registry: string, module: string, constant: string): string {
  const path = `./${module}.js`;
  if (registry.includes(`'${path}'`)) return registry;
  const place = /(CHECKS: readonly Check\[\] = \[)([^\]]*?)(?:,?\s*)(\])/;
  // With one more the list is too long for one line.
  const listed = (found: string): string => {
    const names = [...found.split(',').map((name) => name.trim()), constant];
    return `${names.map((name) => `\n  ${name},`).join('')}\n`;
  };
  const text = inserted(registry, place, listed);
  return withImport(text, constant, path);
}

function check(id: string, constant: string, groups: readonly string[]): string {
  const listed = groups.map((group) => `'${group}'`).join(', ');
  return `/** What is claimed here, in one sentence, and what can go wrong. */
import type { Check } from '../types.js';
import { ALL_CHECKERS } from './pairs.js';

/** Two readers of one page: replace the workload by the one that the check is about. */
export const ${constant}: Check = {
  id: '${id}',
  summary: 'Two reads of one page see what is on disk.',
  groups: [${listed}],
  requires: {},
  rows: [],
  pair: null,
  geometry: { name: 'page', pageSize: 8, blockSize: 8 },
  raPages: 0,
  files: [{ ino: 12, size: 8, blocks: [{ data: 'A' }] }],
  setUp: [],
  tasks: [
    { letter: 'r', ops: [{ op: 'pread', pos: 0, len: 8 }] },
    { letter: 's', ops: [{ op: 'pread', pos: 0, len: 8 }] },
  ],
  checkers: ALL_CHECKERS,
  faults: {},
  fair: false,
  fixedBy: [],
  see: 'mm/filemap.c filemap_read() (v5.15)',
};
`;
}
