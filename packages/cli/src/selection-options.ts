/** The options that select checks, the same for every command that selects some. */
import type { Command } from 'commander';
import { collected, listed } from './options.js';
import type { Wanted } from './selection.js';

/** Those options as commander reads them. */
export type SelectionFlags = Partial<Omit<Wanted, 'names'>>;

/** Add the options to a command. */
export function withSelection(command: Command): Command {
  return command
    .argument(
      '[names...]',
      'filesystems (ext4, fs-ext4) and checks (ids, globs, short names such as E1, file:line)',
    )
    .option(
      '--check-list <file>',
      'a file of checks in addition to those named, one per line, as "fsport list" prints them; repeatable',
      collected,
    )
    .option('-g, --group <names>', 'groups of checks, in addition to those named (default: auto)', listed)
    .option('-x, --exclude-group <names>', 'groups to leave out', listed)
    .option(
      '-e, --exclude <entry>',
      'a check or glob to leave out, and why: "E1 # reason"; repeatable',
      collected,
    )
    .option('-E, --exclude-file <file>', 'a file of such entries, one per line; repeatable', collected)
    .option(
      '-X, --exclude-own <name>',
      'such a file in the package of each filesystem, for itself; repeatable',
      collected,
    )
    .option('-s, --profile <names>', 'profiles (default: all that a filesystem follows)', listed);
}

/** What is asked for. */
export function wantedOf(names: readonly string[], flags: SelectionFlags): Wanted {
  const { checkList, group, excludeGroup, exclude, excludeFile, excludeOwn, profile } = flags;
  return {
    names,
    checkList: checkList ?? [],
    group: group ?? [],
    excludeGroup: excludeGroup ?? [],
    exclude: exclude ?? [],
    excludeFile: excludeFile ?? [],
    excludeOwn: excludeOwn ?? [],
    profile: profile ?? [],
  };
}
