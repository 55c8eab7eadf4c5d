/** Where a new package goes: into the repository of fsport, or wherever the command is called. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '@fsport/core';

/** A place for a new filesystem package. */
export interface Home {
  /** Root of the repository, `null` outside. */
  readonly repository: string | null;
  /** Folder of the new package. */
  readonly folder: string;
  /** Its name. */
  readonly packageName: string;
}

/**
 * The repository of fsport around a folder.
 *
 * @returns `null` if there is none.
 */
export function repositoryAround(folder: string): string | null {
  const manifest = join(folder, 'packages/fs-minimal/package.json');
  if (existsSync(manifest) && existsSync(join(folder, 'tsconfig.base.json'))) {
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: unknown };
    if (name === '@fsport/fs-minimal') return folder;
  }
  const above = dirname(folder);
  return above === folder ? null : repositoryAround(above);
}

/**
 * Where a filesystem goes.
 *
 * @param name - Its name.
 * @param cwd - Where the command is called.
 */
export function homeOf(name: string, cwd: string): Home {
  const repository = repositoryAround(cwd);
  if (repository === null) {
    return { repository, folder: join(cwd, `fs-${name}`), packageName: `fs-${name}` };
  }
  return {
    repository,
    folder: join(repository, 'packages', `fs-${name}`),
    packageName: `@fsport/fs-${name}`,
  };
}

/**
 * The repository around a folder, for what can only live there.
 *
 * @param cwd - The folder.
 * @param what - What is to be made, for the message.
 * @throws UsageError `NOT_IN_REPOSITORY`.
 */
export function mustBeInRepository(cwd: string, what: string): string {
  const root = repositoryAround(cwd);
  if (root !== null) return root;
  const text = `A filesystem can live anywhere, but ${what} is part of fsport. Call this in a clone of its repository.`;
  throw new UsageError('NOT_IN_REPOSITORY', {}, text);
}
