/** Checks that the user leaves out. Every entry says why, after a `#`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKS, selectChecks } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import type { Plugin } from './discovery.js';
import { readEntries } from './entries.js';

/** A check left out. */
export interface Excluded {
  /** Its id. */
  readonly check: string;
  /** Why. */
  readonly reason: string;
}

function bad(where: string, what: string): UsageError {
  const advice = 'Write one check or glob, a # and the reason: "pair/pread-* # known, see the list".';
  return new UsageError('BAD_EXCLUDE', { where }, `${where}: ${what}. ${advice}`);
}

/**
 * Read one entry.
 *
 * @param entry - `<check or glob> # <reason>`.
 * @param where - Where it stands, for messages.
 * @throws UsageError `BAD_EXCLUDE` without a reason, or if it names no check.
 */
export function parseEntry(entry: string, where: string): readonly Excluded[] {
  const [pattern = '', ...comment] = entry.split('#');
  const reason = comment.join('#').trim();
  if (reason === '') throw bad(where, `"${entry.trim()}" has no reason`);
  try {
    return selectChecks(CHECKS, pattern.trim()).map(({ id }) => ({ check: id, reason }));
  } catch {
    throw bad(where, `"${pattern.trim()}" names no check`);
  }
}

/**
 * Read a file of entries.
 *
 * @param path - The file.
 * @throws UsageError `BAD_EXCLUDE`.
 */
export function readExcludeFile(path: string): readonly Excluded[] {
  return readEntries(path, '--exclude-file', bad).flatMap(({ text, where }) => parseEntry(text, where));
}

/**
 * Read the file of that name in the package of each filesystem that has one.
 *
 * @param plugins - The filesystems.
 * @param name - Name of the file.
 * @returns What each of them leaves out.
 * @throws UsageError `BAD_EXCLUDE`, also if none of them has such a file.
 */
export function readOwnExcludeFiles(
  plugins: readonly Plugin[],
  name: string,
): ReadonlyMap<Plugin, readonly Excluded[]> {
  const having = plugins.filter(({ folder }) => existsSync(join(folder, name)));
  if (having.length === 0)
    throw bad(`--exclude-own ${name}`, 'none of the filesystem packages has such a file');
  return new Map(having.map((plugin) => [plugin, readExcludeFile(join(plugin.folder, name))]));
}
