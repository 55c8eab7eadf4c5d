/** Which filesystems a change can matter to, by what git says. */
import { execFileSync } from 'node:child_process';
import { join, relative, sep } from 'node:path';
import { UsageError } from '@fsport/core';
import { enginePackages, type Plugin, workspacePackages } from './discovery.js';

/** Files that no verdict depends on, if they are in no package. */
const PROSE = /\.(?:md|txt)$|(?:^|\/)(?:docs|\.github)\//;

/**
 * The filesystems whose package has changed, or a package of the workspace that it depends on. A change of fsport
 * itself, or of a file that belongs to no package and may decide how packages are built, means all of them.
 *
 * @param plugins - The filesystems.
 * @param since - What to compare the files with: a commit.
 * @param cwd - Where the command is called.
 * @param results - Folder of results, which a run changes.
 * @throws UsageError `BAD_OPTION` if git cannot tell.
 */
export async function changedSince(
  plugins: readonly Plugin[],
  since: string,
  cwd: string,
  results: string,
): Promise<readonly Plugin[]> {
  const root = git(cwd, ['rev-parse', '--show-toplevel'], since).trim();
  git(root, ['rev-parse', '--verify', '--quiet', `${since}^{commit}`], since);
  const names = [
    ...git(root, ['diff', '--name-only', '-z', since, '--'], since).split('\0'),
    ...git(root, ['ls-files', '--others', '--exclude-standard', '-z'], since).split('\0'),
  ];
  const files = names.filter((name) => name !== '').map((name) => join(root, name));
  const changed = files.filter((file) => !isIn(join(cwd, results), file));
  const packages = await workspacePackages(cwd);
  const owners = [...packages.keys()].filter((folder) => folder !== root);
  const everything = changed.some((file) => {
    if (enginePackages().some((folder) => isIn(folder, file))) return true;
    return (
      !owners.some((folder) => isIn(folder, file)) && !PROSE.test(relative(root, file)) && !isOfAPlugin(file)
    );
  });
  if (everything) return plugins;
  return plugins.filter(({ folder }) => {
    const used = dependenciesWithin(folder, packages);
    return changed.some((file) => used.some((one) => isIn(one, file)));
  });

  function isOfAPlugin(file: string): boolean {
    return plugins.some(({ folder }) => isIn(folder, file));
  }
}

/** A package of the workspace and all those of it that it depends on, however far. */
function dependenciesWithin(
  folder: string,
  packages: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const seen = new Set([folder]);
  for (const one of seen)
    for (const other of packages.get(one) ?? []) if (packages.has(other)) seen.add(other);
  return [...seen];
}

function isIn(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path !== '..' && !path.startsWith(`..${sep}`);
}

function git(cwd: string, args: readonly string[], since: string): string {
  try {
    return execFileSync('git', args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const said = stderr?.trim().split('\n')[0] ?? '';
    const why = said === '' ? (stderr === '' ? `there is no commit "${since}"` : message) : said;
    const text = `--changed cannot tell what has changed: ${why}. Call it in a git repository, with a commit it knows.`;
    throw new UsageError('BAD_OPTION', { option: 'changed' }, text);
  }
}
