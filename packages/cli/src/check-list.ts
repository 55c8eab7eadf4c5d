/** Files that list the checks to run: what `fsport list` prints, with comments. */
import { CHECKS, type Check, selectChecks } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { readEntries } from './entries.js';

function bad(where: string, what: string): UsageError {
  const advice = 'Write what "fsport list" prints, one check or glob per line; # begins a comment.';
  return new UsageError('BAD_LIST', { where }, `${where}: ${what}. ${advice}`);
}

/**
 * The checks of a list.
 *
 * @param path - The file.
 * @throws UsageError `BAD_LIST` if it cannot be read, names no check, or a line of it fits none.
 */
export function readCheckList(path: string): readonly Check[] {
  const entries = readEntries(path, '--check-list', bad);
  // An empty list must not run everything.
  if (entries.length === 0) throw bad(path, 'it lists no check');
  return entries.flatMap(({ text, where }) => {
    const pattern = text.replace(/#.*/, '').trim();
    try {
      return selectChecks(CHECKS, pattern);
    } catch {
      throw bad(where, `"${pattern}" fits no check`);
    }
  });
}
