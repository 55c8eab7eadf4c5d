/** Writes what a scaffold makes, and never over something that is there unless told to. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { UsageError } from '@fsport/core';

/**
 * Write files.
 *
 * @param folder - Where they go.
 * @param files - Path below it -> text.
 * @param overwrite - Write over what is there? Files of other names stay.
 * @throws UsageError `EXISTS`; then nothing was written.
 */
export function writeFiles(folder: string, files: ReadonlyMap<string, string>, overwrite: boolean): void {
  if (!overwrite && isTaken(folder)) throw exists(folder);
  write(folder, files);
}

/**
 * Write new files among others.
 *
 * @param folder - Where they go.
 * @param files - Path below it -> text.
 * @param overwrite - Write over what is there?
 * @param changed - Paths of those that are there and are meant to change.
 * @throws UsageError `EXISTS` if one is there and may not be overwritten; then nothing was written.
 */
export function addFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
  overwrite: boolean,
  changed: readonly string[],
): void {
  const fresh = [...files.keys()].filter((path) => !changed.includes(path));
  const there = fresh.map((path) => join(folder, path)).find((path) => existsSync(path));
  if (there !== undefined && !overwrite) throw exists(there);
  write(folder, files);
}

function write(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
}

/** Is there anything but an empty folder? */
function isTaken(path: string): boolean {
  if (!existsSync(path)) return false;
  return !statSync(path).isDirectory() || readdirSync(path).length > 0;
}

function exists(path: string): UsageError {
  const shown = relative(process.cwd(), path);
  const text = `${shown} exists. Choose another name, or write over it with --overwrite.`;
  return new UsageError('EXISTS', { path: shown }, text);
}

/** The files of a scaffold as a list for people. */
export function listOf(folder: string, files: ReadonlyMap<string, string>): string {
  const paths = [...files.keys()].map((path) => relative(process.cwd(), join(folder, path)));
  return paths.map((path) => `  ${path}\n`).join('');
}
