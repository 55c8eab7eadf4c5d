/** `fsport list`: checks, one id per line, which `fsport run` takes as they are. */
import { Command } from 'commander';
import { discover } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { type Selection, select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';

/** The ids of the selected checks, each once, in the order of the suite. */
export function idsOf({ filesystems }: Selection): string {
  const ids = new Set(filesystems.flatMap(({ checks }) => checks.map(({ id }) => id)));
  return [...ids].map((id) => `${id}\n`).join('');
}

/** The command. */
export function listCommand(ended: (status: number) => void): Command {
  const command = new Command('list').description('print the ids of checks; all of them without arguments');
  return withSelection(command).action(async (names: string[], flags: SelectionFlags) => {
    const plugins = await discover(process.cwd());
    process.stdout.write(idsOf(select(plugins, wantedOf(names, flags), null)));
    ended(EXIT.ok);
  });
}
