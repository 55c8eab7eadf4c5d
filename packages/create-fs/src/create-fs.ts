/** Makes a filesystem package that is green at once: it claims nothing yet. */
import { relative } from 'node:path';
import { releaseOf } from '@fsport/core';
import { ask, canAsk } from './asking.js';
import { firstRun, runAll } from './first-run.js';
import { homeOf } from './home.js';
import { mustBeName } from './names.js';
import { mustBePlace, packageFiles } from './package.js';
import { readTemplate } from './template.js';
import { listOf, writeFiles } from './writing.js';

/** Before and after the port to the shared lock. */
const PORT: readonly string[] = ['v5.14', 'v5.15'];

/** How to make a filesystem package. */
export interface CreateOptions {
  /** Profiles it follows; asked for if undefined. */
  readonly follows?: readonly string[];
  /** Where the kernel's source is; asked for if undefined. */
  readonly see?: string;
  /** Ask for what is missing, if there is a terminal? */
  readonly interactive: boolean;
  /** Write over a package that is there? */
  readonly overwrite: boolean;
  /** Install, build and run the suite on it? */
  readonly run: boolean;
}

/**
 * Make a filesystem package in the repository around `cwd`, or in `cwd` itself.
 *
 * @param name - Name of the filesystem.
 * @param options - How.
 * @param cwd - Where the command is called.
 * @returns Exit status: `0`, or `1` if the package is there and its first run failed.
 * @throws UsageError `BAD_NAME`, `UNKNOWN_PROFILE`, `BAD_OPTION` or `EXISTS`; then nothing was written.
 */
export async function createFs(name: string, options: CreateOptions, cwd: string): Promise<number> {
  const template = readTemplate();
  const code = Object.entries(template.files).filter(([path]) => path.endsWith('.ts'));
  mustBeName(
    name,
    code.map(([, text]) => text),
  );
  const home = homeOf(name, cwd);
  const asks = options.interactive && canAsk();
  const follows =
    options.follows ??
    (asks ? (await ask('Kernel releases it follows', PORT.join(', '))).split(/[\s,]+/) : PORT);
  for (const profile of follows) releaseOf(profile);
  const place = `fs/${name}/`;
  const see = options.see ?? (asks ? await ask('Kernel source that it models', place) : place);
  mustBePlace(see);
  const files = packageFiles(template, { name, follows, see }, home);
  writeFiles(home.folder, files, options.overwrite);
  process.stdout.write(`${home.packageName}:\n${listOf(home.folder, files)}`);
  const commands = firstRun(name, home);
  const where = relative(cwd, home.repository ?? home.folder);
  const enter = where === '' ? '' : `cd ${where} && `;
  const last = options.run ? runAll(commands, home) : null;
  if (last !== null) {
    const text = `fsport: the files are there, but "${last}" failed. Mend that, then go on with it in ${where === '' ? 'this folder' : where}.\n`;
    process.stderr.write(text);
    return 1;
  }
  const source = relative(cwd, `${home.folder}/src/index.ts`);
  const lines = commands.map(({ program, args }) => [program, ...args].join(' '));
  // What is installed stays installed.
  const again = (options.run ? lines.slice(1) : lines).join(' && ');
  process.stdout.write(
    `\nNext: claim "truncate" in ${source}, add setattr to its iOps, and make it pass: ${enter}${again}\n`,
  );
  return 0;
}
