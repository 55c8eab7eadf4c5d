/** The command line of the scaffold, for `npm create @fsport/fs` and for `fsport new fs`. */
import { releaseOf, UsageError } from '@fsport/core';
import { Command, InvalidArgumentError } from 'commander';
import { createFs } from './create-fs.js';
import { mustBePlace } from './package.js';

interface Flags {
  readonly follows?: readonly string[];
  readonly see?: string;
  readonly interactive: boolean;
  readonly overwrite?: boolean;
  readonly run: boolean;
}

/** What is wrong with a value, said of its option. */
function judged<T>(value: T, judge: (value: T) => unknown): T {
  try {
    judge(value);
    return value;
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error;
  }
}

function profiles(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((one) => judged(one.trim(), releaseOf))];
}

/**
 * The command that makes a filesystem package.
 *
 * @param called - What it is called.
 * @param ended - Told the exit status.
 */
export function createFsCommand(called: string, ended: (status: number) => void): Command {
  return new Command(called)
    .description('make a filesystem package that passes the suite, and claims nothing yet')
    .argument('<name>', 'name of the filesystem, as in /proc/filesystems: ext2')
    .option('--follows <profiles>', 'kernel releases it follows (default: v5.14, v5.15)', profiles)
    .option('--see <files>', 'kernel source that it models (default: fs/<name>/)', (text) =>
      judged(text, mustBePlace),
    )
    .option('--no-interactive', 'never ask; without a terminal nobody is asked anyway')
    .option('--overwrite', 'write over a package of that name')
    .option('--no-run', 'write the files; do not install, build and run the suite on them')
    .action(async (name: string, { overwrite = false, ...flags }: Flags) => {
      ended(await createFs(name, { ...flags, overwrite }, process.cwd()));
    });
}
