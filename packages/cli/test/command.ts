// Runs the real command in a process of its own, in a project of its own outside the repository.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
export const BIN = join(PACKAGES, 'cli/bin/fsport.js');

/** How long one call may take; a spinning model is stopped after ten seconds. */
export const PATIENCE_MS = 60_000;

export type Called = Pick<SpawnSyncReturns<string>, 'status' | 'stdout' | 'stderr'>;

/** A folder with a package.json, in which the command can be called. */
export class Project {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-cli-')));

  /**
   * @param plugins - Source of the module of each filesystem package; `ext4` is imported already.
   * @param more - What else is installed: packages of the repository, or tools that it uses.
   */
  constructor(plugins: Readonly<Record<string, string>> = {}, more: readonly string[] = []) {
    const dependencies = Object.fromEntries(Object.keys(plugins).map((name) => [name, '*']));
    this.write('package.json', JSON.stringify({ name: 'project', dependencies }));
    for (const [name, source] of Object.entries(plugins)) this.#plant(name, source);
    for (const name of ['core', 'fs-ext4', ...more]) {
      if (name.startsWith('@')) this.#link(realpathSync(join(PACKAGES, '../node_modules', name)), name);
      else this.#link(join(PACKAGES, name), `@fsport/${name}`);
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Call `fsport` here; a run has one worker unless it says otherwise, because each takes a while to start. */
  call(...args: string[]): Called {
    return this.callIn('.', ...args);
  }

  /** Call it in a folder below. */
  callIn(folder: string, ...args: string[]): Called {
    if (args[0] === 'run') args.splice(1, 0, '--workers', '1');
    const options = { cwd: join(this.folder, folder), encoding: 'utf8', timeout: PATIENCE_MS } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], options);
    return { status, stdout, stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #plant(name: string, source: string): void {
    const manifest = {
      name,
      version: '1.2.3',
      type: 'module',
      keywords: ['fsport-filesystem'],
      exports: { import: './index.js' },
    };
    this.write(`plugins/${name}/package.json`, JSON.stringify(manifest));
    const imports = "import ext4 from '@fsport/fs-ext4';\nimport * as core from '@fsport/core';\n";
    this.write(`plugins/${name}/index.js`, `${imports}${source}`);
    this.#link(join(this.folder, 'plugins', name), name);
  }

  /** Install a package as package managers do in a workspace. */
  #link(from: string, name: string): void {
    const to = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to, 'junction');
  }
}

/** Source of a model that does something else at the beginning of each fallocate. The line is the module's fifth. */
export function ext4But(name: string, line: string): string {
  return `export default { ...ext4, name: '${name}', iget(sb, ino) {
  const inode = ext4.iget(sb, ino), { fallocate } = inode.iFop; inode.iFop = { ...inode.iFop, *fallocate(...args) {
    ${line}
    return yield* fallocate(...args); } };
  return inode; } };
`;
}
