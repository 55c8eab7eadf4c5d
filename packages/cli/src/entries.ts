/** Files of entries, one per line, as the user writes them. */
import { readFileSync } from 'node:fs';
import type { UsageError } from '@fsport/core';

/** An entry. */
export interface Entry {
  /** The line. */
  readonly text: string;
  /** Where it stands, for messages: `known.txt:3`. */
  readonly where: string;
}

/**
 * Read a file of entries; empty lines and lines that begin with `#` say nothing.
 *
 * @param path - The file.
 * @param option - The option that names it.
 * @param bad - Makes the error that says where something is wrong, and what.
 * @throws What `bad` makes, if the file cannot be read.
 */
export function readEntries(
  path: string,
  option: string,
  bad: (where: string, what: string) => UsageError,
): readonly Entry[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw bad(`${option} ${path}`, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const entries = text.split('\n').map((line, index) => ({ text: line, where: `${path}:${index + 1}` }));
  return entries.filter((entry) => !/^\s*(?:#|$)/.test(entry.text));
}
