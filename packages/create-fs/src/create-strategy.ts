/** Makes a search strategy in the repository: a copy of the random walk, with a line in the registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@fsport/core';
import { mustBeInRepository } from './home.js';
import { inserted, withImport } from './insert.js';
import { addFiles, listOf } from './writing.js';

const NAME = /^[a-z][a-z0-9]{0,30}$/;
const FOLDER = 'packages/explore/src/strategies';

/**
 * Make a strategy.
 *
 * @param name - Its name.
 * @param overwrite - Write over one that is there?
 * @param known - Names of the strategies there are.
 * @param cwd - Where the command is called.
 * @throws UsageError `BAD_NAME`, `EXISTS` or `NOT_IN_REPOSITORY`; then nothing was written.
 */
export function createStrategy(
  name: string,
  overwrite: boolean,
  known: ReadonlySet<string>,
  cwd: string,
): void {
  if (!NAME.test(name)) {
    const advice = 'Write small letters and digits after a letter, at most 31, such as greedy';
    throw new UsageError('BAD_NAME', { name }, `"${name}" cannot be the name of a strategy. ${advice}.`);
  }
  if (known.has(name) && !overwrite) {
    throw new UsageError('EXISTS', { name }, `There is a strategy "${name}". Choose another name.`);
  }
  const root = mustBeInRepository(cwd, 'a strategy');
  const text = (path: string): string => readFileSync(join(root, FOLDER, path), 'utf8');
  const className = `${name.charAt(0).toUpperCase()}${name.slice(1)}Strategy`;
  const files = new Map([
    [`${FOLDER}/${name}.ts`, text('random.ts').replaceAll('RandomStrategy', className)],
    [`${FOLDER}/registry.ts`, registered(text('registry.ts'), name, className)],
  ]);
  addFiles(root, files, overwrite, [`${FOLDER}/registry.ts`]);
  process.stdout.write(listOf(root, files));
  process.stdout.write(
    `\nNext: decide in ${FOLDER}/${name}.ts who runs next; it is a random walk now: ` +
      `npm run build && npx fsport run ext4 E1 --strategy ${name} --max-executions 1000\n`,
  );
}

function registered(registry: string, name: string, className: string): string {
  const path = `./${name}.js`;
  if (registry.includes(`'${path}'`)) return registry;
  const place = /(export const STRATEGIES = \{)([\s\S]*?)(\n\} satisfies)/;
  const line = `\n  ${name}: ({ seed }) => new ${className}(seed),`;
  return withImport(
    inserted(registry, place, (found) => `${found}${line}`),
    className,
    path,
  );
}
